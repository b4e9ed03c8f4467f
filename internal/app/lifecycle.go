package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrStopped is returned for what comes after Stop.
var ErrStopped = errors.New("the exporter was stopped")

// ErrStarted is returned by the second Start.
var ErrStarted = errors.New("the exporter was started before")

// A stage is how far an App has come in its life. It never goes back.
type stage int

const (
	stageBuilt stage = iota
	stageStarted
	stageStopped // or on its way there
)

// A lifecycle is the life of an App, and what has to be undone at its end. Make it with newLifecycle.
type lifecycle struct {
	stopping chan struct{} // closed when the end begins
	stopped  chan struct{} // closed at the end, after which err is set
	err      error

	mu    sync.Mutex // held while the App starts or loads; protects the following, and what is loaded
	stage stage
	undo  []undoing
}

// An undoing takes back one thing that was done.
type undoing struct {
	name string
	f    func(ctx context.Context) error
}

func newLifecycle() lifecycle {
	return lifecycle{stopping: make(chan struct{}), stopped: make(chan struct{})}
}

// onStop has f called at the end, before all that was given earlier. It must be given what has been done as soon as it
// has. The caller holds mu.
func (l *lifecycle) onStop(name string, f func(ctx context.Context) error) {
	l.undo = append(l.undo, undoing{name, f})
}

// unwind undoes everything, the last thing first.
func (l *lifecycle) unwind(ctx context.Context) error {
	var errs []error
	for _, u := range slices.Backward(l.undo) {
		if err := u.f(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", u.name, err))
		}
	}
	l.undo = nil
	return errors.Join(errs...)
}

// end begins the end and reports whether it did: it does once. Nothing is started, loaded or given to onStop after that.
func (l *lifecycle) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage == stageStopped {
		return false
	}
	l.stage = stageStopped
	close(l.stopping)
	return true
}
