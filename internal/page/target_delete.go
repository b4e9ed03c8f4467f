package page

import (
	"errors"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A deleteForm deletes a target, once somebody has said that this is meant.
type deleteForm struct {
	*catalogue

	Action   string
	Shown    string // the name
	Revision uint64 // on which it depends
	Wrong    string // why it was not deleted; empty: nobody has tried
	Force    bool   // ask whether it is to be deleted although a restart service checks it
}

// Delete removes the target that the path names.
func (p *Pages) Delete(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	in, ok := p.formOf(w, r, "revision", "confirm", "force")
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
	c, e := catalogueFor(r), editOf(t)
	if in.line("confirm") != "yes" {
		e.revision, e.del.Wrong = revision, c.say("form.confirm_wanted")
		p.showEdit(w, r, http.StatusUnprocessableEntity, c, e)
		return
	}
	edit := p.edit(r, access.Edit, t.Name)
	edit.If.Revisions, edit.Force = []uint64{revision}, in.line("force") == "yes"
	_, err := p.Editing.Registry.Delete(r.Context(), edit, t.Name)
	if err != nil {
		_, e.del.Force = errors.AsType[*managed.InUseError](err)
		if _, changed := errors.AsType[*managed.ChangedError](err); !changed { // else it is about the target as it is now shown
			e.revision = revision
		}
		e.del.Wrong = printable.Text(err.Error(), printable.MaxError)
		if e.del.Force {
			e.del.Wrong = c.say("form.in_use", printable.Text(inUse(err), printable.MaxLog))
		}
		p.showEdit(w, r, statusOf(err), c, e)
		return
	}
	away(w, c, rootOf(r), "deleted")
}

// inUse is the first restart service that checks a target.
func inUse(err error) string {
	if used, ok := errors.AsType[*managed.InUseError](err); ok && len(used.Services) > 0 {
		return used.Services[0]
	}
	return ""
}
