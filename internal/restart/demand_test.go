package restart

import (
	"io"
	"testing"
	"testing/synctest"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// Two Prometheus send the same labels, and each check of a service has an alert of its own.
func TestHandleDemands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{}
		service := s.service("shop", shopTarget)
		service.Match = map[string]string{"service": "shop"}
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		synctest.Wait()
		for _, tt := range []struct {
			check    string
			resolved bool
			want     int
		}{
			{"a", false, 1}, {"a", false, 1}, {"b", false, 2}, {"a", true, 1}, {"a", true, 1}, {"b", true, 0},
		} {
			labels := map[string]string{"service": "shop", "check": tt.check}
			if _, err := c.Handle(labels, policy.Alert{Resolved: tt.resolved}); err != nil {
				t.Fatal(err)
			}
			if got := c.Services()[0]; len(got.State.Demands) != tt.want || got.Demanded != (tt.want > 0) {
				t.Errorf("after %+v there are %d demands, want %d", tt, len(got.State.Demands), tt.want)
			}
		}
		if got := c.Services()[0]; got.AlertedAt.IsZero() || got.ResolvedAt.IsZero() {
			t.Errorf("the last alert came at %s and was resolved at %s, want both", got.AlertedAt, got.ResolvedAt)
		}
	})
}
