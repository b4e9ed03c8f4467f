package page

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// above is the way from the page of a target to the front page. A slash in a name is escaped.
const above = "../"

// A detail is the page of a target.
type detail struct {
	*about

	Class, Name, Environment string
	State                    template.HTML
	Since, Age               template.HTML // empty: it is unknown
	Cause                    *link
	Why                      *verdict // nil: it is up
	Failure                  *failure
	Restarts                 *restarts // nil: nothing is restarted for it
	Told                     *audience // nil: nobody can make channels
	Uptime                   []uptime
	Recent                   []sample
	Changes                  []turn
	Days                     template.HTML
	Events                   string // where they are
	Done                     string // what somebody has just done, in words; empty: nothing
	Actions                  *actions
}

// A link leads to a place, which has a text.
type link struct{ Href, Text string }

// A verdict says why a target is down, and what to do.
type verdict struct {
	Reason, Error, Hint string
}

// Detail serves all that is known of the target that the path names.
func (p *Pages) Detail(w http.ResponseWriter, r *http.Request) {
	c := catalogueFor(r)
	q := query.Of(r.URL.Query())
	q.Only("done", "lang")
	q.OneOf("lang", languages...)
	done := doneIn(c, q)
	if err := q.Err(); err != nil {
		p.refuse(w, r, http.StatusBadRequest, above, err)
		return
	}
	name, b := r.PathValue("name"), p.Board.At(time.Now())
	e := b.Inventory.ByName(name)
	if e == nil {
		p.missing(w, r, b, name)
		return
	}
	s := shell{catalogue: c, Content: "detail", Title: printable.Text(name, printable.MaxURL), Root: above}
	d := p.detail(c, b, e, r)
	d.Done = done
	s.Body = d
	p.render(w, r, http.StatusOK, s, ofContent)
}

// missing says that there is no such target, and which one was probably meant.
func (p *Pages) missing(w http.ResponseWriter, r *http.Request, b *board.Board, name string) {
	c := catalogueFor(r)
	s := shell{catalogue: c, Content: "missing", Title: c.say("detail.missing", printable.Text(name, printable.MaxLog)), Root: rootOf(r)}
	if meant := config.Closest(name, b.Inventory.Names()); meant != "" {
		s.Body = &link{s.Root + "targets/" + url.PathEscape(meant) + c.Query, printable.Text(meant, printable.MaxURL)}
	}
	p.render(w, r, http.StatusNotFound, s, "")
}

// targetLink leads from the page of a target to that of another.
func targetLink(c *catalogue, name string) *link {
	return &link{above + "targets/" + url.PathEscape(name) + c.Query, printable.Text(name, printable.MaxURL)}
}

// to is a link to one of our pages, with parameters as name and value.
func to(c *catalogue, page string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if c.Query != "" {
		q.Set("lang", c.Lang)
	}
	if len(q) == 0 {
		return page
	}
	return page + "?" + q.Encode()
}

func (p *Pages) detail(c *catalogue, b *board.Board, e *inventory.Entry, r *http.Request) *detail {
	row := p.row(b.Target(e), nil, b.Now)
	known := p.Board.Status.Details(e.Name, b.Now)
	d := &detail{
		about: p.about(c, b, &row),
		Class: row.class(), Name: printable.Text(e.Name, printable.MaxURL), Environment: printable.Text(e.Environment, printable.MaxLog),
		State:   template.HTML(appendState(nil, c, &row, b.Now)), //nolint:gosec // it is escaped
		Failure: p.failure(c, e, known.Failure, r), Restarts: p.restarts(c, e.Name, r),
		Uptime: uptimes(c, p.Board.Status.Uptime(e.Name, b.Now), b.Now),
		Recent: samples(c, known.Recent), Changes: turns(c, known.Changes),
		Days: days(c, e.Name, known.Days, b.Now), Events: to(c, above+"events", "target", e.Name),
	}
	if !row.Since.IsZero() {
		d.Since, d.Age = clock(row.Since), template.HTML(appendAge(nil, c, row.Since, "", b.Now)) //nolint:gosec // it is escaped
	}
	d.Actions, d.Told = p.actionsFor(c, r, e, b.Now), p.told(c, b, e)
	if row.Cause != "" {
		d.Cause = targetLink(c, row.Cause)
		d.Cause.Text = c.say("why.cause", d.Cause.Text)
	}
	if row.State == status.StateDown {
		d.Why = &verdict{Reason: c.reason(row.Reason), Error: printable.Text(row.Error, printable.MaxError), Hint: printable.Text(row.Hint, printable.MaxError)}
	}
	return d
}

// An about is what the inventory says of a target, and who probes it.
type about struct {
	URL, Module, Interval, Timeout, Source string
	Labels                                 []link
	DependsOn                              []*link
	Links                                  []link // elsewhere, and to what else there is
	Muted                                  bool   // in the inventory
	Maintenance                            string // in words; empty: it has no windows
	Periods                                []quietPeriod
	Last                                   template.HTML
	Took, By                               string
}

