package status

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A clock that is set back makes no target fresh, flapping or older than it is.
func TestClockSetBack(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		back            time.Duration
		stale, flapping bool
	}{
		"not at all": {0, false, true},
		"a little":   {50 * time.Second, false, true},
		"an hour":    {time.Hour, true, false},
		"decades":    {20 * 365 * 24 * time.Hour, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			tracker := NewTracker()
			observe := func(reason prober.Reason, at time.Time) {
				r := failing(reason)
				r.Start = at
				tracker.Observe(Probe{Name: "shop", Result: r})
			}
			for i := range 6 {
				observe([]prober.Reason{prober.ReasonStatus, ""}[i%2], at.Add(time.Duration(i)*time.Second))
			}
			now := at.Add(5*time.Second - tc.back)
			if v := tracker.Condition("shop", 30*time.Second, now); v.Stale != tc.stale || v.Flapping != tc.flapping {
				t.Errorf("it is stale %t and flaps %t, want %t and %t", v.Stale, v.Flapping, tc.stale, tc.flapping)
			}
			observe(prober.ReasonStatus, now)
			events, _ := tracker.Events(Filter{Limit: 1})
			if lasted := events[0].LastedSeconds; (lasted == nil) != (tc.back > 0) || lasted != nil && *lasted != 0 {
				t.Errorf("the state before lasted %v", lasted)
			}
			if v := tracker.Condition("shop", 30*time.Second, now); v.Stale {
				t.Error("it is stale although it was just probed")
			}
		})
	}
}
