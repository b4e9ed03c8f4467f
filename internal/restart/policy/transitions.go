package policy

import (
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A question is what the policy judges: a state at a time, in a world.
type question struct {
	policy *Policy
	state  *State
	world  *World
	now    time.Time
	table  []guardRow
}

// probed counts the evidence. Then it ends a verification, or closes the episode, or decides. A failure for want of our own
// resources is not evidence.
func (q question) probed(e Evidence) (State, Decision) {
	p, now := q.policy, q.now
	if e.ours() {
		if v := q.state.VerifyUntil; !v.IsZero() && now.After(v) { // an attempt under way holds up all others
			return q.unverified(*q.state, OutcomeUnknown)
		}
		return *q.state, Decision{}
	}
	s := p.count(*q.state, e, now)
	q.state = &s
	switch {
	case s.InFlight() && s.VerifyUntil.IsZero():
		return s, Decision{}
	case s.InFlight():
		return q.verify()
	case e.Healthy:
		return p.healthy(s, now), Decision{Inspect: s.mayBeLeftUnfit(now)}
	case !s.Demanded():
		return s, Decision{}
	default:
		if s.EpisodeAt.IsZero() && len(s.Demands) > 0 { // it was well since the alert, and fails again
			s.EpisodeAt = now
		}
		return q.suspect()
	}
}

// ours reports whether the probe says nothing about the service: we lacked something, or are broken.
func (e *Evidence) ours() bool {
	return e.Reason == prober.ReasonLocalResource || e.Reason == prober.ReasonInternal
}

// count takes the evidence of a round of checks, and judges whether that is a demand.
func (p *Policy) count(s State, e Evidence, now time.Time) State {
	return p.own(p.counted(s, e, now))
}

func (p *Policy) counted(s State, e Evidence, now time.Time) State {
	if now.Sub(s.LastProbe) > p.ProbeGap { // nobody looked for so long: a new row begins
		s = s.blind()
	}
	s.Last, s.LastProbe = e, now
	if e.Healthy {
		if s.Successes == 0 {
			s.HealthySince = now
		}
		s.Successes++
		s.Calm++
		s.Failures, s.LastFailure, s.FailingSince, s.Hold, s.Network = 0, time.Time{}, time.Time{}, "", Network{}
		return s
	}
	s.Successes, s.Calm, s.HealthySince = 0, 0, time.Time{}
	if s.FailingSince.IsZero() {
		s.FailingSince = now
	}
	if !p.Repairable(e) || !p.outage(e) {
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
func (p *Policy) healthy(s State, now time.Time) State {
	held := now.Sub(s.HealthySince)
	if p.ArmProbes > 0 && s.Successes >= p.ArmProbes && held >= p.ArmTime {
		s.Armed = true
	}
	// A service that lives for some seconds at a time is not well. What was seen before the alert does not speak against it.
	if s.Calm >= p.VerifyProbes && held >= p.ArmTime {
		s = s.forget().answered(now)
		if s.Refused > 0 {
			s.Refused = 0
			s = p.cool(s)
		}
	}
	if (s.LockedOut || s.Unverified > 0) && held >= p.UnlockTime {
		s = p.unlocked(s)
	}
	return s
}

// suspect asks the guards about a suspect whose probe has just failed. That does not lead to a restart yet: the back-end is asked
// first what it knows about the unit.
func (q question) suspect() (State, Decision) {
	d := q.ask()
	s := *q.state
	if d.Hold == "" {
		d.Inspect = q.policy.Mode != ModeObserve || !s.Observed // the last hold stands until the back-end has answered
		return s, d
	}
	s.Hold = d.Hold
	// The brake must know which units somebody has stopped: those do not hold it.
	compared := d.Hold == GuardBrake || s.LockedOut && d.Hold.followsAttempts()
	d.Inspect = compared && q.now.Sub(s.Preflight.At) >= compareEvery
	d.AskNetwork = d.Hold == GuardNetwork && q.now.Sub(s.Network.At) >= q.policy.InspectInterval
	return s, d
}

// preflighted takes what the back-end knows of the unit: to find out what became of an attempt, or to decide on one.
func (q question) preflighted(f Preflight) (State, Decision) {
	s := *q.state
	f.At, f.StartedAt, f.FitAt = q.now, f.StartedAt.Round(0).UTC(), f.FitAt.Round(0).UTC()
	s.Preflight = f
	if s.LockedOut {
		s = s.compared(&f)
	}
	q.state = &s
	switch {
	case s.Intent.Orphaned:
		return q.found(&f)
	case s.InFlight() && s.VerifyUntil.IsZero():
		return s, Decision{}
	case s.InFlight():
		return q.looked(&f)
	case !s.Demanded(), s.FailingSince.IsZero(): // it has recovered meanwhile
		return s, Decision{}
	default:
		d := q.ask()
		switch {
		case d.Hold != "":
			s.Hold = d.Hold
		case q.policy.doubtful(s.Last):
			d.AskNetwork = true
		default: // the last hold stands until the last look
			d.Look = true
		}
		return s, d
	}
}

// lookedOnce takes one more round of checks, made after the back-end has answered, because a service may recover by itself at any
// moment. It is evidence like any other.
func (q question) lookedOnce(e Evidence) (State, Decision) {
	if e.ours() {
		return *q.state, Decision{} // the next failed probe asks again
	}
	s := q.policy.count(*q.state, e, q.now)
	q.state = &s
	switch {
	case s.InFlight():
		return s, Decision{}
	case e.Healthy:
		return q.policy.healthy(s, q.now), Decision{}
	case !s.Demanded(), s.Preflight.At.IsZero(): // the answer of the back-end was forgotten meanwhile
		return s, Decision{}
	case q.policy.doubtful(s.Last) && !s.asked(): // it fails in another way than before
		return s, Decision{AskNetwork: true}
	default:
		return q.decide()
	}
}

// decide asks all guards for the last time.
func (q question) decide() (State, Decision) {
	d := q.ask()
	s := *q.state
	s.Hold = d.Hold
	switch {
	case d.Hold != "":
	case q.policy.Mode == ModeObserve:
		d.WouldRestart = !s.Observed
		s.Observed = true
	default:
		d.Restart = true
		s.Intent = Intent{ID: s.Preflight.Attempt, At: q.now, Trigger: s.intended(), Before: s.Preflight.Identity}
		s.Attempts = append(slices.Clip(s.Attempts), q.now)
		s = q.policy.cool(s)
	}
	return s, d
}

// executed is the end of the back-end's work. What was seen before it says nothing about what is there now.
func (q question) executed(e *Executed) (State, Decision) {
	s, p := *q.state, q.policy
	if !s.InFlight() || !s.VerifyUntil.IsZero() || e.Attempt != s.Intent.ID {
		return s, Decision{}
	}
	s = s.blind()
	switch {
	case e.Error == "":
		s.VerifyUntil = q.now.Add(p.VerifyTimeout)
		return s, Decision{}
	case e.Refused:
		return p.refused(s), Decision{Outcome: OutcomeRefused}
	default:
		return q.unverified(s, OutcomeExecFailed)
	}
}

// verify ends the verification when the service is proven to be restarted and healthy, or its time is up.
func (q question) verify() (State, Decision) {
	s, p := *q.state, q.policy
	healthy := s.Successes >= p.VerifyProbes
	switch late := q.now.After(s.VerifyUntil); {
	case healthy && s.Intent.restarted():
		return p.healthy(p.recovered(s), q.now), Decision{Outcome: OutcomeRecovered}
	case !late:
		return s, Decision{Inspect: healthy}
	case healthy && !s.Intent.Looked:
		return q.unverified(s, OutcomeUnknown)
	case healthy && !s.Intent.Changed:
		return q.unverified(s, OutcomeIdentityUnchanged)
	default:
		return q.unverified(s, OutcomeNotRecovered)
	}
}

// looked takes the unit's identity during the verification.
func (q question) looked(f *Preflight) (State, Decision) {
	s := q.state
	if f.Identity != "" {
		s.Intent.Looked, s.Intent.Starting = true, f.Starting
		s.Intent.Changed = f.Identity != s.Intent.Before // it may also have been set back
	}
	if !s.Intent.restarted() {
		return *s, Decision{} // a later probe asks again, until the time is up
	}
	d := Decision{}
	next := *s
	if next.Successes >= q.policy.VerifyProbes {
		next, d.Outcome = q.policy.healthy(q.policy.recovered(next), q.now), OutcomeRecovered
	}
	return next, d
}

// started is the state when the exporter begins to watch. Nobody looked meanwhile; an attempt that was under way is never
// made again.
func (q question) started(d *Definition) (State, Decision) {
	s := q.state.blind().defined(d)
	switch {
	case !s.InFlight():
		return s, Decision{}
	case s.VerifyUntil.IsZero():
		s.Intent.Orphaned = true
		return s, Decision{Inspect: true}
	case q.now.After(s.VerifyUntil):
		return q.unverified(s, OutcomeUnknown)
	default:
		return s, Decision{}
	}
}

// found judges an attempt during which the exporter ended. If the unit is another one it was restarted, and what is left
// of the time is for verifying that.
func (q question) found(f *Preflight) (State, Decision) {
	s, p := *q.state, q.policy
	until := s.Intent.At.Add(p.VerifyTimeout)
	if f.Identity == "" || s.Intent.Before == "" || f.Identity == s.Intent.Before || q.now.After(until) {
		return q.unverified(s, OutcomeUnknown)
	}
	s.Intent.Orphaned, s.Intent.Changed, s.Intent.Looked, s.Intent.Starting = false, true, true, f.Starting
	s.VerifyUntil = until
	return s, Decision{}
}

// recovered ends an attempt that helped.
func (p *Policy) recovered(s State) State {
	s.Intent, s.VerifyUntil, s.Unverified, s.Refused, s.Reprieve = Intent{}, time.Time{}, 0, 0, ""
	return p.cool(s)
}

// unverified ends an attempt that is not known to have helped. The unit of a service that is locked out is looked at, so that
// it is seen when somebody else changes it.
func (q question) unverified(s State, o Outcome) (State, Decision) {
	s.Intent, s.VerifyUntil, s.Refused, s.Reprieve = Intent{}, time.Time{}, 0, ""
	s.Unverified++
	if s.Unverified >= q.policy.MaxUnverified && !s.LockedOut {
		s.LockedOut, s.LockedAt, s.Unit, s.Maintained = true, q.now, "", false
	}
	return q.policy.cool(s), Decision{Outcome: o, Inspect: s.LockedOut}
}
