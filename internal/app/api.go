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
			a.report(&s)
			all.Targets = append(all.Targets, s)
		}
	}
	return all, nil
}

// report adds what the last probe of a target found.
func (a *App) report(s *inventory.Status) {
	last, ok := a.status.Last(s.Name)
	if !ok {
		return
	}
	since, at, seconds := last.Since.UTC(), last.At.UTC(), last.Result.Duration.Seconds()
	s.Since, s.LastProbe, s.DurationSeconds = &since, &at, &seconds
	s.State = inventory.StateUp
	if !last.Result.Success() {
		s.State, s.Reason, s.Error = inventory.StateDown, string(last.Result.Reason), last.Result.Err.Error()
	}
}
