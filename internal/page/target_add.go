package page

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// addKeys are the fields of the form that adds a target.
func addKeys() []string {
	keys := targetKeys()
	return append([]string{keys[0], "name"}, keys[1:]...)
}

// Add serves the form that adds a target.
func (p *Pages) Add(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	c, q := catalogueFor(r), query.Of(r.URL.Query())
	q.Only("lang", "url", "name")
	q.OneOf("lang", languages...)
	typed := map[string]string{"url": q.Text("url"), "name": q.Text("name")}
	if err := q.Err(); err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	if err := p.Editing.Registry.Writable(); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return
	}
	p.showAdd(w, r, http.StatusOK, c, typed, nil)
}

// showAdd writes the form that adds a target, with what was typed.
func (p *Pages) showAdd(w http.ResponseWriter, r *http.Request, status int, c *catalogue, typed map[string]string, mistakes []mistake) {
	root := rootOf(r)
	f := &targetForm{
		catalogue: c, Action: root + "targets" + c.Query, Back: root + c.Query,
		Controls: p.controls(c, addKeys(), typed, mistakes), Mistakes: mistakes,
	}
	p.showForm(w, r, status, c.say("form.add"), f)
}

// showForm writes the form of a target.
func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, status int, title string, f *targetForm) {
	if len(f.Mistakes) > 0 || f.Conflict != nil {
		title = f.say("form.wrong_title", title)
	}
	p.render(w, r, status, shell{catalogue: f.catalogue, Content: "target-form", Title: title, Root: rootOf(r), Body: f}, "")
}

// Create adds a target, probes it, and shows what that has found.
func (p *Pages) Create(w http.ResponseWriter, r *http.Request) {
	if p.editingOff(w, r) {
		return
	}
	in, ok := p.formOf(w, r, addKeys()...)
	if !ok {
		return
	}
	c, typed := catalogueFor(r), in.typed(addKeys())
	name := typed["name"]
	if name == "" {
		name = nameFor(typed["url"])
	}
	if typed["url"] == "" || name == "" {
		p.showAdd(w, r, http.StatusUnprocessableEntity, c, typed, []mistake{{"url", c.say("form.url"), c.say("form.url_wanted"), true}})
		return
	}
	patch, mistakes := definition{}.patch(c, typed)
	if len(mistakes) > 0 {
		p.showAdd(w, r, http.StatusUnprocessableEntity, c, typed, mistakes)
		return
	}
	text, err := json.Marshal(patch)
	if err == nil {
		e := p.edit(r, access.Edit, name)
		e.If.Absent = true
		_, err = p.Editing.Registry.Put(r.Context(), e, name, text)
	}
	if err != nil && !saysSame(err, text) {
		mistakes := addMistakes(c, err)
		if slices.ContainsFunc(mistakes, func(m mistake) bool { return m.Field == "name" }) {
			typed["name"] = name // what was proposed can be changed; else it is made again, perhaps from another URL
		}
		p.showAdd(w, r, statusOf(err), c, typed, mistakes)
		return
	}
	p.probeNow(r, name)
	away(w, c, rootOf(r)+"targets/"+url.PathEscape(name), "added")
}

// typed are the texts of the fields of a form.
func (f form) typed(keys []string) map[string]string {
	all := map[string]string{}
	for _, key := range keys {
		all[key] = tidy(f.Text(key))
	}
	return all
}

// saysSame reports whether an error says that there is a target already which is the same: a form was sent twice.
func saysSame(err error, definition []byte) bool {
	changed, ok := errors.AsType[*managed.ChangedError](err)
	var now, wanted any
	return ok && changed.Now.Name != "" && json.Unmarshal(changed.Now.Definition, &now) == nil && json.Unmarshal(definition, &wanted) == nil && reflect.DeepEqual(now, wanted)
}

// addMistakes are the mistakes of an error. That a name is taken is told beside the name, and where somebody may not edit, beside
// the environment.
func addMistakes(c *catalogue, err error) []mistake {
	all := mistakesOf(c, err, addKeys())
	_, changed := errors.AsType[*managed.ChangedError](err)
	_, owned := errors.AsType[*managed.OwnedError](err)
	_, denied := errors.AsType[*access.DeniedError](err)
	switch {
	case changed, owned:
		all[0].Field, all[0].Label = "name", c.say("form.name")
	case denied:
		all[0].Field, all[0].Label = "environment", c.say("form.environment")
	}
	return all
}

// probeNow probes a target for the page that follows. That it is not probed now is no mistake of what was done: the page says when
// it was probed.
func (p *Pages) probeNow(r *http.Request, name string) {
	if p.Editing.ProbeNow != nil {
		_, _ = p.Editing.ProbeNow(r.Context(), name) // likewise
	}
}
