package managed

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// steady is for how long a target has to be healthy without a failure until its maintenance ends.
const steady = time.Minute

// A recovery watches one maintenance that ends once the target was seen failing and then healthy for a minute. It goes by the
// times of the observations alone.
type recovery struct {
	failing bool      // a failure was seen
	healthy time.Time // of the first success after the last failure; zero: there is none yet
	last    time.Time // of the last observation
}

// see is told of an observation, and reports whether the target has recovered by it.
func (r *recovery) see(healthy bool, at time.Time) bool {
	switch late := at.Before(r.last); {
	case late && r.last.Sub(at) > config.MaxInterval: // the clock went back
		r.healthy = time.Time{}
	case late && healthy:
		return false // what is known since says more
	case late:
		if r.failing = true; !r.healthy.IsZero() && !at.Before(r.healthy) {
			r.healthy = r.last // a success after all that is known to have failed
		}
		return false
	}
	r.last = at
	switch {
	case !healthy:
		r.failing, r.healthy = true, time.Time{}
	case !r.failing: // it has not begun to fail
	case r.healthy.IsZero():
		r.healthy = at
	default:
		return at.Sub(r.healthy) >= steady
	}
	return false
}
