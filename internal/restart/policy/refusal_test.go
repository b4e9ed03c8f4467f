package policy

import (
	"testing"
	"time"
)

// A deploy that refuses restarts costs the cool-down and no budget, and there are fewer and fewer attempts.
func TestRefusals(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.told("1", 0)
	var at []time.Duration
	began := r.now
	for r.now.Sub(began) < 8*time.Hour {
		if d := r.probe(refused); d.Restart {
			at = append(at, r.now.Sub(began).Round(time.Minute))
			r.executed(Executed{Error: "a deploy is under way", Refused: true})
			if got := r.state.Phase(); got != PhaseRefused {
				t.Fatalf("after a refusal the phase is %s", got)
			}
		}
		if hour, day := r.state.Spent(r.now); hour+day > 0 && !r.state.InFlight() {
			t.Fatalf("refusals cost %d and %d of the budget", hour, day)
		}
		if r.now.Sub(r.state.AlertedAt) > 30*time.Minute {
			r.told("1", 0)
		}
		r.wait(10 * time.Second)
	}
	if len(at) < 5 || len(at) > 12 || at[1] != 5*time.Minute || at[2] != 15*time.Minute || at[3] != 35*time.Minute {
		t.Errorf("attempts were made after %v, want pauses of 5, 10, 20, 40 minutes and then an hour", at)
	}
	// The deploy is over.
	r.wait(time.Hour)
	r.told("1", 0)
	for range 3 {
		r.wait(time.Second)
		if d := r.probe(refused); d.Restart {
			r.executed(Executed{})
			r.probes(5, time.Second, healthy)
		}
	}
	if r.state.Phase() != PhaseCooldown || r.state.Refused != 0 || len(r.state.Attempts) != 1 {
		t.Errorf("afterwards the phase is %s with %d refused and %d attempts", r.state.Phase(), r.state.Refused, len(r.state.Attempts))
	}
}

// A service that becomes well after a refusal was not restarted, and is not told to be.
func TestWellAfterRefusal(t *testing.T) {
	r := ready(t)
	r.probe(refused)
	r.executed(Executed{Error: "no", Refused: true})
	r.probes(10, 10*time.Second, healthy)
	if got := r.state.Phase(); got != PhaseRefused || r.state.Refused != 0 {
		t.Errorf("the phase is %s with %d refusals in a row, want refused, and none", got, r.state.Refused)
	}
	r.probes(30, 10*time.Second, healthy)
	if got := r.state.Phase(); got != PhaseIdle {
		t.Errorf("after the cool-down the phase is %s, want idle", got)
	}
}
