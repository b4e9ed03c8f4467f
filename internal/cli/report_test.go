package cli

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
