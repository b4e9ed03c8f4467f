package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A simulation is a fleet under watch on a clock of its own, with a controller that does in one goroutine what the real one
// does in many. It knows the truth, and judges every restart by that and not by the state of the policy.
type simulation struct {
	table    []guardRow
	policy   Policy
	blind    bool            // the controller skips the last look
	clings   bool            // the controller keeps a request that is over
	forgets  bool            // the controller takes what is well for what is no longer demanded
	bend     func(p *Policy) // how the rules of the controller differ from those that are configured; nil: not at all
	fleet    *Fleet
	services []*patient

	now      time.Time     // what passes, by a clock that does not jump
	jumped   time.Duration // the wall clock is that far away from now
	up       time.Time     // when the exporter started
	full     bool          // the disk is
	standby  bool          // another exporter leads
	cut      bool          // no sentinel answers, and of d nothing is seen
	crowded  time.Time     // when more than one service was last seen to fail
	leads    time.Time     // since when none does
	crash    crashPoint    // where the exporter ends next
	crashed  bool
	attempts []time.Time // of all services
	nextID   int

	incidents int
	violation string // the first rule that was broken
	where     string
}

// crashPoint is where the exporter ends.
type crashPoint int

const (
	crashNever    crashPoint = iota
	crashDecided             // the intent is persisted, nothing is done yet
	crashExecuted            // it is done, and nobody has noted that
	crashes
)

// A patient is a simulated service with the truth about it.
type patient struct {
	name, group string
	dependsOn   []string
	remote      bool // has sentinels

	// What the controller has of it.
	state, kept State
	dirty       bool
	jumpSeen    time.Duration
	answer      *Preflight // comes at the next tick
	outcome     *Executed  // comes at the next tick

	// What it is.
	checks  string
	sick    *Evidence // nil: healthy
	cured   bool      // by a restart
	lie     lie
	unfit   string
	slow    bool      // the back-end is
	rolls   bool      // a restart takes until rollout is over
	rolling time.Time // the last one does, until then
	named   bool      // its identity was known before the last one
	start   time.Time
	ident   int
	pausedT time.Time // until then
	window  bool      // it is in maintenance

	// What was seen of it.
	row         []time.Time // of the latest failures that a restart repairs, 1 s apart or more
	greenSince  time.Time
	calmSince   time.Time // since when the probes were healthy in a row, without a gap
	green       int
	everGreen   bool
	failedSince time.Time
	lastProbe   time.Time
	downSince   time.Time // when the row of failures that a restart repairs began, which nothing has broken since
	ruled       bool      // it was known meanwhile for how long they must last
	missed      bool      // the sentinels were asked and did not answer, and have not since
	requested   bool      // an operator asked, and it was not healthy for long enough since
	asked       time.Time // when he last did
	calm        int       // healthy probes in a row since
	demanded    bool      // an alert was told as firing, and not as resolved since
	told        time.Time // when it last was
	waits       int       // for so many probes, since waiting
	waiting     time.Time
	jumpAt      time.Time
	made        []time.Time // attempts
	executions  map[string]int
	open        bool // an attempt is
	unverified  int
	chance      bool // the world has changed since it was locked out
	refused     int  // attempts in a row, the last one at refusedAt
	refusedAt   time.Time
	restarts    int
}

// rollout is how long it takes to restart all of a service that rolls.
const rollout = 20 * time.Second

// lie is how a back-end misbehaves.
type lie int

const (
	honest    lie = iota
	idle          // says that it restarted and did nothing
	liar          // says that it failed and did it
	refuses       // does nothing and says so
	anonymous     // knows no identity
	lies
)

