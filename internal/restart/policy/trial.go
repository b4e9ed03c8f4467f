package policy

import (
	"fmt"
	"time"
)

// A trial is how a brake lets go of a mass failure that does not pass by itself. After the failover of a database, for example, all
// services may have dead connections. When no new failure has begun for the release time, one service at a time is restarted. As
// long as that helps, the next one follows.
type trial struct {
	// proven is true since a restart has helped: then it is not the network.
	proven bool
	// failed counts the restarts in a row that did not help, the last of which ended at ended.
	failed int
	ended  time.Time
}

// longestTrial is the longest pause after a restart that did not help.
const longestTrial = time.Hour

// note notes how a restart in the scope has ended.
func (t *trial) note(helped bool, now time.Time) {
	if helped {
		t.proven, t.failed = true, 0
		return
	}
	t.proven, t.failed, t.ended = false, t.failed+1, now
}

// next is when the next one may be restarted: at once when the last one helped, and otherwise after a pause that doubles.
func (t *trial) next(pause time.Duration) time.Time {
	if t.failed == 0 {
		return time.Time{}
	}
	for range t.failed {
		pause = min(2*pause, longestTrial)
	}
	return t.ended.Add(pause)
}

// try releases a member of a braked scope if it may be the next one of the trial. Otherwise it says what the member waits for.
func (f *Fleet) try(result *Brake, b *brake, me *member, now time.Time) {
	newest := b.newest
	if b.since.After(newest) { // what failed before has become another failure
		newest = b.since
	}
	settled := newest.Add(f.limits.ReleaseTime)
	next := b.trial.next(f.limits.ReleaseTime)
	switch {
	case !me.holds || !b.counts(me.began(), f.limits.Window, now):
		result.Trial = "it is not part of what a restart may repair"
	case !now.After(settled):
		result.Trial = fmt.Sprintf("a failure began %s ago", round(now.Sub(newest)))
		result.waits(settled)
	case !b.trial.proven && me.reach == reachNone:
		result.Trial = "nothing has answered: it may be the network"
	case !b.trial.proven && me.reach == reachSomething && !f.healthy:
		result.Trial = "no service is healthy: it may be the network"
	case now.Before(next):
		result.Trial = "a restart did not help"
		result.waits(next)
	case f.trying(b, me):
		result.Trial = "another one is being restarted"
	default:
		result.On, result.Trial, result.Next = false, "the next one", time.Time{}
	}
}

// waits notes that the trial goes on at t, if that is before the release.
func (b *Brake) waits(t time.Time) {
	if b.Next.IsZero() || t.Before(b.Next) {
		b.Next = Wall(t)
	}
}

// trying reports whether another member of the scope is being restarted.
func (f *Fleet) trying(b *brake, me *member) bool {
	for _, m := range f.members {
		if m != me && m.inFlight && m.in(b) {
			return true
		}
	}
	return false
}
