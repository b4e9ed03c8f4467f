package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// What asks for a restart is named, also where it is no alert.
func TestExplanationOfTrigger(t *testing.T) {
	var b bytes.Buffer
	writeExplanation(&b, explained(func(e *policy.Explanation) {
		e.Alerts, e.AlertedAt, e.Trigger, e.OwnChecksAt = 0, time.Time{}, policy.TriggerOwnChecks, morning.Add(-time.Minute)
	}), time.UTC)
	const want = "  asked for by its own checks since 10:26:32 (1m0s ago): they have failed for\n      without_alert_after\n  trigger: own_checks\n"
	if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "alert that last came") {
		t.Errorf("the explanation does not say %q:\n%s", want, b.String())
	}
}

func TestWriteExplanation(t *testing.T) {
	var b bytes.Buffer
	writeExplanation(&b, explained(nil), time.UTC)
	const want = `shop (LIVE, web, by pm2, mode enforce): cooldown
  http://127.0.0.1:8080/health
  asked for by an alert that last came at 10:27:32 (in 0s) and is not resolved

GUARD        SAYS  VALUE                LIMIT                NEXT
mode         ok    enforce              observe or enforce   -
unconfirmed  ok    3 failures           3, at least 1s       -
                                        apart
cooldown     held  1m20s since the      5m0s                 10:31:12 (in 3m40s)
                   last attempt

held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12
    (in 3m40s)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}
