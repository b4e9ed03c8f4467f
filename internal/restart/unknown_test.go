package restart

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// unknown is a service whose check cannot be made now, since nobody knows its target.
func unknown(s Service) Service {
	s.Checks = []Check{{Target: s.Checks[0].Target, Prober: prober.Refuse(prober.ReasonLocalResource, errors.New("there is no target")), Timeout: time.Second}}
	return s
}

// A check whose target is not known for a while leaves the service as it was: it is not restarted meanwhile, and armed when the
// target is there again. Another target has to prove itself.
func TestUnknownCheck(t *testing.T) {
	const other = "http://127.0.0.1:2/other"
	for _, tt := range []struct {
		name  string
		again string // the target that comes
		two   bool   // another check is there all the time, before it
		armed bool
	}{
		{"the same comes back", shopTarget, false, true},
		{"the same comes back beside another", shopTarget, true, true},
		{"another one comes", other, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &simulated{helps: true}
				made := func(target string) Service {
					service := s.service("shop", target)
					service.BackendDefinition = "systemd shop.service"
					return service
				}
				with := func(service Service) Service {
					if tt.two {
						service.Checks = append(s.service("", "http://127.0.0.1:3/apart").Checks, service.Checks...)
					}
					return service
				}
				c, _, stop := watch(t, io.Discard, with(made(shopTarget)))
				defer stop()
				time.Sleep(2 * time.Minute)
				c.Apply(configured(with(unknown(made(shopTarget)))))
				s.broken.Store(true)
				firing(c, shopTarget)
				time.Sleep(10 * time.Minute)
				if n := s.restarts.Load(); n != 0 {
					t.Errorf("restarted %d times though its target is not known", n)
				}
				c.Apply(configured(with(made(tt.again))))
				time.Sleep(time.Second)
				if e, err := c.Service("shop"); err != nil || e.State.Armed != tt.armed {
					t.Errorf("armed %t, %v, want %t", e.State.Armed, err, tt.armed)
				}
			})
		})
	}
}

// An exporter that starts while the target of a check is not known takes nothing away from the service.
func TestUnknownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true}
		j := NewMemory()
		service := s.service("shop", shopTarget)
		c, _, stop := watchWith(t, j, io.Discard, service)
		time.Sleep(2 * time.Minute)
		e, err := c.Service("shop")
		if err != nil || !e.State.Armed {
			t.Fatalf("armed %t, %v, want it armed", e.State.Armed, err)
		}
		stop()
		for _, known := range []bool{false, true} {
			now := service
			if !known {
				now = unknown(service)
			}
			c, _, stop = watchWith(t, j, io.Discard, now)
			time.Sleep(time.Minute / 2)
			if e, err := c.Service("shop"); err != nil || !e.State.Armed {
				t.Errorf("known %t: armed %t, %v, want it armed as before", known, e.State.Armed, err)
			}
			stop()
		}
	})
}
