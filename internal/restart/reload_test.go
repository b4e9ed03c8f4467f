package restart

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A mode that forbids takes effect at once, also for a round of checks that is under way.
func TestModeOffDuringRound(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{hangs: 8 * time.Second}
		service := s.service("shop", target)
		service.Checks[0].Timeout = 10 * time.Second
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(50 * time.Second)
		firing(c, target)
		time.Sleep(time.Second) // a round is under way whose end would lead to a restart
		off := service
		off.Policy.Mode = policy.ModeOff
		c.Apply(configured(off))
		time.Sleep(10 * time.Minute)
		if n := s.restarts.Load(); n != 0 {
			t.Errorf("restarted %d times after the mode was off", n)
		}
	})
}

// A mode that comes at the same time as the end of a round of checks holds for that round: select takes either first.
func TestModeOffAtEndOfRound(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			s := &simulated{hangs: time.Hour}
			s.broken.Store(true)
			service := s.service("shop", "http://127.0.0.1:1/")
			c, _, stop := watch(t, io.Discard)
			defer stop()
			u := newWatcher(c, service)
			u.begin()
			now := policy.Wall(time.Now())
			u.state.Armed, u.state.Demands = true, []policy.Demand{{At: now}}
			u.state.Failures, u.state.LastProbe, u.state.FailingSince = service.Policy.ConfirmProbes, now, now
			u.started = now.Add(-time.Hour)
			u.began, u.probing = time.Now(), true
			u.rounds <- observation{evidence: policy.Evidence{Reason: prober.ReasonConnectRefused}}
			off := service
			off.Policy.Mode = policy.ModeOff
			u.reconfigure(off)
			ctx, cancel := context.WithCancel(t.Context())
			go u.run(ctx)
			time.Sleep(500 * time.Millisecond)
			cancel()
			synctest.Wait()
			time.Sleep(2 * time.Hour)
			if n := s.restarts.Load(); n != 0 {
				t.Fatalf("restarted %d times after the mode was off", n)
			}
		})
	}
}

// late answers that it is well, long after it was asked, if it was asked while a restart was under way.
type late struct {
	*simulated
	restarting atomic.Bool
}

func (l *late) Restart(ctx context.Context, a Attempt) error {
	l.restarting.Store(true)
	defer l.restarting.Store(false)
	return l.simulated.Restart(ctx, a)
}

func (l *late) Probe(ctx context.Context, r prober.Request) prober.Result {
	if l.restarting.Load() {
		time.Sleep(10 * time.Second)
		return prober.Result{}
	}
	return l.simulated.Probe(ctx, r)
}

// An answer to what was asked before the end of a restart does not prove that the restart helped.
func TestLateAnswerProvesNothing(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := &late{simulated: &simulated{takes: 20 * time.Second}}
		service := l.service("shop", target)
		service.Backend, service.Checks[0].Prober = l, l
		service.Policy.VerifyProbes = 1
		c, _, stop := watch(t, &log, service)
		time.Sleep(2 * time.Minute)
		l.broken.Store(true)
		time.Sleep(50 * time.Second)
		firing(c, target)
		time.Sleep(3 * time.Minute)
		stop()
		if text := log.String(); strings.Contains(text, "outcome=recovered") || !strings.Contains(text, "outcome=not_recovered") {
			t.Errorf("a restart that did not help:\n%s", text)
		}
	})
}

// A service that goes while it is restarted leaves no series behind, and one of the same name that comes meanwhile waits.
func TestRemovedDuringAttempt(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true, takes: 50 * time.Second}
		c, reg, stop := watch(t, io.Discard, s.service("shop", target))
		defer stop()
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(50 * time.Second)
		firing(c, target)
		time.Sleep(5 * time.Second) // it is being restarted now
		c.Apply(configured())
		time.Sleep(time.Second)
		if firing(c, target) {
			t.Error("an alert still selects the service that is gone")
		}
		other := &simulated{}
		c.Apply(configured(other.service("shop", target)))
		time.Sleep(time.Second)
		if n := s.restarts.Load(); n != 0 {
			t.Fatalf("the attempt has ended after %d restarts: the test comes too late", n)
		}
		if n := other.probes.Load(); n != 0 {
			t.Errorf("the newcomer has probed %d times beside the attempt", n)
		}
		time.Sleep(time.Minute)
		if s.restarts.Load() != 1 || other.probes.Load() == 0 || !firing(c, target) {
			t.Errorf("the attempt that was under way ended with %d restarts", s.restarts.Load())
		}
		c.Apply(configured())
		time.Sleep(time.Minute)
		for _, name := range []string{"healthcheck_restart_state", "healthcheck_restart_armed", "healthcheck_restart_info"} {
			if n := testutil.CollectAndCount(reg, name); n != 0 {
				t.Errorf("%s has %d series of a service that is gone", name, n)
			}
		}
	})
}

// Why a command failed is in the log.
func TestFailureIsLogged(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &simulated{takes: time.Hour} // longer than it may
		c, _, stop := watch(t, &log, s.service("shop", target))
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(50 * time.Second)
		firing(c, target)
		time.Sleep(2 * time.Minute)
		stop()
		if !strings.Contains(log.String(), `msg="Restart failed" service=shop err="context deadline exceeded"`) {
			t.Errorf("the log does not say why:\n%s", log.String())
		}
	})
}
