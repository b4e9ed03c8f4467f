package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// TestAlertTestInterrupted: the alerts end even if the command is interrupted.
func TestAlertTestInterrupted(t *testing.T) {
	a := probetest.NewAlertmanager(t)
	a.Set("", probetest.QuirkSlow)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for a.Firing() < 2 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	var out, errOut bytes.Buffer
	status := testAlert(ctx, &out, &errOut, alertTestOptions{Alertmanager: exporterOptions{URL: a.URL}, Wait: time.Minute})
	if status != ExitFailed || errOut.String() != "interrupted\n" {
		t.Errorf("got %d %q, want %d and that it was interrupted", status, errOut.String(), ExitFailed)
	}
	if n := a.Firing(); n != 0 {
		t.Errorf("%d alerts still fire", n)
	}
	if !strings.HasSuffix(out.String(), "ok      the alerts are ended again\n") || strings.Contains(out.String(), "FAILED") {
		t.Errorf("got %s", out.String())
	}
}
