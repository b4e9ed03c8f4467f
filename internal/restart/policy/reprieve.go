package policy

import "time"

// A Reprieve is why a service that was locked out gets one more attempt: the world has changed since. If that does not help
// either it is locked out again. The cool-down and the budget hold for it as for any other.
type Reprieve string

// The reprieves.
const (
	ReprieveMaintenance Reprieve = "a maintenance window has ended since"
	ReprieveChange      Reprieve = "somebody else has changed the unit since"
)

// compareEvery is how often the back-end is asked about a unit for reasons other than a restart: the service fails and is locked
// out or held by the brake, or it is healthy and an attempt may have left its unit unfit.
const compareEvery = time.Minute

// maintained notes a maintenance window of a service that is locked out. Until its end it could not be helped.
func (s State) maintained(w *Window) State {
	switch open := w.Name != ""; {
	case open && s.LockedOut:
		s.Maintained = true
	case !open && s.Maintained:
		s = s.released(ReprieveMaintenance)
	}
	return s
}

// compared compares the unit with what it was when the service was locked out. The last attempt was over then, so another identity
// is the work of somebody else. A start that the supervisor made by itself does not count: a unit that crashes now and then would
// never stay locked out. A unit that is not fit, or of which not all runs yet, is judged later.
func (s State) compared(f *Preflight) State {
	switch {
	case f.Identity == "":
	case s.Unit == "":
		s.Unit = f.Identity
	case s.Unit != f.Identity && f.Unfit == "" && !f.Starting && !f.Itself:
		s = s.released(ReprieveChange)
	}
	return s
}

// released ends a lock-out, but forgets no attempt.
func (s State) released(why Reprieve) State {
	s.LockedOut, s.LockedAt, s.Unit, s.Maintained, s.Reprieve = false, time.Time{}, "", false, why
	return s
}

// followsAttempts reports whether the guard looks at the attempts that were made.
func (g Guard) followsAttempts() bool {
	return g == GuardCooldown || g == GuardBudget || g == GuardLockedOut
}

// mayBeLeftUnfit reports whether an attempt may have left the unit of a healthy service so that it can no longer be restarted, for
// example with an update that the supervisor has paused. Somebody has to be told before it fails the next time.
func (s *State) mayBeLeftUnfit(now time.Time) bool {
	return !s.LastAttempt().IsZero() && (s.Unverified > 0 || s.Preflight.Unfit != "") && now.Sub(s.Preflight.At) >= compareEvery
}
