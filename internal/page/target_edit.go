package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Edit serves the form that edits the target which the path names.
func (p *Pages) Edit(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	c, q := catalogueFor(r), query.Of(r.URL.Query())
	q.Only("lang")
	q.OneOf("lang", languages...)
	if err := q.Err(); err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	t, ok := p.editable(w, r)
	if !ok {
		return
	}
	p.showEdit(w, r, http.StatusOK, c, editOf(t))
}

// editable is the target that the path names, if who asks may edit it. Otherwise editable answers.
func (p *Pages) editable(w http.ResponseWriter, r *http.Request) (t managed.Target, ok bool) {
	name := r.PathValue("name")
	if err := p.Editing.Registry.Writable(); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return t, false
	}
	t, ok = p.Editing.Registry.Target(name)
	if !ok {
		var err error = &managed.MissingError{Name: name}
		if e := p.Board.Inventory().ByName(name); e != nil {
			err = &managed.OwnedError{Name: name, Source: e.Source}
		}
		p.Refuse(w, r, statusOf(err), err)
		return t, false
	}
	if err := p.edit(r, access.Edit, name).By.May(environmentOf(t)); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return t, false
	}
	return t, true
}

// environmentOf is the environment that somebody has written of a target.
func environmentOf(t managed.Target) string {
	return cmp.Or(definitionOf(t.Definition).shown()["environment"], config.DefaultEnvironment)
}

// A targetEdit is the form of a target as it is shown.
type targetEdit struct {
	target   managed.Target
	revision uint64 // on which the change depends
	typed    map[string]string
	mistakes []mistake
	conflict *conflict
	del      deleteForm
}

// editOf is the form of a target as it is.
func editOf(t managed.Target) targetEdit {
	return targetEdit{target: t, revision: t.Revision, typed: definitionOf(t.Definition).shown()}
}

// showEdit writes the form that edits a target.
func (p *Pages) showEdit(w http.ResponseWriter, r *http.Request, status int, c *catalogue, e targetEdit) {
	name := e.target.Name
	at := rootOf(r) + "targets/" + url.PathEscape(name)
	f := &targetForm{
		catalogue: c, Name: name, Shown: printable.Text(name, printable.MaxURL), Action: at + c.Query, Back: at + c.Query, Revision: e.revision,
		Controls: p.controls(c, targetKeys(), e.typed, e.mistakes), Mistakes: e.mistakes, Conflict: e.conflict, Delete: &e.del,
	}
	e.del.Action, e.del.Revision, e.del.Shown, e.del.catalogue = at+"/delete"+c.Query, e.revision, f.Shown, c
	if entry := p.Board.Inventory().ByName(name); entry != nil && entry.Source != managed.Source {
		f.Note = c.say("form.shadowed", printable.Text(entry.Source, printable.MaxURL))
	}
	p.showForm(w, r, status, c.say("form.edit", f.Shown), f)
}

// Change changes the target that the path names.
func (p *Pages) Change(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	in, ok := p.formOf(w, r, append(targetKeys(), "revision")...)
	if !ok {
		return
	}
	revision, ok := p.revisionOf(w, r, in)
	if !ok {
		return
	}
	t, ok := p.editable(w, r)
	if !ok {
		return
	}
	c, typed := catalogueFor(r), in.typed(targetKeys())
	e := targetEdit{target: t, revision: revision, typed: typed}
	patch, mistakes := definitionOf(t.Definition).patch(c, typed)
	here := rootOf(r) + "targets/" + url.PathEscape(t.Name)
	switch {
	case len(mistakes) > 0:
		e.mistakes = mistakes
		p.showEdit(w, r, http.StatusUnprocessableEntity, c, e)
		return
	case len(patch) == 0: // it is so already: perhaps the form was sent twice
		away(w, c, here, "unchanged")
		return
	}
	text, err := json.Marshal(patch)
	if err == nil {
		edit := p.edit(r, access.Edit, t.Name)
		edit.If.Revisions = []uint64{revision}
		_, err = p.Editing.Registry.Patch(r.Context(), edit, t.Name, text)
	}
	if err != nil {
		p.refuseChange(w, r, c, e, err)
		return
	}
	p.probeNow(r, t.Name)
	away(w, c, here, "changed")
}

// revisionOf is the revision on which a change depends. Without it revisionOf answers.
func (p *Pages) revisionOf(w http.ResponseWriter, r *http.Request, in form) (uint64, bool) {
	revision, err := strconv.ParseUint(in.line("revision"), 10, 64)
	if err != nil || revision == 0 {
		p.Refuse(w, r, http.StatusBadRequest, errors.New("revision is missing or not a number; open the form again"))
		return 0, false
	}
	return revision, true
}

// refuseChange says why a target was not changed, and keeps what was typed. If somebody else has changed it, the form shows how,
// and overwrites that when it is sent again.
func (p *Pages) refuseChange(w http.ResponseWriter, r *http.Request, c *catalogue, e targetEdit, err error) {
	changed, ok := errors.AsType[*managed.ChangedError](err)
	switch {
	case ok && changed.Now.Name == "":
		p.Refuse(w, r, http.StatusPreconditionFailed, err)
		return
	case ok:
		e.target, e.revision = changed.Now, changed.Now.Revision
		e.conflict = conflictOf(c, changed, e.typed)
	default:
		e.mistakes = mistakesOf(c, err, targetKeys())
	}
	p.showEdit(w, r, statusOf(err), c, e)
}

// conflictOf is what somebody else has changed, beside what was typed.
func conflictOf(c *catalogue, changed *managed.ChangedError, typed map[string]string) *conflict {
	now := definitionOf(changed.Now.Definition).shown()
	found := &conflict{Text: c.say("form.conflict", printable.Text(changed.Now.Updated.By, printable.MaxLog), changed.Now.Updated.At.UTC().Format("2006-01-02 15:04:05 UTC"))}
	short := func(text string) string {
		return printable.Text(strings.ReplaceAll(tidy(text), "\n", ", "), printable.MaxError)
	}
	for _, f := range targetFields {
		if !f.same(now[f.key], typed[f.key]) {
			found.Differences = append(found.Differences, difference{c.say("form." + f.key), short(now[f.key]), short(typed[f.key])})
		}
	}
	return found
}
