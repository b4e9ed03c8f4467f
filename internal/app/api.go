package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// listTargets serves the inventory with what the last probe of each target has found.
func (a *App) listTargets(w http.ResponseWriter, r *http.Request) {
	all, err := a.statuses(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // who asked is gone
}

func (a *App) statuses(query url.Values, now time.Time) (inventory.Statuses, error) {
	selection, err := inventory.ParseSelection(query)
	if err != nil {
		return inventory.Statuses{}, err
	}
	inv := a.targets.Load().inventory
	all := inventory.Statuses{Targets: []inventory.Status{}}
	for _, e := range inv.Entries() {
		if selection.Has(e) {
			s := inv.Status(e, now)
			a.probes.report(&s)
			all.Targets = append(all.Targets, s)
		}
	}
	return all, nil
}

// report adds what the last probe of a target has found.
func (p *probes) report(s *inventory.Status) {
	p.mu.Lock()
	last, ok := p.last[s.Name]
	p.mu.Unlock()
	if !ok {
		return
	}
	since, at, seconds := last.since.UTC(), last.at.UTC(), last.result.Duration.Seconds()
	s.Since, s.LastProbe, s.DurationSeconds = &since, &at, &seconds
	s.State = inventory.StateUp
	if !last.result.Success() {
		s.State, s.Reason, s.Error = inventory.StateDown, string(last.result.Reason), last.result.Err.Error()
	}
}
