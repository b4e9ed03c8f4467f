package restart

import (
	"cmp"
	"errors"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// ErrStopped is returned for an event that comes when the service is no longer watched.
var ErrStopped = errors.New("the service is no longer watched")

// feed gives an event to the policy, persists what comes of it, and tells. An error means that this could not be persisted: then
// nothing is restarted, and the next event tries again.
func (w *watcher) feed(ev policy.Event) (policy.Decision, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return policy.Decision{}, ErrStopped
	}
	if ev.Looked != nil { // two services must not both find that no other is under way
		w.fleet.deciding.Lock()
		defer w.fleet.deciding.Unlock()
	}
	now := time.Now()
	ev.Jump = w.jump(now)
	if w.entry.dirty {
		_ = w.save(&w.state)
	}
	before := w.state
	w.surround(&ev, now)
	state, d := w.service.Policy.Next(before, ev, now)
	err := w.persist(&state)
	if err != nil && d.Restart { // no intent on disk, no restart
		w.surround(&ev, now)
		state, d = w.service.Policy.Next(before, ev, now)
	}
	w.become(&state)
	if d.Restart {
		w.fleet.attempted(w.name, now)
	}
	if d.Outcome == policy.OutcomeRefused {
		w.fleet.withdrawn(w.name)
	}
	w.fleet.excuse(w.name, ev.World.Maintenance)
	w.fleet.update(w.name, &w.state, now)
	w.tell(&before, &ev, &d, now)
	return d, err
}

// surround fills in what surrounds the service.
func (w *watcher) surround(ev *policy.Event, now time.Time) {
	ev.World = w.fleet.world(w.name, &w.service.Policy, now)
	ev.World.Leader = w.leadership(now)
	ev.World.Uptime = now.Sub(w.started)
	ev.World.Journal = w.entry.reason
	if w.service.Unknown != nil { // it is no maintenance: the end of one ends a lock-out
		ev.World.Journal = cmp.Or(ev.World.Journal, w.service.Unknown())
	}
	if w.service.Maintenance == nil {
		return
	}
	ev.World.Maintenance = w.service.Maintenance(now)
	if ev.Started != nil && ev.World.Maintenance.Name == "" {
		ev.World.Maintenance = w.missed(now)
	}
}

// longestMissed is how far back a start looks for a maintenance window that nobody has seen.
const longestMissed = 7 * 24 * time.Hour

// missed is the window that was open while the exporter did not run; zero: there was none, or the service is not locked out, to
// which alone it matters. Windows begin and end with a minute.
func (w *watcher) missed(now time.Time) policy.Window {
	if !w.state.LockedOut {
		return policy.Window{}
	}
	from := w.state.Seen
	if earliest := now.Add(-longestMissed); from.Before(earliest) {
		from = earliest
	}
	for t := from; t.Before(now); t = t.Add(time.Minute) {
		if window := w.service.Maintenance(t); window.Name != "" {
			return window
		}
	}
	return policy.Window{}
}

// leastJump is how far the wall clock may drift between two events before it counts as a jump.
const leastJump = time.Second

// jump is how far the wall clock went since the last event beyond the time that passed.
func (w *watcher) jump(now time.Time) time.Duration {
	last := w.last
	w.last = now
	if last.IsZero() {
		return 0
	}
	jump := now.Round(0).Sub(last.Round(0)) - now.Sub(last)
	if jump.Abs() < leastJump {
		return 0
	}
	return jump
}
