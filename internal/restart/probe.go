package restart

import (
	"context"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// probe makes a round of checks in a goroutine of its own: a target that hangs must not keep an alert waiting.
func (w *watcher) probe(ctx context.Context) {
	w.loadLate()
	if w.orphaned() { // also if the journal could not be read before
		w.inspect(ctx)
	}
	w.began, w.probing, w.urgent = time.Now(), true, false
	service := w.configured()
	go func() { w.rounds <- service.round(ctx) }()
}

func (w *watcher) advise(hint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hint = hint
}

// look makes the last look before a restart: one more round of checks, beside the one that may be under way. It comes
// ConfirmInterval after the failure that confirmed, but waits no longer than a check may take.
func (w *watcher) look(ctx context.Context) {
	w.looking, w.looked = true, time.Now()
	w.mu.Lock()
	service, last := w.service, w.state.LastFailure
	w.mu.Unlock()
	longest := time.Duration(0)
	for i := range service.Checks {
		longest = max(longest, service.Checks[i].Timeout)
	}
	wait := min(time.Until(last.Add(service.Policy.ConfirmInterval)), longest)
	go func() {
		select {
		case <-time.After(max(wait, 0)):
			w.looks <- service.probe(ctx)
		case <-ctx.Done():
			w.looks <- policy.Evidence{}
		}
	}()
}
