// Package restart decides whether a failing service is restarted, does it, and verifies that it helped.
//
// The Policy is a pure function from state and event to state and decision. The Controller feeds it with the
// service's own probes and with alerts, carries out what it decides, and tells. Alerts only draw attention to
// a service; the evidence is always the controller's own probes.
package restart

import (
	"slices"
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
	Mode Mode
	// RestartOn are status codes that a restart repairs, besides those of the failure classes.
	RestartOn []int
	// ArmProbes consecutive successes over at least ArmTime make the service known to have been healthy.
	ArmProbes int
	ArmTime   time.Duration
	// ConfirmProbes consecutive failures, ConfirmInterval or more apart, confirm an alert.
	ConfirmProbes   int
	ConfirmInterval time.Duration
	// SuspectTime is how long an alert is remembered without being repeated.
	SuspectTime time.Duration
	// Cooldown is the pause after an attempt; it doubles with every unverified one in a row, up to CooldownMax.
	Cooldown, CooldownMax time.Duration
	// BudgetHour and BudgetDay are how many attempts there may be within an hour and a day.
	BudgetHour, BudgetDay int
	// VerifyProbes consecutive successes within VerifyTimeout prove that a restart helped.
	VerifyProbes  int
	VerifyTimeout time.Duration
	// MaxUnverified attempts in a row that did not help lock the service out; it has to be healthy for UnlockTime.
	MaxUnverified int
	UnlockTime    time.Duration
}

// A Phase is where a service stands.
type Phase string

// The phases, in the order of an incident.
const (
	PhaseUnarmed   Phase = "unarmed"    // never seen healthy by this check
	PhaseIdle      Phase = "idle"       // nothing is wrong, or nobody complained
	PhaseSuspect   Phase = "suspect"    // an alert fires and the own probes fail; the guards decide
	PhaseExecuting Phase = "executing"  // the back-end is at work
	PhaseVerifying Phase = "verifying"  // restarted; the own probes judge
	PhaseLockedOut Phase = "locked_out" // restarts did not help
)

// Phases lists every Phase.
func Phases() []Phase {
	return []Phase{PhaseUnarmed, PhaseIdle, PhaseSuspect, PhaseExecuting, PhaseVerifying, PhaseLockedOut}
}

// A State is everything that the policy knows of a service. The zero State is that of a service never seen before.
// It is a value: Next never changes the slices of the State that it was given.
type State struct {
	Armed bool
	// Successes counts the latest healthy probes in a row, Failures the latest failed ones that a restart can repair.
	Successes, Failures int
	// HealthySince is when the row of successes began, LastFailure when the last counted failure was.
	HealthySince, LastFailure time.Time
	// Last is what the last probe found.
	Last Evidence
	// AlertedAt is when the last alert came of the open episode; zero: no episode is open.
	AlertedAt time.Time
	// Observed is true when this episode has already had its decision in observe mode.
	Observed bool
	// ExecutingSince is when the attempt under way was decided; zero: none.
	ExecutingSince time.Time
	// VerifyUntil is when the verification under way gives up; zero: none.
	VerifyUntil time.Time
	// Attempts are when restarts were attempted within the last day, oldest first.
	Attempts []time.Time
	// Unverified counts the attempts in a row that did not help.
	Unverified int
	LockedOut  bool
}

// Phase derives the phase from the state.
func (s *State) Phase() Phase {
	switch {
	case !s.ExecutingSince.IsZero():
		return PhaseExecuting
	case !s.VerifyUntil.IsZero():
		return PhaseVerifying
	case s.LockedOut:
		return PhaseLockedOut
	case !s.Armed:
		return PhaseUnarmed
	case !s.AlertedAt.IsZero() && s.Successes == 0:
		return PhaseSuspect
	default:
		return PhaseIdle
	}
}

// Evidence is what one round of the service's own probes found.
type Evidence struct {
	Healthy    bool
	Reason     prober.Reason // of the first check that failed
	StatusCode int           // 0: no response
	RetryAfter bool          // the response asked to wait
	Away       bool          // a redirect had led to another host, which failed
	CloseCode  int           // of a WebSocket; 0: it was not closed
	TimedOut   bool          // an expected WebSocket message did not come in time
}

// An Event is something that happened to a service: exactly one of the fields is set.
type Event struct {
	// Alerted is true when an alert about the service fires. That it no longer fires is no event: the own probes see it.
	Alerted  bool
	Probed   *Evidence
	Executed *Executed
}

// Executed is the outcome of the back-end's work, which proves nothing yet.
type Executed struct {
	Err error // nil: the back-end says that it restarted the service
}

// An Outcome is how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeNone         Outcome = ""
	OutcomeRecovered    Outcome = "recovered"
	OutcomeNotRecovered Outcome = "not_recovered"
	OutcomeExecFailed   Outcome = "exec_failed"
)

// Outcomes lists every Outcome but OutcomeNone.
func Outcomes() []Outcome {
	return []Outcome{OutcomeRecovered, OutcomeNotRecovered, OutcomeExecFailed}
}

