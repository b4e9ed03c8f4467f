package restart

import (
	"errors"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The check that speaks for a service brings what to do about its failure, and a healthy one nothing.
func TestRoundHasTheHint(t *testing.T) {
	check := func(reason prober.Reason, hint string) Check {
		return Check{
			Definition: "known", Timeout: time.Second, Prober: prober.Refuse(reason, errors.New("failed")),
			Hint: func(r *prober.Result) string { return hint + string(r.Reason) },
		}
	}
	s := Service{Checks: []Check{check(prober.ReasonStatus, "first: "), check(prober.ReasonBody, "second: ")}}
	if got := s.round(t.Context()).hint; got != "first: status" {
		t.Errorf("the hint is %q, want that of the first", got)
	}
	s.Checks[0].Hint = nil
	if got := s.round(t.Context()).hint; got != "" {
		t.Errorf("the hint is %q, want none", got)
	}
}
