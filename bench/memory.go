package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// memory makes 25 times as many probes of each kind as a turn, and measures the memory afterwards.
func memory(ctx context.Context, b *bench) error {
	t := newTable(b.out, "target", "exporter", "RSS MB", "peak MB", "heap MB", "goroutines", "files")
	for _, name := range []string{"http", "https_h2", "ws"} {
		for _, s := range []subject{b.floor(), b.ours("bench.yml")} {
			if err := b.remember(ctx, t, s, name, 25*b.probes); err != nil {
				return fmt.Errorf("%s: %s: %w", name, s.name, err)
			}
		}
	}
	return nil
}

func (b *bench) remember(ctx context.Context, t *table, s subject, name string, probes int) error {
	i, err := b.run(ctx, s)
	if err != nil {
		return err
	}
	defer i.stop()
	if _, err := i.bear(ctx, load{probes: probes, scrapers: b.scrapers, path: always(b.scrapeOf(name))}); err != nil {
		return err
	}
	u, err := i.usage(ctx)
	if err != nil {
		return err
	}
	t.row(name, i.name, "%.0f", u.rss/1e6, "%.0f", u.peak/1e6, "%.0f", u.heap/1e6, "%.0f", u.goroutines, "%d", u.files)
	return nil
}

// inFlight makes thousands of probes wait for their targets at the same time.
func inFlight(ctx context.Context, b *bench) error {
	const probes = 5_000
	t := newTable(b.out, "target", "exporter", "before MB", "peak MB", "kB each", "after MB", "failed")
	for _, name := range []string{"slow", "slow_https"} {
		for _, s := range []subject{b.floor(), b.ours("bench.yml")} {
			i, err := b.run(ctx, s)
			if err != nil {
				return err
			}
			err = b.crowd(ctx, t, i, name, probes)
			i.stop()
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, s.name, err)
			}
		}
	}
	return nil
}

func (b *bench) crowd(ctx context.Context, t *table, i *instance, name string, probes int) error {
	module := "http"
	if name == "slow_https" {
		module = "https_h1"
	}
	before, _, err := i.memory()
	if err != nil {
		return err
	}
	path := always(scrape(b.urls[name], module))
	var failed atomic.Int64 // 5,000 handshakes may take longer than the timeout of a scrape
	if _, err := i.bear(ctx, load{probes: probes, scrapers: probes, path: path, failed: &failed}); err != nil {
		return err
	}
	after, peak, err := i.memory()
	if err != nil {
		return err
	}
	t.row(name, i.name, "%.0f", before/1e6, "%.0f", peak/1e6, "%.0f", (peak-before)/float64(probes)/1e3, "%.0f", after/1e6, "%d", failed.Load())
	return nil
}

// direct compares scrapes with direct requests of the same kind to the target, one at a time and in turns.
func direct(ctx context.Context, b *bench) error {
	i, err := b.run(ctx, b.ours("bench.yml"))
	if err != nil {
		return err
	}
	defer i.stop()
	f, err := b.run(ctx, b.floor())
	if err != nil {
		return err
	}
	defer f.stop()
	client := newClient()
	request := func() error {
		client.CloseIdleConnections()
		target := instance{base: b.urls["http"], client: client}
		_, err := target.get(ctx, "")
		return err
	}
	path := b.scrapeOf("http")
	ways := []struct {
		name string
		run  func() error
	}{
		{"direct", request},
		{"floor", func() error { return f.probe(ctx, path) }},
		{"ours", func() error { return i.probe(ctx, path) }},
	}
	times := make([][]time.Duration, len(ways))
	for range b.probes {
		for k, way := range ways {
			from := time.Now()
			if err := way.run(); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			times[k] = append(times[k], time.Since(from))
		}
	}
	t := newTable(b.out, "by", "p50 ms", "over", "p99 ms", "over")
	for k, way := range ways {
		slices.Sort(times[k])
		p50, p99 := milliseconds(quantile(times[k], 0.50)), milliseconds(quantile(times[k], 0.99))
		t.row(way.name, "%.2f", p50, "%+.2f", p50-milliseconds(quantile(times[0], 0.50)), "%.2f", p99, "%+.2f", p99-milliseconds(quantile(times[0], 0.99)))
	}
	return nil
}

// startTime measures the time from the start of the process to its first answer.
func startTime(ctx context.Context, b *bench) error {
	times := map[string][]time.Duration{}
	subjects := b.subjects()
	for range 2 * b.rounds {
		for _, s := range subjects {
			from := time.Now()
			i, err := b.run(ctx, s)
			if err != nil {
				return err
			}
			times[s.name] = append(times[s.name], time.Since(from))
			i.stop()
		}
	}
	t := newTable(b.out, "exporter", "p50 ms", "least ms")
	for _, s := range subjects {
		slices.Sort(times[s.name])
		t.row(s.name, "%.0f", milliseconds(quantile(times[s.name], 0.5)), "%.0f", milliseconds(times[s.name][0]))
	}
	return nil
}
