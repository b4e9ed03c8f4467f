package policy

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func testBrake() BrakeLimits {
	return BrakeLimits{
		Percent: 40, Min: 3, Max: 10, Window: 5 * time.Minute, Settle: 30 * time.Second,
		ReleasePercent: 20, ReleaseTime: 5 * time.Minute,
	}
}

// A ward is a fleet of services, of which each is healthy or fails in some way, on a clock of its own.
type ward struct {
	t        *testing.T
	fleet    *Fleet
	now      time.Time
	states   []State
	restarts []time.Duration // since the start
	cures    func(i int) bool
}

func newWard(t *testing.T, n int) *ward {
	w := &ward{t: t, fleet: NewFleet(), now: start, states: make([]State, n), cures: func(int) bool { return true }}
	w.fleet.Limit(testBrake())
	for i := range n {
		w.fleet.Join(strconv.Itoa(i), "", nil)
		w.states[i] = State{Armed: true, Successes: 1, Last: healthy}
	}
	return w
}

func (w *ward) fails(i int, e Evidence) {
	s := &w.states[i]
	s.Successes, s.FailingSince, s.Last = 0, w.now, e
	if (&Policy{}).Repairable(e) {
		s.Failures = 3
	}
}

func (w *ward) recovers(i int) { w.states[i] = State{Armed: true, Successes: 1, Last: healthy} }

// pass lets time pass. Whatever fails is restarted as soon as its brake is off, which takes a minute.
func (w *ward) pass(d time.Duration) {
	busy, until := -1, time.Time{}
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(time.Second) {
		if busy >= 0 && !w.now.Before(until) {
			if w.states[busy].Intent = (Intent{}); w.cures(busy) {
				w.recovers(busy)
			} else {
				w.states[busy].Unverified++
			}
			w.fleet.Update(strconv.Itoa(busy), &w.states[busy], w.now)
			busy = -1
		}
		for i := range w.states {
			s := &w.states[i]
			s.Seen, s.LastProbe = w.now, w.now
			w.fleet.Update(strconv.Itoa(i), s, w.now)
			if busy < 0 && s.Failures > 0 && s.Unverified < 2 && !s.LockedOut && !w.fleet.World(strconv.Itoa(i), &Policy{}, w.now).Brake.On {
				w.restarts = append(w.restarts, w.now.Sub(start))
				s.Intent.At = w.now
				busy, until = i, w.now.Add(time.Minute)
				w.fleet.Update(strconv.Itoa(i), s, w.now)
			}
		}
	}
}

var (
	silent = Evidence{Reason: prober.ReasonConnectTimeout}
	hangs  = Evidence{Reason: prober.ReasonRequestTimeout}
)

// A mass failure that no restart repairs lets go of the brake. When it turns into one that a restart may repair, it brakes again:
// after a network without a route comes one that loses what is sent.
func TestTurningFailureBrakes(t *testing.T) {
	w := newWard(t, 10)
	w.pass(time.Minute)
	for i := range w.states {
		w.fails(i, Evidence{Reason: prober.ReasonConnectUnreach})
	}
	w.pass(15 * time.Minute)
	if w.fleet.Brakes(w.now)[ScopeFleet] {
		t.Fatal("what no restart repairs holds the brake")
	}
	for i := range w.states {
		w.states[i].Failures, w.states[i].Last = 3, silent
	}
	w.pass(30 * time.Minute)
	if len(w.restarts) > 0 {
		t.Errorf("restarted after %v, want nothing: the network may be down", w.restarts)
	}
}

// A mass failure that does not pass by itself is healed one by one, where something proves that it is not the network.
func TestTrial(t *testing.T) {
	all := func(n int, e Evidence) func(w *ward) {
		return func(w *ward) {
			for i := range n {
				w.fails(i, e)
			}
		}
	}
	const settled = 5 * time.Minute
	for _, tt := range []struct {
		name  string
		fleet int
		fail  func(w *ward)
		cures bool
		want  int           // restarts within 4 h
		first time.Duration // at the earliest
	}{
		{"dead connections everywhere", 3, all(3, status(500)), true, 3, settled},
		{"dead connections in 10 of 10", 10, all(10, status(500)), true, 10, settled},
		{"dead connections, and it does not help", 5, all(5, status(500)), false, 6, settled},
		{"all time out", 5, all(5, silent), true, 0, 0},
		{"all refuse", 5, all(5, refused), true, 0, 0},
		{"all hang", 5, all(5, hangs), true, 0, 0},
		{"a proxy before all answers", 5, all(5, status(502)), true, 0, 0},
		{"all of a host refuse", 6, all(5, refused), true, 5, settled},
		{"all of a host time out", 6, all(5, silent), true, 0, 0},
		{"one of them answers", 5, func(w *ward) { all(4, hangs)(w); w.fails(4, status(500)) }, true, 5, settled},
		{"an answer that says it is not well, and is restarted for that", 5, func(w *ward) {
			for i := range 5 {
				w.fails(i, Evidence{Reason: prober.ReasonJSON})
				w.states[i].Failures = 3
			}
		}, true, 5, settled},
		{"no path is there", 5, all(5, status(404)), true, 0, 0},
		{"two of five", 5, all(2, silent), true, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t, tt.fleet)
			w.cures = func(int) bool { return tt.cures }
			w.pass(time.Minute)
			tt.fail(w)
			w.pass(4 * time.Hour)
			if len(w.restarts) != tt.want || tt.want > 0 && w.restarts[0] < tt.first {
				t.Errorf("restarted after %v, want %d times, not before %s", w.restarts, tt.want, tt.first)
			}
			if !tt.cures && tt.want > 1 && w.restarts[2]-w.restarts[1] < 20*time.Minute {
				t.Errorf("restarted after %v, want longer and longer pauses", w.restarts)
			}
		})
	}
}

