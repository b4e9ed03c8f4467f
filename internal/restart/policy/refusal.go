package policy

import (
	"slices"
	"time"
)

// refused ends an attempt that the back-end refused. Nothing was done, so it costs no budget. The pause after it is that of any
// attempt. It doubles with every further refusal in a row, so that they do not become a loop.
func (p *Policy) refused(s State) State {
	at := s.Intent.At
	s.Attempts = slices.DeleteFunc(slices.Clone(s.Attempts), at.Equal)
	if len(s.Attempts) == 0 {
		s.Attempts = nil
	}
	s.Intent, s.RefusedAt = Intent{}, at
	s.Refused++
	return p.cool(s)
}

// lastRefused reports whether the last attempt was refused.
func (s *State) lastRefused() bool {
	n := len(s.Attempts)
	return !s.RefusedAt.IsZero() && (n == 0 || s.RefusedAt.After(s.Attempts[n-1]))
}

// LastAttempt is when the last attempt was made, also one that was refused; zero: none was.
func (s *State) LastAttempt() time.Time {
	switch n := len(s.Attempts); {
	case s.lastRefused():
		return s.RefusedAt
	case n > 0:
		return s.Attempts[n-1]
	default:
		return time.Time{}
	}
}

// pause is the cool-down that holds now: doubled for every attempt in a row that did not help, and for every one in a row that
// was refused after the first.
func (p *Policy) pause(s *State) time.Duration {
	pause := p.Cooldown
	for range s.Unverified + max(0, s.Refused-1) {
		if pause >= p.CooldownMax {
			break
		}
		pause = min(2*pause, p.CooldownMax)
	}
	return pause
}
