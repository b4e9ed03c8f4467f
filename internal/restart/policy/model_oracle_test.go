package policy

import "time"

// A rule is something that must not be so when a service is restarted.
type rule struct {
	broken bool
	rule   string
}

// judge checks a restart against the truth. It shares no code with the guards.
func (m *simulation) judge(s *patient) {
	for _, r := range append(m.evidence(s), m.forbids(s)...) {
		if r.broken {
			m.fail(s, r.rule)
		}
	}
}

// evidence are the rules that end by themselves while a service fails and is probed.
func (m *simulation) evidence(s *patient) []rule {
	return []rule{
		{s.sick == nil, "restarted while healthy"},
		{m.cut && s.remote, "restarted while no sentinel answers"},
		{len(s.row) < m.policy.ConfirmProbes, "restarted without confirmation"},
		{m.now.Sub(s.lastProbe) > m.policy.ConfirmAge, "restarted on old evidence"},
	}
}

// forbids are all others.
func (m *simulation) forbids(s *patient) []rule {
	p := &m.policy
	return []rule{
		{!s.demanded && !s.requested && !m.ownDemand(s), "restarted without a demand"},
		{p.Mode != ModeEnforce, "restarted in mode " + string(p.Mode)},
		{m.standby, "restarted while another one leads"},
		{m.now.Sub(m.leads) < p.Cooldown, "restarted right after another one may have"},
		{s.dirty || m.full, "restarted without an intent on disk"},
		{m.now.Sub(m.up) < p.WarmUp, "restarted in the warm-up"},
		{!s.jumpAt.IsZero() && m.now.Sub(s.jumpAt) < p.WarmUp, "restarted after a jump of the clock"},
		{!s.everGreen, "restarted while unarmed"},
		{m.dependencyDown(s), "restarted while a dependency is down"},
		{s.window, "restarted in maintenance"},
		{m.now.Before(s.pausedT), "restarted while paused"},
		{s.unfit != "" && !s.slow, "restarted what is " + s.unfit},
		{s.lie != anonymous && !s.slow && m.now.Sub(s.start) < p.StartGrace, "restarted in the start grace"},
		{s.open, "restarted while an attempt is under way"},
		{m.tooSoon(s), "restarted in the cool-down"},
		{since(s.made, m.now, time.Hour) >= p.BudgetHour, "restarted over the budget of the hour"},
		{since(s.made, m.now, 24*time.Hour) >= p.BudgetDay, "restarted over the budget of the day"},
		{s.unverified >= p.MaxUnverified && !s.chance, "restarted while locked out"},
		{m.open(s, false) >= p.Concurrency, "restarted beside another one"},
		{m.open(s, true) >= p.ConcurrencyGroup, "restarted beside another one of the group"},
		{since(m.attempts, m.now, p.FleetWindow) >= p.FleetBudget, "restarted over the budget of the fleet"},
		{m.massFailure(s), "restarted in a mass failure"},
	}
}

// The longest that a service waits that is down, armed and demanded, and against whose restart nothing speaks: so many probes,
// and the pause after which its back-end is asked again.
const (
	longestWait     = 5
	longestWaitTime = 30 * time.Second
)

// longestBrake is how long a brake may be on for one service that fails alone, and for others to be probed that may fail, too.
const longestBrake = 5*time.Minute + 30*time.Second

// await checks that a service does not wait for nothing.
func (m *simulation) await(s *patient) {
	if m.excused(s) {
		s.waits = 0
		return
	}
	if s.waits == 0 {
		s.waiting = m.now
	}
	s.waits++
	if s.waits > longestWait && m.now.Sub(s.waiting) > longestWaitTime {
		m.fail(s, "not restarted, although it is demanded and nothing is against it")
	}
}

// excused reports whether there is a reason to wait. Where the policy may know less than the oracle does, because it has not seen
// what happened or has forgotten it, what it knows counts.
func (m *simulation) excused(s *patient) bool {
	if s.sick == nil || !m.policy.Repairable(*s.sick) || !m.policy.outage(*s.sick) {
		return true
	}
	for _, r := range m.forbids(s) {
		if r.broken {
			return true
		}
	}
	if m.cut && s.remote {
		return true
	}
	w := m.fleet.World(s.name, &m.policy, m.now)
	short := m.policy.SuspectTime - noteEvery // the last repetition may not have been noted
	quick := len(s.made) > 0 && m.now.Sub(s.made[len(s.made)-1]) < m.policy.StartGrace
	braked := w.Brake.On && m.now.Sub(m.crowded) <= longestBrake
	recent := s.demanded && m.now.Sub(s.told) <= short || s.requested && m.now.Sub(s.asked) <= short
	return s.slow || quick || !recent && !m.ownDemand(s) || !s.state.Armed || s.state.LockedOut || s.state.InFlight() ||
		m.wall().Before(s.state.CooldownUntil) || m.wall().Before(s.state.Pause.Until) || braked || len(w.Down) > 0 || w.FleetAttempts >= m.policy.FleetBudget
}

// ownDemand reports whether the service was seen to be down for so long that no alert is needed.
func (m *simulation) ownDemand(s *patient) bool {
	after := m.policy.WithoutAlertAfter
	return after > 0 && !s.downSince.IsZero() && s.lastProbe.Sub(s.downSince) >= after
}

// ruleOf notes whether it is known how long the service must be down. Once it is, that counts from the last probe on.
func (m *simulation) ruleOf(s *patient) {
	known := m.policy.WithoutAlertAfter > 0
	if known && !s.ruled {
		s.downFrom(s.lastProbe)
	}
	s.ruled = known
}

// downFrom has the row of failures begin later, if there is one.
func (s *patient) downFrom(t time.Time) {
	if !s.downSince.IsZero() {
		s.downSince = t
	}
}

func (m *simulation) dependencyDown(s *patient) bool {
	for _, other := range m.services {
		for _, name := range s.dependsOn {
			if other.name == name && (!other.failedSince.IsZero() || other.open) {
				return true
			}
		}
	}
	return false
}

func (m *simulation) tooSoon(s *patient) bool {
	last := s.refusedAt
	if n := len(s.made); n > 0 && s.made[n-1].After(last) {
		last = s.made[n-1]
	}
	pause := m.policy.Cooldown << (s.unverified + max(0, s.refused-1))
	return !last.IsZero() && m.now.Sub(last) < min(pause, m.policy.CooldownMax)
}

// open counts the other services with an attempt under way.
func (m *simulation) open(s *patient, group bool) int {
	n := 0
	for _, other := range m.services {
		if other != s && other.open && (!group || s.group != "" && s.group == other.group) {
			n++
		}
	}
	return n
}

func since(times []time.Time, now time.Time, window time.Duration) int {
	n := 0
	for _, t := range times {
		if now.Sub(t) < window {
			n++
		}
	}
	return n
}

func (m *simulation) massFailure(s *patient) bool {
	failing, armed, failingGroup, armedGroup := 0, 0, 0, 0
	for _, other := range m.services {
		if !other.state.Armed {
			continue
		}
		// What was seen by an exporter that has ended is no evidence.
		begun := !other.failedSince.IsZero() && !other.lastProbe.Before(m.up) && m.now.Sub(other.failedSince) <= 5*time.Minute
		armed++
		if begun {
			failing++
		}
		if s.group != "" && other.group == s.group {
			armedGroup++
			if begun {
				failingGroup++
			}
		}
	}
	limit := max(3, min((armed*40+99)/100, 10))
	return failing >= limit || failing >= 2 && failing == armed || armedGroup >= 2 && failingGroup == armedGroup
}
