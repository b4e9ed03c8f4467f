package managed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// Options are what a Registry asks others for. All functions are required.
type Options struct {
	// Dir is where everything is kept. Empty: it is forgotten at the end.
	Dir string
	// Owner returns the source of a target in the inventory, and whether it holds against a managed target of that name, as a
	// file does. Empty: there is no such target.
	Owner func(name string) (source string, holds bool)
	// Services returns the names of the restart services that check a target, sorted.
	Services func(name string) []string
	// Changed is told that the targets have changed. It returns once everybody sees that.
	Changed func()
	Log     *slog.Logger
}

// A Registry holds what people edit. Its methods may be called at the same time. Make it with New, Configure it, then Open it.
type Registry struct{}

// New makes a Registry without anything.
func New(o Options, r prometheus.Registerer) *Registry { return &Registry{} }

// Configure puts a configuration into force: whether targets may be changed, how many there may be, and what they are checked
// against. Offset is that of config.Options.
func (r *Registry) Configure(c *config.Config, offset time.Duration) {}

// Open opens the file, if that has not succeeded yet. It does nothing unless there is a file, or the configuration lets somebody
// make one. An error that is store.ErrLocked is a mistake in how the exporter was started. After any other, nothing can be
// changed, and Broken says why.
func (r *Registry) Open() error { return nil }

// Close closes the file. It may be called again.
func (r *Registry) Close() error { return nil }

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
	return nil, nil, nil
}

// Writable returns why no target can be changed: ErrReadOnly or a StoreError. nil: they can.
func (r *Registry) Writable() error { return ErrReadOnly }

// Broken returns why nothing is known for want of the file, or nil.
func (r *Registry) Broken() error { return nil }
