package restart

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A stepwise back-end stops and starts its unit, and finishes what was interrupted in between.
type stepwise struct {
	*simulated
	finished atomic.Pointer[Attempt]
}

func (s *stepwise) Finish(_ context.Context, a Attempt) (bool, error) {
	s.finished.Store(&a)
	s.status.Store(&Status{Identity: "2", Running: true})
	return true, nil
}

// Half a restart is made a whole one when the exporter starts again, unless somebody has forbidden it since.
func TestFinishesInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(s *policy.State, p *policy.Policy)
		want    bool
		outcome policy.Outcome
	}{
		{"stopped by us", func(*policy.State, *policy.Policy) {}, true, policy.OutcomeRecovered},
		{"too late to verify", func(_ *policy.State, p *policy.Policy) { p.VerifyTimeout = 10 * time.Second }, true, policy.OutcomeUnknown},
		{"paused since", func(s *policy.State, _ *policy.Policy) { s.Pause.Until = s.Seen.Add(time.Hour) }, false, policy.OutcomeUnknown},
		{"observed since", func(_ *policy.State, p *policy.Policy) { p.Mode = policy.ModeObserve }, false, policy.OutcomeUnknown},
		{"no attempt", func(s *policy.State, _ *policy.Policy) { s.Intent = policy.Intent{} }, false, policy.OutcomeNone},
		{"verifying", func(s *policy.State, _ *policy.Policy) { s.VerifyUntil = s.Seen.Add(time.Minute) }, false, policy.OutcomeIdentityUnchanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &stepwise{simulated: &simulated{}}, newNotebook()
				s.status.Store(&Status{Identity: "1", Unfit: UnfitStopped})
				service := s.service("shop", shopTarget)
				service.Backend = s
				at := policy.Wall(time.Now().Add(-30 * time.Second))
				state := policy.State{
					Seen: policy.Wall(time.Now()), Definition: service.definition(), Armed: true, EpisodeAt: at, AlertedAt: at,
					Intent: policy.Intent{ID: "i", At: at, Before: "1"}, Attempts: []time.Time{at}, CooldownUntil: at.Add(5 * time.Minute),
				}
				tt.change(&state, &service.Policy)
				n.states["shop"] = state
				_, _, stop := watchWith(t, n, io.Discard, service)
				time.Sleep(3 * time.Minute)
				stop()

				got := s.finished.Load()
				if (got != nil) != tt.want {
					t.Fatalf("finished %+v, want that it is: %t", got, tt.want)
				}
				want := Attempt{ID: "i", At: at, Before: Status{Identity: "1"}}
				if got != nil && !cmp.Equal(want, *got) {
					t.Errorf("finished (-want +got):\n%s", cmp.Diff(want, *got))
				}
				told, outcome := false, policy.OutcomeNone
				for i := range n.records {
					r := &n.records[i]
					told = told || r.Event.Preflighted != nil && r.Event.Preflighted.Finished
					if r.Decision.Outcome != policy.OutcomeNone {
						outcome = r.Decision.Outcome
					}
				}
				if told != tt.want || outcome != tt.outcome {
					t.Errorf("the audit says that it was finished: %t, with the outcome %q, want %t and %q", told, outcome, tt.want, tt.outcome)
				}
				if s.restarts.Load() != 0 {
					t.Errorf("restarted %d times", s.restarts.Load())
				}
			})
		})
	}
}

// A unit whose own settings let it take long gets that time, within reason.
func TestTakes(t *testing.T) {
	for _, tt := range []struct {
		name              string
		exec, says, takes time.Duration
		want              bool // in time
	}{
		{"as configured", time.Minute, 0, 50 * time.Second, true},
		{"longer than configured", time.Minute, 0, 70 * time.Second, false},
		{"as the unit says", time.Minute, 3 * time.Minute, 2 * time.Minute, true},
		{"the unit says less", time.Minute, time.Second, 50 * time.Second, true},
		{"the unit says too much", time.Minute, time.Hour, 20 * time.Minute, false},
		{"configured to be long", time.Hour, 2 * time.Hour, 50 * time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &simulated{helps: true, takes: tt.takes}
				s.status.Store(&Status{Takes: tt.says})
				service := s.service("shop", shopTarget)
				service.ExecTimeout = tt.exec
				c, _, stop := watch(t, io.Discard, service)
				defer stop()
				time.Sleep(3 * time.Minute)
				s.broken.Store(true)
				firing(c, shopTarget)
				time.Sleep(tt.takes + time.Minute)
				if got := s.restarts.Load() == 1; got != tt.want {
					t.Errorf("restarted in time: %t, want %t", got, tt.want)
				}
			})
		})
	}
}
