// Package api serves the REST API: the targets with what is known of them, what happened to them, who hears of it, and what operators may ask
// and order.
package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
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

	// Editable says that the target can be changed here.
	Editable bool `json:"editable"`
	// Revision is that of the managed target of this name. 0: there is none.
	Revision uint64 `json:"revision,omitempty"`
	// Shadows is the source that would have the target if it were not managed. Empty: none.
	Shadows string `json:"shadows,omitempty"`
	// Shadowed says that a managed target of this name does not count, because another source has the name.
	Shadowed bool `json:"shadowed,omitempty"`
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
	Board *board.Source
	// Hint says what to do about a probe of a module that failed.
	Hint func(module string, r *prober.Result) string
	// Managed returns the managed target of a name. It may be nil: there are none.
	Managed func(name string) (managed.Target, bool)
	// Edits returns the last edits of a target, the newest first. It may be nil: there are none.
	Edits func(name string, limit int) []managed.Entry
	// Told returns the channels that hear that a target is down. nil: nobody makes channels here. It may be nil itself, likewise.
	Told func(e *inventory.Entry) []channels.Channel
	// Silences returns those of Alertmanager for the alert that a target is down. It may be nil: they are not known.
	Silences func(e *inventory.Entry) []channels.Silence
	// Writable returns why managed targets cannot be changed; nil: they can. It may be nil itself: nothing can be changed.
	Writable func() error
}

// List serves the targets that a query asks for, sorted by name.
func (t *Targets) List(w http.ResponseWriter, r *http.Request) {
	list, err := t.Select(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	answerList(w, r, list)
}

// maxTargets is how many targets a list may be asked for at once. Without a limit it has all of them.
const maxTargets = 10_000

// Select returns the targets that a query asks for, as they are at a time.
func (t *Targets) Select(values url.Values, now time.Time) (TargetList, error) {
	p := query.Of(values)
	p.Only(slices.Sorted(slices.Values(append(board.FilterParameters(), "after", "limit")))...)
	after, limit := p.Text("after"), int(p.Number("limit", maxTargets)) // 0: all
	f, err := board.ParseFilter(values, p)
	if err := cmp.Or(err, p.Err()); err != nil {
		return TargetList{}, err
	}
	b, writable := t.Board.At(now), t.writable()
	list := TargetList{Targets: []Target{}}
	if len(values) == 0 { // all of them: growing would copy them again and again
		list.Targets = make([]Target, 0, len(b.Inventory.Entries()))
	}
	for _, e := range b.Inventory.Entries() {
		if e.Name <= after || !f.Selects(e) {
			continue
		}
		of := b.Target(e)
		if !f.Has(&of) {
			continue
		}
		if limit > 0 && len(list.Targets) == limit {
			list.Next = nextOf(values, list.Targets[limit-1].Name)
			break
		}
		list.Targets = append(list.Targets, t.describe(b, &of, writable))
	}
	return list, nil
}

// target is a target of the inventory as the API has it.
func (t *Targets) target(b *board.Board, e *inventory.Entry) Target {
	of := b.Target(e)
	return t.describe(b, &of, t.writable())
}

func (t *Targets) writable() bool { return t.Writable != nil && t.Writable() == nil }

func (t *Targets) describe(b *board.Board, of *board.Target, writable bool) Target {
	target := Target{
		Description: b.Inventory.Describe(of.Entry, b.Now),
		State:       of.State, Stale: of.Stale, Flapping: of.Flapping, Cause: of.Cause, Restarting: of.Restarting,
		Reason: of.Reason, StatusCode: of.StatusCode, Error: of.Error,
		Editable: writable && of.Source == managed.Source, Shadows: of.Shadows,
	}
	if t.Managed != nil {
		if m, ok := t.Managed(of.Name); ok {
			target.Revision, target.Shadowed = m.Revision, of.Source != managed.Source
		}
	}
	if of.Reason == prober.ReasonNone {
		target.StatusCode = 0
	}
	if !of.LastProbe.IsZero() {
		seconds := of.Duration.Seconds()
		target.Since, target.LastProbe, target.DurationSeconds = &of.Since, &of.LastProbe, &seconds
		target.ProbedBy = "scrape"
		if of.Own {
			target.ProbedBy = "exporter"
		}
	}
	if u := t.Board.Status.Uptime(of.Name, b.Now); !u.FirstSeen.IsZero() {
		target.Uptime = &Uptime{Since: u.FirstSeen, Hour: shareOf(u.Hour), Day: shareOf(u.Day), Week: shareOf(u.Week), Month: shareOf(u.Month)}
	}
	return target
}

// named finds a target, or says which name was probably meant.
func named(b *board.Board, name string) (*inventory.Entry, error) {
	if e := b.Inventory.ByName(name); e != nil {
		return e, nil
	}
	err := fmt.Errorf("there is no target %q", printable.Text(name, printable.MaxLog))
	if meant := config.Closest(name, b.Inventory.Names()); meant != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, meant)
	}
	return nil, &StatusError{Status: http.StatusNotFound, Err: err}
}
