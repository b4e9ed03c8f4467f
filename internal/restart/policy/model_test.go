package policy

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var modelIncidents = flag.Int("model.incidents", 0, "how many random incidents the model test runs; 0: 100000, fewer with -short and -race")

// A step is something that happens to the fleet. What it means depends on kind; every combination is valid, so that any
// step can be left out of a counterexample.
type step struct {
	kind, service, arg int
}

// stepKinds are what can happen, and how often it does.
var stepKinds = []struct {
	name   string
	weight int
	do     func(m *simulation, s *patient, arg int)
}{
	{"calm", 3, func(m *simulation, _ *patient, _ int) { m.ticks(6, 15*time.Second) }},
	{"seconds", 3, func(m *simulation, _ *patient, arg int) { m.ticks(1+arg%5, time.Second) }},
	{"minutes", 4, func(m *simulation, _ *patient, arg int) { m.ticks(2+arg%8, time.Minute) }},
	{"late tick", 1, func(m *simulation, _ *patient, arg int) { m.tick(time.Duration(5+arg%30) * time.Second) }},
	{"long gap", 1, func(m *simulation, _ *patient, arg int) { m.tick(time.Duration(1+arg%25) * time.Hour) }},
	{"incident", 10, func(m *simulation, s *patient, arg int) {
		m.incidents++
		m.sicken(s, arg)
		m.alert(s, false)
		m.ticks(3+arg%3, time.Second)
	}},
	{"fails", 3, func(m *simulation, s *patient, arg int) { m.incidents++; m.sicken(s, arg) }},
	{"fails unheard", 4, func(m *simulation, s *patient, arg int) {
		m.alert(s, true)
		m.incidents++
		m.sicken(s, arg)
		m.ticks(4+arg%12, 15*time.Second)
	}},
	{"without alert", 1, func(m *simulation, _ *patient, arg int) {
		m.policy.WithoutAlertAfter = time.Duration(arg%4) * time.Minute
	}},
	{"mass failure", 1, func(m *simulation, _ *patient, _ int) {
		for _, s := range m.services {
			m.incidents++
			m.sicken(s, 0)
			m.alert(s, false)
		}
		m.ticks(5, time.Second)
	}},
	{"heals", 2, func(_ *simulation, s *patient, _ int) { s.sick = nil }},
	{"all heal", 1, func(m *simulation, _ *patient, _ int) {
		for _, s := range m.services {
			s.sick = nil
		}
	}},
	{"flaps", 1, func(m *simulation, s *patient, arg int) {
		for range 2 + arg%4 {
			m.incidents++
			m.sicken(s, 0)
			m.tick(time.Second)
			s.sick = nil
			m.tick(time.Second)
		}
	}},
	{"alerts", 2, func(m *simulation, s *patient, arg int) {
		for range 1 + arg%20 { // replays
			m.alert(s, false)
		}
	}},
	{"resolved", 2, func(m *simulation, s *patient, _ int) { m.alert(s, true) }},
	{"request", 1, func(m *simulation, s *patient, arg int) {
		for range 1 + arg%3 { // a cron line
			m.request(s)
		}
	}},
	{"fails after a request", 1, func(m *simulation, s *patient, arg int) {
		m.alert(s, true)
		m.request(s)
		s.sick = nil
		m.ticks(8, 15*time.Second)
		m.incidents++
		m.sicken(s, arg)
		m.ticks(5, time.Second)
	}},
	{"back-end", 3, func(_ *simulation, s *patient, arg int) { s.lie = lie(arg % int(lies)) }},
	{"honest", 2, func(_ *simulation, s *patient, _ int) { s.lie, s.slow, s.unfit = honest, false, "" }},
	{"unfit", 1, func(_ *simulation, s *patient, _ int) { s.unfit = Stopped }},
	{"rolls", 1, func(_ *simulation, s *patient, arg int) { s.rolls = arg%4 != 0 }},
	{"slow", 1, func(_ *simulation, s *patient, _ int) { s.slow = true }},
	{"deployed", 1, func(m *simulation, s *patient, _ int) {
		s.ident, s.start = s.ident+1, m.now
		s.chance = s.chance || s.unverified >= m.policy.MaxUnverified
	}},
	{"crash", 2, func(m *simulation, _ *patient, arg int) { m.restart(time.Duration(arg%600) * time.Second) }},
	{"crash later", 2, func(m *simulation, _ *patient, arg int) { m.crash = crashPoint(1 + arg%int(crashes-1)) }},
	{"clock", 1, func(m *simulation, _ *patient, arg int) { m.jump(time.Duration(arg%7200-3600) * time.Second) }},
	{"clock back while down", 1, func(m *simulation, _ *patient, arg int) {
		m.jumped -= time.Duration(arg%3600) * time.Second
		m.restart(time.Minute)
	}},
	{"pause", 1, func(m *simulation, s *patient, arg int) {
		d := time.Duration(1+arg%60) * time.Minute
		s.pausedT = m.now.Add(d)
		m.apply(s, &Event{Paused: &Pause{Until: m.wall().Add(d), Who: "jo", Reason: "test"}})
	}},
	{"resume", 1, func(m *simulation, s *patient, _ int) {
		s.pausedT = time.Time{}
		m.apply(s, &Event{Resumed: &Operator{Who: "jo"}})
	}},
	{"unlock", 1, func(m *simulation, s *patient, _ int) {
		s.unverified = 0
		m.apply(s, &Event{Unlocked: &Operator{Who: "jo"}})
	}},
	{"network out", 1, func(m *simulation, _ *patient, arg int) {
		m.cut = true
		m.alert(m.services[3], false)
		m.ticks(3+arg%30, time.Second)
	}},
	{"network back", 2, func(m *simulation, _ *patient, _ int) { m.cut = false }},
	{"maintenance", 1, func(m *simulation, s *patient, arg int) {
		was := s.window
		s.window = arg%2 == 0
		s.chance = s.chance || was && !s.window && s.unverified >= m.policy.MaxUnverified
	}},
	{"disk", 1, func(m *simulation, _ *patient, arg int) { m.full = arg%3 == 0 }},
	{"lease", 1, func(m *simulation, _ *patient, arg int) { m.standby, m.leads = arg%3 == 0, m.now }},
	{"mode", 1, func(m *simulation, _ *patient, arg int) {
		m.policy.Mode = []Mode{ModeOff, ModeObserve, ModeEnforce, ModeEnforce}[arg%4]
	}},
	{"redefined", 1, func(m *simulation, s *patient, arg int) {
		if !s.state.InFlight() { // the controller waits for that
			checks := strconv.Itoa(arg % 3)
			if s.checks != checks {
				s.everGreen, s.downSince = false, time.Time{}
			}
			s.green, s.checks = 0, checks
			m.apply(s, &Event{Redefined: &Definition{Checks: checks}})
		}
	}},
}