// With few services what is left over holds nobody for ever.
func TestBrakeOfFew(t *testing.T) {
	lockedOut := func(w *ward, i int) { w.fails(i, status(500)); w.states[i].LockedOut = true }
	for _, tt := range []struct {
		name string
		left func(w *ward) // of the three that failed
	}{
		{"nothing", func(*ward) {}},
		{"one that is not found", func(w *ward) { w.fails(0, status(404)) }},
		{"two that are not found", func(w *ward) { w.fails(0, status(404)); w.fails(1, status(404)) }},
		{"one that times out", func(w *ward) { w.fails(0, silent); w.states[0].Unverified = 2 }},
		{"two that are locked out", func(w *ward) { lockedOut(w, 0); lockedOut(w, 1) }},
		{"two that an operator has paused", func(w *ward) {
			for i := range 2 {
				w.fails(i, silent)
				w.states[i].Unverified, w.states[i].Pause.Until = 2, w.now.Add(time.Hour)
			}
		}},
		{"two in maintenance", func(w *ward) {
			for i := range 2 {
				w.fails(i, silent)
				w.states[i].Unverified = 2
				w.fleet.Excuse(strconv.Itoa(i), Window{Name: "night"})
			}
		}},
		{"two that somebody has stopped", func(w *ward) {
			for i := range 2 {
				w.fails(i, silent)
				w.states[i].Unverified, w.states[i].Preflight.Unfit = 2, "stopped: exit status 0"
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t, 5)
			w.pass(time.Minute)
			for i := range 3 {
				w.fails(i, silent)
			}
			w.pass(time.Minute)
			for i := range 3 {
				w.recovers(i)
			}
			tt.left(w)
			w.pass(11 * time.Minute)
			if w.fleet.Brakes(w.now)[ScopeFleet] || len(w.restarts) != 0 {
				t.Fatalf("it is still braked, or was restarted after %v", w.restarts)
			}
			w.fails(4, hangs)
			w.pass(time.Minute)
			if len(w.restarts) != 1 {
				t.Errorf("another one that fails later was restarted %d times, want once", len(w.restarts))
			}
		})
	}
}

// here is a failure on a loopback address, where no network can be the cause.
func here(e Evidence) Evidence {
	e.Local = true
	return e
}

// Two services have what a mass failure needs where they are all: what both of them share is more likely to have failed than both at once.
func TestBrakeOfTwo(t *testing.T) {
	const settled = 5 * time.Minute
	for _, tt := range []struct {
		name         string
		fleet, armed int
		fail         []Evidence // of the first ones
		want         int        // restarts within 4 h
		first        time.Duration
	}{
		{"dead connections in two of two", 2, 2, []Evidence{status(500), status(500)}, 2, settled},
		{"one of two", 2, 2, []Evidence{silent}, 1, 0},
		{"one of one", 1, 1, []Evidence{silent}, 1, 0},
		{"two of two that are armed", 5, 2, []Evidence{status(500), status(500)}, 2, settled},
		{"one of two that are armed", 5, 2, []Evidence{silent}, 1, 0},
		{"two of three", 3, 3, []Evidence{status(500), status(500)}, 2, 0},
		{"two of two time out", 2, 2, []Evidence{silent, silent}, 0, 0},
		{"one of two answers", 2, 2, []Evidence{hangs, status(500)}, 2, settled},
		{"two of two refuse, over a network", 2, 2, []Evidence{refused, refused}, 0, 0},
		{"two of two refuse, on this host", 2, 2, []Evidence{here(refused), here(refused)}, 2, settled},
		{"two of two hang, on this host", 2, 2, []Evidence{here(hangs), here(hangs)}, 2, settled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t, tt.fleet)
			for i := tt.armed; i < tt.fleet; i++ {
				w.states[i].Armed = false
			}
			w.pass(time.Minute)
			for i, e := range tt.fail {
				w.fails(i, e)
			}
			w.pass(4 * time.Hour)
			if len(w.restarts) != tt.want || tt.want > 0 && w.restarts[0] < tt.first || tt.want > 0 && tt.first == 0 && w.restarts[0] > settled {
				t.Errorf("restarted after %v, want %d times; braked, not before %s", w.restarts, tt.want, tt.first)
			}
			if len(w.restarts) == 2 && w.restarts[1]-w.restarts[0] < time.Minute {
				t.Errorf("restarted after %v, want one after the other", w.restarts)
			}
		})
	}
}

