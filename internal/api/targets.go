// Package api serves the REST API: the targets with what is known of them, what happened to them, and what operators may ask
// and order.
package api

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Target is a target of the inventory with what is known of it.
type Target struct {
	inventory.Description

	State status.State `json:"state"`
	// Stale says that the target was not probed for so long that it may be otherwise by now.
	Stale bool `json:"stale"`
	// Flapping says that it goes up and down all the time.
	Flapping bool `json:"flapping"`
	// Cause is the target that this one depends on and that is down as well. Empty: there is none.
	Cause string `json:"cause,omitempty"`
	// Restarting is the phase of a restart that is under way. Empty: none is.
	Restarting string `json:"restarting,omitempty"`
	// Reason, StatusCode and Error say why it is down.
	Reason     prober.Reason `json:"reason,omitempty"`
	StatusCode int           `json:"status_code,omitempty"`
	Error      string        `json:"error,omitempty"`
	// Since is when it was first seen in this state, LastProbe when it was last seen. nil: it is unknown.
	Since           *time.Time `json:"since,omitempty"`
	LastProbe       *time.Time `json:"last_probe,omitempty"`
	DurationSeconds *float64   `json:"duration_seconds,omitempty"`
	// ProbedBy is who made the last probe: "scrape", or "exporter" where nobody scraped.
	ProbedBy string  `json:"probed_by,omitempty"`
	Uptime   *Uptime `json:"uptime,omitempty"`
}

// Uptime is how often a target was up, of the probes that were counted.
type Uptime struct {
	// Since is when the first probe was counted.
	Since time.Time `json:"since"`
	Hour  Share     `json:"hour"`
	Day   Share     `json:"day"`
	Week  Share     `json:"week"`
	Month Share     `json:"month"`
}

// A Share is the part of probes that found a target up.
type Share struct {
	Ratio  *float64 `json:"ratio,omitempty"` // from 0 to 1; nil: there were no probes
	Probes int      `json:"probes"`
}

func shareOf(c status.Count) Share {
	s := Share{Probes: c.Total()}
	if s.Probes > 0 {
		ratio := float64(c.Up) / float64(s.Probes)
		s.Ratio = &ratio
	}
	return s
}

// TargetList is the answer of GET /api/v1/targets.
type TargetList struct {
	Targets []Target `json:"targets"`
	// Next is where the list goes on, relative to the path of the request. Empty: this is the end.
	Next string `json:"next,omitempty"`
}

// Targets serve the inventory with what is known of each target.
type Targets struct {
	Inventory func() *inventory.Inventory
	Status    *status.Tracker
	// Hint says what to do about a probe of a module that failed.
	Hint func(module string, r *prober.Result) string
	// Restarting returns the phases of restarts that are under way, by the name of a target.
	Restarting func() map[string]string
}

// List serves the targets that a query asks for, sorted by name.
func (t *Targets) List(w http.ResponseWriter, r *http.Request) {
	list, err := t.Select(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	answer(w, list)
}

// Select returns the targets that a query asks for, as they are at a time.
func (t *Targets) Select(query url.Values, now time.Time) (TargetList, error) {
	f, err := parseFilter(query)
	if err != nil {
		return TargetList{}, err
	}
	list := TargetList{Targets: []Target{}}
	b := t.board(now)
	for _, e := range b.inventory.Entries() {
		if e.Name <= f.after || !f.selection.Has(e) {
			continue
		}
		target := b.target(e)
		if !f.has(&target) {
			continue
		}
		if f.limit > 0 && len(list.Targets) == f.limit {
			query.Set("after", list.Targets[f.limit-1].Name)
			list.Next = "?" + query.Encode()
			break
		}
		list.Targets = append(list.Targets, target)
	}
	return list, nil
}

// A board is the targets at one moment.
type board struct {
	inventory *inventory.Inventory
	status    *status.Tracker
	restarts  map[string]string
	now       time.Time
}

func (t *Targets) board(now time.Time) *board {
	return &board{t.Inventory(), t.Status, t.Restarting(), now}
}

func (b *board) view(e *inventory.Entry) status.View {
	return b.status.View(e.Name, time.Duration(e.Interval), b.now)
}

func (b *board) target(e *inventory.Entry) Target {
	v := b.view(e)
	t := Target{
		Description: b.inventory.Describe(e, b.now),
		State:       v.State, Stale: v.Stale, Flapping: v.Flapping, Restarting: b.restarts[e.Name], Reason: v.Reason, StatusCode: v.StatusCode, Error: v.Error,
	}
	if v.Reason == prober.ReasonNone {
		t.StatusCode = 0
	}
	if v.State == status.StateDown {
		t.Cause = b.cause(e, map[string]bool{})
	}
	if !v.LastProbe.IsZero() {
		seconds := v.Duration.Seconds()
		t.Since, t.LastProbe, t.DurationSeconds = &v.Since, &v.LastProbe, &seconds
		t.ProbedBy = "scrape"
		if v.Own {
			t.ProbedBy = "exporter"
		}
	}
	if !v.FirstSeen.IsZero() {
		t.Uptime = &Uptime{Since: v.FirstSeen, Hour: shareOf(v.Hour), Day: shareOf(v.Day), Week: shareOf(v.Week), Month: shareOf(v.Month)}
	}
	return t
}

// cause is the target at the end of a chain of those that e depends on and that are all down. Empty: none of them is.
func (b *board) cause(e *inventory.Entry, seen map[string]bool) string {
	for _, name := range e.DependsOn {
		on := b.inventory.ByName(name)
		if on == nil || seen[name] || b.view(on).State != status.StateDown {
			continue
		}
		seen[name] = true
		if deeper := b.cause(on, seen); deeper != "" {
			return deeper
		}
		return name
	}
	return ""
}

// named finds a target, or says which name was probably meant.
func (b *board) named(name string) (*inventory.Entry, error) {
	if e := b.inventory.ByName(name); e != nil {
		return e, nil
	}
	err := fmt.Errorf("there is no target %q", printable.Text(name, printable.MaxLog))
	if meant := config.Closest(name, b.inventory.Names()); meant != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, meant)
	}
	return nil, &StatusError{Status: http.StatusNotFound, Err: err}
}
