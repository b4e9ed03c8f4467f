package prober_test

import (
	"errors"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestRefuse(t *testing.T) {
	want := errors.New("no")
	r := prober.Refuse(prober.ReasonTargetForbidden, want).Probe(t.Context(), prober.Request{})
	if r.Success() || r.Reason != prober.ReasonTargetForbidden || r.FailedPhase != prober.PhasePrepare || !errors.Is(r.Err, want) || r.Start.IsZero() || r.Attempts != 1 {
		t.Errorf("got %+v, want a failure", r)
	}
}
