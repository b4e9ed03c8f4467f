package app

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A shelf has many managed targets, sorted.
type shelf struct {
	mu  sync.Mutex // protects the following
	all []*config.Target
}

// Supplied implements inventory.Supplier.
func (s *shelf) Supplied(config.TargetReader) ([]*config.Target, []error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all), nil, nil
}

// edit changes one of them.
func (s *shelf) edit(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edited := *s.all[i]
	s.all[i] = &edited
}

// BenchmarkEdit is what an edit of one of 10,000 targets costs until it is in force everywhere, one at a time and 50 at once. What it
// takes to keep it is not part of that.
func BenchmarkEdit(b *testing.B) {
	const n = 10_000
	text := "modules: {http_2xx: {prober: http}}\nstatus: {self_probe: when_stale}\naccess: {users: [{name: alice, role: edit, bearer_token: " + strings.Repeat("a", 32) + "}]}\nmanaged: {targets: true}\n" +
		"restart:" + hasty + "  services: [{name: shop, checks: [{target: shop-00000}], command: {argv: [/bin/true]}}]\n"
	cfg, err := config.Parse("test.yml", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	snapshot, err := newSnapshot("test.yml", cfg)
	if err != nil {
		b.Fatal(err)
	}
	s := &shelf{}
	for i := range n {
		name := fmt.Sprintf("shop-%05d", i)
		s.all = append(s.all, &config.Target{
			Name: name, URL: "https://" + name + ".example.com/health", Module: "http_2xx", Environment: "LIVE", Interval: config.Duration(30e9),
			Labels: map[string]string{"team": "checkout"}, Method: "HEAD",
		})
	}
	a, err := New(options(&recorder{}))
	if err != nil {
		b.Fatal(err)
	}
	keeper := inventory.NewKeeper(inventory.Options{Mask: prober.MaskURL, Supplier: s, Overlays: a.managed, Log: slog.New(slog.DiscardHandler)}, prometheus.NewRegistry())
	plan, err := keeper.Plan(cfg, func(inv *inventory.Inventory) { a.inventoryChanged(snapshot, inv) })
	if err != nil {
		b.Fatal(err)
	}
	keeper.Apply(plan)
	for _, e := range a.currentInventory().Entries() { // each was probed once
		_, _ = a.current.Load().targets.named(e.Name)
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.edit(i % n)
			keeper.Resupply()
		}
	})
	b.Run("50 at once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var edits sync.WaitGroup
			for i := range 50 {
				edits.Go(func() {
					s.edit(i)
					keeper.Resupply()
				})
			}
			edits.Wait()
		}
	})
	if err := a.Stop(); err != nil {
		b.Fatal(err)
	}
}
