package restart

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

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
