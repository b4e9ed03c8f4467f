package managed

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrReadOnly is returned for a change of targets where the configuration does not allow any.
var ErrReadOnly = errors.New("targets are read-only here: `managed: {targets: true}` in the configuration allows changes")

// A StoreError says that a change could not be kept, so that there is none, or that nothing is known for want of the file.
type StoreError struct{ Err error }

// Error implements error.
func (e *StoreError) Error() string {
	return fmt.Sprintf("the change could not be kept: %v. Nothing has changed", e.Err)
}

// Unwrap returns why.
func (e *StoreError) Unwrap() error { return e.Err }

// A MissingError says that there is no such target. Meant is the name that was probably meant, or empty.
type MissingError struct{ Name, Meant string }

// Error implements error.
func (e *MissingError) Error() string {
	if e.Meant != "" {
		return fmt.Sprintf("there is no target %q; did you mean %q?", e.Name, e.Meant)
	}
	return fmt.Sprintf("there is no target %q", e.Name)
}

// An OwnedError says that a target is of another source, which holds.
type OwnedError struct{ Name, Source string }

// Error implements error.
func (e *OwnedError) Error() string {
	return fmt.Sprintf("target %q comes from %s; change it there, or mute it here", e.Name, e.Source)
}

// An InUseError says that restart services check a target.
type InUseError struct {
	Name     string
	Services []string
}

// Error implements error.
func (e *InUseError) Error() string {
	return fmt.Sprintf("restart service %q checks this target; ?force=true removes it all the same", e.Services[0])
}

// A RequiredError says that there is something already, and that the Edit has no Condition.
type RequiredError struct{ Revision uint64 }

// Error implements error.
func (e *RequiredError) Error() string {
	return fmt.Sprintf(`send If-Match: "%d", or * to overwrite whatever there is`, e.Revision)
}

// A ChangedError says that a Condition does not hold. Now is the present target; its Name is empty if there is none, or if
// the Condition is about everything.
type ChangedError struct {
	Now      Target
	Revision uint64 // the present one
	Want     Condition
}

// Error implements error.
func (e *ChangedError) Error() string {
	switch {
	case e.Want.Absent && e.Now.Name == "":
		return fmt.Sprintf("there are targets already (revision %d)", e.Revision)
	case e.Want.Absent:
		return fmt.Sprintf("there is a target %q already (revision %d)", e.Now.Name, e.Revision)
	case e.Revision == 0:
		return "it does not exist (any more)"
	case e.Now.Name == "" || e.Now.Updated.By == "":
		return fmt.Sprintf("it was changed meanwhile (revision %d, you have %s)", e.Revision, e.Want.Expected())
	}
	return fmt.Sprintf("%s changed it at %s (revision %d, you have %s)", e.Now.Updated.By, e.Now.Updated.At.UTC().Format(time.RFC3339), e.Revision, e.Want.Expected())
}

// A NumberError says that many targets at once are not as many as were expected.
type NumberError struct{ Expected, Found int }

// Error implements error.
func (e *NumberError) Error() string {
	return fmt.Sprintf("expect is %d, want %d, the number of targets that this is about; nothing has changed", e.Expected, e.Found)
}

// A TooManyError says that there are as many changes, or records, as there may be.
type TooManyError struct {
	RetryAfter time.Duration // 0: it will not help to wait
	Err        error
}

// Error implements error.
func (e *TooManyError) Error() string { return e.Err.Error() }

// An InvalidError is all that is wrong with what was written.
type InvalidError struct {
	// What is "target", "mute", "maintenance", "channel" or "document".
	What     string
	Problems []Problem
}

// A Problem is one of them. Pointer is where it is (RFC 6901), "" for the whole.
type Problem struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error implements error. It has the first of the Problems.
func (e *InvalidError) Error() string {
	text := e.Problems[0].Detail
	if place := strings.TrimPrefix(e.Problems[0].Pointer, "/"); place != "" {
		text = place + ": " + text
	}
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return fmt.Sprintf("the %s is not valid: %s", e.What, text)
}
