package managed

import (
	"context"
	"errors"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// A Registry holds what people edit. Its methods may be called at the same time. Make it with New.
type Registry struct{}

var errUnfinished = errors.New("not built yet")

// Put makes the target of a name what definition says, a JSON object. Putting what is there already changes nothing.
func (r *Registry) Put(ctx context.Context, e Edit, name string, definition []byte) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Patch changes the target of a name by a JSON merge patch (RFC 7396) of what was written.
func (r *Registry) Patch(ctx context.Context, e Edit, name string, patch []byte) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Delete removes the target of a name.
func (r *Registry) Delete(ctx context.Context, e Edit, name string) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Import makes many targets what a document says, all or none. The Condition is about the revision of everything; Replace
// needs one.
func (r *Registry) Import(ctx context.Context, e Edit, mode Mode, d Document) (Report, error) {
	return Report{}, errUnfinished
}

// Export returns all targets, sorted by name, and the revision of everything.
func (r *Registry) Export() (Document, uint64, error) { return Document{}, 0, errUnfinished }

// Target returns the target of a name.
func (r *Registry) Target(name string) (Target, bool) { return Target{}, false }

// Set makes p the overlay of a kind for all subjects, all or none. nil ends it. It returns the names of those that it changed,
// sorted. Its Condition does not count: the last one holds.
func (r *Registry) Set(ctx context.Context, e Edit, k Kind, subjects []Subject, p *calendar.Period) ([]string, error) {
	return nil, errUnfinished
}

// Overlays returns those of a kind that have not ended at a time, sorted by target.
func (r *Registry) Overlays(k Kind, at time.Time) []Overlay { return nil }

// Mute implements inventory.Overlays.
func (r *Registry) Mute(target string, at time.Time) *calendar.Period { return nil }

// Maintenance implements inventory.Overlays.
func (r *Registry) Maintenance(target string, at time.Time) *calendar.Period { return nil }

// Observe tells of a probe of a target that counts: a maintenance until it is healthy may end by it.
func (r *Registry) Observe(target string, healthy bool, at time.Time) {}

// Supplied returns the targets as reader reads them, sorted by name. Where neither a target nor the reader has changed, it is
// the same pointer as before. What cannot be read is among the problems. An error says that nothing is known.
func (r *Registry) Supplied(reader config.TargetReader) (targets []*config.Target, problems []error, err error) {
	return nil, nil, errUnfinished
}

// Writable returns why no target can be changed: ErrReadOnly or a StoreError. nil: they can.
func (r *Registry) Writable() error { return ErrReadOnly }

// Broken returns why nothing is known for want of the file, or nil.
func (r *Registry) Broken() error { return nil }
