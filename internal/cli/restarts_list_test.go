package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

func TestWriteServices(t *testing.T) {
	var b bytes.Buffer
	e := explained(func(e *policy.Explanation) {
		e.Budget, e.LastAttempt = policy.Budget{Hour: 2, Day: 5}, morning.Add(-80*time.Second)
	})
	writeServices(&b, []policy.Explanation{*e, {Service: "new", Backend: "command", Mode: policy.ModeObserve, Phase: policy.PhaseUnarmed}}, time.UTC)
	const want = `SERVICE  ENVIRONMENT  MODE     PHASE     PROBE            LEFT
shop     LIVE         enforce  cooldown  connect_refused  2/h 5/d
  by pm2; held by cooldown until 10:31:12 (in 3m40s); last attempt 10:26:12
      (1m20s ago)
new      -            observe  unarmed   none             0/h 0/d
  by command; no attempt yet
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
