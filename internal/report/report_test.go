package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestWaterfall(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name   string
		phases []prober.Phase
		want   string
	}{
		{"nothing", nil, ""},
		{"one at once", []prober.Phase{{Name: prober.PhaseResolve}}, "  resolve        0.0 ms  |=\n"},
		{"in turn", []prober.Phase{
			{Name: prober.PhaseResolve, Duration: 10 * ms},
			{Name: prober.PhaseConnect, Start: 10 * ms, Duration: 20 * ms},
			{Name: prober.PhaseProcessing, Start: 30 * ms, Duration: 10 * ms},
		}, "  resolve       10.0 ms  |==========\n" +
			"  connect       20.0 ms  |          ====================\n" +
			"  processing    10.0 ms  |                              ==========\n"},
		{"with a gap, and a short one", []prober.Phase{
			{Name: prober.PhaseConnect, Start: 20 * ms, Duration: 1000},
			{Name: prober.PhaseTransfer, Start: 30 * ms, Duration: 10 * ms},
		}, "  connect        0.0 ms  |                    =\n" +
			"  transfer      10.0 ms  |                              ==========\n"},
		{"hours", []prober.Phase{
			{Name: prober.PhaseTransfer, Start: 2000 * time.Hour, Duration: 2000 * time.Hour},
		}, "  transfer   7200000000.0 ms  |                    ====================\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			waterfall(&b, prober.Result{Phases: tc.phases, Duration: 1500 * time.Microsecond, Timeout: 9999999 * time.Microsecond})
			want := tc.want + "  total          1.5 ms  of 10s allowed\n"
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("waterfall (-want +got):\n%s", diff)
			}
		})
	}
}

// What was said may hold secrets: others than the one who runs the probe read how long it was.
func TestSharedSaysNothing(t *testing.T) {
	rep := Report{Target: "ws://a.example/", Module: "websocket", Result: prober.Result{Attempts: 1, HTTP: &prober.HTTPResult{Proto: "HTTP/1.1", StatusCode: 503, Excerpt: "canary"}, WebSocket: &prober.WebSocketResult{
		StatusCode: 101, Upgraded: true, Received: 3, Excerpt: "canary", Messages: []prober.Message{
			{Sent: true, Type: prober.TextMessage, Bytes: 14, Excerpt: `{"t":"canary"}`},
			{Type: prober.BinaryMessage, Bytes: 6, Excerpt: "63616e617279"},
			{Type: prober.CloseMessage, Bytes: 8, Excerpt: `1008 "canary"`},
		},
	}}}
	draw := func() string {
		var b strings.Builder
		if err := rep.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := draw(); strings.Count(got, "canary") != 4 || !strings.Contains(got, "63616e617279") {
		t.Errorf("who runs it does not see all that was said:\n%s", got)
	}
	rep.Shared = true
	if got := draw(); strings.Contains(got, "canary") || strings.Contains(got, "63616e") || !strings.Contains(got, "-> text   14 bytes") || !strings.Contains(got, "and 2 messages more") {
		t.Errorf("others see what was said, or not that something was:\n%s", got)
	}
}
