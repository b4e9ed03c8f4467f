package page

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Registry keeps what people edit. A [managed.Registry] is one.
type Registry interface {
	Put(ctx context.Context, e managed.Edit, name string, definition []byte) (managed.Outcome, error)
	Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (managed.Outcome, error)
	Delete(ctx context.Context, e managed.Edit, name string) (managed.Outcome, error)
	Set(ctx context.Context, e managed.Edit, k managed.Kind, subjects []managed.Subject, p *calendar.Period) ([]string, error)
	Target(name string) (managed.Target, bool)
	Period(k managed.Kind, target string, at time.Time) *calendar.Period
	Writable() error
}

// Editing is what people may change from the page.
type Editing struct {
	Registry Registry
	// Author is who a request is from, to do what needs a role to a target.
	Author func(r *http.Request, role access.Role, target string) managed.Author
	// ProbeNow probes a target at once.
	ProbeNow func(ctx context.Context, name string) (*prober.Result, error)
	// Modules are the names of those there are.
	Modules func() []string
	// Edits are the last changes of a target that people edit, the newest first. nil: nobody knows them.
	Edits func(target string, limit int) []EditOf
}

// An EditOf is a change of what somebody has written.
type EditOf struct {
	At time.Time
	By string
	// Action is what was done to what, such as "target.updated" and "mute.created".
	Action string
	// Keys are those that have changed.
	Keys []string
}

// editor reports whether who sent a request may edit targets somewhere, and whether that is possible at all.
func (p *Pages) editor(r *http.Request) bool {
	id := access.From(r.Context())
	return p.Editing != nil && id.Role.Includes(access.Edit) && p.Editing.Registry.Writable() == nil
}

// edit is an Edit of a target, which needs a role, by who sent a request.
func (p *Pages) edit(r *http.Request, role access.Role, target string) managed.Edit {
	return managed.Edit{By: p.Editing.Author(r, role, target)}
}

// editingOff answers where nothing can be edited at all.
func (p *Pages) editingOff(w http.ResponseWriter, r *http.Request) bool {
	if p.Editing == nil {
		p.Refuse(w, r, http.StatusServiceUnavailable, errors.New("nothing can be edited here"))
	}
	return p.Editing == nil
}
