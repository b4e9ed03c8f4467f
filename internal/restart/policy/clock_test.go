package policy

import (
	"testing"
	"time"
)

// Time that did not pass is not counted, in either direction and however the clock comes to jump.
func TestClockJumps(t *testing.T) {
	for _, tt := range []struct {
		name   string
		jump   time.Duration
		told   bool // the event says so
		passes time.Duration
	}{
		{"forward", 2 * time.Hour, true, time.Minute},
		{"back", -2 * time.Hour, true, time.Minute},
		{"back while nobody looked", -2 * time.Hour, false, 0},
		{"a little forward", 20 * time.Second, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			r.attempted(3 * time.Minute)
			r.event(Event{Paused: &Pause{Until: r.now.Add(time.Hour), Who: "jo", Reason: "test"}})
			r.wait(tt.jump + tt.passes)
			ev := Event{Probed: &refused}
			if tt.told {
				ev.Jump = tt.jump
			}
			d := r.event(ev)
			if left := r.state.Pause.Until.Sub(r.now); left != time.Hour-tt.passes {
				t.Errorf("the pause has %s left, want %s", left, time.Hour-tt.passes)
			}
			if since := r.now.Sub(r.state.Attempts[0]); since != 3*time.Minute+tt.passes {
				t.Errorf("the last attempt was %s ago, want %s", since, 3*time.Minute+tt.passes)
			}
			far := tt.jump.Abs() > maxJump
			if jumped := r.state.JumpedAt.Equal(r.now); jumped != far || (d.Hold == GuardWarmUp) != far {
				t.Errorf("noted a jump: %t, held by %q; want %t and the warm-up", jumped, d.Hold, far)
			}
			if fresh := r.state.Failures == 1; fresh != far {
				t.Errorf("%d failures are in a row, want that they begin anew: %t", r.state.Failures, far)
			}
		})
	}
}

// A row of probes does not reach over a time in which nobody looked.
func TestProbeGap(t *testing.T) {
	r := newRun(t, testPolicy())
	r.probes(4, 15*time.Second, healthy)
	r.wait(time.Hour)
	r.probes(4, 15*time.Second, healthy)
	if r.state.Armed || r.state.Successes != 4 {
		t.Errorf("armed %t by %d successes over a gap of an hour", r.state.Armed, r.state.Successes)
	}
}

// No pause is longer than it may be, and orders change nothing else.
func TestOrders(t *testing.T) {
	r := ready(t)
	r.event(Event{Paused: &Pause{Until: r.now.Add(1000 * time.Hour), Who: "jo", Reason: "test"}})
	if left := r.state.Pause.Until.Sub(r.now); left != MaxPause {
		t.Errorf("the pause lasts %s, want %s", left, MaxPause)
	}
	r.wait(MaxPause)
	r.event(Event{Resumed: &Operator{Who: "jo"}})
	if r.state.Pause != (Pause{}) || !r.state.Armed {
		t.Errorf("after the pause the state is %+v", r.state)
	}
	r.event(Event{Redefined: &Definition{Checks: "other"}})
	if r.state.Armed || r.state.Failures != 0 {
		t.Error("other checks are armed")
	}
}