func newSimulation(table []guardRow, rnd *rand.Rand) *simulation {
	p := testPolicy()
	p.MaxUnverified = 1 + rnd.IntN(2)
	p.BudgetHour, p.BudgetDay = 1+rnd.IntN(3), 3+rnd.IntN(2)
	p.FleetBudget = 2 + rnd.IntN(4)
	p.Concurrency = 1 + rnd.IntN(2)
	p.Cooldown = time.Duration(1+4*rnd.IntN(2)) * time.Minute
	p.WithoutAlertAfter = time.Duration(rnd.IntN(4)) * time.Minute
	m := &simulation{table: table, policy: p, now: start, up: start.Add(-time.Hour), leads: start.Add(-time.Hour)}
	m.services = []*patient{
		{name: "a", group: "g"}, {name: "b", group: "g"}, {name: "c", dependsOn: []string{"a"}}, {name: "d", remote: true},
	}
	for _, s := range m.services {
		s.executions, s.checks = map[string]int{}, "1"
		s.start = start.Add(-24 * time.Hour)
	}
	m.assemble()
	for _, s := range m.services {
		m.apply(s, &Event{Started: &Definition{Checks: s.checks}})
	}
	return m
}

// assemble makes the fleet as an exporter does that has just started.
func (m *simulation) assemble() {
	m.fleet = NewFleet()
	m.fleet.Limit(testBrake())
	for _, s := range m.services {
		m.fleet.Join(s.name, s.group, s.dependsOn)
		for _, t := range s.state.Attempts {
			m.fleet.Attempted(s.name, m.now.Add(-m.wall().Sub(t)))
		}
	}
}

func (m *simulation) wall() time.Time { return m.now.Add(m.jumped) }

func (m *simulation) surround(s *patient, ev *Event) {
	ev.World = m.fleet.World(s.name, &m.policy, m.now)
	ev.World.Uptime = m.now.Sub(m.up)
	if ev.World.Leader = (Leadership{Elected: true, For: m.now.Sub(m.leads)}); m.standby {
		ev.World.Leader = Leadership{Standby: "another one leads"}
	}
	if s.dirty {
		ev.World.Journal = "full"
	}
	if s.window {
		ev.World.Maintenance.Name = "window"
	}
}

// apply does what unit.apply and carryOut do.
func (m *simulation) apply(s *patient, ev *Event) {
	ev.Jump = m.jumped - s.jumpSeen
	s.jumpSeen = m.jumped
	m.ruleOf(s)
	if ev.Jump.Abs() > maxJump {
		s.jumpAt, s.calmSince = m.now, time.Time{}
		s.downFrom(m.now)
	}
	if s.dirty && !m.full {
		s.kept, s.dirty = s.state, false
	}
	m.surround(s, ev)
	rules := m.policy
	if m.bend != nil {
		m.bend(&rules)
	}
	state, d := rules.next(m.table, s.state, *ev, m.wall())
	if !state.SameDurable(&s.kept) {
		if s.dirty = m.full; !s.dirty {
			s.kept = state
		} else if d.Restart {
			m.surround(s, ev)
			state, d = rules.next(m.table, s.state, *ev, m.wall())
		}
	}
	over, requested := s.state.Request()
	s.state = state
	if _, still := state.Request(); m.clings && requested && !still {
		s.state.Demands = append(slices.Clone(state.Demands), over)
	}
	if m.forgets && state.EpisodeAt.IsZero() {
		s.state.Demands = nil
	}
	if d.Restart {
		m.fleet.Attempted(s.name, m.now)
	}
	m.fleet.Excuse(s.name, ev.World.Maintenance)
	m.fleet.Update(s.name, &s.state, m.now)
	m.note(s, d.Outcome)
	switch {
	case d.Restart:
		m.judge(s)
		m.execute(s)
	case d.AskNetwork:
		m.ask(s)
	case d.Look:
		m.look(s)
	case d.Inspect:
		m.inspect(s)
	}
}

// ask asks the sentinels. What was seen before the network was back is no evidence, as far as the policy can know that.
func (m *simulation) ask(s *patient) {
	if s.missed && s.state.Network.Out && !m.cut {
		s.row, s.waits, s.downSince = nil, 0, time.Time{}
	}
	s.missed = m.cut
	m.apply(s, &Event{Network: &Network{Out: m.cut}})
}

// look makes the last look before a restart. A controller that skips it has nothing but what it saw before.
func (m *simulation) look(s *patient) {
	e := s.state.Last
	if !m.blind {
		e = m.found(s)
		m.see(s, e)
	}
	m.apply(s, &Event{Looked: &e})
}

