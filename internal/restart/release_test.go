package restart

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// An operator releases the brake, which is audited with every service that fails, and says who and why.
func TestControllerReleasesBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, services := simulatedFleet(4, nil)
		n := newNotebook()
		c, _, stop := watchWith(t, n, io.Discard, services...)
		time.Sleep(3 * time.Minute)
		jo := policy.Operator{Who: "jo", Reason: "the network is well"}
		if released, err := c.ReleaseBrake(policy.ScopeFleet, jo); released || err != nil {
			t.Errorf("releasing a brake that is off: %t, %v", released, err)
		}
		for i := range 3 {
			all[i].broken.Store(true)
			firing(c, services[i].Checks[0].Target)
		}
		time.Sleep(time.Minute)
		for _, o := range []policy.Operator{{Who: "jo"}, {Reason: "x"}, {Who: "jo", Reason: "two\nlines"}} {
			if _, err := c.ReleaseBrake(policy.ScopeFleet, o); !errors.Is(err, ErrInvalid) {
				t.Errorf("releasing by %+v: %v", o, err)
			}
		}
		if _, err := c.ReleaseBrake("group/none", jo); !errors.Is(err, ErrInvalid) || restartsOf(all) != 0 {
			t.Errorf("releasing the brake of no scope: %v; %d restarts", err, restartsOf(all))
		}
		if got := c.Braked(); !slices.Equal(got, []string{policy.ScopeFleet}) {
			t.Errorf("while the brake is on, %q are braked", got)
		}
		if released, err := c.ReleaseBrake(policy.ScopeFleet, jo); !released || err != nil {
			t.Fatalf("released: %t, %v", released, err)
		}
		if got := c.Braked(); len(got) > 0 {
			t.Errorf("once the brake is off, %q are braked", got)
		}
		time.Sleep(2 * time.Minute)
		stop()
		released := 0
		for i := range n.records {
			if o := n.records[i].Event.Released; o != nil && *o == jo {
				released++
			}
		}
		if released != 3 || restartsOf(all) != 3 {
			t.Errorf("audited %d times with %d restarts, want 3 of each", released, restartsOf(all))
		}
	})
}
