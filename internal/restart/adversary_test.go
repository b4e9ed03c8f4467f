package restart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A slowBackend takes its time to look at its unit.
type slowBackend struct {
	*simulated
	looks time.Duration
}

func (s *slowBackend) Inspect(ctx context.Context) (Status, error) {
	select {
	case <-time.After(s.looks):
		return s.simulated.Inspect(ctx)
	case <-ctx.Done():
		return Status{}, ctx.Err()
	}
}

// What the back-end of an old configuration has seen of its unit is no reason to restart the unit of the new one, although
// the checks are the same.
func TestAnswerOfAnotherBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := &slowBackend{&simulated{}, 3 * time.Second}
		before.status.Store(&Status{Identity: "1", Running: true})
		service := before.service("shop", shopTarget)
		service.Backend = before
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		time.Sleep(3*time.Minute + time.Second)
		before.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(4 * time.Second) // confirmed; the back-end looks at the unit
		if e := c.Services()[0]; e.Hold != "" || e.State.InFlight() {
			t.Fatalf("the service is %s, held by %q, want that its back-end is being asked", e.Phase, e.Hold)
		}
		after := &simulated{}
		after.status.Store(&Status{Identity: "1", Unfit: UnfitStopped})
		moved := service
		moved.Backend = after
		c.Apply(configured(moved))
		time.Sleep(10 * time.Minute)
		if n := before.restarts.Load() + after.restarts.Load(); n != 0 {
			t.Errorf("restarted %d times what somebody has stopped", n)
		}
		if e := c.Services()[0]; e.Hold != policy.GuardPreflight {
			t.Errorf("held by %q, want the answer of the new back-end", e.Hold)
		}
	})
}

// A service that goes and comes back has made its attempts once.
func TestComingBackCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop, other := &simulated{helps: true}, &simulated{}
		both := configured(shop.service("shop", shopTarget), other.service("other", "http://127.0.0.1:2/"))
		c, _, stop := watch(t, io.Discard)
		defer stop()
		c.Apply(both)
		time.Sleep(3 * time.Minute)
		shop.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(time.Minute)
		for range 4 {
			c.Apply(configured(both.Services[1]))
			time.Sleep(5 * time.Second)
			c.Apply(both)
			time.Sleep(5 * time.Second)
		}
		e, err := c.Service("other")
		if err != nil || shop.restarts.Load() != 1 {
			t.Fatalf("restarted %d times, %v; want once", shop.restarts.Load(), err)
		}
		for _, g := range e.Guards {
			if g.Guard == policy.GuardFleetRate && g.Value != "1 attempt of all services" {
				t.Errorf("after 1 restart of a service that came back 4 times: %s", g.Value)
			}
		}
		if e, err := c.Service("shop"); err != nil || e.Hold != policy.GuardCooldown || len(e.State.Attempts) != 1 {
			t.Errorf("the service that came back is held by %q, %v; want its cool-down", e.Hold, err)
		}
	})
}

// Two services of a group, and two of none, that fail at once and come to their decision at the same moment, again and again
// while the configuration is loaded anew: there is never more than one attempt under way.
func TestDecideAtOnce(t *testing.T) {
	for _, group := range []string{"", "rack"} {
		t.Run("group "+group, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all, services := simulatedFleet(12, func(_ int, s *Service) {
					s.Policy.Concurrency = 12
					if group == "" {
						s.Policy.Concurrency = 1
					}
					s.Group = group
					s.Policy.VerifyProbes = 5
				})
				for _, s := range all {
					s.takes = 7 * time.Second
				}
				c, _, stop := watch(t, io.Discard, services...)
				defer stop()
				time.Sleep(3 * time.Minute)
				for i := range 2 {
					all[i].broken.Store(true)
				}
				most := 0
				for i := range 400 {
					firing(c, services[i%2].Checks[0].Target)
					if i%12 == 0 { // a look that is under way then is no evidence any more
						c.Apply(configured(services...))
					}
					time.Sleep(250 * time.Millisecond)
					most = max(most, c.fleet.inFlight())
				}
				if most != 1 || restartsOf(all) != 2 {
					t.Errorf("%d at a time, %d restarts; want 1 and 2", most, restartsOf(all))
				}
			})
		})
	}
}

// A meeting is a Journal in which whoever saves an intent waits a while for another one who does.
type meeting struct {
	*notebook
	arrived chan struct{}
}

func (m *meeting) Save(service string, s policy.State) error {
	if s.InFlight() && s.VerifyUntil.IsZero() {
		select {
		case m.arrived <- struct{}{}:
		case <-m.arrived:
		case <-time.After(200 * time.Millisecond):
		}
	}
	return m.notebook.Save(service, s)
}

// A crowd is a back-end that counts how many restarts it makes at a time.
type crowd struct {
	*simulated
	now, most, all *atomic.Int32
}