func (m *simulation) ticks(n int, d time.Duration) {
	for range n {
		m.tick(d)
	}
}

// sicken makes a service fail in one of several ways.
func (m *simulation) sicken(s *patient, arg int) {
	kinds := []Evidence{
		refused, refused, refused, status(404), status(500), {Reason: prober.ReasonLocalResource}, partly(1, 4), partly(3, 4),
	}
	s.sick, s.cured = &kinds[arg%len(kinds)], arg%4 != 3
}

// jump moves the wall clock while the exporter runs, which sees it at the next event of every service. That it moves on
// while nothing can be noted cannot be told from time that passed.
func (m *simulation) jump(d time.Duration) {
	if m.full && d > 0 {
		return
	}
	m.jumped += d
	crash := m.crash
	m.crash = crashNever
	m.tick(time.Second)
	m.crash = crash
}

func randomSteps(rnd *rand.Rand) []step {
	total := 0
	for _, k := range stepKinds {
		total += k.weight
	}
	steps := []step{{kind: 0}}
	for range 20 + rnd.IntN(30) {
		n, kind := rnd.IntN(total), 0
		for n >= stepKinds[kind].weight {
			n -= stepKinds[kind].weight
			kind++
		}
		steps = append(steps, step{kind, min(rnd.IntN(6), rnd.IntN(4)), rnd.IntN(1 << 16)})
	}
	return steps
}

