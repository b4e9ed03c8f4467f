package prober

import (
	"context"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Refuse returns a [Prober] whose every probe fails at once, before anything is sent.
func Refuse(reason Reason, err error) Prober { return refusal{reason, err} }

type refusal struct {
	reason Reason
	err    error
}

// Probe implements Prober.
func (r refusal) Probe(context.Context, Request) Result {
	return Result{Start: time.Now(), Attempts: 1, Reason: r.reason, FailedPhase: PhasePrepare, Err: r.err}
}

// A confined prober probes only targets to which the credentials of its module may go.
type confined struct {
	prober Prober
	module config.Module
}

// Probe implements Prober.
func (c *confined) Probe(ctx context.Context, r Request) Result {
	if err := c.module.CheckCredentials(r.URL, r.Hostname); err != nil {
		return Refuse(ReasonTargetForbidden, err).Probe(ctx, r)
	}
	return c.prober.Probe(ctx, r)
}
