package restart

import (
	"context"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// maxInspect is how long a back-end may take to look at its unit.
const maxInspect = 10 * time.Second

// maxTakes bounds the time that the settings of a unit can give an attempt, because other services wait for it.
const maxTakes = 15 * time.Minute

// inspect asks the back-end in a goroutine of its own, unless it is being asked or has just answered. If an earlier exporter
// left half a restart, it is finished first.
func (w *watcher) inspect(ctx context.Context) {
	if w.inspecting || w.asking || w.looking {
		return
	}
	w.inspecting = true
	service, finish := w.configured(), w.finisher(ctx)
	ctx, cancel := context.WithTimeout(ctx, min(service.ExecTimeout, maxInspect))
	go func() {
		defer cancel()
		finished := finish()
		f, status := service.preflight(ctx)
		f.Finished = finished
		w.before = status // read only after the channel
		w.inspections <- f
	}()
}

// finisher returns a function that finishes the interrupted attempt of an earlier exporter, and reports whether it tried to.
// Often there is nothing to do. What an operator has forbidden since is not done.
func (w *watcher) finisher(ctx context.Context) func() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	backend, ok := w.service.Backend.(Finisher)
	intent, paused := w.state.Intent, !w.state.Pause.Until.IsZero()
	if !ok || !intent.Orphaned || paused || w.service.Policy.Mode != policy.ModeEnforce {
		return func() bool { return false }
	}
	timeout := w.service.ExecTimeout
	return func() bool {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		tried, err := backend.Finish(ctx, Attempt{ID: intent.ID, At: intent.At, Before: Status{Identity: intent.Before}})
		switch {
		case err != nil:
			w.log.Error("Finishing an interrupted restart failed", "attempt", intent.ID, "err", err)
		case tried:
			w.log.Warn("Finished a restart that the end of the exporter had interrupted", "attempt", intent.ID)
		}
		return tried
	}
}

// outdated says why the decision must not be carried out any more: writing it down may have taken long. Empty: it may.
func (w *watcher) outdated(p *policy.Policy, decided time.Time) string {
	now := time.Now()
	if took := now.Sub(decided); took > p.ConfirmAge {
		return "writing the attempt down took " + took.Round(time.Millisecond).String() + ", so the evidence is too old"
	}
	return w.leadership(now).Standby
}

// execute has the back-end do its work in a goroutine of its own; run waits for its outcome. The work has its own
// time limit and does not end with ctx.
func (w *watcher) execute(ctx context.Context, decided time.Time) {
	service := w.configured()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(service.ExecTimeout, min(w.before.Takes, maxTakes)))
	w.mu.Lock()
	attempt, trigger := Attempt{ID: w.state.Intent.ID, At: w.state.Intent.At, Before: w.before}, w.state.Trigger()
	w.mu.Unlock()
	if why := w.outdated(&service.Policy, decided); why != "" {
		cancel()
		w.executed <- executedBy(attempt.ID, fmt.Errorf("%w: %s", ErrRefused, why))
		return
	}
	w.log.Info("Restarting service", "attempt", attempt.ID, "backend", service.Backend.Kind(), "trigger", string(trigger))
	go func() {
		defer cancel()
		start := time.Now()
		err := service.Backend.Restart(ctx, attempt)
		w.metrics.took(&service, phaseExecute, time.Since(start))
		w.executed <- executedBy(attempt.ID, err)
	}()
}

// tryOut lets the back-end try the restart that only the mode forbids, if it can, in a goroutine of its own.
func (w *watcher) tryOut(ctx context.Context) {
	service := w.configured()
	backend, ok := service.Backend.(DryRunner)
	if !ok || w.trying {
		return
	}
	w.trying = true
	w.mu.Lock()
	a := Attempt{ID: w.state.Preflight.Attempt, At: time.Now(), Before: w.before}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, service.ExecTimeout)
	go func() {
		defer cancel()
		w.tried <- executedBy(a.ID, backend.DryRun(ctx, a))
	}()
}
