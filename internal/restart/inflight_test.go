package restart

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// Who shows what is under way does not wait for a state that is being saved: the disk may hang.
func TestInFlightDoesNotWait(t *testing.T) {
	c := NewController(nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	w := newWatcher(c, Service{Name: "shop"})
	c.selected = &selection{services: map[string]*watcher{"shop": w}}
	w.mu.Lock() // as long as it is being saved
	defer w.mu.Unlock()
	got := make(chan map[string]policy.Phase, 1)
	go func() { got <- c.InFlight() }()
	select {
	case all := <-got:
		if len(all) != 0 {
			t.Errorf("%v are under way, want none", all)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
}
