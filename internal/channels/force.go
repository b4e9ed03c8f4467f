package channels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A force is what makes channels of settings.
type force struct {
	settings  Settings
	base      []byte   // the base file as it was when the configuration was loaded
	receivers []string // of the base
	publisher *alertconf.Publisher

	bundle atomic.Pointer[Bundle] // nil: it is not known yet
	failed atomic.Pointer[error]  // why what there is could not be published; nil: it was, or is to be

	// The following belong to who has the turn.
	due   bool // what there is has still to be published
	delay time.Duration
	next  time.Time // when it is tried again
	said  string    // what was logged last
}

// unmet are settings that a configuration in force has, and why they are not. What was in force before goes on.
type unmet struct {
	settings *Settings
	err      error
}

func (u *unmet) off() error {
	return fmt.Errorf("channels cannot be used until the configuration is loaded again: %w", u.err)
}

// maxBase is how much of a base file is read, in bytes; alertconf refuses one that is larger than a half of it.
const maxBase = 2 << 20

func newForce(s *Settings, r *managed.Registry) (*force, error) {
	f := &force{settings: *s, due: true}
	file, err := os.Open(s.Base)
	if err != nil {
		return nil, err
	}
	f.base, err = io.ReadAll(io.LimitReader(file, maxBase))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if f.receivers, err = alertconf.Receivers(f.base); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Base, err)
	}
	f.publisher = &alertconf.Publisher{Place: s.Place, Servers: s.Servers, Memory: memory{r}}
	return f, nil
}

// Configure puts settings into force; nil: nobody may make channels. An error that is an alertconf.LockedError is a mistake in how
// the exporter was started; the settings before go on then, as after any other. It does not wait for Alertmanager: what is new is
// published by Run.
func (e *Editor) Configure(s *Settings) (err error) {
	defer func() {
		if is[*alertconf.LockedError](err) { // the configuration is not in force either
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.unmet = nil
		if err != nil {
			e.unmet = &unmet{s, err}
		}
	}()
	var f *force
	if s != nil {
		if f, err = newForce(s, e.options.Registry); err != nil {
			return err
		}
	}
	e.mu.Lock()
	if f != nil && e.locks[s.Place.Dir] == nil {
		lock, err := f.settings.Place.Lock()
		if err != nil {
			e.mu.Unlock()
			return err
		}
		e.locks[s.Place.Dir] = lock
	}
	if old := e.current; old != nil && f != nil && slices.Equal(old.base, f.base) {
		f.bundle.Store(old.bundle.Load())
		if old.settings.Place == s.Place {
			f.publisher.Inherit(old.publisher)
		}
	}
	e.current = f
	e.mu.Unlock()
	select {
	case e.turn <- struct{}{}:
		e.unlock()
		e.release()
	default: // whoever changes something there goes on with what it began with, and Run unlocks it
	}
	e.wake()
	return nil
}

// unlock lets others write to places that are no longer ours. The caller has the turn.
func (e *Editor) unlock() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for dir, lock := range e.locks {
		if e.current != nil && e.current.settings.Place.Dir == dir {
			continue
		}
		if err := lock.Close(); err != nil {
			e.options.Log.Error("Unlocking a directory of Alertmanager failed", "path", dir, "err", err)
		}
		delete(e.locks, dir)
	}
}

// Close lets others write to the Place, after the change under way.
func (e *Editor) Close() error {
	e.turn <- struct{}{}
	defer e.release()
	e.mu.Lock()
	e.current = nil
	e.mu.Unlock()
	e.unlock()
	return nil
}

// The times after which what could not be published is tried again. The time doubles.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// Run publishes what there is and looks after the Alertmanagers, until ctx ends.
func (e *Editor) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		look := false
		select {
		case <-ctx.Done():
			return
		case <-e.woken: // who has published has looked as well
		case <-timer.C:
			look = true
		}
		timer.Reset(e.tend(ctx, look))
	}
}

// tend does what is due, and returns when there may be more.
func (e *Editor) tend(ctx context.Context, look bool) time.Duration {
	if err := e.take(ctx); err != nil {
		return alertconf.LookInterval
	}
	defer e.release()
	e.unlock()
	f := e.force()
	if f == nil {
		return alertconf.LookInterval
	}
	switch due := f.due && !time.Now().Before(f.next); {
	case due:
		e.tell(ctx, f, e.publishAll(ctx, f, false))
	case look:
		err := f.publisher.Look(ctx)
		if failed := f.failed.Load(); failed != nil {
			err = *failed
		}
		e.tell(ctx, f, err)
	}
	next := f.publisher.UntilNext()
	if f.due {
		next = min(next, max(time.Until(f.next), 0))
	}
	return next
}

// publishAll publishes what there is. The caller has the turn.
func (e *Editor) publishAll(ctx context.Context, f *force, overwrite bool) error {
	all, revision, err := e.options.Registry.Channels()
	p := &publication{editor: e, force: f, before: all, revision: revision}
	if err == nil {
		err = p.render(revision)
	}
	if err == nil {
		err = f.publisher.Publish(ctx, alertconf.Update{Config: p.config, Overwrite: overwrite})
		if is[*alertconf.RefusedError](err) || is[*alertconf.MissingError](err) || errors.Is(err, alertconf.ErrFileChanged) {
			f.bundled(e) // what holds here does not hold elsewhere
		}
	}
	if err == nil {
		f.published(e)
		return nil
	}
	f.lack(err)
	return err
}

// lack notes why what there is is not in force as it should be, and lets it be tried again.
func (f *force) lack(err error) {
	f.failed.Store(&err)
	f.due = true
	f.delay = min(max(2*f.delay, firstRetry), lastRetry)
	f.next = time.Now().Add(f.delay)
}

// published notes that the Alertmanagers that can be reached run what there is.
func (f *force) published(e *Editor) {
	f.due, f.delay, f.next = false, 0, time.Time{}
	f.failed.Store(nil)
	f.bundled(e)
}

// tell logs what is wrong, once as long as it is the same.
func (e *Editor) tell(ctx context.Context, f *force, err error) {
	if ctx.Err() != nil {
		return
	}
	said := ""
	if err != nil {
		said = err.Error()
	}
	switch {
	case said == f.said:
	case err != nil:
		e.options.Log.Error("Not every Alertmanager runs the channels, each goes on with what it has", "err", err)
	default:
		e.options.Log.Info("Every Alertmanager runs the channels")
	}
	f.said = said
}

// pending reports whether an Alertmanager has still to be told.
func (f *force) pending() bool {
	return slices.ContainsFunc(f.publisher.Standings(), func(s alertconf.Standing) bool {
		return s.State != alertconf.InSync && s.State != alertconf.Unverified
	})
}
