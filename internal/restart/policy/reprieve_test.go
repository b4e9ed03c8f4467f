package policy

import (
	"testing"
	"time"
)

// lockOut makes attempts that do not help until the service is locked out.
func (r *run) lockOut() {
	r.t.Helper()
	r.told("1", 0)
	for !r.state.LockedOut {
		d := r.probe(refused)
		if d.Restart {
			r.executed(Executed{})
		}
		if d.Outcome != OutcomeNone && d.Inspect {
			r.inspect()
		}
		r.wait(10 * time.Second)
		if r.now.Sub(start) > 2*time.Hour {
			r.t.Fatal("it is not locked out")
		}
	}
}

// fail has the service fail for d, and counts the attempts, none of which helps.
func (r *run) fail(d time.Duration) int {
	before := r.restarts()
	for end := r.now.Add(d); r.now.Before(end); r.wait(10 * time.Second) {
		if r.now.Sub(r.state.AlertedAt) > 30*time.Minute {
			r.told("1", 0)
		}
		if d := r.probe(refused); d.Restart {
			r.executed(Executed{})
		} else if d.Outcome != OutcomeNone && d.Inspect {
			r.inspect()
		}
	}
	return r.restarts() - before
}

// A service that is locked out gets one more attempt when the world has changed, and only then.
func TestReprieve(t *testing.T) {
	night := Window{Name: "night"}
	for _, tt := range []struct {
		name   string
		change func(r *run)
		want   int
	}{
		{"nothing", func(*run) {}, 0},
		{"a window ends", func(r *run) {
			r.world.Maintenance = night
			r.fail(time.Minute)
			r.world.Maintenance = Window{}
		}, 1},
		{"a window is open", func(r *run) { r.world.Maintenance = night }, 0},
		{"a deploy", func(r *run) { r.unit.Identity = "2" }, 1},
		{"a deploy of what cannot be told apart", func(r *run) { r.unit.Identity = "" }, 0},
		{"its supervisor starts it again", func(r *run) { r.unit.Identity, r.unit.Itself = "2", true }, 0},
		{"a deploy after its supervisor has", func(r *run) {
			r.unit.Identity, r.unit.Itself = "2", true
			r.fail(10 * time.Minute)
			r.unit.Identity, r.unit.Itself = "3", false
		}, 1},
		{"a deploy that is under way", func(r *run) { r.unit.Identity, r.unit.Starting = "2", true }, 0},
		{"a deploy that leaves it stopped", func(r *run) { r.unit.Identity, r.unit.Unfit = "2", Stopped }, 0},
		{"the exporter is restarted", func(r *run) { r.event(Event{Started: &Definition{}}) }, 0},
		{"a deploy while the exporter is", func(r *run) { r.unit.Identity = "2"; r.event(Event{Started: &Definition{}}) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, testPolicy()).arm()
			r.policy.BudgetHour, r.policy.BudgetDay = 100, 100
			r.unit.Identity = "1"
			r.lockOut()
			r.fail(5 * time.Minute)
			tt.change(r)
			if got := r.fail(3 * time.Hour); got != tt.want {
				t.Errorf("there were %d more attempts, want %d", got, tt.want)
			}
			if !r.state.LockedOut || r.state.Unverified != r.policy.MaxUnverified+tt.want {
				t.Errorf("afterwards it is locked out: %t, after %d in a row", r.state.LockedOut, r.state.Unverified)
			}
		})
	}
}

// What an attempt has left unfit is looked at while the service is well, until it is fit again, and never more than once a
// minute. A service that nobody has restarted is not.
func TestLeftUnfit(t *testing.T) {
	const hour = 240 // rounds of 15 s
	r := newRun(t, testPolicy()).arm()
	looks := func(rounds int) (n int) {
		for range rounds {
			if d := r.event(Event{Probed: &healthy}); d.Inspect {
				n++
				r.inspect()
			}
			r.wait(15 * time.Second)
		}
		return n
	}
	if n := looks(hour); n != 0 {
		t.Errorf("without an attempt there were %d looks, want none", n)
	}
	r.unit.Identity = "1"
	r.told("1", 0)
	for r.restarts() == 0 {
		r.probe(refused)
		r.wait(time.Second)
	}
	r.executed(Executed{})
	r.unit.Identity, r.unit.Starting, r.unit.Unfit = "2", true, "paused: update paused due to failure"
	for r.state.InFlight() { // it is well, and not all of it is as it was to be
		r.probe(healthy)
		r.wait(15 * time.Second)
	}
	if r.state.Unverified != 1 {
		t.Fatalf("%d attempts are unverified, want 1", r.state.Unverified)
	}
	if n := looks(2 * hour); n < 100 || n > 120 {
		t.Errorf("in two hours there were %d looks, want one a minute", n)
	}
	if r.state.Unverified != 0 || r.state.Preflight.Unfit == "" { // forgiven, and still unfit
		t.Errorf("%d unverified, unfit %q, want 0 and the words of the back-end", r.state.Unverified, r.state.Preflight.Unfit)
	}
	r.unit.Starting, r.unit.Unfit = false, ""
	if n := looks(hour); n != 1 || r.state.Preflight.Unfit != "" {
		t.Errorf("after its repair there were %d looks, want 1; unfit %q", n, r.state.Preflight.Unfit)
	}
}

// One more attempt is still held by the cool-down, and the guard says why there is one.
func TestReprieveKeepsTheCooldown(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.lockOut()
	last := r.state.LastAttempt()
	r.world.Maintenance.Name = "night"
	r.probe(refused)
	r.world.Maintenance.Name = ""
	r.wait(time.Second)
	if d := r.probe(refused); d.Hold != GuardCooldown || r.state.Reprieve != ReprieveMaintenance {
		t.Errorf("held by %q with the reprieve %q", d.Hold, r.state.Reprieve)
	}
	q := question{policy: &r.policy, state: &r.state, now: r.now}
	if got := askLockedOut(&q).Value; got != "2 in a row did not help; one more is allowed: a maintenance window has ended since" {
		t.Errorf("the guard says %q", got)
	}
	for r.restarts() == 2 {
		r.probe(refused)
		r.wait(time.Second)
	}
	if got := r.state.LastAttempt().Sub(last); got != 20*time.Minute {
		t.Errorf("the next attempt was made after %s, want the doubled pause", got)
	}
}
