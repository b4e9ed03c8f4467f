package restart

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// However many orders come, few are taken, and those that change nothing leave nothing behind.
func TestOrdersAreBounded(t *testing.T) {
	until := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC) // of the bubble's first day
	for name, tt := range map[string]struct {
		order   func(c *Controller, n int) error
		records int
	}{
		"the same pause": {func(c *Controller, _ int) error {
			return c.Pause("shop", policy.Pause{Until: until, Who: "jo", Reason: "x"})
		}, 1},
		"resume of nothing": {func(c *Controller, _ int) error { return c.Resume("shop", policy.Operator{Who: "jo"}) }, 0},
		"unlock of nothing": {func(c *Controller, _ int) error { return c.Unlock("shop", policy.Operator{Who: "jo", Reason: "x"}) }, 0},
		"the same request":  {func(c *Controller, _ int) error { return c.Request("shop", policy.Operator{Who: "jo"}) }, 1},
		"release of what is off": {func(c *Controller, _ int) error {
			_, err := c.ReleaseBrake(policy.ScopeFleet, policy.Operator{Who: "jo", Reason: "x"})
			return err
		}, 0},
		"another pause": {func(c *Controller, n int) error {
			return c.Pause("shop", policy.Pause{Until: until.Add(time.Duration(n) * time.Second), Who: "jo", Reason: "x"})
		}, orderBurst + 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				s, n := &simulated{}, newNotebook()
				c, _, stop := watchWith(t, n, &log, s.service("shop", shopTarget))
				time.Sleep(3*time.Minute + time.Millisecond)
				saves, records, lines := n.saved(), len(n.records), strings.Count(log.String(), "\n")
				taken := 0
				for i := range 5999 { // within less than 6 s
					switch err := tt.order(c, i); {
					case err == nil:
						taken++
					case !errors.Is(err, ErrTooMany):
						t.Fatal(err)
					}
					time.Sleep(time.Millisecond)
				}
				if want := orderBurst + 5; taken != want {
					t.Errorf("%d orders were taken, want %d", taken, want)
				}
				if got := len(n.records) - records; got != tt.records || n.saved()-saves != tt.records {
					t.Errorf("they wrote %d records and %d states, want %d of each", got, n.saved()-saves, tt.records)
				}
				time.Sleep(RetryAfter)
				if err := tt.order(c, 0); err != nil {
					t.Errorf("%s later: %v", RetryAfter, err)
				}
				stop()
				if got := strings.Count(log.String(), "\n") - lines; got > tt.records+1 {
					t.Errorf("they wrote %d lines of log, want %d at the most", got, tt.records+1)
				}
			})
		})
	}
}

// Test alerts are noted, each, and logged once a second.
func TestFloodOfTestAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s, n := &simulated{}, newNotebook()
		c, _, stop := watchWith(t, n, &log, s.service("shop", shopTarget))
		time.Sleep(3 * time.Minute)
		saves, records := n.saved(), len(n.records)
		for range 5000 {
			if _, err := c.Handle(map[string]string{"instance": shopTarget, TestLabel: "true"}, policy.Alert{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		stop()
		if got := strings.Count(log.String(), "Received test alert"); got != 5 {
			t.Errorf("5000 test alerts in 5 s were logged %d times, want 5", got)
		}
		if n.saved() != saves || len(n.records) != records {
			t.Error("test alerts were written down")
		}
	})
}
