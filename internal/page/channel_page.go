package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A channelPage is the page of a channel, or that on which one is added.
type channelPage struct {
	*catalogue

	View    *channelView // nil: one is added
	Made    stamped
	Updated stamped
	Done    string   // what somebody has just done, in words; empty: nothing
	Waiting []string // the Alertmanagers that have still to be told
	All     string   // where all channels are
	Form    *channelForm
}

// A stamped is who did something, and when.
type stamped struct {
	At template.HTML
	By string
}

// AddChannel serves the form that adds a channel.
func (p *Pages) AddChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	c := catalogueFor(r)
	_, kind, err := readChannelQuery(c, r)
	if err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	if err := p.Channels.Editor.Writable(); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return
	}
	p.showAddChannel(w, r, http.StatusOK, c, &channelDraft{kind: cmp.Or(kind, alertconf.SlackWebhook), typed: map[string]string{}})
}

// showAddChannel writes the form that adds a channel, with what was typed.
func (p *Pages) showAddChannel(w http.ResponseWriter, r *http.Request, status int, c *catalogue, d *channelDraft) {
	root := rootOf(r)
	body := &channelPage{catalogue: c, All: root + "channels" + c.Query, Form: p.channelForm(c, d, root+"add-channel")}
	body.Form.Action, body.Form.Back = root+"channels"+c.Query, body.All
	title := c.say("channel.add")
	if len(d.mistakes) > 0 {
		title = c.say("form.wrong_title", title)
	}
	p.render(w, r, status, shell{catalogue: c, Content: "channel", Title: title, Here: "channels", Root: root, Body: body}, "")
}

// CreateChannel adds a channel.
func (p *Pages) CreateChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	d, _, ok := p.draftOf(w, r, "name")
	if !ok {
		return
	}
	c, name := catalogueFor(r), d.typed["name"]
	if name == "" {
		d.mistakes = []mistake{{"name", c.say("channel.field.name"), c.say("channel.name_wanted"), true}}
		p.showAddChannel(w, r, http.StatusUnprocessableEntity, c, &d)
		return
	}
	edit := p.channelEdit(r, name)
	edit.If.Absent = true
	text, err := json.Marshal(bodyOf(d.kind, d.typed))
	var done channels.Outcome
	if err == nil {
		done, err = p.Channels.Editor.Put(r.Context(), edit, name, text)
	}
	if err != nil && !p.sameChannel(err, edit.By.Name, name, &d) {
		d.mistakes = channelMistakes(c, &d, err)
		p.showAddChannel(w, r, statusOf(err), c, &d)
		return
	}
	away(w, c, channelAt(rootOf(r), name), pendingOr("channel_added", done.Pending))
}

// twice is how soon after a form the same one is taken for the same click.
const twice = time.Minute

// sameChannel reports whether an error says that there is a channel already that its author has just made of the same form: it was
// sent twice.
func (p *Pages) sameChannel(err error, author, name string, d *channelDraft) bool {
	if _, taken := errors.AsType[*managed.ChangedError](err); !taken {
		return false
	}
	now, ok := p.Channels.Editor.Channel(name)
	typed := *d
	typed.typed = map[string]string{"send_resolved": yes, "enabled": yes}
	for key, text := range d.typed {
		if text != "" {
			typed.typed[key] = text
		}
	}
	return ok && now.Kind == d.kind && now.Created.By == author && time.Since(now.Created.At) < twice && len(channelConflict(catalogues["en"], &now, &typed).Differences) == 0
}

// ShowChannel serves the page of the channel that the path names.
func (p *Pages) ShowChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	c := catalogueFor(r)
	done, kind, err := readChannelQuery(c, r)
	if err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	ch, ok := p.channelNamed(w, r)
	if !ok {
		return
	}
	p.showChannel(w, r, http.StatusOK, draftFor(&ch, kind), done)
}

// draftFor is the form of a channel as it is. The kind is another one if somebody wants to change that.
func draftFor(ch *channels.Channel, kind alertconf.Kind) *channelDraft {
	return &channelDraft{before: ch, kind: cmp.Or(kind, ch.Kind), revision: ch.Revision, typed: shownOf(ch)}
}

