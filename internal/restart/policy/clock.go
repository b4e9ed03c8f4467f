package policy

import (
	"slices"
	"time"
)

// at is the state as it is now, after the wall clock went jump further than the time that passed since the last event.
func (s State) at(now time.Time, jump time.Duration) State {
	if passed := now.Sub(s.Seen) - jump; !s.Seen.IsZero() && passed < 0 {
		jump = now.Sub(s.Seen) // time does not go back: none has passed
	}
	if jump != 0 && !s.Seen.IsZero() {
		s = s.moved(jump)
	}
	if jump.Abs() > maxJump {
		s = s.blind()
		s.JumpedAt = now
	}
	s.Seen = now
	old := 0
	for old < len(s.Attempts) && now.Sub(s.Attempts[old]) >= remembered {
		old++
	}
	if s.Attempts = s.Attempts[old:]; len(s.Attempts) == 0 {
		s.Attempts = nil
	}
	if !s.Pause.Until.IsZero() && !now.Before(s.Pause.Until) {
		s.Pause = Pause{}
	}
	return s
}

// Aged is the state as it is now, if nothing has happened since the last event.
func (p *Policy) Aged(s State, now time.Time) State {
	now = Wall(now)
	return p.own(s.at(now, 0).lapsed(now, p.SuspectTime))
}

// moved moves every time of the state by d.
func (s State) moved(d time.Duration) State {
	for _, t := range []*time.Time{
		&s.JumpedAt, &s.HealthySince, &s.FailingSince, &s.LastProbe, &s.LastFailure, &s.DownSince, &s.EpisodeAt, &s.AlertedAt, &s.ResolvedAt,
		&s.Preflight.At, &s.Network.At, &s.Intent.At, &s.VerifyUntil, &s.CooldownUntil, &s.RefusedAt, &s.LockedAt, &s.Pause.Until,
	} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
	attempts := make([]time.Time, len(s.Attempts))
	for i, t := range s.Attempts {
		attempts[i] = t.Add(d)
	}
	s.Attempts = attempts
	s.Demands = slices.Clone(s.Demands)
	for i := range s.Demands {
		s.Demands[i].At = s.Demands[i].At.Add(d)
	}
	return s
}
