package page

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxEdits is how many of the last changes of a target its page has.
const maxEdits = 10

// The actions are what somebody may do to a target from its page.
type actions struct {
	Probe       string // where that is asked for; empty: he may not
	Mute        *overlayForm
	Maintenance *overlayForm
	Edit        string // where it is edited; empty: not here
	Note        string // where it is edited instead, or what else there is to know
	Edits       []edited
}

// An edited is one of the last changes of a target.
type edited struct {
	At   template.HTML
	Text string
}

// actionsFor returns what the sender of a request may do to a target, or nil.
func (p *Pages) actionsFor(c *catalogue, r *http.Request, e *inventory.Entry, now time.Time) *actions {
	id := access.From(r.Context())
	if p.Editing == nil {
		return nil
	}
	a := &actions{Edits: p.edits(c, e.Name)}
	at := above + "targets/" + url.PathEscape(e.Name)
	if access.May(id, access.Operate, e.Environment) {
		a.Probe = at + "/probe" + c.Query
		a.Mute = overlayFormOf(c, managed.Mute, at, p.Editing.Registry.Period(managed.Mute, e.Name, now))
		a.Maintenance = overlayFormOf(c, managed.Maintenance, at, p.Editing.Registry.Period(managed.Maintenance, e.Name, now))
	}
	if access.May(id, access.Edit, e.Environment) && p.Editing.Registry.Writable() == nil {
		_, written := p.Editing.Registry.Target(e.Name)
		source := printable.Text(e.Source, printable.MaxURL)
		switch {
		case written && e.Source == managed.Source:
			a.Edit = at + "/edit" + c.Query
		case written:
			a.Edit, a.Note = at+"/edit"+c.Query, c.say("form.shadowed", source)
		default:
			a.Note = c.say("form.elsewhere", source)
		}
	}
	if a.Probe == "" && a.Edit == "" && a.Note == "" && len(a.Edits) == 0 {
		return nil
	}
	return a
}

// edits are the last changes of a target that somebody has written.
func (p *Pages) edits(c *catalogue, name string) (all []edited) {
	if p.Editing.Edits == nil {
		return nil
	}
	for _, e := range p.Editing.Edits(name, maxEdits) {
		text := c.say("form.edit_by", printable.Text(e.By, printable.MaxLog), c.say("form.action_"+e.Action))
		if len(e.Keys) > 0 {
			text += " (" + printable.Text(strings.Join(e.Keys, ", "), printable.MaxLog) + ")"
		}
		all = append(all, edited{clock(e.At), text})
	}
	return all
}