func (p *Pages) about(c *catalogue, b *board.Board, r *row) *about {
	d := b.Inventory.Describe(r.Entry, b.Now)
	f := &about{
		URL: printable.Text(d.URL, printable.MaxError), Module: printable.Text(d.Module, printable.MaxLog), Interval: d.Interval, Timeout: d.Timeout, Source: printable.Text(d.Source, printable.MaxURL),
		Muted: r.Muted(), Maintenance: maintenance(c, b, r), Periods: p.quietPeriods(c, &r.Target, b.Now), Last: none,
	}
	for _, name := range sortedKeys(d.Labels) {
		f.Labels = append(f.Labels, link{to(c, above, "label", name+":"+d.Labels[name], "view", viewAll), printable.Text(name+": "+d.Labels[name], printable.MaxURL)})
	}
	for _, name := range d.DependsOn {
		f.DependsOn = append(f.DependsOn, targetLink(c, name))
	}
	if !r.LastProbe.IsZero() {
		f.Last, f.Took, f.By = clock(r.LastProbe)+" ("+ago(c, r.LastProbe, b.Now)+")", spent(r.Duration), c.say("detail.by_scrape")
		if r.Own {
			f.By = c.say("detail.by_exporter")
		}
	}
	links := p.Links()
	for _, l := range []struct{ key, url string }{{"detail.prometheus", links.Prometheus}, {"detail.alertmanager", links.Alertmanager}} {
		if l.url != "" {
			f.Links = append(f.Links, link{named(l.url, r.Name), c.say(l.key)})
		}
	}
	if u, err := url.Parse(d.RunbookURL); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		f.Links = append(f.Links, link{d.RunbookURL, c.say("detail.runbook")})
	}
	segment := url.PathEscape(r.Name)
	f.Links = append(f.Links, link{above + "badge/" + segment + ".svg", c.say("detail.badge")}, link{above + "api/v1/targets/" + segment, "JSON"})
	return f
}

// maintenance says whether a window is open, or that there are some.
func maintenance(c *catalogue, b *board.Board, r *row) string {
	windows := len(r.Maintenance)
	switch {
	case b.Inventory.InMaintenance(b.Now):
		return c.say("detail.maintenance_all")
	case r.InMaintenance(b.Now):
		return c.say("detail.maintenance_now")
	case windows > 0:
		return c.say("detail.maintenance_windows", windows)
	default:
		return ""
	}
}

func sortedKeys(m map[string]string) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// An uptime is how often a target was up in a span of time, and of how many probes that is known.
type uptime struct{ Span, Share, Base template.HTML }

func uptimes(c *catalogue, u status.Uptime, now time.Time) []uptime {
	const day = 24 * time.Hour
	var all []uptime
	for _, s := range []struct {
		key    string
		length time.Duration
		status.Count
	}{{"detail.hour", time.Hour, u.Hour}, {"detail.day", day, u.Day}, {"detail.week", 7 * day, u.Week}, {"detail.month", 30 * day, u.Month}} {
		one := uptime{Span: template.HTML(c.say(s.key)), Share: none} //nolint:gosec // it is ours
		if n := s.Total(); n > 0 {
			one.Share = template.HTML(appendPercent(nil, c, s.Count)) //nolint:gosec // it is escaped
			base := c.say("detail.of_probes", n, string(appendCount(nil, n)))
			if u.FirstSeen.After(now.Add(-s.length)) {
				base = c.say("detail.base_since", base, date(c, u.FirstSeen, now))
			}
			one.Base = template.HTML(template.HTMLEscapeString(base)) //nolint:gosec // it is escaped
		}
		all = append(all, one)
	}
	return all
}

// A sample is one of the last probes, and a turn one of the last changes: the newest first.
type (
	sample struct {
		At         template.HTML
		Up         bool
		What, Took string
	}
	turn struct {
		At          template.HTML
		Up          bool
		What        string
		Lasted      string // how long it was so; empty: it still is
		Maintenance bool
	}
)

func samples(c *catalogue, all []status.Sample) (found []sample) {
	for _, s := range slices.Backward(all) {
		found = append(found, sample{clock(s.At), s.Reason == "", outcome(c, s.Reason == "", c.reason(s.Reason), s.StatusCode), spent(s.Duration)})
	}
	return found
}

func turns(c *catalogue, all []status.Turn) (found []turn) {
	for i, t := range slices.Backward(all) {
		up := t.State == status.StateUp
		one := turn{At: clock(t.At), Up: up, What: outcome(c, up, c.reason(t.Reason), t.StatusCode), Maintenance: t.Maintenance}
		if i+1 < len(all) {
			one.Lasted = lasted(c, all[i+1].At.Sub(t.At))
		}
		found = append(found, one)
	}
	return found
}

// outcome is what a probe found, in words.
func outcome(c *catalogue, up bool, reason string, code int) string {
	words := cmp.Or(map[bool]string{true: c.say("state.up")}[up], reason)
	if code != 0 {
		words += fmt.Sprintf(" (%d)", code)
	}
	return words
}
