package app

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// hanging takes as long as its context.
type hanging struct{}

func (hanging) Probe(ctx context.Context, _ prober.Request) prober.Result {
	<-ctx.Done()
	return prober.Result{Reason: prober.ReasonInternal, Err: ctx.Err()}
}

// What people ask for is probed once in a while, few at a time, within the target's timeout, and not at the end.
func TestProbeNowLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newGate()
		var ended atomic.Int32
		p := newProbeNow(func(name string) (collector.Target, bool) {
			return collector.Target{Name: name, Module: collector.Module{Config: config.Module{Timeout: config.Duration(30 * time.Second)}, Prober: hanging{}}}, name != "nothing"
		}, func() func(collector.Probe) { return func(collector.Probe) { ended.Add(1) } }, gate)
		ask := func(name string) error {
			_, err := p.probe(t.Context(), name)
			return err
		}
		inside := func() int {
			gate.mu.Lock()
			defer gate.mu.Unlock()
			p.mu.Lock()
			defer p.mu.Unlock()
			if gate.inside != p.running {
				t.Errorf("%d are inside of the gate, and %d are running", gate.inside, p.running)
			}
			return p.running
		}
		var many *managed.TooManyError
		if err := ask("nothing"); !errors.As(err, new(*managed.MissingError)) {
			t.Errorf("what there is not: %v", err)
		}
		for i := range probeNowAtOnce {
			go func() {
				if err := ask(strconv.Itoa(i)); err != nil {
					t.Errorf("probe %d: %v", i, err)
				}
			}()
		}
		synctest.Wait()
		if err := ask("0"); !errors.As(err, &many) || many.RetryAfter != probeNowEvery {
			t.Errorf("the same again: %v", err)
		}
		if err := ask("one more"); !errors.As(err, &many) || many.RetryAfter == 0 {
			t.Errorf("one more at once: %v", err)
		}
		if n := inside(); n != probeNowAtOnce {
			t.Errorf("%d are running, want %d", n, probeNowAtOnce)
		}
		start := time.Now()
		time.Sleep(31 * time.Second) // of a bubble
		synctest.Wait()
		if n := inside(); n != 0 || ended.Load() != probeNowAtOnce {
			t.Errorf("after %s %d are running, and %d have ended", time.Since(start), n, ended.Load())
		}
		if err := ask("0"); err != nil {
			t.Errorf("the same later: %v", err)
		}
		if len(p.began) != 1 {
			t.Errorf("%d targets are remembered, want 1", len(p.began))
		}
		if !gate.close(t.Context()) {
			t.Error("the gate does not close")
		}
		if err := ask("1"); !errors.Is(err, errStopping) {
			t.Errorf("at the end: %v", err)
		}
	})
}
