package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// probes watches the probes go by: it counts them, keeps them in the history and logs what they change.
type probes struct {
	metrics *metrics
	history *history.History
	status  *status.Tracker
	// observed is told of a probe of a target of the inventory that counts.
	observed func(target string, healthy bool, at time.Time)
	scraped  moment // when somebody else last had a target of the inventory probed
	log      *slog.Logger
}

// begin is the Handler's Begin.
func (p *probes) begin() func(collector.Probe) { return p.beginBy(false) }

// beginOwn is begin for a probe that the exporter makes by itself.
func (p *probes) beginOwn() func(collector.Probe) { return p.beginBy(true) }

func (p *probes) beginBy(own bool) func(collector.Probe) {
	p.metrics.inFlight.Inc()
	return func(probe collector.Probe) {
		p.metrics.inFlight.Dec()
		p.end(probe, own)
	}
}

func (p *probes) end(probe collector.Probe, own bool) {
	if probe.Abandoned {
		p.metrics.probes.WithLabelValues(probe.Module, resultAbandoned).Inc()
		return
	}
	if probe.Target != "" && !own {
		p.scraped.now()
	}
	result := resultSuccess
	if !probe.Result.Success() {
		result = resultFailure
	}
	p.metrics.probes.WithLabelValues(probe.Module, result).Inc()
	p.metrics.duration.WithLabelValues(probe.Module).Observe(probe.Result.Duration.Seconds())
	p.history.Add(probe.Module, prober.MaskURL(probe.Request.URL), probe.Result)
	observed := status.Probe{
		Name: probe.Target, Result: probe.Result, OwnTimeout: probe.OwnTimeout, Own: own,
		Maintenance: probe.Quiet.Maintenance,
	}
	if observed.Name == "" {
		observed.Key = status.KeyOf(probe.Module, probe.Request.Hostname, probe.Request.URL.String())
	} else if observed.Conclusive() {
		p.observed(observed.Name, probe.Result.Success(), probe.Result.Start)
	}
	p.write(lines[p.status.Observe(observed)], probe)
}

// A line is how a probe is logged.
type line struct {
	level slog.Level
	msg   string
}

// lines are those for what a probe changed.
var lines = map[status.Change]line{
	status.None:   {slog.LevelDebug, "Probed target"},
	status.Down:   {slog.LevelInfo, "Target is down"},
	status.Up:     {slog.LevelInfo, "Target is up again"},
	status.Unable: {slog.LevelWarn, "Target cannot be probed"},
}

// write logs a probe. One of a target outside the inventory is logged at debug: anybody may name one, and a new one each
// time, so that at info they could fill the disk.
func (p *probes) write(l line, probe collector.Probe) {
	if probe.Target == "" {
		l.level = slog.LevelDebug
	}
	ctx := context.Background()
	if p.log.Enabled(ctx, l.level) {
		p.log.LogAttrs(ctx, l.level, l.msg, attributes(probe)...) //nolint:sloglint // one of the lines above
	}
}

// attributes are those of a probe's line.
func attributes(probe collector.Probe) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("target", prober.MaskURL(probe.Request.URL)),
		slog.String("module", probe.Module),
		slog.Float64("duration_seconds", probe.Result.Duration.Seconds()),
	}
	if probe.Target != "" {
		attrs = append(attrs, slog.String("name", probe.Target))
	}
	if h := probe.Result.HTTP; h != nil {
		attrs = append(attrs, slog.Int("status_code", h.StatusCode))
	}
	if w := probe.Result.WebSocket; w != nil {
		attrs = append(attrs, slog.Int("status_code", w.StatusCode))
	}
	if !probe.Result.Success() {
		attrs = append(attrs, slog.String("reason", string(probe.Result.Reason)), slog.Any("err", probe.Result.Err))
	}
	return attrs
}
