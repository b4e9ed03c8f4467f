package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// A StatusError is an error with the status of the answer that tells it.
type StatusError struct {
	Status int
	// RetryAfter is after how long the same request may succeed. 0: that is unknown.
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (p *StatusError) Error() string { return p.Err.Error() }

// Unwrap returns the error that the StatusError tells.
func (p *StatusError) Unwrap() error { return p.Err }

// invalid is the StatusError of an order that cannot be understood.
func invalid(format string, args ...any) error {
	return &StatusError{Status: http.StatusBadRequest, Err: fmt.Errorf("invalid order: "+format, args...)}
}

// problem finds the StatusError that err tells. What nobody gave a status may work later: 503.
func problem(err error) *StatusError {
	if p, ok := errors.AsType[*StatusError](err); ok {
		return &StatusError{Status: p.Status, RetryAfter: p.RetryAfter, Err: err}
	}
	if _, ok := errors.AsType[*query.Error](err); ok {
		return &StatusError{Status: http.StatusBadRequest, Err: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &StatusError{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	return &StatusError{Status: http.StatusServiceUnavailable, Err: err}
}