// Of two that failed at once one is left over: it holds neither itself nor the other for ever.
func TestBrakeOfTwoIsReleased(t *testing.T) {
	w := newWard(t, 2)
	w.pass(time.Minute)
	w.fails(0, silent)
	w.fails(1, silent)
	w.pass(time.Minute)
	w.recovers(1)
	w.pass(4 * time.Minute)
	if !w.fleet.Brakes(w.now)[ScopeFleet] || len(w.restarts) != 0 {
		t.Fatalf("it is not braked, or was restarted after %v", w.restarts)
	}
	w.pass(3 * time.Minute)
	if w.fleet.Brakes(w.now)[ScopeFleet] || len(w.restarts) != 1 {
		t.Errorf("it is still braked, or was restarted after %v, want once", w.restarts)
	}
}

// An operator releases a brake for what fails now, and it brakes again for what fails later.
func TestReleaseBrake(t *testing.T) {
	w := newWard(t, 6)
	w.pass(time.Minute)
	if _, on := w.fleet.Release(ScopeFleet, w.now); on {
		t.Error("a brake that is off was released")
	}
	for i := range 3 {
		w.fails(i, silent)
	}
	w.pass(time.Minute)
	brake := w.fleet.World("0", &Policy{}, w.now).Brake
	q := question{world: &World{Brake: brake}}
	got := askBrake(&q)
	if want := "fleet: 3 of 6 failing, 3 in a way that a restart may repair; a failure began "; !strings.HasPrefix(got.Value, want) {
		t.Errorf("value is %q, want %q", got.Value, want)
	}
	if want := "at most 1 that a restart may repair for 5m0s, or no new failure for as long: then one at a time"; got.Limit != want || got.OK {
		t.Errorf("limit is %q, want %q", got.Limit, want)
	}
	if failing, on := w.fleet.Release(ScopeFleet, w.now); !on || len(failing) != 3 {
		t.Errorf("released: %t, with %q failing", on, failing)
	}
	w.pass(5 * time.Minute)
	if len(w.restarts) != 3 {
		t.Errorf("restarted after %v, want all three", w.restarts)
	}
	for i := range 3 {
		w.fails(i, silent)
	}
	w.pass(10 * time.Minute)
	if len(w.restarts) != 3 {
		t.Error("what failed after the release was restarted")
	}
}

// Of 1,000 services all 20 of a group fail: the group is braked, and nothing else. Later it is released.
func TestBrakeOfOneGroup(t *testing.T) {
	f, now := NewFleet(), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	f.Limit(BrakeLimits{Percent: 40, Min: 3, Max: 30, Window: 5 * time.Minute, ReleasePercent: 20, ReleaseTime: 5 * time.Minute})
	name := func(i int) string { return fmt.Sprintf("web-%d", i) }
	for i := range 1000 {
		group := fmt.Sprintf("shop-%d", i/20)
		f.Join(name(i), group, nil)
	}
	failing := 0
	update := func() {
		for i := range 1000 {
			s := State{Armed: true, Successes: 1}
			if i < failing {
				s = State{Armed: true, Failures: 1, FailingSince: now}
			}
			f.Update(name(i), &s, now)
		}
	}
	want := func(member int, on bool) {
		t.Helper()
		b := f.World(name(member), &Policy{}, now).Brake
		if b.On != on || on && b.Scope != "group/shop-0" {
			t.Errorf("at %s the brake of %s is %+v, want %v", now.Format(time.TimeOnly), name(member), b, on)
		}
	}
	update()
	want(0, false)
	failing, now = 20, now.Add(time.Minute)
	update()
	want(0, true)
	want(19, true)
	want(20, false)
	failing, now = 1, now.Add(time.Minute)
	update()
	now = now.Add(4 * time.Minute)
	want(0, true)
	now = now.Add(time.Minute)
	want(0, false)
}

// A wave that has begun while a brake was calm puts it on again at the moment of its release, with nothing in between.
func TestReleaseSeesTheNextWave(t *testing.T) {
	w := newWard(t, 2)
	w.pass(time.Minute)
	w.fails(0, status(404))
	w.fails(1, status(404))
	w.pass(time.Minute)
	w.recovers(0)
	w.recovers(1)
	w.pass(time.Minute)
	w.fails(0, refused)
	w.fails(1, status(404))
	w.pass(20 * time.Minute)
	if len(w.restarts) != 1 || w.restarts[0] < 11*time.Minute {
		t.Errorf("restarted after %v, want once, 5m0s after the brake was put on again at 6m0s", w.restarts)
	}
}
