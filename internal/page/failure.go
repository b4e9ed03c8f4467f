package page

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/report"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// maxReport bounds a text of a probe on a page, in bytes.
const maxReport = 16 << 10

// A failure is the last probe of a target that failed.
type failure struct {
	verdict

	At      template.HTML
	Took    string
	Allowed string
	Phases  []phase
	Text    string // as the command line draws it
	Steps   string // likewise, with each step
	Repeat  string // the command line
}

// A phase is a row of the waterfall.
type phase struct {
	Name, From, Took string
	Bar              template.HTML
	Failed           bool
}

// failure describes the last probe of a target that failed; nil: none is kept.
func (p *Pages) failure(c *catalogue, e *inventory.Entry, r *prober.Result, request *http.Request) *failure {
	if r == nil {
		return nil
	}
	hint := p.HintOf(e.Module, r)
	return &failure{
		verdict: verdict{c.reason(r.Reason), printable.Text(r.Err.Error(), printable.MaxError), printable.Text(hint, printable.MaxError)},
		At:      clock(r.Start), Took: spent(r.Duration), Allowed: spent(r.Timeout), Phases: phases(r),
		Text:   draw(&report.Report{Target: e.Instance, Module: e.Module, Result: *r, Hint: hint, Shared: true}),
		Steps:  draw(&report.Report{Target: e.Instance, Module: e.Module, Result: *r, Hint: hint, Shared: true, Steps: true}),
		Repeat: printable.Clean(p.repeat(e, request)),
	}
}

// draw is a report as a text of lines that print.
func draw(rep *report.Report) string {
	var b strings.Builder
	_ = rep.WriteText(&b) // a Builder takes it
	return printable.Cut(b.String(), maxReport)
}

// barWidth is the width of a waterfall, in the units of its picture.
const barWidth = 200

// phases are the rows of the waterfall of a probe, to scale.
func phases(r *prober.Result) []phase {
	var end time.Duration
	for _, p := range r.Phases {
		end = max(end, p.Start+p.Duration)
	}
	scale := func(d time.Duration) int {
		if end <= 0 {
			return 0
		}
		return int(float64(d) / float64(end) * barWidth)
	}
	all := make([]phase, len(r.Phases))
	for i, p := range r.Phases {
		from := min(scale(p.Start), barWidth-1)
		all[i] = phase{string(p.Name), spent(p.Start), spent(p.Duration), fallBar(from, max(scale(p.Start+p.Duration)-from, 1)), p.Name == r.FailedPhase}
	}
	return all
}

// fallBar is a bar of the waterfall. The numbers beside it say the same.
func fallBar(from, width int) template.HTML {
	b := []byte(`<svg class="fall" viewBox="0 0 ` + strconv.Itoa(barWidth) + ` 10" preserveAspectRatio="none" aria-hidden="true"><path d="M`)
	b = strconv.AppendInt(b, int64(from), 10)
	b = append(b, " 0h"...)
	b = strconv.AppendInt(b, int64(width), 10)
	b = append(b, "v10h-"...)
	b = strconv.AppendInt(b, int64(width), 10)
	return template.HTML(append(b, `z"/></svg>`...)) //nolint:gosec // it is made of numbers
}