// note keeps the truth about how attempts ended.
func (m *simulation) note(s *patient, o Outcome) {
	switch o {
	case OutcomeNone:
		return
	case OutcomeRecovered:
		s.unverified, s.refused = 0, 0
		if s.named && s.lie != anonymous && !s.slow && m.now.Before(s.rolling) {
			m.fail(s, "recovered before all of it was restarted")
		}
	case OutcomeRefused: // nothing was done
		n := len(s.made) - 1
		s.refusedAt = s.made[n]
		s.refused++
		s.made = s.made[:n]
		m.attempts = slices.DeleteFunc(m.attempts, s.refusedAt.Equal)
		s.chance = s.unverified >= m.policy.MaxUnverified
	case OutcomeNotRecovered, OutcomeExecFailed, OutcomeIdentityUnchanged, OutcomeUnknown:
		s.unverified++
		s.refused = 0
	}
	s.open = false
}

func (m *simulation) inspect(s *patient) {
	if s.answer != nil {
		return
	}
	m.nextID++
	s.answer = &Preflight{Attempt: strconv.Itoa(m.nextID), Unfit: s.unfit}
	if s.lie != anonymous {
		s.answer.Identity = strconv.Itoa(s.ident)
		s.answer.StartedAt = s.start.Add(m.jumped)
		s.answer.Starting = m.now.Before(s.rolling)
	}
	if !s.slow {
		m.answer(s)
	}
}

func (m *simulation) answer(s *patient) {
	f := s.answer
	s.answer = nil
	m.apply(s, &Event{Preflighted: f})
}

// execute does what the back-end does. Its answer comes later.
func (m *simulation) execute(s *patient) {
	id := s.state.Intent.ID
	s.open, s.named = true, s.state.Intent.Before != ""
	s.restarts++
	s.chance = false
	s.made = append(s.made, m.now)
	m.attempts = append(m.attempts, m.now)
	if m.crash == crashDecided {
		m.crashed = true
		return
	}
	s.executions[id]++
	if s.executions[id] > 1 {
		m.fail(s, "executed an intent twice")
	}
	e := &Executed{Attempt: id}
	if s.lie != idle && s.lie != refuses {
		s.ident, s.start = s.ident+1, m.now
		if s.rolls {
			s.rolling = m.now.Add(rollout)
		}
		if s.cured {
			s.sick = nil
		}
	}
	switch s.lie {
	case liar:
		e.Error = "exit status 1"
	case refuses:
		e.Error, e.Refused = "exit status 75", true
	case honest, idle, anonymous, lies:
	}
	s.outcome = e
	if m.crash == crashExecuted {
		m.crashed = true
	}
}

// tick lets time pass; then every back-end answers, and every service is probed.
func (m *simulation) tick(d time.Duration) {
	m.now = m.now.Add(d)
	m.crowd()
	for _, s := range m.services {
		if e := s.outcome; e != nil && !m.crashed {
			s.outcome, s.downSince = nil, time.Time{} // what was seen before says nothing about what is there now
			m.apply(s, &Event{Executed: e})
		}
		if s.answer != nil && !m.crashed {
			m.answer(s)
		}
		if !m.crashed {
			m.probe(s)
		}
	}
	if m.crashed {
		m.restart(10 * time.Second)
	}
}

// crowd notes whether more than one service is seen to fail.
func (m *simulation) crowd() {
	n := 0
	for _, s := range m.services {
		if !s.failedSince.IsZero() {
			n++
		}
	}
	if n > 1 {
		m.crowded = m.now
	}
}

func (m *simulation) probe(s *patient) {
	e := m.found(s)
	m.see(s, e)
	m.crowd()
	m.apply(s, &Event{Probed: &e})
	if !m.crashed {
		m.await(s)
	}
}

// alert tells of an alert about the service.
func (m *simulation) alert(s *patient, resolved bool) {
	s.demanded, s.told = !resolved, m.now
	m.apply(s, &Event{Told: &Alert{Key: "1", Resolved: resolved}})
}

