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

// maxKnownTargets bounds how many targets outside the inventory the log remembers the state of.
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
	down     map[target]bool // those outside the inventory that are down; absent: up, or never probed
	last     map[string]seen // of targets of the inventory, by name
	unable   map[string]bool // those of the inventory that could not be probed last
}

// seen is what the last probe of a target has found.
type seen struct {
	since  time.Time // when it was first seen like this
	at     time.Time
	result prober.Result // without events
}

// A target stands for a request as one module makes it: its hash, since a URL may be long and hold secrets.
type target [sha256.Size]byte

// targetOf is the same for every probe of a URL by one module.
func targetOf(p collector.Probe) target {
	return sha256.Sum256([]byte(p.Module + "\x00" + p.Request.Hostname + "\x00" + p.Request.URL.String()))
}

func newProbes(m *metrics, h *history.History, log *slog.Logger) *probes {
	return &probes{
		metrics: m, history: h, log: log, drained: make(chan struct{}),
		down: map[target]bool{}, last: map[string]seen{}, unable: map[string]bool{},
	}
}

// admit reports whether a probe may begin. After true, leave must be called once.
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

// drain lets no further probe begin and waits for those in flight. It reports whether all ended within ctx.
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
	p.history.Add(probe.Module, prober.MaskURL(probe.Request.URL), probe.Result)
	if probe.Target == "" {
		p.logUnlisted(probe)
	} else {
		p.logListed(probe)
	}
}

// leastShare is how much of its own timeout a target must have had before its failure counts: one over this.
const leastShare = 2

// conclusive reports whether a probe says something about the state of its target. It does if it succeeded. A failure
// does not if the caller gave the target less than half of its own timeout: anybody may call, and a healthy target
// cannot answer at once. Nor does it if the exporter lacked something of its own.
func conclusive(p collector.Probe) bool {
	switch {
	case p.Abandoned:
		return false
	case p.Result.Success():
		return true
	case ours(p.Result.Reason):
		return false
	default:
		return p.Result.Timeout >= p.OwnTimeout/leastShare
	}
}

// ours reports whether the fault is the exporter's and not the target's.
func ours(r prober.Reason) bool {
	return r == prober.ReasonLocalResource || r == prober.ReasonInternal
}

// remember keeps what a probe of a target of the inventory has found and reports whether it was down before.
func (p *probes) remember(probe collector.Probe) (wasDown bool) {
	r := probe.Result
	s := seen{since: r.Start, at: r.Start, result: prober.Result{Duration: r.Duration, Reason: r.Reason, Err: r.Err}}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.last[probe.Target]
	if known && before.result.Success() == r.Success() {
		s.since = before.since
	}
	p.last[probe.Target] = s
	return known && !before.result.Success()
}

// noteUnable remembers whether a target of the inventory could be probed at all and reports whether it could before.
func (p *probes) noteUnable(name string, unable bool) (wasUnable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wasUnable = p.unable[name]
	if unable {
		p.unable[name] = true
	} else {
		delete(p.unable, name)
	}
	return wasUnable
}

// forget drops what is known of targets that are not in the inventory any more.
func (p *probes) forget(inv *inventory.Inventory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.last, func(name string, _ seen) bool { return inv.ByName(name) == nil })
	maps.DeleteFunc(p.unable, func(name string, _ bool) bool { return inv.ByName(name) == nil })
}

// The lines about probes.
const (
	msgDown   = "Target is down"
	msgUp     = "Target is up again"
	msgUnable = "Target cannot be probed"
	msgProbed = "Probed target"
)

// logListed writes a line at info when the state of a target of the inventory changes, and at debug for every other probe.
func (p *probes) logListed(probe collector.Probe) {
	unable := ours(probe.Result.Reason)
	wasUnable := p.noteUnable(probe.Target, unable)
	switch {
	case unable && !wasUnable:
		p.logProbe(slog.LevelWarn, msgUnable, probe)
		return
	case !conclusive(probe):
		p.logProbe(slog.LevelDebug, msgProbed, probe)
		return
	}
	wasDown, isDown := p.remember(probe), !probe.Result.Success()
	switch {
	case wasDown == isDown:
		p.logProbe(slog.LevelDebug, msgProbed, probe)
	case isDown:
		p.logProbe(slog.LevelInfo, msgDown, probe)
	default:
		p.logProbe(slog.LevelInfo, msgUp, probe)
	}
}

// logUnlisted writes a line at debug for every probe of a target outside the inventory. Anybody may name one, and a new
// one each time: at info they could fill the disk.
func (p *probes) logUnlisted(probe collector.Probe) {
	msg := msgProbed
	if conclusive(probe) {
		was, is := p.note(targetOf(probe), !probe.Result.Success())
		switch {
		case is && !was:
			msg = msgDown
		case was && !is:
			msg = msgUp
		}
	}
	p.logProbe(slog.LevelDebug, msg, probe)
}

func (p *probes) logProbe(level slog.Level, msg string, probe collector.Probe) {
	ctx := context.Background()
	if p.log.Enabled(ctx, level) {
		p.log.LogAttrs(ctx, level, msg, attributes(probe)...) //nolint:sloglint // one of the constants above
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

// note remembers that a target outside the inventory is down or up and returns what it was before. Only targets that are down take room.
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
