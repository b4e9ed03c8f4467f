package channels

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// ErrOff is returned where the configuration has no section about Alertmanager.
var ErrOff = errors.New("channels are off here: a section `alertmanager` in the configuration lets people make them")

// A MissingError says that there is no such channel. Meant is the name that was probably meant, or empty.
type MissingError struct{ Name, Meant string }

// Error implements error.
func (e *MissingError) Error() string {
	if e.Meant != "" {
		return fmt.Sprintf("there is no channel %q; did you mean %q?", e.Name, e.Meant)
	}
	return fmt.Sprintf("there is no channel %q", e.Name)
}

// A ChangedError is a managed.ChangedError about a channel. Current is the present one; its Name is empty if there is none.
type ChangedError struct {
	managed.ChangedError

	Current Channel
}

// Error implements error.
func (e *ChangedError) Error() string {
	switch {
	case e.Current.Name == "":
		return "it does not exist (any more)"
	case e.Want.Absent:
		return fmt.Sprintf("there is a channel %q already (revision %d)", e.Current.Name, e.Revision)
	}
	return fmt.Sprintf("%s changed it at %s (revision %d, you have %s)",
		e.Current.Updated.By, e.Current.Updated.At.UTC().Format(time.RFC3339), e.Revision, e.Want.Expected())
}

// Unwrap returns the error without the channel.
func (e *ChangedError) Unwrap() error { return &e.ChangedError }

// errWaiting says that a change was not made, since whoever asked for it did not wait.
var errWaiting = errors.New("waiting for another change of a channel")

// refused counts a change that was refused, and returns its error.
func (e *Editor) refused(err error) error {
	for _, r := range []struct {
		is     bool
		reason string
	}{
		{is[*managed.StoreError](err), ""}, // also one beside others
		{errors.Is(err, ErrOff), managed.RefusedReadOnly},
		{is[*MissingError](err), managed.RefusedMissing},
		{is[*alertconf.RefusedError](err), managed.RefusedAlertmanager},
		{is[*alertconf.MissingError](err), managed.RefusedAlertmanager},
		{errors.Is(err, alertconf.ErrFileChanged), managed.RefusedFileChanged},
		{errors.Is(err, errWaiting), managed.RefusedGaveUp},
	} {
		if r.is {
			return e.options.Registry.RefuseFor(r.reason, err)
		}
	}
	return e.options.Registry.RefuseFor("", err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func waiting(ctx context.Context) error { return fmt.Errorf("%w: %w", errWaiting, ctx.Err()) }
