package page

import (
	"net/http"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// overlayLengths are those that the form offers.
var overlayLengths = map[managed.Kind][]string{
	managed.Mute:        {"1h", "4h", "12h", "1d", "3d", "7d"},
	managed.Maintenance: {"20m", "1h", "4h", "12h", "1d"},
}

// overlayKeys are the fields of the form of each kind.
var overlayKeys = map[managed.Kind][]string{
	managed.Mute:        {"duration", "other", "reason"},
	managed.Maintenance: {"duration", "other", "reason", "until_healthy"},
}

// An overlayForm mutes a target, or begins its maintenance; where it is so, it ends that, too.
type overlayForm struct {
	*catalogue

	Kind         managed.Kind
	Action       string
	End          string // where its end is asked for; empty: there is nothing to end
	Lengths      []choice
	Other        string
	Reason       string
	UntilHealthy bool
	Mistakes     []mistake
}

// overlayFormOf is the form of a kind for a target, as nobody has typed anything yet.
func overlayFormOf(c *catalogue, k managed.Kind, at string, now *calendar.Period) *overlayForm {
	f := &overlayForm{catalogue: c, Kind: k, Action: at + "/" + string(k) + c.Query}
	for i, length := range overlayLengths[k] {
		f.Lengths = append(f.Lengths, choice{length, lengthIn(c, length), i == 0})
	}
	if now != nil {
		f.End = at + "/" + map[managed.Kind]string{managed.Mute: "unmute", managed.Maintenance: "end-maintenance"}[k] + c.Query
	}
	return f
}

// lengthIn is a length in words.
func lengthIn(c *catalogue, length string) string {
	d, _ := config.ParseDuration(length) // it is ours
	return lasted(c, time.Duration(d))
}

// Anchor is what the id of each field begins with: a page has a form of each kind.
func (f *overlayForm) Anchor() string { return string(f.Kind) + "-" }

// wrong is what is wrong with a field, for templates.
func (f *overlayForm) wrong(key string) string {
	for _, m := range f.Mistakes {
		if m.Field == key {
			return m.Text
		}
	}
	return ""
}

// OtherWrong and ReasonWrong are what is wrong with those fields.
func (f *overlayForm) OtherWrong() string { return f.wrong("other") }

// ReasonWrong is described with OtherWrong.
func (f *overlayForm) ReasonWrong() string { return f.wrong("reason") }

// Begin serves what mutes the target that the path names, or begins its maintenance.
func (p *Pages) Begin(k managed.Kind) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.editingOff(w, r) {
			return
		}
		in, ok := p.formOf(w, r, overlayKeys[k]...)
		if !ok {
			return
		}
		e, ok := p.operated(w, r)
		if !ok {
			return
		}
		c := catalogueFor(r)
		f := overlayFormOf(c, k, rootOf(r)+"targets/"+url.PathEscape(e.Name), nil)
		f.Other, f.Reason = in.line("other"), in.line("reason")
		f.UntilHealthy = k == managed.Maintenance && in.line("until_healthy") == "yes"
		length, field := f.Other, "other"
		if length == "" {
			length, field = in.line("duration"), "duration"
		}
		for i := range f.Lengths {
			f.Lengths[i].Chosen = f.Lengths[i].Value == in.line("duration")
		}
		d, err := config.ParseDuration(length)
		if err != nil || d <= 0 || time.Duration(d) > managed.MaxPeriod {
			f.Mistakes = []mistake{{"other", c.say("form." + field), c.say("form.duration_wanted"), true}}
			p.showOverlay(w, r, http.StatusUnprocessableEntity, e, f)
			return
		}
		edit, now := p.edit(r, access.Operate, e.Name), time.Now()
		period := &calendar.Period{Start: now, End: now.Add(time.Duration(d)), By: edit.By.Name, Reason: f.Reason, UntilHealthy: f.UntilHealthy}
		if _, err := p.Editing.Registry.Set(r.Context(), edit, k, []managed.Subject{{Name: e.Name, Environment: e.Environment}}, period); err != nil {
			f.Mistakes = mistakesOf(c, err, []string{"duration", "reason", "until_healthy"})
			p.showOverlay(w, r, statusOf(err), e, f)
			return
		}
		p.back(w, r, map[managed.Kind]string{managed.Mute: "muted", managed.Maintenance: "maintained"}[k])
	})
}

// showOverlay writes a form alone, with what is wrong with it.
func (p *Pages) showOverlay(w http.ResponseWriter, r *http.Request, status int, e *inventory.Entry, f *overlayForm) {
	title := f.say("form.wrong_title", f.say("form.title_"+string(f.Kind), printable.Text(e.Name, printable.MaxURL)))
	p.render(w, r, status, shell{catalogue: f.catalogue, Content: "overlay-form", Title: title, Root: rootOf(r), Body: f}, "")
}

// End serves what ends the mute or maintenance of the target that the path names.
func (p *Pages) End(k managed.Kind) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.editingOff(w, r) {
			return
		}
		if _, ok := p.formOf(w, r); !ok {
			return
		}
		e, ok := p.operated(w, r)
		if !ok {
			return
		}
		ended, err := p.Editing.Registry.Set(r.Context(), p.edit(r, access.Operate, e.Name), k, []managed.Subject{{Name: e.Name, Environment: e.Environment}}, nil)
		switch {
		case err != nil:
			p.Refuse(w, r, statusOf(err), err)
		case len(ended) == 0: // it had ended by itself, or the form was sent twice
			p.back(w, r, "over")
		default:
			p.back(w, r, map[managed.Kind]string{managed.Mute: "unmuted", managed.Maintenance: "ended"}[k])
		}
	})
}

// Probe probes the target that the path names at once, and shows what that has found.
func (p *Pages) Probe(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	if _, ok := p.formOf(w, r); !ok {
		return
	}
	e, ok := p.operated(w, r)
	if !ok {
		return
	}
	if _, err := p.Editing.ProbeNow(r.Context(), e.Name); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return
	}
	p.back(w, r, "probed")
}

// operated is the target that the path names, if who asks may operate it. Otherwise operated answers.
func (p *Pages) operated(w http.ResponseWriter, r *http.Request) (*inventory.Entry, bool) {
	name, inv := r.PathValue("name"), p.Board.Inventory()
	e := inv.ByName(name)
	if e == nil {
		p.missing(w, r, p.Board.At(time.Now()), name)
		return nil, false
	}
	if err := p.edit(r, access.Operate, name).By.May(e.Environment); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return nil, false
	}
	return e, true
}

// back sends a browser to the page of the target that the path names, which tells the outcome.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, outcome string) {
	away(w, catalogueFor(r), rootOf(r)+"targets/"+url.PathEscape(r.PathValue("name")), outcome)
}
