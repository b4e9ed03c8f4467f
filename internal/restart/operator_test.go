package restart

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true}
		c, _, stop := watch(t, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		pause := func(d time.Duration, who, reason string) error {
			return c.Pause("shop", policy.Pause{Until: time.Now().Add(d), Who: who, Reason: reason})
		}
		for _, err := range []error{pause(25*time.Hour, "jo", "x"), pause(-time.Second, "jo", "x"), pause(time.Hour, "", "x"), pause(time.Hour, "jo", "")} {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("error is %v, want that the order is invalid", err)
			}
		}
		if err := c.Pause("nothing", policy.Pause{Until: time.Now().Add(time.Hour), Who: "jo", Reason: "x"}); !errors.Is(err, ErrUnknownService) {
			t.Errorf("error is %v, want an unknown service", err)
		}
		if err := pause(time.Hour, "jo", "deploying"); err != nil {
			t.Fatal(err)
		}
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(30 * time.Minute)
		e, err := c.Explain(t.Context(), "shop")
		if err != nil || s.restarts.Load() != 0 || e.Hold != policy.GuardPaused || e.Next.IsZero() {
			t.Errorf("restarted %d times, held by %q until %s, %v; want a pause", s.restarts.Load(), e.Hold, e.Next, err)
		}
		if err := c.Resume("shop", policy.Operator{Who: "jo"}); err != nil {
			t.Error(err)
		}
		time.Sleep(30 * time.Second)
		if s.restarts.Load() != 1 {
			t.Errorf("restarted %d times after the pause, want once", s.restarts.Load())
		}
	})
}

func TestUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{}
		c, reg, stop := watch(t, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(50 * time.Minute)
		if e := c.Services()[0]; s.restarts.Load() != 2 || e.Phase != policy.PhaseLockedOut || e.Hold != policy.GuardLockedOut {
			t.Fatalf("restarted %d times, %s, held by %q; want twice and locked out", s.restarts.Load(), e.Phase, e.Hold)
		}
		want := "# HELP healthcheck_restart_lockout Whether the service is locked out: restarts did not help.\n# TYPE healthcheck_restart_lockout gauge\nhealthcheck_restart_lockout{service=\"shop\"} %d\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(want, 1)), "healthcheck_restart_lockout"); err != nil {
			t.Error(err)
		}
		if err := c.Unlock("shop", policy.Operator{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("nobody unlocked: error %v", err)
		}
		s.helps = true
		if err := c.Unlock("shop", policy.Operator{Who: "jo", Reason: "repaired the disk"}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if s.restarts.Load() != 3 || c.Services()[0].State.LockedOut {
			t.Errorf("restarted %d times after the unlock, want a third", s.restarts.Load())
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(want, 0)), "healthcheck_restart_lockout"); err != nil {
			t.Error(err)
		}
	})
}

// An explanation has every guard with its value and its limit, also of what the back-end says now.
func TestExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{}
		s.status.Store(&Status{Identity: "1", Unfit: UnfitStopped, Detail: "by hand"})
		service := s.service("shop", shopTarget)
		service.Group, service.Environment = "web", "live"
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		time.Sleep(time.Minute)
		e, err := c.Explain(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Guards) != len(policy.Guards()) || e.Hold != policy.GuardWarmUp || e.Group != "web" || e.Environment != "live" || e.Backend != "simulated" {
			t.Errorf("explanation is %+v", e)
		}
		for i, g := range e.Guards {
			if g.Guard != policy.Guards()[i] || g.Value == "" || g.Limit == "" {
				t.Errorf("guard %d says %+v", i, g)
			}
			if g.Guard == policy.GuardPreflight && (g.OK || g.Value != "stopped: by hand") {
				t.Errorf("the back-end says %+v", g)
			}
		}
		if _, err := c.Explain(t.Context(), "nothing"); !errors.Is(err, ErrUnknownService) {
			t.Errorf("error is %v", err)
		}
	})
}

// Of a healthy service it is of no interest that there is no failure: what would hold if there were one is.
func TestExplainHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true}
		c, _, stop := watch(t, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		e, err := c.Service("shop")
		if err != nil || !e.Healthy || e.LastProbe.IsZero() || e.Hold != "" || !e.Next.IsZero() || e.Phase != policy.PhaseIdle {
			t.Errorf("explanation is %+v, %v; want that nothing holds", e, err)
		}
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(time.Minute)
		e, err = c.Service("shop")
		if err != nil || s.restarts.Load() != 1 || !e.Healthy || e.Hold != policy.GuardCooldown || !e.Next.Equal(e.CooldownUntil) || e.LastAttempt.IsZero() || e.Budget.Hour != 2 {
			t.Errorf("explanation is %+v, %v; want a cool-down", e, err)
		}
		time.Sleep(time.Until(e.Next) + time.Millisecond)
		if e, err = c.Service("shop"); err != nil || e.Hold != "" || e.Phase != policy.PhaseIdle {
			t.Errorf("at that time it is %s, held by %q, %v", e.Phase, e.Hold, err)
		}
		if _, err := c.Service("nothing"); !errors.Is(err, ErrUnknownService) {
			t.Errorf("error is %v", err)
		}
	})
}