// request is an operator's or a script's.
func (m *simulation) request(s *patient) {
	if !s.requested {
		s.requested, s.calm = true, 0
	}
	s.asked = m.now
	m.apply(s, &Event{Requested: &Operator{Who: "jo"}})
}

// found is what a round of checks finds now.
func (m *simulation) found(s *patient) Evidence {
	switch {
	case s.remote && m.cut, s.remote && s.sick != nil && s.sick.way().silent:
		return quiet(refused)
	case s.sick != nil:
		return *s.sick
	}
	return Evidence{Healthy: true}
}

// see keeps the truth about what the probes found.
func (m *simulation) see(s *patient, e Evidence) {
	m.ruleOf(s)
	if e.Reason == prober.ReasonLocalResource {
		return
	}
	gap := m.now.Sub(s.lastProbe) > m.policy.ProbeGap // nobody looked for so long
	s.lastProbe = m.now
	if gap {
		s.downSince = time.Time{}
	}
	if !e.Healthy {
		s.green, s.calm = 0, 0
		if s.failedSince.IsZero() {
			s.failedSince = m.now
		}
		if !m.policy.Repairable(e) || e.Checks > 0 && 2*e.Failing < e.Checks {
			s.row, s.downSince = nil, time.Time{}
			return
		}
		if s.downSince.IsZero() {
			s.downSince = m.now
		}
		if n := len(s.row); n == 0 || m.now.Sub(s.row[n-1]) >= m.policy.ConfirmInterval {
			s.row = append(s.row, m.now)
		}
		return
	}
	s.row, s.failedSince, s.downSince, s.missed = nil, time.Time{}, time.Time{}, false
	s.green++
	s.calm++
	if s.green == 1 {
		s.greenSince = m.now
	}
	if s.green == 1 || gap || s.calmSince.IsZero() {
		s.calm, s.calmSince = 1, m.now
	}
	held := m.now.Sub(s.greenSince)
	if s.green >= m.policy.VerifyProbes && held >= m.policy.ArmTime {
		s.refused = 0
	}
	if s.calm >= m.policy.VerifyProbes && m.now.Sub(s.calmSince) >= m.policy.ArmTime {
		s.requested = false
	}
	s.everGreen = s.everGreen || s.green >= m.policy.ArmProbes && held >= m.policy.ArmTime
	if held >= m.policy.UnlockTime {
		s.unverified = 0
	}
}

// restart ends the exporter and starts another one after a while, with what was persisted.
func (m *simulation) restart(down time.Duration) {
	m.crash, m.crashed = crashNever, false
	m.now = m.now.Add(down)
	m.up = m.now
	for _, s := range m.services {
		text, err := json.Marshal(s.kept)
		if err != nil {
			panic(err)
		}
		s.kept = State{}
		if err := json.Unmarshal(text, &s.kept); err != nil {
			panic(err)
		}
		s.state, s.answer, s.outcome, s.jumpSeen = s.kept, nil, nil, m.jumped
		s.calmSince, s.downSince = time.Time{}, time.Time{} // what was seen before the exporter ended is not counted
		if s.dirty {                                        // what could not be persisted is lost
			s.unverified, s.open, s.demanded = s.state.Unverified, s.state.InFlight(), s.state.Demanded()
			_, s.requested = s.state.Request()
		}
	}
	m.assemble()
	for _, s := range m.services {
		lost := s.dirty
		s.dirty = false
		m.apply(s, &Event{Started: &Definition{Checks: s.checks}})
		if lost { // what is left of the pause that was persisted, by a clock that may have gone back
			s.pausedT = time.Time{}
			if !s.state.Pause.Until.IsZero() {
				s.pausedT = s.state.Pause.Until.Add(-m.jumped)
			}
		}
	}
}

// fail notes the first violation of a rule.
func (m *simulation) fail(s *patient, rule string) {
	if m.violation == "" {
		m.violation = rule
		m.where = fmt.Sprintf("service %s after %s, in phase %s, held by %q", s.name, m.now.Sub(start), s.state.Phase(), s.state.Hold)
	}
}
