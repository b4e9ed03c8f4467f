package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// In a soak every cycle ends with a rest. After it everything that the probes needed must be gone.
const (
	cycle = 30 * time.Second
	rest  = 3 * time.Second
	rate  = 4 // probes of every target per second
)

// A strain is one kind of probe in a soak.
type strain struct {
	target, module string
	impatient      bool // the scraper hangs up before the end
}

var strains = []strain{
	{"http", "http", false},
	{"https_h1", "https_h1", false},
	{"https_h1", "https_h1_ca", false},
	{"https_h2", "https_h2", false},
	{"ws", "ws", false},
	{"wss", "wss", false},
	{"hanging", "http", false},
	{"hanging", "https_h1", false},
	{"hanging", "ws", false},
	{"hanging", "http", true},
	{"ws_silent", "ws", false},
	{"ws_silent", "ws", true},
	{"unavailable", "http", false},
	{"unavailable", "ws", false},
	{"endless", "http", true},
	{"cut", "http", false},
	{"nobody", "http", false},
}

// soak makes all kinds of probes for a long time, and measures the exporter while it is idle.
func soak(ctx context.Context, b *bench) error {
	i, err := b.run(ctx, b.ours("bench.yml"))
	if err != nil {
		return err
	}
	defer i.stop()
	t := newTable(b.out, "after", "probes", "goroutines", "files", "heap kB", "RSS MB", "CPU s / 1000")
	start, probes := time.Now(), 0
	var first, last usage // at rest, after the first cycle and after the last
	for n := 0; time.Since(start) < b.duration; n++ {
		before, err := i.cpu()
		if err != nil {
			return err
		}
		made := b.stress(ctx, i)
		probes += made
		after, err := i.cpu()
		if err != nil {
			return err
		}
		if last, err = b.rest(ctx, i); err != nil {
			return err
		}
		if n == 0 {
			first = last
		}
		t.row(time.Since(start).Round(time.Second).String(), "%d", probes, "%.0f", last.goroutines, "%d", last.files, "%.0f", last.heap/1e3, "%.0f", last.rss/1e6,
			"%.3f", milliseconds(after-before)/float64(made))
	}
	return flat(first, last)
}

// stress makes the probes of a cycle and returns their number.
func (b *bench) stress(ctx context.Context, i *instance) (probes int) {
	var all sync.WaitGroup
	ticker := time.NewTicker(time.Second / rate)
	defer ticker.Stop()
	for end := time.Now().Add(cycle); time.Now().Before(end) && ctx.Err() == nil; <-ticker.C {
		for _, s := range strains {
			probes++
			all.Go(func() { b.strain(ctx, i, s) })
		}
	}
	all.Wait()
	return probes
}

func (b *bench) strain(ctx context.Context, i *instance, s strain) {
	patience := time.Minute
	if s.impatient {
		patience = 200 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	target := b.urls[s.target]
	if target == "" {
		target = "http://127.0.0.1:1/" // nothing listens there
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+scrape(target, s.module), http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "2")
	if resp, err := i.client.Do(req); err == nil { // the answer does not matter
		resp.Body.Close()
	}
}

// rest waits until everything has ended, collects the garbage and measures what is left.
func (b *bench) rest(ctx context.Context, i *instance) (usage, error) {
	i.client.CloseIdleConnections()
	select {
	case <-time.After(rest):
	case <-ctx.Done():
		return usage{}, ctx.Err()
	}
	if _, err := i.get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
		return usage{}, err
	}
	return i.usage(ctx)
}

// flat returns an error if something has grown.
func flat(first, last usage) error {
	const slack = 2 // how much the heap may differ by chance, in MB
	switch {
	case last.goroutines > first.goroutines+slack:
		return fmt.Errorf("goroutines grew from %.0f to %.0f", first.goroutines, last.goroutines)
	case last.files > first.files+slack:
		return fmt.Errorf("open files grew from %d to %d", first.files, last.files)
	case last.heap > first.heap+slack*1e6:
		return fmt.Errorf("the heap grew from %.1f MB to %.1f MB", first.heap/1e6, last.heap/1e6)
	default:
		return nil
	}
}
