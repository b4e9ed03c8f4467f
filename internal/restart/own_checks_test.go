package restart

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// withoutAlertAfter is that of the services of these tests.
const withoutAlertAfter = 2 * time.Minute

// alone is the service shop, restarted without an alert.
func (s *simulated) alone() Service {
	service := s.service("shop", shopTarget)
	service.Policy.WithoutAlertAfter = withoutAlertAfter
	return service
}

// triggers are those of the records of attempts in the audit log, each once in a row.
func (n *notebook) triggers() []policy.Trigger {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []policy.Trigger
	for i := range n.records {
		if n.records[i].Kind() == policy.KindAttempt {
			all = append(all, n.records[i].Trigger)
		}
	}
	return slices.Compact(all)
}

// Nobody sends anything, and a service that is down is healed all the same; log, audit log, metrics and explanation say why.
func TestOwnChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, n := &simulated{helps: true, takes: time.Second}, newNotebook()
		c, reg, stop := watchWith(t, n, &log, s.alone())
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		time.Sleep(time.Minute)
		if e, _ := c.Service("shop"); e.Demanded || e.Trigger != "" || !e.OwnChecksAt.After(e.Time) {
			t.Errorf("down for a minute, and explained as demanded %t by %q at %s", e.Demanded, e.Trigger, e.OwnChecksAt)
		}
		time.Sleep(withoutAlertAfter - time.Minute)
		if got := s.restarts.Load(); got != 0 {
			t.Fatalf("restarted before it was seen to be down for %s", withoutAlertAfter)
		}
		time.Sleep(30 * time.Second)
		if e, _ := c.Service("shop"); e.LastAttempt.IsZero() {
			t.Errorf("down for 2m30s, and explained as %+v", e)
		}
		time.Sleep(5 * time.Minute)
		if e, _ := c.Service("shop"); e.Demanded || !e.OwnChecksAt.IsZero() || e.Alerts != 0 || !e.AlertedAt.IsZero() {
			t.Errorf("healthy, and explained as %+v", e)
		}
		stop()
		if got := s.restarts.Load(); got != 1 {
			t.Errorf("restarted %d times, want once", got)
		}
		if got := n.triggers(); !slices.Equal(got, []policy.Trigger{policy.TriggerOwnChecks}) {
			t.Errorf("the audit log has the triggers %q, want own_checks", got)
		}
		want := `# HELP healthcheck_restart_triggers_total How many restarts were decided, by what asked for them.
# TYPE healthcheck_restart_triggers_total counter
healthcheck_restart_triggers_total{service="shop",trigger="alert"} 0
healthcheck_restart_triggers_total{service="shop",trigger="own_checks"} 1
healthcheck_restart_triggers_total{service="shop",trigger="request"} 0
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "healthcheck_restart_triggers_total"); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "trigger=own_checks") || !strings.Contains(log.String(), "outcome=recovered") {
			t.Errorf("the log does not say what asked:\n%s", log.String())
		}
	})
}

// When the time is over the next round of checks does not wait for its turn.
func TestOwnChecksAskInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true}
		service := s.alone()
		service.CheckInterval = time.Minute
		service.Policy.WithoutAlertAfter = 2*time.Minute + 5*time.Second
		_, _, stop := watch(t, io.Discard, service)
		time.Sleep(10*time.Minute + 30*time.Second)
		s.broken.Store(true)
		time.Sleep(30*time.Second + 2*time.Minute + 4*time.Second) // seen 30 s later
		if got := s.restarts.Load(); got != 0 {
			t.Errorf("restarted %d times before the time was over", got)
		}
		probes := s.probes.Load()
		time.Sleep(5 * time.Second)
		stop()
		if got := s.restarts.Load(); got != 1 {
			t.Errorf("restarted %d times within 4 s after the time was over, want once", got)
		}
		if probes -= 11; probes > 4 {
			t.Errorf("made %d rounds of checks in 2 minutes, want one a minute until the time is over", probes)
		}
	})
}

// Whatever happens to a service that needs no alert, it is restarted as often as it should be.
func TestOwnChecksRestart(t *testing.T) {
	jo := policy.Operator{Who: "jo", Reason: "test"}
	turned := func(s *simulated, after time.Duration) Configuration {
		service := s.alone()
		service.Policy.WithoutAlertAfter = after
		return configured(service)
	}
	for _, tt := range []struct {
		name    string
		after   time.Duration // 0: never without an alert
		reason  prober.Reason
		change  func(*Service)
		do      func(c *Controller, s *simulated)
		want    int32
		trigger policy.Trigger
	}{
		{name: "alone", after: withoutAlertAfter, want: 1, trigger: policy.TriggerOwnChecks},
		{name: "not configured"},
		{name: "no restart repairs it", after: withoutAlertAfter, reason: prober.ReasonTLSExpired},
		{name: "for want of our own resources", after: withoutAlertAfter, reason: prober.ReasonLocalResource},
		{name: "an alert, too", after: withoutAlertAfter, do: func(c *Controller, _ *simulated) {
			firing(c, shopTarget)
		}, want: 1, trigger: policy.TriggerAlert},
		{name: "an alert at the same time", after: withoutAlertAfter, do: func(c *Controller, _ *simulated) {
			time.Sleep(withoutAlertAfter)
			for range 30 {
				time.Sleep(500 * time.Millisecond)
				firing(c, shopTarget)
			}
		}, want: 1, trigger: policy.TriggerAlert},
		{name: "a request, too", after: withoutAlertAfter, do: func(c *Controller, _ *simulated) {
			_ = c.Request("shop", jo)
		}, want: 1, trigger: policy.TriggerRequest},
		{name: "flaps", after: withoutAlertAfter, do: func(_ *Controller, s *simulated) {
			for range 10 {
				time.Sleep(withoutAlertAfter - 20*time.Second)
				s.broken.Store(false)
				time.Sleep(20 * time.Second)
				s.broken.Store(true)
			}
			s.broken.Store(false)
		}},
		{name: "turned off", after: withoutAlertAfter, do: func(c *Controller, s *simulated) {
			time.Sleep(withoutAlertAfter - 15*time.Second)
			c.Apply(turned(s, 0))
		}},
		{name: "turned on", do: func(c *Controller, s *simulated) {
			time.Sleep(time.Hour)
			c.Apply(turned(s, withoutAlertAfter))
		}, want: 1, trigger: policy.TriggerOwnChecks},
		{name: "reloaded again and again", after: withoutAlertAfter, do: func(c *Controller, s *simulated) {
			for range 300 {
				time.Sleep(time.Second)
				c.Apply(turned(s, withoutAlertAfter))
			}
		}, want: 1, trigger: policy.TriggerOwnChecks},
		{name: "paused", after: withoutAlertAfter, do: func(c *Controller, _ *simulated) {
			_ = c.Pause("shop", policy.Pause{Until: time.Now().Add(time.Hour), Who: "jo", Reason: "test"})
		}},
		{name: "in maintenance", after: withoutAlertAfter, change: func(s *Service) {
			s.Maintenance = func(time.Time) policy.Window { return policy.Window{Name: "night"} }
		}},
		{name: "only observed", after: withoutAlertAfter, change: func(s *Service) { s.Policy.Mode = policy.ModeObserve }, trigger: policy.TriggerOwnChecks},
		{name: "off", after: withoutAlertAfter, change: func(s *Service) { s.Policy.Mode = policy.ModeOff }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{helps: true, reason: tt.reason}, newNotebook()
				service := s.alone()
				service.Policy.WithoutAlertAfter = tt.after
				if tt.change != nil {
					tt.change(&service)
				}
				c, _, stop := watchWith(t, n, io.Discard, service)
				time.Sleep(3 * time.Minute)
				s.broken.Store(true)
				if tt.do != nil {
					tt.do(c, s)
				}
				time.Sleep(10 * time.Minute)
				stop()
				if got := s.restarts.Load(); got != tt.want {
					t.Errorf("restarted %d times, want %d", got, tt.want)
				}
				if got := append(n.triggers(), ""); got[0] != tt.trigger {
					t.Errorf("the audit log has the triggers %q, want %q", got, tt.trigger)
				}
			})
		})
	}
}

// An exporter that was killed counts anew: nobody knows what was between its last probe and the first of the next one.
func TestOwnChecksCountAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{helps: true}, newNotebook()
		_, _, stop := watchWith(t, n, io.Discard, s.alone())
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		for range 5 {
			time.Sleep(withoutAlertAfter - 15*time.Second)
			stop()
			_, _, stop = watchWith(t, n, io.Discard, s.alone())
		}
		if got := s.restarts.Load(); got != 0 {
			t.Errorf("restarted %d times by exporters that were killed before the time was over", got)
		}
		time.Sleep(withoutAlertAfter + 45*time.Second)
		if got := s.restarts.Load(); got != 1 {
			t.Errorf("restarted %d times by the exporter that goes on, want once", got)
		}
		stop()
	})
}

// What is decided for want of an alert is the attempt of its own checks to the next exporter, too.
func TestTriggerOutlivesTheExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{takes: time.Hour}, newNotebook()
		_, _, stop := watchWith(t, n, io.Discard, s.alone())
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		time.Sleep(withoutAlertAfter + 30*time.Second)
		killed := newNotebook() // what the next one finds
		n.mu.Lock()
		killed.states["shop"] = n.states["shop"]
		n.mu.Unlock()
		_, _, stopNext := watchWith(t, killed, io.Discard, s.alone())
		time.Sleep(time.Minute)
		stopNext()
		stop()
		if got := killed.triggers(); !slices.Equal(got, []policy.Trigger{policy.TriggerOwnChecks}) {
			t.Errorf("the next exporter has the triggers %q, want own_checks", got)
		}
	})
}

// Many that fail at once without an alert are held as with one, and so is what depends on something that is down.
func TestOwnChecksOfFleet(t *testing.T) {
	for _, tt := range []struct {
		name           string
		fleet, failing int
		change         func(i int, s *Service)
		want           int
	}{
		{"one of 10", 10, 1, nil, 1},
		{"all of 2", 2, 2, nil, 0},
		{"5 of 10", 10, 5, nil, 0},
		{"a group of 2", 10, 2, func(i int, s *Service) {
			if i < 2 {
				s.Group = "rack"
			}
		}, 0},
		{"two that depend on a third", 10, 3, func(i int, s *Service) {
			if i == 0 {
				s.Policy.Mode = policy.ModeOff
			} else {
				s.DependsOn = []string{"0"}
			}
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all, services := simulatedFleet(tt.fleet, func(i int, s *Service) {
					s.Policy.WithoutAlertAfter = withoutAlertAfter
					if tt.change != nil {
						tt.change(i, s)
					}
				})
				_, _, stop := watch(t, io.Discard, services...)
				time.Sleep(3 * time.Minute)
				for i := range tt.failing {
					all[i].broken.Store(true)
				}
				time.Sleep(withoutAlertAfter + 2*time.Minute)
				stop()
				if got := restartsOf(all); got != tt.want {
					t.Errorf("restarted %d times, want %d", got, tt.want)
				}
			})
		})
	}
}
