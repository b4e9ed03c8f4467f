package app

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// TestGateRaces enters, leaves and closes from many sides; run it with -race.
func TestGateRaces(t *testing.T) {
	for range 50 {
		g := newGate()
		var entered, left, late atomic.Int64
		var closed atomic.Bool
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for g.enter() {
					if closed.Load() {
						late.Add(1)
					}
					entered.Add(1)
					left.Add(1)
					g.leave()
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				if !g.close(t.Context()) {
					t.Error("close gave up")
				}
				closed.Store(true)
			})
		}
		within(t, "closing", wg.Wait)
		if g.enter() {
			t.Error("a probe may begin after closing")
		}
		if g.inside != 0 || entered.Load() != left.Load() || late.Load() != 0 {
			t.Errorf("%d in flight, %d entered, %d left, %d of them after closing; want none in flight or late",
				g.inside, entered.Load(), left.Load(), late.Load())
		}
	}
}

func TestGateWaits(t *testing.T) {
	g := newGate()
	for range 2 {
		if !g.enter() {
			t.Fatal("a probe may not begin")
		}
	}
	past, cancel := context.WithCancel(t.Context())
	cancel()
	if g.close(past) {
		t.Error("closed while two probes are in flight")
	}
	if g.enter() {
		t.Error("a probe may begin while closing")
	}
	g.leave()
	if g.close(past) {
		t.Error("closed while a probe is in flight")
	}
	g.leave()
	if !g.close(t.Context()) {
		t.Error("not closed though all probes have left")
	}
}
