package status

import "time"

// A State is how a target is, as far as that is known.
type State string

// The states of a target.
const (
	StateUp      State = "up"
	StateDown    State = "down"
	StateUnknown State = "unknown" // it was never probed
)

// States are all states of a target.
func States() []State { return []State{StateUp, StateDown, StateUnknown} }

// leastStale is how long a target may be without a probe, however short its interval is.
const leastStale = time.Minute

// How many changes within which time make a target flap.
const (
	flapChanges = 4
	flapTime    = 15 * time.Minute
)

// Stale reports whether a target was last probed so long ago that it may be otherwise by now. So may one that was probed in the
// future: the clock was set back, and nobody knows how long ago it was.
func Stale(lastProbe time.Time, interval time.Duration, now time.Time) bool {
	return now.Sub(lastProbe).Abs() > staleAfter(interval)
}

// staleAfter is after how long without a probe a target is stale.
func staleAfter(interval time.Duration) time.Duration { return max(2*interval, leastStale) }

func (t *track) flapping(now time.Time) bool {
	n := len(t.changes) - flapChanges
	return n >= 0 && now.Sub(time.UnixMicro(t.changes[n].at)).Abs() < flapTime
}
