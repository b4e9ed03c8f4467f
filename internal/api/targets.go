// Package api serves the REST API: the targets with what is known of them, and what operators may ask and order.
package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// Targets serve the inventory with what the last probe of each target found.
type Targets struct {
	Inventory func() *inventory.Inventory
	Status    *status.Tracker
}

// ServeHTTP implements http.Handler.
func (t *Targets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, err := t.Select(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // who asked is gone
}

// Select returns the targets that a query asks for, as they are at a time.
func (t *Targets) Select(query url.Values, now time.Time) (inventory.Statuses, error) {
	selection, err := inventory.ParseSelection(query)
	if err != nil {
		return inventory.Statuses{}, err
	}
	inv := t.Inventory()
	all := inventory.Statuses{Targets: []inventory.Status{}}
	for _, e := range inv.Entries() {
		if selection.Has(e) {
			s := inv.Status(e, now)
			t.report(&s)
			all.Targets = append(all.Targets, s)
		}
	}
	return all, nil
}

// report adds what the last probe of a target found.
func (t *Targets) report(s *inventory.Status) {
	last, ok := t.Status.Last(s.Name)
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
