package collector

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Target is a target of the inventory, ready to be probed.
type Target struct {
	// Name is its name in the inventory.
	Name string
	// Module is the target's module, with the target's own timeout and whatever else the target changes.
	Module  Module
	Request prober.Request
	// Labels are the labels of its series if several targets share a scrape.
	Labels map[string]string
	// Quiet is why nobody wants to be told of it now. It may be nil.
	Quiet func() Quiet
}

// Probe probes the target within a timeout. Begin is that of Handler. Where ctx is cancelled before the end, the probe is abandoned.
func (t *Target) Probe(ctx context.Context, timeout time.Duration, begin func() (end func(Probe))) prober.Result {
	result, _ := t.probe(ctx, timeout, begin)
	return result
}

// probe is Probe, and why nobody wants to be told of it.
func (t *Target) probe(ctx context.Context, timeout time.Duration, begin func() (end func(Probe))) (prober.Result, Quiet) {
	probing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	end := begin()
	before := t.quiet()
	result := t.Module.Prober.Probe(probing, t.Request)
	result.Timeout = timeout // exactly, and not what was left when the probe began
	quiet := before.or(t.quiet())
	end(Probe{
		Module: t.Module.Name, Target: t.Name, Request: t.Request, Result: result,
		OwnTimeout: t.Module.Config.TimeoutOr(prober.DefaultTimeout), Quiet: quiet, Abandoned: errors.Is(ctx.Err(), context.Canceled),
	})
	return result, quiet
}

// named finds what /probe?name= asks for. Everything else comes from the inventory.
func (h *Handler) named(query url.Values) (*Target, error) {
	for _, key := range []string{"target", "module", "hostname"} {
		if query.Get(key) != "" {
			return nil, &rejectedError{RejectedConflict, fmt.Sprintf("name and %s exclude each other: a target of the inventory brings its own", key)}
		}
	}
	name := query.Get("name")
	if h.Target != nil {
		if t, ok := h.Target(name); ok {
			return &t, nil
		}
	}
	return nil, &rejectedError{RejectedName, fmt.Sprintf("unknown name %q: the inventory has no such target; /sd lists all", name)}
}

// permitted is what to probe for a target that was given by its URL. A target that is not permitted fails.
func (h *Handler) permitted(asked *Target) *Target {
	if h.Permit == nil {
		return asked
	}
	t, err := h.Permit(*asked)
	if err != nil {
		asked.Module.Prober = prober.Refuse(prober.ReasonTargetForbidden, err)
		return asked
	}
	return &t
}
