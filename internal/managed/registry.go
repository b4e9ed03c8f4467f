package managed

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// Options are what a Registry asks others for. All functions but Environment, Affected and Edited are required.
type Options struct {
	// Dir is where everything is kept. Empty: it is forgotten at the end.
	Dir string
	// Owner returns the source of a target in the inventory, and whether it holds against a managed target of that name, as a
	// file does. Empty: there is no such target.
	Owner func(name string) (source string, holds bool)
	// Environment returns that of a target in the inventory: who takes it over has to have the right to change it. Empty: there is
	// no such target. nil: nobody is asked.
	Environment func(name string) string
	// Services returns the names of the restart services that check a target, sorted.
	Services func(name string) []string
	// Affected returns the environments of these services: who changes the target, or has it in
	// maintenance, changes what is restarted there. An empty one is
	// that of a service which is in none that is known. nil: nobody is asked.
	Affected func(name string) []string
	// Changed is told that the targets have changed. It returns once everybody sees that.
	Changed func()
	// Edited is told what became of edits that were made together, in their order, before they are answered. It must not wait, and not
	// edit. nil: nobody is told.
	Edited func(entries []Entry)
	Log    *slog.Logger
}

// A file keeps records. It is a store.Store, or one that forgets.
type file interface {
	SaveAll(changes map[string][]byte) error
	Close() error
}

// forgetful keeps nothing.
type forgetful struct{}

// SaveAll implements file.
func (forgetful) SaveAll(map[string][]byte) error { return nil }

// Close implements file.
func (forgetful) Close() error { return nil }

// A Registry holds what people edit. Its methods may be called at the same time. Make it with New, Configure it, then Open it.
type Registry struct {
	options Options
	metrics *metrics
	limiter limiter
	supply  supply
	vigils  vigils

	settings  atomic.Pointer[settings]
	published atomic.Pointer[state] // nil: nothing is known
	health    atomic.Pointer[health]

	queue queue
	// The following belong to who has the turn of the queue.
	file   file // nil: it is not open
	trail  trail
	gone   map[string]time.Time // since when targets with an overlay are not there
	closed bool

	stop  chan struct{} // ends tend
	tends sync.WaitGroup
}

// A health is how the file is.
type health struct {
	broken error // why nothing is known
	open   bool
	failed error // why the last change could not be kept
}

// New makes a Registry without anything.
func New(o Options, r prometheus.Registerer) *Registry {
	reg := &Registry{
		options: o, gone: map[string]time.Time{}, stop: make(chan struct{}), trail: trail{dir: o.Dir},
		queue:  queue{turn: make(chan struct{}, 1)},
		vigils: vigils{known: map[string]*vigil{}, wake: make(chan struct{}, 1)},
	}
	reg.settings.Store(&settings{})
	reg.health.Store(&health{})
	reg.metrics = newMetrics(reg, r)
	return reg
}

// Configure puts a configuration into force: whether targets may be changed, how many there may be, and what they are checked
// against. Offset is that of config.Options.
func (r *Registry) Configure(c *config.Config, offset time.Duration) {
	r.settings.Store(newSettings(c, offset))
}

// Open opens the file, if that has not succeeded yet. It does nothing unless there is a file, or the configuration lets somebody
// make one. An error that is store.ErrLocked is a mistake in how the exporter was started. After any other, nothing can be
// changed, and Broken says why.
func (r *Registry) Open() error {
	r.queue.turn <- struct{}{}
	defer func() { <-r.queue.turn }()
	if r.closed || r.file != nil || !r.wanted() {
		return nil
	}
	s, err := r.open()
	if err != nil {
		r.health.Store(&health{broken: err})
		return err
	}
	r.published.Store(s)
	r.health.Store(&health{open: true})
	if err := r.trail.open(s); err != nil {
		r.options.Log.Error("The edits cannot be audited", "err", err)
	}
	r.tends.Go(func() { r.tend(r.stop) })
	return nil
}

// wanted reports whether there is a file, or somebody may make one.
func (r *Registry) wanted() bool {
	if r.settings.Load().wanted || r.options.Dir == "" {
		return true
	}
	_, err := os.Lstat(filepath.Join(r.options.Dir, FileName))
	return !errors.Is(err, fs.ErrNotExist)
}

// open opens the file and reads it.
func (r *Registry) open() (*state, error) {
	if r.options.Dir == "" {
		r.file = forgetful{}
		return emptyState, nil
	}
	path := filepath.Join(r.options.Dir, FileName)
	opened, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := readState(opened.Load())
	if err != nil {
		return nil, errors.Join(describe(path, err), opened.Close())
	}
	r.file = opened
	return s, nil
}

// Close closes the file. It may be called again.
func (r *Registry) Close() error {
	r.queue.turn <- struct{}{}
	if r.closed {
		<-r.queue.turn
		return nil
	}
	r.closed = true
	close(r.stop)
	<-r.queue.turn
	r.tends.Wait()

	r.queue.turn <- struct{}{}
	defer func() { <-r.queue.turn }()
	r.health.Store(&health{})
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.trail.close(), r.file.Close())
	r.file = nil
	return err
}

// state is what is known. Nothing is, before Open.
func (r *Registry) state() *state {
	if s := r.published.Load(); s != nil {
		return s
	}
	return emptyState
}

// unusable returns why nothing can be kept. The caller has the turn.
func (r *Registry) unusable() error {
	switch h := r.health.Load(); {
	case h.broken != nil:
		return h.broken
	case r.file == nil:
		return errNotOpen
	}
	return nil
}

// saved keeps whether the last change could be kept.
func (r *Registry) saved(err error) {
	if h := r.health.Load(); !errors.Is(err, h.failed) {
		r.health.Store(&health{open: h.open, failed: err})
	}
}

// storable returns a StoreError if nothing can be kept.
func (r *Registry) storable() error {
	switch h := r.health.Load(); {
	case h.broken != nil:
		return &StoreError{Err: h.broken}
	case !h.open:
		return &StoreError{Err: errNotOpen}
	case errors.Is(h.failed, store.ErrCorrupt):
		return &StoreError{Err: h.failed}
	}
	return nil
}

// Writable returns why no target can be changed: ErrReadOnly or a StoreError, or nil if they can.
func (r *Registry) Writable() error {
	if !r.settings.Load().writable {
		return ErrReadOnly
	}
	return r.storable()
}

// Broken returns why nothing is known for want of the file, or nil.
func (r *Registry) Broken() error { return r.health.Load().broken }

// Target returns the target of a name.
func (r *Registry) Target(name string) (Target, bool) {
	rec, ok := r.state().targets[name]
	if !ok {
		return Target{}, false
	}
	return rec.Target, true
}
