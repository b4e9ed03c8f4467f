package restart

import (
	"context"
	"time"
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
