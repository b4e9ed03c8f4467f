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

// StaleAfter is after how long without a probe a target is stale.
func StaleAfter(interval time.Duration) time.Duration { return max(2*interval, leastStale) }

func (t *track) flapping(now time.Time) bool {
	n := len(t.changes) - flapChanges
	return n >= 0 && t.changes[n].at > now.Add(-flapTime).UnixMicro()
}
