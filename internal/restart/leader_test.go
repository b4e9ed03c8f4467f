package restart

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A ballot is an election that a test decides.
type ballot struct {
	key string
	mu  sync.Mutex // protects the following
	now policy.Leadership
	// What has happened to it.
	running, released bool
	releasedAt        time.Time
}

func (b *ballot) Key() string { return b.key }

func (b *ballot) Run(ctx context.Context, _ *slog.Logger) {
	b.mu.Lock()
	b.running = true
	b.mu.Unlock()
	<-ctx.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running, b.released, b.releasedAt = false, true, time.Now()
	b.now = policy.Leadership{Standby: "it is over"}
}

func (b *ballot) Standing(time.Time) policy.Leadership {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *ballot) set(l policy.Leadership) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = l
}

var leads = policy.Leadership{Elected: true, For: time.Hour}

const elected = `# HELP healthcheck_restart_leader Whether this exporter may act: it holds the lease, or there is no election.
# TYPE healthcheck_restart_leader gauge
healthcheck_restart_leader `

// Who does not lead holds, and acts as soon as it does: it has probed all the time.
func TestOnlyTheLeaderActs(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	synctest.Test(t, func(t *testing.T) {
		s, b := &simulated{helps: true}, &ballot{now: policy.Leadership{Standby: "another one leads"}}
		c, reg, stop := watch(t, io.Discard, s.service("web", target))
		defer stop()
		cfg := configured(s.service("web", target))
		cfg.Elector = b
		c.Apply(cfg)
		time.Sleep(5 * time.Minute)
		s.broken.Store(true)
		firing(c, target)
		time.Sleep(10 * time.Minute)
		if e, err := c.Service("web"); err != nil || e.Hold != policy.GuardLeader || s.restarts.Load() != 0 {
			t.Fatalf("held by %q, restarted %d times, want that it waits to lead", e.Hold, s.restarts.Load())
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(elected+"0\n"), "healthcheck_restart_leader"); err != nil {
			t.Error(err)
		}
		b.set(leads)
		time.Sleep(time.Minute)
		if s.restarts.Load() != 1 {
			t.Errorf("restarted %d times since it leads, want once", s.restarts.Load())
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(elected+"1\n"), "healthcheck_restart_leader"); err != nil {
			t.Error(err)
		}
	})
}

// A lease that is lost during an attempt does not stop it; nothing else is begun.
func TestLostLease(t *testing.T) {
	const target, other = "http://127.0.0.1:8080/health", "http://127.0.0.1:8081/health"
	synctest.Test(t, func(t *testing.T) {
		s, o, b := &simulated{helps: true, takes: 30 * time.Second}, &simulated{}, &ballot{now: leads}
		c, _, stop := watch(t, io.Discard)
		defer stop()
		well := &simulated{} // so that two that fail are not all
		cfg := configured(s.service("web", target), o.service("other", other), well.service("well", "http://127.0.0.1:8082/health"))
		cfg.Elector = b
		c.Apply(cfg)
		time.Sleep(5 * time.Minute)
		s.broken.Store(true)
		firing(c, target)
		time.Sleep(25 * time.Second) // the others are probed first
		if e, err := c.Service("web"); err != nil || e.Phase != policy.PhaseExecuting {
			t.Fatalf("the phase is %s, want executing", e.Phase)
		}
		b.set(policy.Leadership{Standby: "another one leads"})
		o.broken.Store(true)
		firing(c, other)
		time.Sleep(10 * time.Minute)
		if s.restarts.Load() != 1 || o.restarts.Load() != 0 {
			t.Errorf("restarted %d and %d times, want what was under way and nothing else", s.restarts.Load(), o.restarts.Load())
		}
		if e, err := c.Service("web"); err != nil || e.Unverified != 0 || e.Phase == policy.PhaseVerifying {
			t.Errorf("the phase is %s with %d unverified, want that it was verified", e.Phase, e.Unverified)
		}
	})
}

// To persist an attempt may take long. What was true when it was decided is asked once more before it is made.
func TestDecidedLongAgo(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	for name, meanwhile := range map[string]func(b *ballot){
		"the lease is lost":   func(b *ballot) { b.set(policy.Leadership{Standby: "another one leads"}) },
		"the evidence is old": func(*ballot) { time.Sleep(11 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b, n := &simulated{helps: true}, &ballot{now: leads}, &failing{notebook: newNotebook()}
				n.set(func(s *policy.State) bool {
					if s.Phase() == policy.PhaseExecuting {
						meanwhile(b)
					}
					return false
				})
				c, _, stop := watchWith(t, n, io.Discard)
				cfg := configured(s.service("web", target))
				cfg.Elector = b
				c.Apply(cfg)
				time.Sleep(5 * time.Minute)
				s.broken.Store(true)
				firing(c, target)
				time.Sleep(time.Minute)
				e := c.Services()[0]
				stop()
				if s.restarts.Load() != 0 || len(e.State.Attempts) != 0 || e.State.Refused != 1 || e.State.InFlight() || e.State.Unverified != 0 {
					t.Errorf("restarted %d times, and the state is %+v, want one attempt that was refused", s.restarts.Load(), e.State)
				}
			})
		})
	}
}

// The lease is given up after the last attempt has ended, and when the configuration has another one or none.
func TestRelease(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true, takes: 30 * time.Second}
		first, same, second := &ballot{key: "1", now: leads}, &ballot{key: "1"}, &ballot{key: "2", now: leads}
		c, _, stop := watch(t, io.Discard)
		apply := func(e Elector) {
			cfg := configured(s.service("web", target))
			cfg.Elector = e
			c.Apply(cfg)
			synctest.Wait()
		}
		apply(first)
		apply(same)
		if !first.running || same.running {
			t.Error("the same election has begun anew")
		}
		apply(second)
		if !first.released || !second.running {
			t.Error("the first election goes on, or the second has not begun")
		}
		time.Sleep(5 * time.Minute)
		s.broken.Store(true)
		firing(c, target)
		time.Sleep(10 * time.Second)
		stopping := time.Now()
		stop()
		if !second.released || s.restarts.Load() != 1 || second.releasedAt.Sub(stopping) < 10*time.Second {
			t.Errorf("released: %t, %s after the end was wanted, with %d restarts; want after the attempt", second.released, second.releasedAt.Sub(stopping), s.restarts.Load())
		}
	})
}

// Without an election this exporter is the only one, also after there was one.
func TestNoElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &ballot{now: policy.Leadership{Standby: "another one leads"}}
		c, reg, stop := watch(t, io.Discard)
		defer stop()
		c.Apply(Configuration{Elector: b})
		synctest.Wait()
		c.Apply(Configuration{})
		synctest.Wait()
		if !b.released || c.leadership(time.Now()) != (policy.Leadership{}) {
			t.Errorf("released: %t, leadership %+v, want none", b.released, c.leadership(time.Now()))
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(elected+"1\n"), "healthcheck_restart_leader"); err != nil {
			t.Error(err)
		}
	})
}
