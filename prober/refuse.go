package prober

import (
	"context"
	"time"
)

// Refuse is a Prober that probes nothing: every probe fails at once, before anything is sent.
func Refuse(reason Reason, err error) Prober { return refusal{reason, err} }

type refusal struct {
	reason Reason
	err    error
}

// Probe implements Prober.
func (r refusal) Probe(context.Context, Request) Result {
	return Result{Start: time.Now(), Attempts: 1, Reason: r.reason, FailedPhase: PhasePrepare, Err: r.err}
}
