package app

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// maxKnownTargets bounds how many targets the log remembers the state of.
const maxKnownTargets = 10_000

// probes watches the probes go by: it counts them, keeps them in the history and logs changes of state.
type probes struct {
	metrics *metrics
	history *history.History
	log     *slog.Logger

	mu       sync.Mutex      // protects the following
	inFlight int             // probes begun and not ended
	draining bool            // no probe may begin any more
	drained  chan struct{}   // closed when draining and inFlight is 0
	down     map[target]bool // the last known state; absent: up, or never probed
	last     map[string]seen // of targets of the inventory, by name
}

// seen is what the last probe of a target has found.
type seen struct {
	since  time.Time // when it was first seen like this
	at     time.Time
	result prober.Result // without events
}

// A target stands for a request as one module makes it: its hash, since a URL may be long and hold secrets.
type target [sha256.Size]byte

// targetOf is the same for every probe of a target of the inventory, whatever becomes of its URL, or else for every
// probe of a URL by one module.
func targetOf(p collector.Probe) target {
	if p.Target != "" {
		return sha256.Sum256([]byte(p.Target))
	}
	return sha256.Sum256([]byte(p.Module + "\x00" + p.Request.Hostname + "\x00" + p.Request.URL.String()))
}

func newProbes(m *metrics, h *history.History, log *slog.Logger) *probes {
	return &probes{metrics: m, history: h, log: log, drained: make(chan struct{}), down: map[target]bool{}, last: map[string]seen{}}
}

// admit tells whether a probe may begin. After true, leave must be called once.
func (p *probes) admit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining {
		return false
	}
	p.inFlight++
	return true
}

func (p *probes) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if p.draining && p.inFlight == 0 {
		close(p.drained)
	}
}

// drain lets no further probe begin and waits for those in flight. It tells whether all ended within ctx.
func (p *probes) drain(ctx context.Context) bool {
	p.mu.Lock()
	if !p.draining {
		p.draining = true
		if p.inFlight == 0 {
			close(p.drained)
		}
	}
	p.mu.Unlock()
	select {
	case <-p.drained:
		return true
	case <-ctx.Done():
		return false
	}
}

// begin is the Handler's Begin.
func (p *probes) begin() func(collector.Probe) {
	p.metrics.inFlight.Inc()
	return func(probe collector.Probe) {
		p.metrics.inFlight.Dec()
		p.end(probe)
	}
}

func (p *probes) end(probe collector.Probe) {
	if probe.Abandoned {
		p.metrics.probes.WithLabelValues(probe.Module, resultAbandoned).Inc()
		return
	}
	result := resultSuccess
	if !probe.Result.Success() {
		result = resultFailure
	}
	p.metrics.probes.WithLabelValues(probe.Module, result).Inc()
	p.metrics.duration.WithLabelValues(probe.Module).Observe(probe.Result.Duration.Seconds())
	p.remember(probe)
	p.history.Add(probe.Module, prober.MaskURL(probe.Request.URL), probe.Result)
	p.logProbe(probe)
}

// remember keeps what a probe of a target of the inventory has found.
func (p *probes) remember(probe collector.Probe) {
	if probe.Target == "" {
		return
	}
	r := probe.Result
	s := seen{since: r.Start, at: r.Start, result: prober.Result{Duration: r.Duration, Reason: r.Reason, Err: r.Err}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, ok := p.last[probe.Target]; ok && before.result.Success() == r.Success() {
		s.since = before.since
	}
	p.last[probe.Target] = s
}

// forget drops what is known of targets that are not in the inventory any more.
func (p *probes) forget(inv *inventory.Inventory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.last, func(name string, _ seen) bool { return inv.ByName(name) == nil })
}

// logProbe writes a line when the state of a target changes, and at debug for every probe.
func (p *probes) logProbe(probe collector.Probe) {
	was, is := p.note(targetOf(probe), !probe.Result.Success())
	level := slog.LevelDebug
	if was != is {
		level = slog.LevelInfo
	}
	ctx := context.Background()
	if !p.log.Enabled(ctx, level) {
		return
	}
	switch attrs := attributes(probe); {
	case is && !was:
		p.log.LogAttrs(ctx, level, "Target is down", attrs...)
	case was && !is:
		p.log.LogAttrs(ctx, level, "Target is up again", attrs...)
	default:
		p.log.LogAttrs(ctx, level, "Probed target", attrs...)
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

// note remembers that a target is down or up and returns what it was before. Only targets that are down take room.
func (p *probes) note(t target, down bool) (was, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was = p.down[t]
	switch {
	case !down:
		delete(p.down, t)
	case was:
	default:
		if len(p.down) >= maxKnownTargets {
			for forgotten := range p.down { // any: it is logged as down once more
				delete(p.down, forgotten)
				break
			}
		}
		p.down[t] = true
	}
	return was, down
}
