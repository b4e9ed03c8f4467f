package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// ownShare is how much of the file descriptors the exporter's own probes may take: one over this.
const ownShare = 4

// newMemory keeps what is known of the targets of the inventory, if it may and there is a place for it. It does so before an API
// has listed the first one, too: what is known of its targets must not be lost until then.
func (a *App) newMemory() *status.Memory {
	return &status.Memory{
		Tracker: a.status, Path: filepath.Join(a.opts.StoragePath, status.FileName), Log: a.log,
		Wanted: func() bool {
			c := a.current.Load().Config
			some := len(c.Targets)+len(c.TargetFiles)+len(c.TargetAPIs) > 0 || c.Managed.Targets || len(a.currentInventory().Entries()) > 0
			return a.opts.StoragePath != "" && c.Status.Persisted() && some
		},
	}
}

// newSelfProber probes targets by their names, as /probe?name= does.
func (a *App) newSelfProber() *status.SelfProber {
	p := &status.SelfProber{Last: a.status.Last, Probe: a.probeOwn, Late: func(d time.Duration) { a.metrics.selfLate.Observe(d.Seconds()) }}
	if files := maxFiles(); files > 0 {
		p.AtOnce = min(status.DefaultAtOnce, max(files/ownShare, 1))
	}
	return p
}

// subjects are the targets that the exporter has to probe by itself if nobody does.
func subjects(cfg *config.Config, inv *inventory.Inventory) (all []status.Subject) {
	if cfg.Status.SelfProbe != config.SelfProbeWhenStale {
		return nil
	}
	for _, e := range inv.Entries() {
		all = append(all, status.Subject{Name: e.Name, Interval: time.Duration(e.Interval)})
	}
	return all
}

// probeOwn probes a target of the inventory since nobody else does.
func (a *App) probeOwn(ctx context.Context, name string) {
	t, ok := a.current.Load().targets.named(name)
	if !ok {
		return // it is gone
	}
	result := t.Probe(ctx, t.Module.Config.TimeoutOr(prober.DefaultTimeout), a.probes.beginOwn)
	outcome := resultSuccess
	switch {
	case ctx.Err() != nil:
		outcome = resultAbandoned
	case !result.Success():
		outcome = resultFailure
	}
	a.metrics.selfProbes.WithLabelValues(outcome).Inc()
}
