package restart

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The last look decides: what it finds is evidence like any other.
func TestLastLook(t *testing.T) {
	for _, tt := range []struct {
		name  string
		found Evidence
		want  bool
		hold  Guard
	}{
		{"still down", refused, true, ""},
		{"down in another way", status(500), true, ""},
		{"healthy", healthy, false, ""},
		{"not found", status(404), false, GuardFailureClass},
		{"nothing, for want of our own", Evidence{Reason: prober.ReasonLocalResource}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			r.event(Event{Probed: &refused})
			d := r.inspect()
			if !d.Look || d.Restart || r.state.InFlight() {
				t.Fatalf("the decision is %+v, want a last look", d)
			}
			if d := r.event(Event{Looked: &tt.found}); d.Restart != tt.want || d.Hold != tt.hold || r.state.InFlight() != tt.want {
				t.Errorf("the decision is %+v, want a restart: %t", d, tt.want)
			}
		})
	}
}

// What has changed since the back-end answered is no longer decided on.
func TestLastLookTooLate(t *testing.T) {
	for name, change := range map[string]func(r *run){
		"resolved":       func(r *run) { r.event(Event{Told: &Alert{Key: "1", Resolved: true}}) },
		"redefined":      func(r *run) { r.event(Event{Redefined: &Definition{Checks: "other"}}) },
		"paused":         func(r *run) { r.event(Event{Paused: &Pause{Until: r.now.Add(time.Hour), Who: "jo"}}) },
		"clock jumped":   func(r *run) { r.wait(time.Hour); r.event(Event{Tried: &Executed{}, Jump: time.Hour}) },
		"healthy before": func(r *run) { r.event(Event{Probed: &healthy}) },
		"too long ago":   func(r *run) { r.wait(time.Hour / 2) },
	} {
		t.Run(name, func(t *testing.T) {
			r := ready(t)
			r.policy.ConfirmProbes = 2
			r.event(Event{Probed: &refused})
			r.inspect()
			change(r)
			if d := r.event(Event{Looked: &refused}); d.Restart {
				t.Error("restarted")
			}
		})
	}
}

// A recovering service is down until the back-end has been asked.
type recovering struct {
	*simulated
	asked atomic.Bool
}

func (s *recovering) Inspect(ctx context.Context) (Status, error) {
	defer s.broken.Store(false)
	s.asked.Store(true)
	return s.simulated.Inspect(ctx)
}

// A service that recovers at the last moment is not restarted; one that hangs is, after one timeout of its checks.
func TestControllerLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &recovering{simulated: &simulated{helps: true}}
		service := s.service("shop", shopTarget)
		service.Backend = s
		c, _, stop := watch(t, io.Discard, service)
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(5 * time.Minute)
		stop()
		if !s.asked.Load() || s.restarts.Load() != 0 {
			t.Errorf("asked: %t, restarted %d times; want that it is asked about and left alone", s.asked.Load(), s.restarts.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true, hangs: time.Hour}
		c, _, stop := watch(t, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(20 * time.Second) // the round under way is healthy; 3 probes, 1 s each, 1 s apart, and one more of 1 s
		if s.restarts.Load() != 1 {
			t.Errorf("a service that hangs was restarted %d times, want once", s.restarts.Load())
		}
	})
}

// A failure of less than 3 s is over before anything is done about it, whenever the alert comes.
func TestControllerShortFailure(t *testing.T) {
	for i := range time.Duration(20) {
		synctest.Test(t, func(t *testing.T) {
			s := &simulated{helps: true}
			service := s.service("shop", shopTarget)
			service.CheckInterval = time.Second
			c, _, stop := watch(t, io.Discard, service)
			defer stop()
			time.Sleep(3*time.Minute + i*53*time.Millisecond)
			s.broken.Store(true)
			time.Sleep(i * 150 * time.Millisecond)
			firing(c, shopTarget)
			time.Sleep(3*time.Second - time.Millisecond - i*150*time.Millisecond)
			s.broken.Store(false)
			time.Sleep(time.Minute)
			if n := s.restarts.Load(); n != 0 {
				t.Errorf("play %d: restarted %d times", i, n)
			}
		})
	}
}