// A Decision is what the policy makes of an event.
type Decision struct {
	// Restart is true when the service is to be restarted now; WouldRestart when only the mode prevents it.
	Restart, WouldRestart bool
	// Hold is the guard that refused; empty when there was nothing to decide or nothing refused.
	Hold Guard
	// Guards are the guards that were asked, in order, up to the one that refused.
	Guards []GuardResult
	// Outcome is set when an attempt has ended.
	Outcome Outcome
}

// Next is the state after ev, and what is to be done about it. It is pure: time comes from now alone.
func (p Policy) Next(s State, ev Event, now time.Time) (State, Decision) {
	s.Attempts = slices.DeleteFunc(slices.Clone(s.Attempts), func(t time.Time) bool { return now.Sub(t) > 24*time.Hour })
	switch {
	case ev.Alerted:
		s.AlertedAt = now
		return s, Decision{}
	case ev.Executed != nil:
		return p.executed(s, *ev.Executed, now)
	case ev.Probed != nil:
		return p.probed(s, *ev.Probed, now)
	default:
		return s, Decision{}
	}
}

func (p Policy) executed(s State, e Executed, now time.Time) (State, Decision) {
	if s.ExecutingSince.IsZero() {
		return s, Decision{}
	}
	s.ExecutingSince = time.Time{}
	// What was seen before the restart says nothing about what is there now.
	s.Successes, s.Failures, s.HealthySince, s.LastFailure = 0, 0, time.Time{}, time.Time{}
	if e.Err != nil {
		return p.unverified(s), Decision{Outcome: OutcomeExecFailed}
	}
	s.VerifyUntil = now.Add(p.VerifyTimeout)
	return s, Decision{}
}

// probed counts the evidence; then it ends a verification, or closes the episode, or decides. What we lacked ourselves
// is no evidence.
func (p Policy) probed(s State, e Evidence, now time.Time) (State, Decision) {
	if e.Reason == prober.ReasonLocalResource || e.Reason == prober.ReasonInternal {
		return s, Decision{}
	}
	s = p.count(s, e, now)
	switch {
	case !s.ExecutingSince.IsZero():
		return s, Decision{}
	case !s.VerifyUntil.IsZero():
		return p.verify(s, now)
	case e.Healthy:
		return p.healthy(s, now), Decision{}
	case s.AlertedAt.IsZero():
		return s, Decision{}
	case now.Sub(s.AlertedAt) > p.SuspectTime:
		s.AlertedAt, s.Observed = time.Time{}, false
		return s, Decision{}
	default:
		return p.decide(s, now)
	}
}

func (p Policy) count(s State, e Evidence, now time.Time) State {
	s.Last = e
	if e.Healthy {
		if s.Successes == 0 {
			s.HealthySince = now
		}
		s.Successes++
		s.Failures, s.LastFailure = 0, time.Time{}
		return s
	}
	s.Successes, s.HealthySince = 0, time.Time{}
	if !p.repairable(e) {
		s.Failures, s.LastFailure = 0, time.Time{} // it confirms nothing
		return s
	}
	if s.Failures == 0 || now.Sub(s.LastFailure) >= p.ConfirmInterval {
		s.Failures++
		s.LastFailure = now
	}
	return s
}

// healthy arms, closes the episode and unlocks, each after its own number of successes.
func (p Policy) healthy(s State, now time.Time) State {
	held := now.Sub(s.HealthySince)
	if p.ArmProbes > 0 && s.Successes >= p.ArmProbes && held >= p.ArmTime {
		s.Armed = true
	}
	// A service that lives for some seconds at a time is not well: Prometheus may never see it up, and so Alertmanager
	// would not ask again for long.
	if s.Successes >= p.VerifyProbes && held >= p.ArmTime {
		s.AlertedAt, s.Observed = time.Time{}, false
	}
	if held >= p.UnlockTime {
		s.LockedOut, s.Unverified = false, 0
	}
	return s
}

// verify ends the verification when the service is proven healthy or its time is up.
func (p Policy) verify(s State, now time.Time) (State, Decision) {
	switch {
	case s.Successes >= p.VerifyProbes:
		s.VerifyUntil, s.Unverified = time.Time{}, 0
		return s, Decision{Outcome: OutcomeRecovered}
	case now.After(s.VerifyUntil):
		return p.unverified(s), Decision{Outcome: OutcomeNotRecovered}
	default:
		return s, Decision{}
	}
}

func (p Policy) unverified(s State) State {
	s.VerifyUntil = time.Time{}
	s.Unverified++
	if s.Unverified >= p.MaxUnverified {
		s.LockedOut = true
	}
	return s
}

// decide asks the guards about a suspect whose probe has just failed.
func (p Policy) decide(s State, now time.Time) (State, Decision) {
	d := p.ask(s, now)
	switch {
	case d.Hold != "":
	case p.Mode == ModeObserve:
		d.WouldRestart = !s.Observed
		s.Observed = true
	default:
		d.Restart = true
		s.ExecutingSince = now
		s.Attempts = append(s.Attempts, now)
	}
	return s, d
}
