// Package policy decides whether a failing service is restarted. It acts on nothing and looks at nothing: Policy.Next makes
// a State and a Decision of a State, an Event and a time, and a Fleet makes of the states of all services what the guards of one
// have to know of the others. What was recorded can therefore be judged again, by the same policy or by another one.
package policy

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Mode says what happens with a decision to restart.
type Mode string

// The modes. The zero Mode is ModeOff.
const (
	ModeOff     Mode = "off"     // never decide to restart
	ModeObserve Mode = "observe" // decide, tell, and do nothing
	ModeEnforce Mode = "enforce" // decide and do
)

// A Policy is the rules for one service. The zero Policy allows nothing.
type Policy struct {
	Mode Mode `json:"mode,omitempty"`
	// RestartOn are status codes that a restart repairs, and RestartOnReasons are reasons, besides those of the failure classes.
	RestartOn        []int           `json:"restart_on,omitempty"`
	RestartOnReasons []prober.Reason `json:"restart_on_reasons,omitempty"`
	// NeverRestartOn are status codes and NeverRestartOnReasons are reasons that are not repaired, whatever else says so.
	NeverRestartOn        []int           `json:"never_restart_on,omitempty"`
	NeverRestartOnReasons []prober.Reason `json:"never_restart_on_reasons,omitempty"`
	// OutagePercent is how many of the checks must fail at least, in percent. If a restart replaces all of a service, also the
	// healthy parts, it is not worth it for a small part that fails. 0: any of them.
	OutagePercent int `json:"outage_percent,omitempty"`
	// WarmUp is how long nothing is restarted after the exporter has started, or its clock has jumped.
	WarmUp time.Duration `json:"warm_up,omitempty"`
	// ArmProbes consecutive successes over at least ArmTime make the service known to have been healthy.
	ArmProbes int           `json:"arm_probes,omitempty"`
	ArmTime   time.Duration `json:"arm_time,omitempty"`
	// ConfirmProbes consecutive failures, ConfirmInterval or more apart, confirm an alert.
	ConfirmProbes   int           `json:"confirm_probes,omitempty"`
	ConfirmInterval time.Duration `json:"confirm_interval,omitempty"`
	// ConfirmAge is how old the last of them may be when the service is restarted.
	ConfirmAge time.Duration `json:"confirm_age,omitempty"`
	// ProbeGap is how far two probes may be apart and still stand in a row.
	ProbeGap time.Duration `json:"probe_gap,omitempty"`
	// SuspectTime is how long an alert that is not resolved is a demand without being repeated.
	SuspectTime time.Duration `json:"suspect_time,omitempty"`
	// WithoutAlertAfter is for how long the service's own checks must fail, as a restart repairs it, to ask for one as an alert
	// does. 0: they never do.
	WithoutAlertAfter time.Duration `json:"without_alert_after,omitempty"`
	// StartGrace is how long a unit is left alone after it was started, whoever did it.
	StartGrace time.Duration `json:"start_grace,omitempty"`
	// InspectInterval is the pause before a back-end that found its unit unfit is asked again.
	InspectInterval time.Duration `json:"inspect_interval,omitempty"`
	// Cooldown is the pause after an attempt; it doubles with every unverified one in a row, and with every one in a row that
	// the back-end refused after the first, up to CooldownMax.
	Cooldown    time.Duration `json:"cooldown,omitempty"`
	CooldownMax time.Duration `json:"cooldown_max,omitempty"`
	// BudgetHour and BudgetDay are how many attempts there may be within an hour and a day.
	BudgetHour int `json:"budget_hour,omitempty"`
	BudgetDay  int `json:"budget_day,omitempty"`
	// Concurrency is how many services may be restarted or verified at a time, ConcurrencyGroup how many of a group.
	Concurrency      int `json:"concurrency,omitempty"`
	ConcurrencyGroup int `json:"concurrency_group,omitempty"`
	// FleetBudget is how many attempts there may be within FleetWindow, of all services together.
	FleetBudget int           `json:"fleet_budget,omitempty"`
	FleetWindow time.Duration `json:"fleet_window,omitempty"`
	// VerifyProbes consecutive successes within VerifyTimeout prove that a restart helped.
	VerifyProbes  int           `json:"verify_probes,omitempty"`
	VerifyTimeout time.Duration `json:"verify_timeout,omitempty"`
	// MaxUnverified attempts in a row that did not help lock the service out; it has to be healthy for UnlockTime.
	MaxUnverified int           `json:"max_unverified,omitempty"`
	UnlockTime    time.Duration `json:"unlock_time,omitempty"`
}

