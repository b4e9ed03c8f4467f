package restart

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A rehearsed service can try a restart out.
type rehearsed struct {
	simulated
	mu    sync.Mutex // protects the following
	tried []Attempt
	err   error
	slow  bool
}

func (r *rehearsed) DryRun(ctx context.Context, a Attempt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = append(r.tried, a)
	if r.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.err
}

// In observe mode a restart that would have been made is tried out, once in an episode; what comes of it is told.
func TestTryOut(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	for _, tt := range []struct {
		name  string
		mode  policy.Mode
		err   error
		tried int
		want  string
	}{
		{"accepted", policy.ModeObserve, nil, 1, "The restart would have been accepted"},
		{"refused", policy.ModeObserve, fmt.Errorf("%w: status 403", ErrRefused), 1, "The restart would have failed"},
		{"enforced", policy.ModeEnforce, nil, 0, "Restarting service"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rehearsed{err: tt.err}
				r.status.Store(&Status{Identity: "1", Running: true})
				s := r.service("web", target)
				s.Backend, s.Policy.Mode = r, tt.mode
				var log bytes.Buffer
				kept := newNotebook()
				c, _, stop := watchWith(t, kept, &log, s)
				time.Sleep(5 * time.Minute)
				r.broken.Store(true)
				firing(c, target)
				time.Sleep(time.Minute)
				stop()
				if len(r.tried) != tt.tried || !strings.Contains(log.String(), tt.want) {
					t.Errorf("tried %d times, want %d; the log lacks %q:\n%s", len(r.tried), tt.tried, tt.want, &log)
				}
				if restarts := int(r.restarts.Load()); restarts != 1-tt.tried {
					t.Errorf("restarted %d times", restarts)
				}
				var recorded *policy.Executed
				for i := range kept.records {
					if e := kept.records[i].Event.Tried; e != nil {
						recorded = e
					}
				}
				if tt.tried == 0 {
					return
				}
				if a := r.tried[0]; a.ID == "" || a.At.IsZero() || a.Before.Identity != "1" {
					t.Errorf("tried %+v, want an attempt", a)
				}
				if recorded == nil || recorded.Attempt != r.tried[0].ID || recorded.Refused != (tt.err != nil) {
					t.Errorf("recorded %+v, want what came of it", recorded)
				}
			})
		})
	}
}

// A back-end that hangs keeps the exporter from stopping no longer than its context.
func TestTryOutHangs(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	synctest.Test(t, func(t *testing.T) {
		r := &rehearsed{slow: true}
		s := r.service("web", target)
		s.Backend, s.Policy.Mode = r, policy.ModeObserve
		var log bytes.Buffer
		c, _, stop := watch(t, &log, s)
		time.Sleep(5 * time.Minute)
		r.broken.Store(true)
		firing(c, target)
		time.Sleep(30 * time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > time.Second || len(r.tried) != 1 {
			t.Errorf("stopping took %s, tried %d times", took, len(r.tried))
		}
	})
}
