package restart

import "time"

// judge checks a restart against the truth. It shares no code with the guards.
func (m *simulation) judge(s *patient) {
	p := &m.policy
	for _, rule := range []struct {
		broken bool
		rule   string
	}{
		{p.Mode != ModeEnforce, "restarted in mode " + string(p.Mode)},
		{m.standby, "restarted while another one leads"},
		{m.now.Sub(m.leads) < p.Cooldown, "restarted right after another one may have"},
		{s.dirty || m.full, "restarted without an intent on disk"},
		{m.now.Sub(m.up) < p.WarmUp, "restarted in the warm-up"},
		{!s.jumpAt.IsZero() && m.now.Sub(s.jumpAt) < p.WarmUp, "restarted after a jump of the clock"},
		{!s.everGreen, "restarted while unarmed"},
		{s.sick == nil, "restarted while healthy"},
		{len(s.row) < p.ConfirmProbes, "restarted without confirmation"},
		{m.now.Sub(s.lastProbe) > p.ConfirmAge, "restarted on old evidence"},
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
	} {
		if rule.broken {
			m.fail(s, rule.rule)
		}
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
	return failing >= max(3, min((armed*40+99)/100, 10)) || armedGroup >= 2 && failingGroup == armedGroup
}
