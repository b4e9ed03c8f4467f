package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Managed keeps the targets that people write, as managed.Registry does.
type Managed interface {
	Put(ctx context.Context, e managed.Edit, name string, definition []byte) (managed.Outcome, error)
	Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (managed.Outcome, error)
	Delete(ctx context.Context, e managed.Edit, name string) (managed.Outcome, error)
	Import(ctx context.Context, e managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error)
	Export() (managed.Document, uint64, error)
	Listed(at time.Time) ([]json.RawMessage, error)
	Target(name string) (managed.Target, bool)
	Writable() error
}

// An Author says who a request is from, to do what needs a role to what has a name.
type Author func(r *http.Request, role access.Role, of string) managed.Author

// Edits serve the changes of managed targets.
type Edits struct {
	Targets *Targets
	Managed Managed
	Author  Author
	// Prefix is the path below which everything is served: "" or "/path".
	Prefix string

	importing atomic.Int32 // how many imports are under way
}

// A Changed is the answer to a change of a target: the target as it is then.
type Changed struct {
	*Detail

	// Warnings are what was accepted and may not be meant.
	Warnings []string `json:"warnings,omitempty"`
}

// Put makes the target that the path names what the body says.
func (e *Edits) Put(w http.ResponseWriter, r *http.Request) { e.write(w, r, oneObject, e.Managed.Put) }

// Patch changes the target that the path names by a merge patch (RFC 7396).
func (e *Edits) Patch(w http.ResponseWriter, r *http.Request) {
	e.write(w, r, onePatch, e.Managed.Patch)
}

// write serves a change of a target by what a body says.
func (e *Edits) write(w http.ResponseWriter, r *http.Request, in intake, do func(context.Context, managed.Edit, string, []byte) (managed.Outcome, error)) {
	name := r.PathValue("name")
	edit, err := e.edit(r, "dry_run")
	if err != nil {
		Fail(w, err)
		return
	}
	body, _, err := in.read(w, r)
	if err == nil {
		_, err = members(body)
	}
	if err == nil {
		err = e.meetable(&edit.If, name)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	outcome, err := do(r.Context(), edit, name, body)
	if err != nil {
		Fail(w, err)
		return
	}
	detail := e.Targets.written(&outcome.Target, edit.DryRun, time.Now())
	if detail.Revision > 0 { // a trial makes nothing that has one
		setRevision(w, detail.Revision)
	}
	if outcome.Action == managed.Created {
		w.Header().Set("Location", e.Prefix+"/api/v1/targets/"+url.PathEscape(name))
		answerAs(w, http.StatusCreated, Changed{detail, outcome.Warnings})
		return
	}
	answer(w, Changed{detail, outcome.Warnings})
}

// Delete removes the target that the path names.
func (e *Edits) Delete(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	edit, err := e.edit(r, "dry_run", "force")
	if err == nil {
		_, _, err = nothing.read(w, r)
	}
	if err == nil {
		err = e.meetable(&edit.If, name)
	}
	if err == nil {
		_, err = e.Managed.Delete(r.Context(), edit, name)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// edit is who changes the target that the path names, and on what condition. Parameters are those that there are.
func (e *Edits) edit(r *http.Request, parameters ...string) (managed.Edit, error) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only(parameters...)
	edit := managed.Edit{DryRun: p.Flag("dry_run"), Force: p.Flag("force")}
	name := r.PathValue("name")
	if err := p.Err(); err != nil {
		return edit, err
	}
	if !utf8.ValidString(name) {
		return edit, badBody("the name of the target is not UTF-8")
	}
	edit.By = e.Author(r, access.Edit, printable.Text(name, printable.MaxLog))
	var err error
	edit.If, err = condition(r.Header)
	return edit, err
}

// meetable returns an error for a condition that nothing meets, such as a weak ETag: it must not count as none.
func (e *Edits) meetable(c *managed.Condition, name string) error {
	if !unmeetable(c) {
		return nil
	}
	now, _ := e.Managed.Target(name)
	return &changedError{managed.ChangedError{Now: now, Revision: now.Revision, Want: *c}}
}

// A changedError is for a condition that nothing meets.
type changedError struct{ managed.ChangedError }

// Error implements error.
func (e *changedError) Error() string {
	return `no ETag of If-Match is the revision of a target, such as "17"`
}

// Unwrap returns what the problem is told by.
func (e *changedError) Unwrap() error { return &e.ChangedError }