// play runs steps until something goes wrong.
func play(table []guardRow, seed uint64, steps []step) *simulation {
	return newSimulation(table, rand.New(rand.NewPCG(seed, 1))).play(seed, steps) //nolint:gosec // it is to be repeated
}

func (m *simulation) play(seed uint64, steps []step) *simulation {
	for _, s := range steps {
		stepKinds[s.kind].do(m, m.services[s.service], s.arg)
		if m.violation != "" {
			return m
		}
	}
	if seed%16 == 0 {
		m.live()
	}
	return m
}

// live checks that a service that a restart repairs is repaired when nothing forbids it.
func (m *simulation) live() {
	m.full, m.standby, m.cut, m.crash, m.policy.Mode = false, false, false, crashNever, ModeEnforce
	for _, s := range m.services {
		s.sick, s.lie, s.slow, s.unfit, s.window = nil, honest, false, "", false
	}
	m.ticks(10, time.Minute) // what is under way ends
	for _, s := range m.services {
		s.pausedT, s.unverified = time.Time{}, 0
		m.apply(s, &Event{Resumed: &Operator{Who: "jo"}})
		m.apply(s, &Event{Unlocked: &Operator{Who: "jo"}})
	}
	m.repairs(true)
	m.policy.WithoutAlertAfter = 2 * time.Minute
	m.repairs(false)
}

// repairs has one service fail after the other when all is calm, with an alert or without one.
func (m *simulation) repairs(alerted bool) {
	for _, s := range m.services {
		m.alert(s, true)
	}
	m.tick(25 * time.Hour)
	m.ticks(12, time.Minute) // all is armed and calm
	for _, s := range m.services {
		before, longest := s.restarts, 100
		m.incidents++
		m.sicken(s, 0)
		if alerted {
			m.alert(s, false)
		} else {
			longest += int(m.policy.WithoutAlertAfter / time.Second)
		}
		for range longest {
			m.tick(time.Second)
		}
		if s.restarts != before+1 || s.sick != nil || s.state.InFlight() || s.state.Unverified != 0 {
			m.fail(s, "not repaired by one restart, although nothing forbids it")
		}
		m.tick(16 * time.Minute)
		m.ticks(6, 15*time.Second)
	}
}

// shrink leaves out steps as long as the same goes wrong without them.
func shrink(table []guardRow, seed uint64, steps []step) []step {
	rule := play(table, seed, steps).violation
	for size := len(steps) / 2; size > 0; {
		shorter := false
		for at := 0; at+size <= len(steps); {
			without := slices.Delete(slices.Clone(steps), at, at+size)
			if play(table, seed, without).violation == rule {
				steps, shorter = without, true
			} else {
				at += size
			}
		}
		if !shorter || size > len(steps) {
			size /= 2
		}
	}
	return steps
}

// explain is a counterexample for people.
func explain(table []guardRow, seed uint64, steps []step) string {
	steps = shrink(table, seed, steps)
	m := play(table, seed, steps)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s; seed %d:\n", m.violation, m.where, seed)
	for _, s := range steps {
		fmt.Fprintf(&b, "\t%-22s %s %d\n", stepKinds[s.kind].name, []string{"a", "b", "c", "d"}[s.service], s.arg)
	}
	return b.String()
}

