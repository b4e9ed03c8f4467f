package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Detail is the answer of GET /api/v1/targets/NAME: a Target with all that is known of it. Lists begin with the oldest.
type Detail struct {
	Target

	// Definition is what somebody has written of the managed target of this name, as whoever asks may see it. nil: there is none.
	Definition json.RawMessage `json:"definition,omitempty"`
	Created    *managed.Stamp  `json:"created,omitempty"`
	Updated    *managed.Stamp  `json:"updated,omitempty"`
	// Edits are the last changes that somebody has made to the target, the newest first.
	Edits []Edit `json:"edits,omitempty"`

	// Channels hear of it when it is down, also those that are off. nil: nobody makes channels here.
	Channels []Hearer `json:"channels,omitzero"`
	// Silences are those of Alertmanager that are in force for it.
	Silences []channels.Silence `json:"silences,omitempty"`

	Recent  []Sample `json:"recent"`
	Changes []Change `json:"changes"`
	// LastFailure is the last probe that failed. nil: none is kept.
	LastFailure *Failure `json:"last_failure,omitempty"`
	// Minutes, Quarters and Days are [up, down] for the last 60 minutes, 96 quarters of an hour and 90 days of UTC.
	Minutes  [][2]int `json:"minutes"`
	Quarters [][2]int `json:"quarters"`
	Days     [][2]int `json:"days"`
}

// A Hearer is a channel that hears of a target.
type Hearer struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// maxEdits is how many edits a Detail has.
const maxEdits = 20

// An Edit is what somebody has changed of a target: what was written, or what was said of it for a time.
type Edit struct {
	At       time.Time         `json:"at"`
	By       string            `json:"by"`
	Action   managed.Action    `json:"action"`
	Kind     managed.EntryKind `json:"kind,omitempty"`
	Revision uint64            `json:"revision"`
	// Change is the merge patch (RFC 7396) that was made, for those who may edit.
	Change json.RawMessage `json:"change,omitempty"`
}

// A Sample is one of the last probes.
type Sample struct {
	At              time.Time     `json:"at"`
	DurationSeconds float64       `json:"duration_seconds"`
	Success         bool          `json:"success"`
	Reason          prober.Reason `json:"reason,omitempty"`
	StatusCode      int           `json:"status_code,omitempty"`
}

// A Change is the moment at which a target was first seen up, or down.
type Change struct {
	At          time.Time     `json:"at"`
	State       status.State  `json:"state"`
	Reason      prober.Reason `json:"reason,omitempty"`
	StatusCode  int           `json:"status_code,omitempty"`
	Maintenance bool          `json:"maintenance,omitempty"`
}

// A Failure is a probe that failed: what it did and when, in seconds from its start.
type Failure struct {
	At              time.Time        `json:"at"`
	DurationSeconds float64          `json:"duration_seconds"`
	Reason          prober.Reason    `json:"reason,omitempty"`
	FailedPhase     prober.PhaseName `json:"failed_phase,omitempty"`
	Error           string           `json:"error,omitempty"`
	Hint            string           `json:"hint,omitempty"`
	Attempts        int              `json:"attempts"`
	Phases          []Phase          `json:"phases"`
	Steps           []Step           `json:"steps"`
}

// A Phase is a part of a probe.
type Phase struct {
	Name            prober.PhaseName `json:"name"`
	StartSeconds    float64          `json:"start_seconds"`
	DurationSeconds float64          `json:"duration_seconds"`
}

// A Step is what happened during a probe.
type Step struct {
	AtSeconds float64           `json:"at_seconds"`
	Message   string            `json:"message"`
	Attrs     map[string]string `json:"attrs,omitempty"`
}

// Show serves the target that the path names.
func (t *Targets) Show(w http.ResponseWriter, r *http.Request) {
	if err := bare(r); err != nil {
		Fail(w, err)
		return
	}
	detail, err := t.detail(r, r.PathValue("name"), time.Now())
	if err != nil {
		Fail(w, err)
		return
	}
	if detail.Revision > 0 {
		setRevision(w, detail.Revision)
	}
	answer(w, detail)
}