// maxJump is how far the clock may jump before what was seen earlier no longer counts.
const maxJump = 30 * time.Second

// remembered is how long attempts are remembered.
const remembered = 24 * time.Hour

// Next is the state after ev, and what must be done about it. It is pure: the time comes from now alone, and what surrounds the
// service from ev.World.
//
// The time is that of the wall clock, which may jump. Time that did not pass is never counted: by as much as the clock went
// beyond the time that passed, all times of the State are moved along with it, so that they are as far away as
// before. That holds for ev.Jump and for a time before that of the last event. After a jump of more than 30 s what was
// seen before no longer counts as evidence, and the warm-up begins again.
func (p Policy) Next(s State, ev Event, now time.Time) (State, Decision) {
	return p.next(guards, s, ev, now)
}

// next is Next with a table of guards.
func (p *Policy) next(table []guardRow, s State, ev Event, now time.Time) (State, Decision) {
	now = Wall(now) // no monotonic clock reading, no location: as it comes back from JSON
	s = p.own(s.upgraded().at(now, ev.Jump).lapsed(now, p.SuspectTime).maintained(&ev.World.Maintenance))
	switch q := (question{policy: p, state: &s, world: &ev.World, now: now, table: table}); {
	case ev.Alerted:
		return s.told(&Alert{}, now), Decision{}
	case ev.Told != nil:
		return s.told(ev.Told, now), Decision{}
	case ev.Probed != nil:
		return q.probed(*ev.Probed)
	case ev.Preflighted != nil:
		return q.preflighted(*ev.Preflighted)
	case ev.Network != nil:
		return q.heard(*ev.Network)
	case ev.Looked != nil:
		return q.lookedOnce(*ev.Looked)
	case ev.Executed != nil:
		return q.executed(ev.Executed)
	case ev.Started != nil:
		return q.started(ev.Started)
	default:
		return p.ordered(s, &ev, now), Decision{}
	}
}

// forget closes the episode. What is demanded stays demanded.
func (s State) forget() State {
	s.EpisodeAt, s.Observed, s.Hold = time.Time{}, false, ""
	return s
}

// ordered is the state after what an operator or the configuration says.
func (p *Policy) ordered(s State, ev *Event, now time.Time) State {
	switch {
	case ev.Redefined != nil:
		s.Preflight = Preflight{} // it may have been about another unit
		return s.defined(ev.Redefined)
	case ev.Paused != nil:
		s.Pause = *ev.Paused
		s.Pause.Until = s.Pause.Until.Round(0).UTC()
		if latest := now.Add(MaxPause); s.Pause.Until.After(latest) {
			s.Pause.Until = latest
		}
	case ev.Resumed != nil:
		s.Pause = Pause{}
	case ev.Unlocked != nil:
		s = p.unlocked(s)
	case ev.Requested != nil:
		s = s.requested(ev.Requested, now)
	}
	return s
}

// defined takes over a definition. Other checks have to prove themselves anew. Of those that are not known now, nothing that was
// seen counts, and they may be the same ones when they are known again.
func (s State) defined(d *Definition) State {
	switch d.Checks {
	case s.Definition:
	case "":
		s = s.blind()
	default:
		s = s.blind()
		s.Definition, s.Armed = d.Checks, false
	}
	return s
}

// unlocked forgets the attempts in a row that did not help; they still count for the budget.
func (p *Policy) unlocked(s State) State {
	s = s.released("")
	s.Unverified = 0
	return p.cool(s)
}

// cool says when the pause after the last attempt ends.
func (p *Policy) cool(s State) State {
	if last := s.LastAttempt(); !last.IsZero() {
		s.CooldownUntil = last.Add(p.pause(&s))
	}
	return s
}

// blind is the state when what was seen until now says nothing about what is there now.
func (s State) blind() State {
	s.Successes, s.Failures, s.Calm, s.Last, s.Preflight, s.Network = 0, 0, 0, Evidence{}, Preflight{}, Network{}
	s.HealthySince, s.FailingSince, s.LastProbe, s.LastFailure = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.DownSince, s.OwnDemand, s.Hold = time.Time{}, false, ""
	return s
}
