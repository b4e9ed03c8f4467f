package restart

import (
	"errors"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// An entry is what the journal holds of a service.
type entry struct {
	loaded bool         // the state is that of the journal, or a later one
	state  policy.State // what was last saved
	dirty  bool         // a write failed: it is unknown what the journal holds
	reason string       // why the journal fails; empty: it works
}

// load takes over the state of the journal. Until that succeeds nothing is restarted, and nothing is saved, which
// would replace what is there, such as a lock-out.
func (w *watcher) load() {
	w.mu.Lock()
	s, err := w.journal.Load(w.name)
	if err != nil {
		w.broken("loading the state", err)
		w.mu.Unlock()
		return
	}
	w.entry = entry{loaded: true, state: s}
	w.become(&s)
	now := time.Now()
	attempts := make([]time.Time, 0, len(s.Attempts))
	for _, t := range s.Attempts {
		attempts = append(attempts, now.Add(-now.Round(0).Sub(t)))
	}
	w.fleet.recall(w.name, attempts)
	definition := w.service.definition()
	w.mu.Unlock()
	_, _ = w.feed(policy.Event{Started: &policy.Definition{Checks: definition}})
}

// loadLate loads what could not be loaded before.
func (w *watcher) loadLate() {
	w.mu.Lock()
	missing := !w.entry.loaded
	w.mu.Unlock()
	if missing {
		w.load()
	}
}

// persist writes the state if its durable part has changed.
func (w *watcher) persist(s *policy.State) error {
	switch {
	case !w.entry.loaded:
		return errors.New(w.entry.reason)
	case !w.entry.dirty && w.entry.state.SameDurable(s):
		return nil
	default:
		return w.save(s)
	}
}

func (w *watcher) save(s *policy.State) error {
	if err := w.journal.Save(w.name, *s); err != nil {
		w.entry.dirty = true
		w.broken("saving the state", err)
		return errors.New(w.entry.reason)
	}
	if w.entry.reason != "" {
		w.log.Info("The journal works again")
	}
	w.entry = entry{loaded: true, state: *s}
	return nil
}

// broken notes that the journal fails.
func (w *watcher) broken(doing string, err error) {
	w.metrics.journalErrors.Inc()
	if w.entry.reason == "" {
		w.log.Error("The journal fails, nothing is restarted", "err", doing+": "+err.Error())
	}
	w.entry.reason = doing + ": " + err.Error()
}