func (t *Targets) detail(r *http.Request, name string, now time.Time) (*Detail, error) {
	b := t.Board.At(now)
	e, err := named(b, name)
	if err != nil && t.Managed != nil {
		if m, ok := t.Managed(name); ok { // the inventory cannot have it, such as for want of its module
			d := t.written(&m, false, now)
			return d, t.define(d, r)
		}
	}
	if err != nil {
		return nil, err
	}
	d := t.known(b, e)
	t.edited(d, r)
	return d, t.define(d, r)
}

// edited adds what somebody has changed.
func (t *Targets) edited(d *Detail, r *http.Request) {
	if t.Edits == nil {
		return
	}
	shown := editor(r)
	for _, e := range t.Edits(d.Name, maxEdits) {
		edit := Edit{At: e.At.UTC(), By: e.Who, Action: e.Action, Kind: e.Kind, Revision: e.Revision}
		if shown {
			edit.Change = e.Change
		}
		d.Edits = append(d.Edits, edit)
	}
}

// known is a target of the inventory with all that is known of it.
func (t *Targets) known(b *board.Board, e *inventory.Entry) *Detail {
	known := t.Board.Status.Details(e.Name, b.Now)
	d := &Detail{
		Target: t.target(b, e), Recent: make([]Sample, len(known.Recent)), Changes: make([]Change, len(known.Changes)),
		Minutes: pairs(known.Minutes), Quarters: pairs(known.Quarters), Days: pairs(known.Days),
	}
	for i, s := range known.Recent {
		d.Recent[i] = Sample{At: s.At, DurationSeconds: s.Duration.Seconds(), Success: s.Reason == prober.ReasonNone, Reason: s.Reason, StatusCode: s.StatusCode}
	}
	for i, c := range known.Changes {
		d.Changes[i] = Change(c)
	}
	if failed := known.Failure; failed != nil {
		d.LastFailure = failureOf(failed)
		d.LastFailure.Hint = t.Hint(e.Module, failed)
	}
	if t.Told != nil {
		d.Channels = hearers(t.Told(e))
	}
	if t.Silences != nil {
		d.Silences = t.Silences(e)
	}
	return d
}

func hearers(told []channels.Channel) []Hearer {
	if told == nil {
		return nil
	}
	all := make([]Hearer, len(told))
	for i := range told {
		all[i] = Hearer{told[i].Name, told[i].Enabled}
	}
	return all
}

// define adds what somebody has written of a managed target.
func (t *Targets) define(d *Detail, r *http.Request) (err error) {
	if d.Revision == 0 {
		return nil
	}
	m, ok := t.Managed(d.Name)
	if !ok { // it has just been removed
		d.Revision, d.Shadowed = 0, false
		return nil
	}
	d.Revision, d.Created, d.Updated, d.Definition = m.Revision, &m.Created, &m.Updated, m.Definition
	if !editor(r) {
		d.Definition, err = masked(m.Definition)
	}
	return err
}

func pairs(counts []status.Count) [][2]int {
	all := make([][2]int, len(counts))
	for i, c := range counts {
		all[i] = [2]int{c.Up, c.Down}
	}
	return all
}

func failureOf(r *prober.Result) *Failure {
	f := &Failure{
		At: r.Start.UTC(), DurationSeconds: r.Duration.Seconds(), Reason: r.Reason, FailedPhase: r.FailedPhase, Attempts: r.Attempts,
		Phases: make([]Phase, len(r.Phases)), Steps: make([]Step, len(r.Events)),
	}
	if r.Err != nil {
		f.Error = r.Err.Error()
	}
	for i, p := range r.Phases {
		f.Phases[i] = Phase{p.Name, p.Start.Seconds(), p.Duration.Seconds()}
	}
	for i, e := range r.Events {
		step := Step{AtSeconds: e.At.Seconds(), Message: e.Message, Attrs: make(map[string]string, len(e.Attrs))}
		for _, a := range e.Attrs {
			step.Attrs[a.Key] = printable.Text(a.Value.String(), printable.MaxError)
		}
		f.Steps[i] = step
	}
	return f
}
