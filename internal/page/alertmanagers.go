package page

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The servers are the Alertmanagers that run the channels.
type servers struct {
	*catalogue

	File    string // which they read
	Rows    []server
	Class   string // of the line that sums them up, as a state of a target has it
	Sum     string // that line
	Publish string // where the channels are published again; empty: there is no need, or whoever looks may not
	Changed bool   // somebody else has changed the file
	Wrong   string // why something was not published; empty: nobody has tried
	Config  string // what they run
}

// A server is one of them.
type server struct {
	Name, State, Detail, Do string
	Up                      bool
	Looked, InSync          template.HTML
}

// servers are the Alertmanagers, for who sent a request to a page with this root. Wrong is why something was not published; nil: nobody has
// tried.
func (p *Pages) servers(c *catalogue, r *http.Request, root string, now time.Time, wrong error) *servers {
	known, err := p.Channels.Editor.Alertmanager()
	s := &servers{catalogue: c, File: printable.Text(known.File, printable.MaxURL), Config: root + "api/v1/alertmanager/config"}
	if err = cmp.Or(wrong, err); err != nil {
		s.Wrong = cmp.Or(channelRefusal(c, err), printable.Text(err.Error(), printable.MaxError))
		s.Changed = errors.Is(err, alertconf.ErrFileChanged)
	}
	in := 0
	for i := range known.Servers {
		one := &known.Servers[i]
		up := one.State == alertconf.InSync
		row := server{
			Name: clean(one.Server), State: c.say("alertmanager.state." + string(one.State)), Detail: printable.Text(one.Detail, printable.MaxError), Up: up,
			Looked: none, InSync: none,
		}
		if !one.LookedAt.IsZero() {
			row.Looked = ago(c, one.LookedAt, now)
		}
		if !one.InSyncAt.IsZero() {
			row.InSync = clock(one.InSyncAt)
		}
		if up {
			in++
		} else {
			row.Do = c.say("alertmanager.do." + string(one.State))
		}
		s.Changed = s.Changed || one.State == alertconf.FileChanged
		s.Rows = append(s.Rows, row)
	}
	s.Class, s.Sum = "down", c.say("alertmanager.some", in, len(s.Rows))
	switch {
	case s.Changed: // who runs what will be seen by and by
		s.Sum = c.say("alertmanager.changed")
	case len(s.Rows) == 0:
		s.Class, s.Sum = "stale", c.say("alertmanager.unknown")
	case in == len(s.Rows):
		s.Class, s.Sum = "up", c.say("alertmanager.all")
	}
	if (in < len(s.Rows) || s.Changed) && access.May(access.From(r.Context()), access.Edit) {
		s.Publish = root + "alertmanager/apply" + c.Query
	}
	return s
}

// ApplyChannels publishes the channels once more. What somebody else has written is replaced if the form says so.
func (p *Pages) ApplyChannels(w http.ResponseWriter, r *http.Request) {
	if p.Channels != nil { // it is about all channels, whoever they are for
		if err := p.Channels.Author(r, access.Edit, "the configuration of Alertmanager").May(); err != nil {
			p.Refuse(w, r, statusOf(err), err)
			return
		}
	}
	if p.withoutChannels(w, r) {
		return
	}
	in, ok := p.formOf(w, r, "overwrite")
	if !ok {
		return
	}
	c := catalogueFor(r)
	by := p.Channels.Author(r, access.Edit, "the configuration of Alertmanager")
	now, err := p.Channels.Editor.Apply(r.Context(), by, in.line("overwrite") == "yes")
	if err != nil {
		p.refuseChannel(w, r, c, err)
		return
	}
	pending := slices.ContainsFunc(now.Servers, func(s alertconf.Standing) bool { return s.State != alertconf.InSync })
	away(w, c, rootOf(r)+"channels", pendingOr("applied", pending))
}

// untold are the names of Alertmanagers that do not run what is shown, and how the first of them is.
func untold(all []alertconf.Standing) (names string, state alertconf.State) {
	var found []string
	for i := range all {
		found = append(found, clean(all[i].Server))
	}
	return printable.Cut(strings.Join(found, ", "), printable.MaxURL), all[0].State
}
