package restart

import (
	"context"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

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
