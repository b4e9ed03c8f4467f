package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A Problem is an error with the status of the answer that tells it.
type Problem struct {
	Status int
	// RetryAfter is after how long the same request may succeed. 0: that is unknown.
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (p *Problem) Error() string { return p.Err.Error() }

// Unwrap returns the error that the Problem tells.
func (p *Problem) Unwrap() error { return p.Err }

// invalid is the Problem of an order that cannot be understood.
func invalid(format string, args ...any) error {
	return &Problem{Status: http.StatusBadRequest, Err: fmt.Errorf("invalid order: "+format, args...)}
}

// problem finds the Problem that err tells. What nobody gave a status may work later: 503.
func problem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return &Problem{Status: p.Status, RetryAfter: p.RetryAfter, Err: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	return &Problem{Status: http.StatusServiceUnavailable, Err: err}
}
