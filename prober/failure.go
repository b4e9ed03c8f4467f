package prober

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// A failure is an error that knows why and in which phase the probe failed.
type failure struct {
	reason Reason
	phase  PhaseName
	err    error
	cause  Cause // CauseNone: not known
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failf makes a failure. A wrapped error (%w) must not quote anything secret.
func failf(reason Reason, phase PhaseName, format string, args ...any) *failure {
	return &failure{reason: reason, phase: phase, err: fmt.Errorf(format, args...)}
}

// because notes the cause of a failure.
func (f *failure) because(c Cause) *failure {
	f.cause = c
	return f
}

// asFailure finds the failure in err; an error without one is a bug.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return failf(ReasonInternal, PhaseCheck, "probing: %w", err)
}

// A localError is about something that this machine lacks. The target is not to blame.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// connectReason classifies an error of net.Dialer.
func connectReason(err error) Reason {
	switch {
	case isTimeout(err):
		return ReasonConnectTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonConnectRefused
	case isLocal(err):
		return ReasonLocalResource
	case errors.Is(err, syscall.ECONNRESET):
		return ReasonConnectionClosed
	default:
		return ReasonConnectUnreach
	}
}

// isTimeout reports whether err says that the time is up. A cancelled probe counts: it ended unanswered.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// isLocal reports whether err says that this machine, not the target, lacks something.
func isLocal(err error) bool {
	if _, ok := errors.AsType[*localError](err); ok {
		return true
	}
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// bare strips net.OpError and its addresses from err, which repeat what the message says already.
func bare(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// withoutAddrs is the text of err without the addresses of a net.OpError, which the library keeps only as text. With
// our port in it, the text would be different every time.
func withoutAddrs(err error) string {
	text := strings.TrimPrefix(bare(err).Error(), "websocket: ")
	if _, after, ok := strings.Cut(text, "->"); ok {
		if _, reason, ok := strings.Cut(after, ": "); ok {
			return reason
		}
	}
	return text
}