// search plays random incidents until something goes wrong or there were enough, in several goroutines.
func search(table []guardRow, incidents int) (seed uint64, steps []step, found bool) {
	var next, had atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex // protects the results
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for had.Load() < int64(incidents) {
				n := uint64(next.Add(1)) //nolint:gosec // it is not negative
				some := randomSteps(rand.New(rand.NewPCG(n, 2)))
				m := play(table, n, some)
				had.Add(int64(m.incidents))
				if m.violation == "" {
					continue
				}
				mu.Lock()
				if !found || n < seed {
					seed, steps, found = n, some, true
				}
				mu.Unlock()
				had.Add(int64(incidents))
			}
		})
	}
	wg.Wait()
	return seed, steps, found
}

// Whatever happens to a fleet, no restart breaks a rule, and a service that can be repaired is.
func TestModel(t *testing.T) {
	incidents := *modelIncidents
	if incidents == 0 {
		incidents = 100_000
		if testing.Short() || raceEnabled {
			incidents = 3_000
		}
	}
	began := time.Now()
	if seed, steps, found := search(guards, incidents); found {
		t.Fatal(explain(guards, seed, steps))
	}
	t.Logf("%d incidents in %s", incidents, time.Since(began).Round(time.Millisecond))
}

// Without any one of the guards something goes wrong, and the model finds it.
func TestModelMissesEveryGuard(t *testing.T) {
	for i, g := range guards {
		switch g.guard { //nolint:exhaustive // the model needs the others
		case GuardFailureClass, GuardOutage:
			continue // a failure of another class, or of too little, confirms nothing, so that unconfirmed holds as well
		case GuardFresh:
			continue // the last look makes the evidence new
		}
		t.Run(string(g.guard), func(t *testing.T) {
			table := slices.Delete(slices.Clone(guards), i, i+1)
			seed, steps, found := search(table, 20_000)
			if !found {
				t.Fatal("the model finds nothing wrong without it")
			}
			if testing.Verbose() {
				t.Log(explain(table, seed, steps))
			}
		})
	}
}

// Where the controller does less than it should the model finds it.
func TestModelMissesTheController(t *testing.T) {
	const undemanded, idle = "restarted without a demand", "not restarted, although it is demanded and nothing is against it"
	for _, tt := range []struct {
		name, want string
		spoil      func(m *simulation)
	}{
		{"keeps a request that is over", undemanded, func(m *simulation) { m.clings = true }},
		{"skips the last look", "restarted while healthy", func(m *simulation) { m.blind = true }},
		{"forgets demands", idle, func(m *simulation) { m.forgets = true }},
		{"needs no alert soon", undemanded, func(m *simulation) { m.bend = func(p *Policy) { p.WithoutAlertAfter /= 2 } }},
		{"needs no alert at all", undemanded, func(m *simulation) { m.bend = func(p *Policy) { p.WithoutAlertAfter = time.Nanosecond } }},
		{"needs an alert", idle, func(m *simulation) { m.bend = func(p *Policy) { p.WithoutAlertAfter = 0 } }},
		{"counts over gaps", undemanded, func(m *simulation) { m.bend = func(p *Policy) { p.ProbeGap = 30 * time.Hour } }},
	} {
		found := false
		for n := range uint64(6000) {
			m := newSimulation(guards, rand.New(rand.NewPCG(n, 1))) //nolint:gosec // it is to be repeated
			tt.spoil(m)
			m.play(n, randomSteps(rand.New(rand.NewPCG(n, 2)))) //nolint:gosec // it is to be repeated
			if m.violation == tt.want {
				found = true
				break
			}
		}
		if !found {
			t.Errorf("the model does not find that the controller %s: %s", tt.name, tt.want)
		}
	}
}

// Without any one of the guards its own tests fail.
func TestGuardTestsMissEveryGuard(t *testing.T) {
	for i, g := range guards {
		table := slices.Delete(slices.Clone(guards), i, i+1)
		missed := false
		for _, tt := range guardTests {
			if tt.hold == g.guard {
				r := ready(t)
				r.table = table
				missed = missed || tt.decide(r).Hold != tt.hold
			}
		}
		if !missed {
			t.Errorf("no test fails without %s", g.guard)
		}
	}
}
