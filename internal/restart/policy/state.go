package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Phase is where a service stands.
type Phase string

// The phases, in the order of an incident.
const (
	PhaseUnarmed   Phase = "unarmed"    // its present checks have never seen it healthy
	PhaseIdle      Phase = "idle"       // nothing is wrong, or nobody complained
	PhaseSuspect   Phase = "suspect"    // something asks for a restart and its own probes fail; the guards decide
	PhaseExecuting Phase = "executing"  // the back-end is at work
	PhaseVerifying Phase = "verifying"  // restarted; its own probes judge
	PhaseCooldown  Phase = "cooldown"   // the last attempt was a short time ago
	PhaseBackoff   Phase = "backoff"    // the same, and it did not help
	PhaseRefused   Phase = "refused"    // the same, and the back-end refused it: nothing was done
	PhaseLockedOut Phase = "locked_out" // restarts did not help
)

// Phases lists every Phase.
func Phases() []Phase {
	return []Phase{
		PhaseUnarmed, PhaseIdle, PhaseSuspect, PhaseExecuting, PhaseVerifying, PhaseCooldown, PhaseBackoff, PhaseRefused,
		PhaseLockedOut,
	}
}

// A State is everything that the policy knows of a service. The zero State is that of a service never seen before.
//
// It is a plain value: Next never changes what the State that it was given refers to, and encoding a State that
// came from Next as JSON and decoding it gives the same State. Its times are wall clock times in UTC; see Next for
// what a clock that jumps does to them.
type State struct {
	// Seen is when the last event was. No time of the State is later, except those that are in the future by their nature.
	Seen time.Time `json:"seen,omitzero"`
	// JumpedAt is when the clock was last seen to jump; zero: never.
	JumpedAt time.Time `json:"jumped_at,omitzero"`

	// Definition identifies the checks that the rest is about.
	Definition string `json:"definition,omitempty"`
	// Armed is true when these checks were once healthy for long enough.
	Armed bool `json:"armed,omitempty"`
	// Successes counts the latest healthy probes in a row, Failures the latest failed ones that a restart can repair.
	Successes int `json:"successes,omitempty"`
	Failures  int `json:"failures,omitempty"`
	// Calm counts the healthy probes in a row since the episode began.
	Calm int `json:"calm,omitempty"`
	// HealthySince is when the row of successes began, FailingSince when the row of failures of any kind did.
	HealthySince time.Time `json:"healthy_since,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	// LastProbe is when the last probe ended, LastFailure when the last counted failure did.
	LastProbe   time.Time `json:"last_probe,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	// Last is what the last probe found.
	Last Evidence `json:"last,omitzero"`
	// DownSince is when the row of Failures began, where the policy has WithoutAlertAfter. Zero: there is none.
	DownSince time.Time `json:"down_since,omitzero"`
	// OwnDemand is true while the service's own checks ask for a restart, without an alert.
	OwnDemand bool `json:"own_demand,omitempty"`

	// Demands are the alerts that ask for a restart.
	Demands []Demand `json:"demands,omitempty"`
	// AlertedAt is when the last firing alert was noted; zero: none was. ResolvedAt is when the last demand was told to be
	// resolved; zero: there is one, or there was none, or it lapsed.
	AlertedAt  time.Time `json:"alerted_at,omitzero"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	// EpisodeAt is when the open episode began, with an alert or with the first failure while there is one of Demands. Zero: no
	// such episode is open.
	EpisodeAt time.Time `json:"episode_at,omitzero"`
	// Observed is true when this episode has already had its decision in observe mode.
	Observed bool `json:"observed,omitempty"`
	// Hold is the guard that refused last; empty: none did, or there was nothing to decide.
	Hold Guard `json:"hold,omitempty"`
	// Preflight is what the back-end last said about its unit.
	Preflight Preflight `json:"preflight,omitzero"`
	// Network is what the sentinels last showed since the service was healthy; zero: they were not asked.
	Network Network `json:"network,omitzero"`

	// Intent is the attempt under way; zero: none.
	Intent Intent `json:"intent,omitzero"`
	// VerifyUntil is when the verification of the attempt gives up; zero: it is not being verified.
	VerifyUntil time.Time `json:"verify_until,omitzero"`

	// Attempts are when restarts were attempted within the last day, oldest first, without those that the back-end refused.
	Attempts []time.Time `json:"attempts,omitempty"`
	// Refused counts the latest attempts in a row that the back-end refused, the last one at RefusedAt.
	Refused   int       `json:"refused,omitempty"`
	RefusedAt time.Time `json:"refused_at,omitzero"`
	// CooldownUntil is when the pause after the last attempt ends.
	CooldownUntil time.Time `json:"cooldown_until,omitzero"`
	// Unverified counts the attempts in a row that did not help.
	Unverified int `json:"unverified,omitempty"`
	// LockedOut is true when nothing is attempted any more, since LockedAt.
	LockedOut bool      `json:"locked_out,omitempty"`
	LockedAt  time.Time `json:"locked_at,omitzero"`
	// Unit is the identity of the unit when it was first looked at since the lock-out. Empty: not known.
	Unit string `json:"unit,omitempty"`
	// Maintained is true when a maintenance window was open since the lock-out.
	Maintained bool `json:"maintained,omitempty"`
	// Reprieve is why there is one more attempt, although MaxUnverified did not help. Empty: there is not.
	Reprieve Reprieve `json:"reprieve,omitempty"`
	// Pause is that of an operator.
	Pause Pause `json:"pause,omitzero"`
}

// An Intent is an attempt that was decided. It is persisted before the back-end is asked to do anything.
type Intent struct {
	// ID is unique, also across instances of the exporter.
	ID string    `json:"id,omitempty"`
	At time.Time `json:"at,omitzero"`
	// Trigger is what asked for it. Empty: an alert.
	Trigger Trigger `json:"trigger,omitempty"`
	// Before is the unit's identity before the attempt. Empty: the back-end cannot tell one start from another.
	Before string `json:"before,omitempty"`
	// Changed is true when the unit had another identity when it was last looked at.
	Changed bool `json:"changed,omitempty"`
	// Looked is true when the identity could be read since the attempt.
	Looked bool `json:"looked,omitempty"`
	// Starting is true when not all of the unit ran when it was last looked at.
	Starting bool `json:"starting,omitempty"`
	// Orphaned is true when the exporter ended while the back-end was at work: what it did is not known.
	Orphaned bool `json:"orphaned,omitempty"`
}

// restarted reports whether all of the unit is known to be restarted, or whether nothing can tell.
func (i *Intent) restarted() bool { return i.Changed && !i.Starting || i.Before == "" }

// InFlight reports whether an attempt is under way, which is being executed or verified.
func (s *State) InFlight() bool { return !s.Intent.At.IsZero() }

// Phase derives the phase from the state.
func (s *State) Phase() Phase {
	switch {
	case s.InFlight() && s.VerifyUntil.IsZero():
		return PhaseExecuting
	case s.InFlight():
		return PhaseVerifying
	case s.LockedOut:
		return PhaseLockedOut
	case !s.Armed:
		return PhaseUnarmed
	case s.Seen.Before(s.CooldownUntil) && s.lastRefused():
		return PhaseRefused
	case s.Seen.Before(s.CooldownUntil) && s.Unverified > 0:
		return PhaseBackoff
	case s.Seen.Before(s.CooldownUntil):
		return PhaseCooldown
	case s.Demanded() && s.Successes == 0:
		return PhaseSuspect
	default:
		return PhaseIdle
	}
}

// SameDurable reports whether two states are the same in what must outlive the exporter. The rest is soon seen again. It changes
// with every probe and is not worth a write.
func (s *State) SameDurable(o *State) bool {
	return s.JumpedAt.Equal(o.JumpedAt) && s.Definition == o.Definition && s.Armed == o.Armed &&
		slices.Equal(s.Demands, o.Demands) && s.AlertedAt.Equal(o.AlertedAt) && s.ResolvedAt.Equal(o.ResolvedAt) &&
		s.EpisodeAt.Equal(o.EpisodeAt) && s.Observed == o.Observed &&
		s.Intent == o.Intent && s.VerifyUntil.Equal(o.VerifyUntil) &&
		slices.Equal(s.Attempts, o.Attempts) && s.CooldownUntil.Equal(o.CooldownUntil) &&
		s.Refused == o.Refused && s.RefusedAt.Equal(o.RefusedAt) && s.Unverified == o.Unverified &&
		s.LockedOut == o.LockedOut && s.LockedAt.Equal(o.LockedAt) && s.Unit == o.Unit && s.Maintained == o.Maintained &&
		s.Reprieve == o.Reprieve && s.Pause == o.Pause
}

// Evidence is what one round of the service's own probes found.
type Evidence struct {
	Healthy    bool          `json:"healthy,omitempty"`
	Reason     prober.Reason `json:"reason,omitempty"`      // of the first check that failed
	StatusCode int           `json:"status_code,omitempty"` // 0: no response
	RetryAfter bool          `json:"retry_after,omitempty"` // the response asked to wait
	Away       bool          `json:"away,omitempty"`        // a redirect had led to another host, which failed
	CloseCode  int           `json:"close_code,omitempty"`  // of a WebSocket; 0: it was not closed
	TimedOut   bool          `json:"timed_out,omitempty"`   // an expected WebSocket message did not come in time
	Local      bool          `json:"local,omitempty"`       // there is no network on the way
	// Failing of Checks checks failed. Zero: 1 of 1.
	Failing int `json:"failing,omitempty"`
	Checks  int `json:"checks,omitempty"`
	// Beyond counts those of Failing whose failure a restart does not repair.
	Beyond int `json:"beyond,omitempty"`
	// Silent counts those of Failing that a restart repairs, that the network may explain, and for which there are sentinels.
	Silent int `json:"silent,omitempty"`
	// Took is how long the round took; what it says may be as old as that.
	Took time.Duration `json:"took,omitempty"`
}

// A Preflight is what the back-end says about its unit before or after an attempt.
type Preflight struct {
	// Attempt becomes the ID of the attempt that this leads to, if it does.
	Attempt string `json:"attempt,omitempty"`
	// Identity changes with every start of the unit. Empty: not known.
	Identity string `json:"identity,omitempty"`
	// Unfit says why the unit must not be restarted now. Empty: nothing speaks against it.
	Unfit string `json:"unfit,omitempty"`
	// FitAt is when Unfit will no longer hold if nothing else changes; zero: not known.
	FitAt time.Time `json:"fit_at,omitzero"`
	// Detail is what the back-end saw of a unit that is fit, for people. It may be empty.
	Detail string `json:"detail,omitempty"`
	// Starting is true when the unit has an identity, but not all of it runs.
	Starting bool `json:"starting,omitempty"`
	// Itself is true when the supervisor made the last start by itself.
	Itself bool `json:"itself,omitempty"`
	// StartedAt is when the unit was started, whoever did it; zero: not known.
	StartedAt time.Time `json:"started_at,omitzero"`
	// Finished is true when the back-end tried to start what the exporter had stopped before it ended; see Finisher.
	Finished bool `json:"finished,omitempty"`
	// At is when this became known; Next sets it.
	At time.Time `json:"at,omitzero"`
}

// onPurpose reports whether somebody wants the service to be left alone: it is stopped, or paused for the exporter.
func (s *State) onPurpose() bool {
	return !s.Pause.Until.IsZero() || s.Preflight.stopped()
}

// Stopped is the word of a back-end for a unit that somebody has stopped.
const Stopped = "stopped"

// stopped reports whether the back-end said that somebody had stopped the unit.
func (f *Preflight) stopped() bool {
	why, _, _ := strings.Cut(f.Unfit, ":")
	return why == Stopped
}

// A Pause is an operator's order to leave a service alone for a while.
type Pause struct {
	Until  time.Time `json:"until,omitzero"`
	Who    string    `json:"who,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// SaidBy is as in Operator.
	SaidBy string `json:"said_by,omitempty"`
}

// By says who paused the service.
func (p *Pause) By() string { return by(p.Who, p.SaidBy) }

// MaxPause is how long a pause may last: one that is forgotten ends by itself.
const MaxPause = 24 * time.Hour
