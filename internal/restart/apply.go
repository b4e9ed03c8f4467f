package restart

import (
	"cmp"
	"errors"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// ErrStopped is returned for what comes after the end of the watch.
var ErrStopped = errors.New("the service is no longer watched")

// keeping is what the journal holds of a unit.
type keeping struct {
	loaded bool         // the state is that of the journal, or a later one
	state  policy.State // what was last saved
	dirty  bool         // nobody knows what the journal holds
	reason string       // why the journal failed; empty: it did not
}

// load takes over the state of the journal. Until it succeeds nothing is restarted and nothing is saved: it would replace
// what is there, such as a lock-out.
func (u *unit) load() {
	u.mu.Lock()
	s, err := u.journal.Load(u.name)
	if err != nil {
		u.broken("loading the state", err)
		u.mu.Unlock()
		return
	}
	u.kept = keeping{loaded: true, state: s}
	u.state = s
	now := time.Now()
	attempts := make([]time.Time, 0, len(s.Attempts))
	for _, t := range s.Attempts {
		attempts = append(attempts, now.Add(-now.Round(0).Sub(t)))
	}
	u.fleet.recall(u.name, attempts)
	definition := u.service.definition()
	u.mu.Unlock()
	_, _ = u.apply(policy.Event{Started: &policy.Definition{Checks: definition}})
}

// reload loads what could not be loaded before.
func (u *unit) reload() {
	u.mu.Lock()
	missing := !u.kept.loaded
	u.mu.Unlock()
	if missing {
		u.load()
	}
}

// apply lets the policy judge, persists, and tells. An error says that the outcome could not be persisted; then nothing is
// restarted, and the next event tries again.
func (u *unit) apply(ev policy.Event) (policy.Decision, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return policy.Decision{}, ErrStopped
	}
	if ev.Looked != nil { // two services must not both find that no other is under way
		u.deciding.Lock()
		defer u.deciding.Unlock()
	}
	now := time.Now()
	ev.Jump = u.jump(now)
	if u.kept.dirty {
		_ = u.save(&u.state)
	}
	before := u.state
	u.surround(&ev, now)
	state, d := u.service.Policy.Next(before, ev, now)
	err := u.keep(&state)
	if err != nil && d.Restart { // no intent on disk, no restart
		u.surround(&ev, now)
		state, d = u.service.Policy.Next(before, ev, now)
	}
	u.state = state
	if d.Restart {
		u.fleet.attempted(u.name, now)
	}
	if d.Outcome == policy.OutcomeRefused {
		u.fleet.withdrawn(u.name)
	}
	u.fleet.update(u.name, &u.state, now)
	u.tell(&before, &ev, &d, now)
	return d, err
}

// surround fills in the world.
func (u *unit) surround(ev *policy.Event, now time.Time) {
	ev.World = u.fleet.world(u.name, &u.service.Policy, now)
	ev.World.Leader = u.leadership(now)
	ev.World.Uptime = now.Sub(u.started)
	ev.World.Journal = u.kept.reason
	if u.service.Maintenance != nil {
		ev.World.Maintenance = u.service.Maintenance(now)
	}
}

// leastJump is what the wall clock may go astray between two events without its being a jump.
const leastJump = time.Second

// jump is how far the wall clock went since the last event beyond the time that passed.
func (u *unit) jump(now time.Time) time.Duration {
	last := u.last
	u.last = now
	if last.IsZero() {
		return 0
	}
	jump := now.Round(0).Sub(last.Round(0)) - now.Sub(last)
	if jump.Abs() < leastJump {
		return 0
	}
	return jump
}

// keep persists what has changed of the durable part of the state. What has not changed is not written.
func (u *unit) keep(s *policy.State) error {
	switch {
	case !u.kept.loaded:
		return errors.New(u.kept.reason)
	case !u.kept.dirty && u.kept.state.SameDurable(s):
		return nil
	default:
		return u.save(s)
	}
}

