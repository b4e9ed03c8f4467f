package restart

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
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
		off.Policy.Mode = ModeOff
		c.Apply([]Service{off})
		time.Sleep(10 * time.Minute)
		if n := s.restarts.Load(); n != 0 {
			t.Errorf("restarted %d times after the mode was off", n)
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
		c.Apply(nil)
		time.Sleep(time.Second)
		if firing(c, target) {
			t.Error("an alert still selects the service that is gone")
		}
		other := &simulated{}
		c.Apply([]Service{other.service("shop", target)})
		time.Sleep(time.Second)
		if n := s.restarts.Load(); n != 0 {
			t.Fatalf("the attempt has ended after %d restarts: the test comes too late", n)
		}
		time.Sleep(time.Minute)
		if s.restarts.Load() != 1 || !firing(c, target) {
			t.Errorf("the attempt that was under way ended with %d restarts", s.restarts.Load())
		}
		c.Apply(nil)
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
		if !strings.Contains(log.String(), `msg="Restart command failed" service=shop err="context deadline exceeded"`) {
			t.Errorf("the log does not say why:\n%s", log.String())
		}
	})
}
