package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Bounds of the probes that people ask for, whoever they are.
const (
	probeNowEvery  = 5 * time.Second // for one target
	probeNowAtOnce = 4
)

var errStopping = errors.New("the exporter is stopping")

// A probeNow makes the probes that people ask for, few of them. Make it with newProbeNow.
type probeNow struct {
	find  func(name string) (collector.Target, bool)
	begin func() func(collector.Probe)
	gate  *gate

	mu      sync.Mutex // protects the following
	running int
	began   map[string]time.Time // when the last one of a target began, if it still keeps others from beginning
}

func newProbeNow(find func(string) (collector.Target, bool), begin func() func(collector.Probe), g *gate) *probeNow {
	return &probeNow{find: find, begin: begin, gate: g, began: map[string]time.Time{}}
}

// probe probes a target of the inventory within its own timeout. The error is a managed.MissingError, a managed.TooManyError, or
// that the exporter is stopping.
func (p *probeNow) probe(ctx context.Context, name string) (*prober.Result, error) {
	t, ok := p.find(name)
	if !ok {
		return nil, &managed.MissingError{Name: printable.Text(name, printable.MaxLog)}
	}
	if !p.gate.enter() {
		return nil, errStopping
	}
	defer p.gate.leave()
	if err := p.enter(name, time.Now()); err != nil {
		return nil, err
	}
	defer p.leave()
	result := t.Probe(ctx, t.Module.Config.TimeoutOr(prober.DefaultTimeout), p.begin)
	return &result, nil
}

// enter returns nil if a probe may begin. Then leave must be called once.
func (p *probeNow) enter(name string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, at := range p.began { // as many as began within the last seconds
		if now.Sub(at) >= probeNowEvery {
			delete(p.began, other)
		}
	}
	if at, ok := p.began[name]; ok {
		return &managed.TooManyError{RetryAfter: probeNowEvery - now.Sub(at), Err: fmt.Errorf("the target was probed just now, which people may do every %.0f s", probeNowEvery.Seconds())}
	}
	if p.running == probeNowAtOnce {
		return &managed.TooManyError{RetryAfter: time.Second, Err: fmt.Errorf("%d targets are being probed for people, as many as there may be at once", probeNowAtOnce)}
	}
	p.running++
	p.began[name] = now
	return nil
}

func (p *probeNow) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
}