func (c *crowd) Restart(ctx context.Context, a Attempt) error {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	if n > 1 {
		c.most.Store(n)
	}
	c.all.Add(1)
	return c.simulated.Restart(ctx, a)
}

// One decides after the other, however long it takes to persist the first decision.
func TestDecideInTurn(t *testing.T) {
	j := &meeting{newNotebook(), make(chan struct{})}
	var now, most, restarts atomic.Int32
	var all []*simulated
	var services []Service
	const broken, fleet = 2, 3 // all that there are would be a mass failure
	for i := range fleet {
		s := &simulated{helps: true, takes: 50 * time.Millisecond}
		service := s.service(strconv.Itoa(i), fmt.Sprintf("http://127.0.0.1:%d/", i+1))
		service.Backend = &crowd{s, &now, &most, &restarts}
		service.CheckInterval = 5 * time.Millisecond
		p := &service.Policy
		p.WarmUp, p.ArmProbes, p.ArmTime, p.ConfirmProbes, p.ConfirmInterval, p.ConfirmAge = 0, 1, 0, 1, 5*time.Millisecond, time.Hour
		all, services = append(all, s), append(services, service)
	}
	c := NewController(j, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	cfg := configured(services...)
	cfg.Brake.Settle = 0
	c.Apply(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	defer running.Wait()
	defer cancel()
	armed := func() bool {
		for _, e := range c.Services() {
			if !e.State.Armed {
				return false
			}
		}
		return c.Ready()
	}
	until(t, "all services are armed", armed)
	for i := range broken {
		all[i].broken.Store(true)
	}
	until(t, "both services are restarted", func() bool {
		for i := range broken {
			firing(c, services[i].Checks[0].Target)
		}
		return restarts.Load() == broken
	})
	if most.Load() > 0 {
		t.Errorf("%d restarts at a time, want one", most.Load())
	}
}

// until waits for something that takes real time.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// A journal that fails exactly between the intent and the act, or between the act and its outcome, neither makes up for an
// attempt nor loses one: what was decided and not written is not done, and what was done counts.
func TestJournalFailsAround(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fails    func(s *policy.State) bool // which save
		restarts int32
	}{
		{"intent", func(s *policy.State) bool { return s.InFlight() && s.VerifyUntil.IsZero() }, 0},
		{"act", func(s *policy.State) bool { return !s.VerifyUntil.IsZero() }, 1},
		{"outcome", func(s *policy.State) bool { return len(s.Attempts) > 0 && !s.InFlight() }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{helps: true, takes: time.Second}, &failing{notebook: newNotebook()}
				c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
				time.Sleep(3 * time.Minute)
				n.set(tt.fails)
				s.broken.Store(true)
				firing(c, shopTarget)
				time.Sleep(2 * time.Minute)
				if got := s.restarts.Load(); got != tt.restarts {
					t.Errorf("restarted %d times, want %d", got, tt.restarts)
				}
				s.broken.Store(true) // again, or still; now in the cool-down
				time.Sleep(2 * time.Minute)
				if got := s.restarts.Load(); got != tt.restarts {
					t.Errorf("restarted %d times, want %d", got, tt.restarts)
				}
				kept, err := n.Load("shop")
				if err != nil {
					t.Fatal(err)
				}
				stop()
				// The next exporter finds what was written last: an attempt that was made is never unknown to it.
				if tt.restarts > 0 && len(kept.Attempts) != 1 {
					t.Errorf("what is kept is %+v, want the attempt", kept)
				}
				n.set(nil)
				c, _, stop = watchWith(t, n, io.Discard, s.service("shop", shopTarget))
				defer stop()
				time.Sleep(time.Minute) // within the warm-up
				if e := c.Services()[0]; s.restarts.Load() != tt.restarts || len(e.State.Attempts) != int(tt.restarts) {
					t.Errorf("the next exporter knows %d attempts after %d restarts, want %d", len(e.State.Attempts), s.restarts.Load(), tt.restarts)
				}
			})
		})
	}
}

// failing is a notebook that fails to save some states, or to load any.
type failing struct {
	*notebook
	fails      func(s *policy.State) bool
	unreadable bool
}

func (f *failing) Load(service string) (policy.State, error) {
	f.mu.Lock()
	unreadable := f.unreadable
	f.mu.Unlock()
	if unreadable {
		return policy.State{}, errors.New("input/output error")
	}
	return f.notebook.Load(service)
}

func (f *failing) set(fails func(s *policy.State) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fails
}

func (f *failing) Save(service string, s policy.State) error {
	f.mu.Lock()
	fails := f.fails
	f.mu.Unlock()
	if fails != nil && fails(&s) {
		return fmt.Errorf("saving %s: %w", s.Phase(), errFull)
	}
	return f.notebook.Save(service, s)
}
