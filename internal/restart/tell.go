package restart

import (
	"cmp"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// tell logs, counts and audits every transition. A repetition is not a transition.
func (w *watcher) tell(before *policy.State, ev *policy.Event, d *policy.Decision, now time.Time) {
	w.metrics.show(&w.service, &w.state, now)
	w.metrics.brake(w.fleet.brakes(now))
	w.metrics.intents.Set(float64(w.fleet.inFlight()))
	from, to := before.Phase(), w.state.Phase()
	if from != to {
		w.log.Info("Service changed state", "from", string(from), "to", string(to), "reason", string(w.state.Last.Reason))
	}
	w.tellExecuted(ev.Executed)
	w.tellTried(ev.Tried)
	held := d.Hold != "" && d.Hold != before.Hold
	switch {
	case d.Restart:
		w.metrics.decision(w.name, "restart", "")
		w.metrics.triggered(w.name, w.state.Trigger())
	case d.WouldRestart:
		w.metrics.decision(w.name, "would_restart", "")
		w.log.Warn("Would restart service", "mode", string(w.service.Policy.Mode), "trigger", string(w.state.Trigger()), "reason", string(w.state.Last.Reason))
	case held:
		w.metrics.decision(w.name, "hold", d.Hold)
		last := d.Guards[len(d.Guards)-1]
		w.log.Info("Held restart", "guard", string(d.Hold), "value", last.Value, "limit", last.Limit)
	}
	if d.Outcome != policy.OutcomeNone {
		w.metrics.attempt(&w.service, d.Outcome)
		if !before.VerifyUntil.IsZero() {
			took := now.Sub(before.VerifyUntil.Add(-w.service.Policy.VerifyTimeout))
			w.metrics.took(&w.service, phaseVerify, max(took, 0))
		}
		f := &w.state.Preflight
		detail := cmp.Or(f.Unfit, f.Detail)
		if d.Outcome == policy.OutcomeRecovered { // what would speak against another restart reads as trouble
			detail = f.Detail
		}
		w.log.Info("Restart ended", "outcome", string(d.Outcome), "unverified", w.state.Unverified, "detail", detail)
	}
	ordered := ev.IsOrder() && !before.SameOrders(&w.state) || ev.Released != nil
	if from == to && !d.Restart && !d.WouldRestart && !held && d.Outcome == policy.OutcomeNone && !ordered && ev.Tried == nil {
		return
	}
	w.audit(policy.Record{
		Time: policy.Wall(now), Service: w.name, Group: w.service.Group, Backend: w.service.Backend.Kind(), From: from, To: to,
		Trigger: cmp.Or(before.Intent.Asker(), w.state.Trigger()), Decision: *d, Event: *ev, Policy: w.service.Policy, State: *before, After: w.state,
	})
}

// tellExecuted logs what went wrong with an attempt.
func (w *watcher) tellExecuted(e *policy.Executed) {
	switch {
	case e == nil || e.Error == "":
	case e.Refused:
		w.log.Warn("Restart was refused, nothing was done", "err", e.Error)
	default:
		w.log.Warn("Restart failed", "err", e.Error)
	}
}

// tellTried logs what came of a dry run.
func (w *watcher) tellTried(e *policy.Executed) {
	switch {
	case e == nil:
	case e.Error != "":
		w.log.Warn("The restart would have failed", "attempt", e.Attempt, "err", e.Error)
	default:
		w.log.Info("The restart would have been accepted", "attempt", e.Attempt)
	}
}

func (w *watcher) audit(r policy.Record) {
	if err := w.journal.Audit(r); err != nil {
		w.metrics.journalErrors.Inc()
		w.log.Error("Writing to the audit failed", "err", err)
	}
}
