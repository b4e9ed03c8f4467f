package api

import (
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Detail is the answer of GET /api/v1/targets/NAME: a Target with all that is known of it. Lists begin with the oldest.
type Detail struct {
	Target

	Recent  []Sample `json:"recent"`
	Changes []Change `json:"changes"`
	// LastFailure is the last probe that failed. nil: none is kept.
	LastFailure *Failure `json:"last_failure,omitempty"`
	// Minutes, Quarters and Days are [up, down] for the last 60 minutes, 96 quarters of an hour and 90 days of UTC.
	Minutes  [][2]int `json:"minutes"`
	Quarters [][2]int `json:"quarters"`
	Days     [][2]int `json:"days"`
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
	Reason          prober.Reason    `json:"reason"`
	FailedPhase     prober.PhaseName `json:"failed_phase"`
	Error           string           `json:"error"`
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
	p := query.Of(r.URL.Query())
	p.Only()
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	detail, err := t.detail(r.PathValue("name"), time.Now())
	if err != nil {
		Fail(w, err)
		return
	}
	answer(w, detail)
}

func (t *Targets) detail(name string, now time.Time) (*Detail, error) {
	b := t.Board.At(now)
	e, err := named(b, name)
	if err != nil {
		return nil, err
	}
	known := t.Board.Status.Details(name, now)
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
	if r := known.Failure; r != nil {
		d.LastFailure = failureOf(r)
		d.LastFailure.Hint = t.Hint(e.Module, r)
	}
	return d, nil
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
		At: r.Start.UTC(), DurationSeconds: r.Duration.Seconds(), Reason: r.Reason, FailedPhase: r.FailedPhase, Error: r.Err.Error(), Attempts: r.Attempts,
		Phases: make([]Phase, len(r.Phases)), Steps: make([]Step, len(r.Events)),
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
