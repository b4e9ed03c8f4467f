package restart

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// What was refused counts neither for the fleet.
func TestRefusedOfTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, services := simulatedFleet(8, nil)
		all[0].refuses = true
		c, _, stop := watch(t, io.Discard, services...)
		defer stop()
		time.Sleep(3 * time.Minute)
		all[0].broken.Store(true)
		firing(c, services[0].Checks[0].Target)
		time.Sleep(time.Minute)
		e, err := c.Service("1")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range e.Guards {
			if g.Guard == policy.GuardFleetRate && g.Value != "0 attempts of all services" {
				t.Errorf("after a refusal: %s", g.Value)
			}
		}
		if e, _ := c.Service("0"); e.Refused != 1 || e.LastAttempt.IsZero() || e.Budget.Hour != 3 {
			t.Errorf("refused %d times, last attempt %s, %d left", e.Refused, e.LastAttempt, e.Budget.Hour)
		}
	})
}
