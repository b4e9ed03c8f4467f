package restart

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A stopwatch is a back-end that notes when it is first asked to restart, or to try that out.
type stopwatch struct {
	*slowBackend
	acted atomic.Pointer[time.Time]
	tried atomic.Pointer[time.Time]
}

func (s *stopwatch) Restart(ctx context.Context, a Attempt) error {
	now := time.Now()
	s.acted.CompareAndSwap(nil, &now)
	return s.slowBackend.Restart(ctx, a)
}

func (s *stopwatch) DryRun(ctx context.Context, _ Attempt) error {
	err := pass(ctx, 3*time.Second)
	now := time.Now()
	s.tried.CompareAndSwap(nil, &now)
	return err
}

// An outage is how a hanging service comes to be restarted.
type outage struct {
	looks   time.Duration                              // an inspection
	change  func(s *Service)                           // of the service
	others  func(generation int, s *Service) []Service // beside it, at every reload
	reloads time.Duration                              // 0: never
	until   func(s *stopwatch) *atomic.Pointer[time.Time]
}

// run is when that was done which the outage leads to.
func (o *outage) run(t *testing.T) (after time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &stopwatch{slowBackend: &slowBackend{&simulated{helps: true, hangs: 8 * time.Second}, o.looks}}
		generation := 0
		configuration := func() Configuration { // as a reload makes it: all objects are new, and mean the same
			service := s.service("shop", shopTarget)
			service.Backend, service.BackendDefinition, service.Checks[0].Timeout = s, "systemd shop.service", 10*time.Second
			service.Maintenance = func(time.Time) policy.Window { return policy.Window{} }
			service.Policy.RestartOn = []int{418}
			if o.change != nil {
				o.change(&service)
			}
			services := []Service{service}
			if o.others != nil {
				services = append(services, o.others(generation, &service)...)
			}
			generation++
			return configured(services...)
		}
		c, _, stop := watch(t, io.Discard)
		defer stop()
		c.Apply(configuration())
		time.Sleep(3*time.Minute + time.Millisecond)
		s.broken.Store(true)
		firing(c, shopTarget)
		done := o.until(s)
		for time.Since(began) < 10*time.Minute && done.Load() == nil {
			if o.reloads == 0 {
				time.Sleep(time.Second)
				continue
			}
			time.Sleep(o.reloads)
			c.Apply(configuration())
		}
		if e, err := c.Service("shop"); done.Load() == nil || err != nil {
			t.Errorf("nothing was done in 7 minutes: %s, healthy %t, held by %q", e.Phase, e.Healthy, e.Hold)
			return
		}
		after = done.Load().Sub(began)
	})
	return after
}

// A reload that changes nothing of a service holds nothing back, however often it comes.
func TestReloadsHoldNothingBack(t *testing.T) {
	acted := func(s *stopwatch) *atomic.Pointer[time.Time] { return &s.acted }
	tried := func(s *stopwatch) *atomic.Pointer[time.Time] { return &s.tried }
	other := func(name, definition string) Service {
		s := (&simulated{}).service(name, "http://127.0.0.1:2/"+name)
		s.Checks[0].Definition, s.BackendDefinition = definition, definition
		return s
	}
	for name, o := range map[string]outage{
		"hanging":         {until: acted},
		"slow inspection": {until: acted, looks: 5 * time.Second},
		"dry run":         {until: tried, change: func(s *Service) { s.Policy.Mode = policy.ModeObserve }},
		"slow dry run":    {until: tried, looks: 5 * time.Second, change: func(s *Service) { s.Policy.Mode = policy.ModeObserve }},
		"long confirmation": {until: acted, change: func(s *Service) {
			s.Policy.ConfirmProbes, s.Policy.SuspectTime = 6, time.Hour
		}},
		"others change": {until: acted, others: func(generation int, _ *Service) []Service {
			return []Service{other("same", "same"), other("changing", strconv.Itoa(generation))}
		}},
		"others come and go": {until: acted, others: func(generation int, _ *Service) []Service {
			return []Service{other("same", "same"), other("new", "new")}[:1+generation%2]
		}},
		"depends on": {until: acted, others: func(_ int, s *Service) []Service {
			s.DependsOn = []string{"database"}
			return []Service{other("database", "database")}
		}},
		"in a group": {until: acted, change: func(s *Service) { s.Group = "web" }, others: func(int, *Service) []Service {
			a, b := other("a", "a"), other("b", "b")
			a.Group, b.Group = "web", "web"
			return []Service{a, b}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := o.run(t)
			for _, every := range []time.Duration{time.Millisecond * 200, 1900 * time.Millisecond, 7 * time.Second} {
				o.reloads = every
				if got := o.run(t); got != want {
					t.Errorf("with a reload every %s it was done after %s, want %s as without", every, got, want)
				}
			}
		})
	}
}