// showChannel writes the page of a channel, with the form for who may edit it.
func (p *Pages) showChannel(w http.ResponseWriter, r *http.Request, status int, d *channelDraft, done string) {
	c, root, now, ch := catalogueFor(r), rootOf(r), time.Now(), d.before
	at := channelAt(root, ch.Name)
	body := &channelPage{
		catalogue: c, View: p.channelView(c, r, ch, root, now), Done: done, All: root + "channels" + c.Query,
		Made: stamped{clock(ch.Created.At), clean(ch.Created.By)}, Updated: stamped{clock(ch.Updated.At), clean(ch.Updated.By)},
	}
	body.View.From = fromChannel
	known, _ := p.Channels.Editor.Alertmanager() // it is not off
	for _, s := range known.Servers {
		switch s.State {
		case alertconf.InSync:
		case alertconf.Pending, alertconf.Unreachable:
			body.Waiting = append(body.Waiting, c.say("channel.waiting", clean(s.Server)))
		case alertconf.NotLoaded, alertconf.ReloadFailed, alertconf.FileChanged, alertconf.Unverified:
			body.Waiting = append(body.Waiting, clean(s.Server)+": "+c.say("alertmanager.state."+string(s.State)))
		}
	}
	title := body.View.Name
	if body.View.Edit != "" && p.Channels.Editor.Writable() == nil {
		f := p.channelForm(c, d, at)
		f.Action, f.Back = at+c.Query, body.All
		f.Delete = &d.del
		d.del.catalogue, d.del.Action, d.del.Revision, d.del.Shown = c, at+"/delete"+c.Query, d.revision, body.View.Name
		body.Form = f
	}
	if len(d.mistakes) > 0 || d.conflict != nil || d.del.Wrong != "" {
		title = c.say("form.wrong_title", title)
	}
	p.render(w, r, status, shell{catalogue: c, Content: "channel", Title: title, Here: "channels", Root: root, Body: body}, ofContent)
}

// ChangeChannel changes the channel that the path names.
func (p *Pages) ChangeChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	d, in, ok := p.draftOf(w, r, "revision")
	if !ok {
		return
	}
	ch, revision, ok := p.channelOf(w, r, in)
	if !ok {
		return
	}
	d.before, d.revision = &ch, revision
	c, here, patch := catalogueFor(r), channelAt(rootOf(r), ch.Name), channelPatch(&ch, d.kind, d.typed)
	if len(patch) == 0 { // it is so already: perhaps the form was sent twice
		away(w, c, here, "unchanged")
		return
	}
	edit := p.channelEdit(r, ch.Name)
	edit.If.Revisions = []uint64{revision}
	text, err := json.Marshal(patch)
	var done channels.Outcome
	if err == nil {
		done, err = p.Channels.Editor.Patch(r.Context(), edit, ch.Name, text)
	}
	if err != nil {
		p.refuseDraft(w, r, &d, err)
		return
	}
	away(w, c, here, pendingOr("channel_changed", done.Pending))
}

// channelOf is the channel that the path names, and the revision that a form is about. If they cannot be found, channelOf answers.
func (p *Pages) channelOf(w http.ResponseWriter, r *http.Request, in form) (ch channels.Channel, revision uint64, ok bool) {
	if revision, ok = p.revisionOf(w, r, in); ok {
		ch, ok = p.channelNamed(w, r)
	}
	return ch, revision, ok
}

// refuseDraft says why a channel was not changed, and keeps what was typed. If somebody else has changed it, the form shows how, and
// overwrites that when it is sent again.
func (p *Pages) refuseDraft(w http.ResponseWriter, r *http.Request, d *channelDraft, err error) {
	c := catalogueFor(r)
	_, changed := errors.AsType[*managed.ChangedError](err)
	if !changed {
		d.mistakes = channelMistakes(c, d, err)
		p.showChannel(w, r, statusOf(err), d, "")
		return
	}
	now, ok := p.Channels.Editor.Channel(d.before.Name)
	if !ok {
		p.Refuse(w, r, http.StatusPreconditionFailed, err)
		return
	}
	d.before, d.revision, d.conflict = &now, now.Revision, channelConflict(c, &now, d)
	p.showChannel(w, r, http.StatusPreconditionFailed, d, "")
}

// DeleteChannel removes the channel that the path names.
func (p *Pages) DeleteChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	in, ok := p.formOf(w, r, "revision", "confirm")
	if !ok {
		return
	}
	ch, revision, ok := p.channelOf(w, r, in)
	if !ok {
		return
	}
	c, d := catalogueFor(r), draftFor(&ch, "")
	if in.line("confirm") != yes {
		d.revision, d.del.Wrong = revision, c.say("form.confirm_wanted")
		p.showChannel(w, r, http.StatusUnprocessableEntity, d, "")
		return
	}
	edit := p.channelEdit(r, ch.Name)
	edit.If.Revisions = []uint64{revision}
	done, err := p.Channels.Editor.Delete(r.Context(), edit, ch.Name)
	if err != nil {
		d.del.Wrong = cmp.Or(channelRefusal(c, err), printable.Text(err.Error(), printable.MaxError))
		p.showChannel(w, r, statusOf(err), d, "")
		return
	}
	away(w, c, rootOf(r)+"channels", pendingOr("channel_deleted", done.Pending))
}