func (u *unit) save(s *policy.State) error {
	if err := u.journal.Save(u.name, *s); err != nil {
		u.kept.dirty = true
		u.broken("saving the state", err)
		return errors.New(u.kept.reason)
	}
	if u.kept.reason != "" {
		u.log.Info("The journal works again")
	}
	u.kept = keeping{loaded: true, state: *s}
	return nil
}

// broken notes that the journal fails.
func (u *unit) broken(doing string, err error) {
	u.metrics.journalErrors.Inc()
	if u.kept.reason == "" {
		u.log.Error("The journal fails, nothing is restarted", "err", doing+": "+err.Error())
	}
	u.kept.reason = doing + ": " + err.Error()
}

// tell logs a line for every transition, counts, and appends to the audit. A repetition is none of them.
func (u *unit) tell(before *policy.State, ev *policy.Event, d *policy.Decision, now time.Time) {
	u.metrics.show(&u.service, &u.state, now)
	u.metrics.brake(u.fleet.brakes(now))
	u.metrics.intents.Set(float64(u.fleet.inFlight()))
	from, to := before.Phase(), u.state.Phase()
	if from != to {
		u.log.Info("Service changed state", "from", string(from), "to", string(to), "reason", string(u.state.Last.Reason))
	}
	u.tellExecuted(ev.Executed)
	u.tellTried(ev.Tried)
	held := d.Hold != "" && d.Hold != before.Hold
	switch {
	case d.Restart:
		u.metrics.decision(u.name, "restart", "")
	case d.WouldRestart:
		u.metrics.decision(u.name, "would_restart", "")
		u.log.Warn("Would restart service", "mode", string(u.service.Policy.Mode), "reason", string(u.state.Last.Reason))
	case held:
		u.metrics.decision(u.name, "hold", d.Hold)
		last := d.Guards[len(d.Guards)-1]
		u.log.Info("Held restart", "guard", string(d.Hold), "value", last.Value, "limit", last.Limit)
	}
	if d.Outcome != policy.OutcomeNone {
		u.metrics.attempt(&u.service, d.Outcome)
		if !before.VerifyUntil.IsZero() {
			took := now.Sub(before.VerifyUntil.Add(-u.service.Policy.VerifyTimeout))
			u.metrics.took(&u.service, phaseVerify, max(took, 0))
		}
		f := &u.state.Preflight
		detail := cmp.Or(f.Unfit, f.Detail)
		if d.Outcome == policy.OutcomeRecovered { // what would speak against another restart reads as trouble
			detail = f.Detail
		}
		u.log.Info("Restart ended", "outcome", string(d.Outcome), "unverified", u.state.Unverified, "detail", detail)
	}
	ordered := ev.IsOrder() && !before.SameOrders(&u.state) || ev.Released != nil
	if from == to && !d.Restart && !d.WouldRestart && !held && d.Outcome == policy.OutcomeNone && !ordered && ev.Tried == nil {
		return
	}
	u.audit(policy.Record{
		Time: policy.Wall(now), Service: u.name, Group: u.service.Group, Backend: u.service.Backend.Kind(), From: from, To: to,
		Decision: *d, Event: *ev, Policy: u.service.Policy, State: *before, After: u.state,
	})
}

// tellExecuted logs what went wrong with an attempt.
func (u *unit) tellExecuted(e *policy.Executed) {
	switch {
	case e == nil || e.Error == "":
	case e.Refused:
		u.log.Warn("Restart was refused, nothing was done", "err", e.Error)
	default:
		u.log.Warn("Restart failed", "err", e.Error)
	}
}

// tellTried logs what came of a dry run.
func (u *unit) tellTried(e *policy.Executed) {
	switch {
	case e == nil:
	case e.Error != "":
		u.log.Warn("The restart would have failed", "attempt", e.Attempt, "err", e.Error)
	default:
		u.log.Info("The restart would have been accepted", "attempt", e.Attempt)
	}
}

func (u *unit) audit(r policy.Record) {
	if err := u.journal.Audit(r); err != nil {
		u.metrics.journalErrors.Inc()
		u.log.Error("Writing to the audit failed", "err", err)
	}
}
