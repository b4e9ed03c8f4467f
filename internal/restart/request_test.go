package restart

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A request restarts what fails, without any alert, and nothing that is healthy. It ends when the service is healthy again, or
// when it is not repeated for suspect_time.
func TestRequest(t *testing.T) {
	jo := policy.Operator{Who: "jo", Reason: "cron"}
	for name, tt := range map[string]struct {
		broken   bool // when it is requested
		after    time.Duration
		restarts int32
	}{
		"fails":                           {true, 0, 1},
		"healthy":                         {false, 0, 0},
		"fails when it was healthy since": {false, 5 * time.Minute, 0},
		"fails soon after":                {false, time.Millisecond, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{helps: true}, newNotebook()
				c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
				time.Sleep(3*time.Minute + time.Millisecond)
				s.broken.Store(tt.broken)
				if err := c.Request("shop", jo); err != nil {
					t.Fatal(err)
				}
				if e, _ := c.Service("shop"); !e.Demanded || e.Request != jo || e.RequestedAt.IsZero() || e.Alerts != 0 || !e.AlertedAt.IsZero() {
					t.Errorf("requested, and explained as %+v", e)
				}
				time.Sleep(tt.after)
				if tt.after > 0 {
					s.broken.Store(true)
				}
				time.Sleep(5 * time.Minute)
				if e, _ := c.Service("shop"); e.Demanded && e.Healthy {
					t.Errorf("healthy, and still demanded: %+v", e)
				}
				stop()
				if got := s.restarts.Load(); got != tt.restarts {
					t.Errorf("restarted %d times, want %d", got, tt.restarts)
				}
			})
		})
	}
}
