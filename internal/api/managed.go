package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// Managed keeps the targets that people write, as managed.Registry does.
type Managed interface {
	Put(ctx context.Context, e managed.Edit, name string, definition []byte) (managed.Outcome, error)
	Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (managed.Outcome, error)
	Delete(ctx context.Context, e managed.Edit, name string) (managed.Outcome, error)
	Listed(at time.Time) ([]json.RawMessage, error)
	Target(name string) (managed.Target, bool)
	Writable() error
}

// Documents are exported and imported, as channels.Editor does.
type Documents interface {
	Export() (managed.Document, uint64, error)
	Import(ctx context.Context, e managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error)
}

// An Author says who a request is from, to do what needs a role to what has a name.
type Author func(r *http.Request, role access.Role, of string) managed.Author

// Edits serve the changes of managed targets, and documents of targets and channels.
type Edits struct {
	Targets   *Targets
	Managed   Managed
	Documents Documents
	Author    Author
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
	edit, body, err := e.changes().read(w, r, in, "dry_run")
	var outcome managed.Outcome
	if err == nil {
		outcome, err = do(r.Context(), edit, name, body)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	detail := e.Targets.written(&outcome.Target, edit.DryRun, time.Now())
	(&done{
		action: outcome.Action, revision: detail.Revision, // a trial makes nothing that has one
		location: e.Prefix + "/api/v1/targets/" + url.PathEscape(name),
		body:     Changed{detail, outcome.Warnings},
	}).answer(w)
}

// Delete removes the target that the path names.
func (e *Edits) Delete(w http.ResponseWriter, r *http.Request) {
	edit, _, err := e.changes().read(w, r, nothing, "dry_run", "force")
	if err == nil {
		_, err = e.Managed.Delete(r.Context(), edit, r.PathValue("name"))
	}
	if err != nil {
		Fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *Edits) changes() *changes {
	return &changes{what: "target", author: e.Author, changed: func(name string, want managed.Condition) error {
		now, _ := e.Managed.Target(name)
		return &managed.ChangedError{Now: now, Revision: now.Revision, Want: want}
	}}
}