// A timeout that is changed while the service is down leaves it armed and demanded: it is repaired as soon as it would have been.
func TestTimeoutChangedWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true}
		service := s.service("shop", shopTarget)
		service.BackendDefinition = "shop"
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(time.Second) // before it is confirmed
		service = s.service("shop", shopTarget)
		service.BackendDefinition, service.Checks[0].Timeout = "shop", 5*time.Second
		if before := c.watcher("shop").configured(); service.sameEvidence(&before) {
			t.Error("a round by the old timeout counts for the new one")
		}
		c.Apply(configured(service))
		time.Sleep(time.Minute)
		if e, err := c.Service("shop"); err != nil || !e.State.Armed || s.restarts.Load() != 1 {
			t.Errorf("restarted %d times, armed is %t, want once and armed", s.restarts.Load(), e.State.Armed)
		}
	})
}

// After a reload the new probers are asked, and the back-end of the same unit remembers what it has done.
func TestReloadedObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := &simulated{}, &simulated{}, &simulated{}
		c, _, stop := watch(t, io.Discard)
		defer stop()
		apply := func(s *simulated, definition string) Backend {
			service := s.service("shop", shopTarget)
			service.BackendDefinition = definition
			c.Apply(configured(service))
			time.Sleep(time.Minute + time.Second) // between two rounds
			return c.watcher("shop").configured().Backend
		}
		if b := apply(first, "a"); b != first {
			t.Error("the first back-end is not in use")
		}
		probes := first.probes.Load()
		if b := apply(second, "a"); b != first {
			t.Error("the back-end of the same unit was replaced")
		}
		if first.probes.Load() != probes || second.probes.Load() == 0 {
			t.Error("the old prober is still asked")
		}
		if b := apply(third, "b"); b != third {
			t.Error("the back-end of another unit is not in use")
		}
	})
}

// A reload that changes nothing is no event: nothing is written, counted or logged.
func TestUnchangedReloadIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s, n := &simulated{}, newNotebook()
		service := s.service("shop", shopTarget)
		service.BackendDefinition = "shop"
		c, reg, stop := watchWith(t, n, &log, service)
		time.Sleep(2*time.Minute + time.Second)
		saves, records, lines, probes := n.saved(), len(n.records), log.Len(), s.probes.Load()
		for range 1000 {
			c.Apply(configured(service))
			time.Sleep(time.Millisecond)
			if n := testutil.CollectAndCount(reg, "healthcheck_restart_info"); n != 1 {
				t.Fatalf("the service has %d series of its name, want one", n)
			}
		}
		stop()
		if n.saved() != saves || len(n.records) != records || log.Len() != lines || s.probes.Load() != probes {
			t.Errorf("1000 reloads saved %d times, wrote %d records, %d bytes of log and probed %d times, want nothing",
				n.saved()-saves, len(n.records)-records, log.Len()-lines, s.probes.Load()-probes)
		}
	})
}
