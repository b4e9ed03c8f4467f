package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// scrapeInterval is a common interval of Prometheus servers that scrape often.
const scrapeInterval = 10 * time.Second

// inventory writes a configuration with healthy targets, named t0, t1 and so on, and hanging targets, named h0, h1 and so on. All
// of them have the label remark.
func (b *bench) inventory(file string, targets, hanging int, remark string) error {
	var text strings.Builder
	text.WriteString(moduleConfig(b.dir, true))
	text.WriteString("targets:\n")
	add := func(name, address string) {
		fmt.Fprintf(&text, "  - {name: %s, url: %q, module: http, interval: %s, labels: {remark: %q}}\n", name, address, scrapeInterval, remark)
	}
	for i := range targets {
		add(fmt.Sprintf("t%d", i), fmt.Sprintf("%s/%d", b.urls["http"], i))
	}
	for i := range hanging {
		add(fmt.Sprintf("h%d", i), fmt.Sprintf("%s/%d", b.urls["hanging"], i))
	}
	return os.WriteFile(b.file(file), []byte(text.String()), 0o600)
}

func named(prefix string) func(int) string {
	return func(i int) string { return fmt.Sprintf("/probe?name=%s%d", prefix, i) }
}

// A pace is a series of scrapes at fixed times. Like Prometheus it does not wait for earlier scrapes.
type pace struct {
	targets  int
	path     func(i int) string
	interval time.Duration // of each target
	duration time.Duration
}

// A course is the outcome of the scrapes of a pace.
type course struct {
	mu     sync.Mutex // protects the following
	times  []time.Duration
	failed int   // probes that found the target down, or were late
	err    error // of the last of them
}

// keep makes the scrapes of a pace. It returns their durations, the shortest first.
func (i *instance) keep(ctx context.Context, p pace) *course {
	var c course
	var all sync.WaitGroup
	start := time.Now()
	step := p.interval / time.Duration(p.targets)
	for k := 0; ; k++ {
		at := start.Add(time.Duration(k) * step)
		if at.Sub(start) >= p.duration || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Until(at))
		all.Go(func() {
			scrape, cancel := context.WithTimeout(ctx, scrapeInterval)
			defer cancel()
			err := i.probe(scrape, p.path(k%p.targets))
			took := time.Since(at) // includes the delay of the scrape
			c.mu.Lock()
			defer c.mu.Unlock()
			c.times = append(c.times, took)
			if err != nil {
				c.failed++
				c.err = err
			}
		})
	}
	all.Wait()
	slices.Sort(c.times)
	return &c
}

// steady scrapes many healthy targets and some that hang. The floor gets only the healthy ones, because it has no deadlines. It
// runs at the same time and on the same core.
func steady(ctx context.Context, b *bench) error {
	const hanging = 10
	if err := b.inventory("steady.yml", b.targets, hanging, "steady"); err != nil {
		return err
	}
	ours, err := b.run(ctx, b.ours("steady.yml"))
	if err != nil {
		return err
	}
	defer ours.stop()
	floor, err := b.run(ctx, b.floor())
	if err != nil {
		return err
	}
	defer floor.stop()

	healthy := pace{b.targets, named("t"), scrapeInterval, b.duration}
	sick := pace{hanging, named("h"), scrapeInterval, b.duration}
	fixed := pace{b.targets, always(b.scrapeOf("http")), scrapeInterval, b.duration}
	var of [3]*course
	var all sync.WaitGroup
	all.Go(func() { of[0] = floor.keep(ctx, fixed) })
	all.Go(func() { of[1] = ours.keep(ctx, healthy) })
	all.Go(func() { of[2] = ours.keep(ctx, sick) })
	all.Wait()

	t := newTable(b.out, "exporter", "probes", "failed", "p50 ms", "p99 ms", "longest ms", "% of a core", "× floor", "RSS MiB", "peak MiB")
	least := time.Duration(0)
	for k, i := range []*instance{floor, ours} {
		u, err := i.usage(ctx)
		if err != nil {
			return err
		}
		if k == 0 {
			least = u.cpu
		}
		c := of[k]
		t.row(i.name, "%d", len(c.times), "%d", c.failed, "%.1f", milliseconds(quantile(c.times, 0.5)), "%.1f", milliseconds(quantile(c.times, 0.99)),
			"%.0f", milliseconds(c.times[len(c.times)-1]), "%.1f", 100*u.cpu.Seconds()/b.duration.Seconds(), "%.2f", float64(u.cpu)/float64(least),
			"%.0f", u.rss/(1<<20), "%.0f", u.peak/(1<<20))
		if c.err != nil {
			fmt.Fprintf(b.out, "\n%s: %s\n", i.name, c.err)
		}
	}
	fmt.Fprintf(b.out, "\nOf %d probes of hanging targets %d failed; the longest took %.1f s.\n", len(of[2].times), of[2].failed, of[2].times[len(of[2].times)-1].Seconds())
	return nil
}

// linear shows whether a probe costs more with more targets.
func linear(ctx context.Context, b *bench) error {
	const probes = 10_000
	t := newTable(b.out, "targets", "CPU s / 1000", "× 100", "kB / probe", "p50 ms", "RSS MB", "start ms")
	first := 0.0
	for _, n := range []int{100, 1000, 10_000} {
		if err := b.inventory("linear.yml", n, 0, "linear"); err != nil {
			return err
		}
		from := time.Now()
		i, err := b.run(ctx, b.ours("linear.yml"))
		if err != nil {
			return err
		}
		started := time.Since(from)
		m, u, err := b.round(ctx, i, n, probes)
		i.stop()
		if err != nil {
			return err
		}
		if first == 0 {
			first = m.cpu
		}
		t.row(strconv.Itoa(n), "%.3f", m.cpu, "%.2f", m.cpu/first, "%.1f", m.allocated/1e3, "%.2f", m.p50, "%.0f", u.rss/1e6, "%.0f", milliseconds(started))
	}
	return nil
}

// round probes every target once, and then some of them one after the other.
func (b *bench) round(ctx context.Context, i *instance, targets, probes int) (turn, usage, error) {
	one := func(k int) string { return named("t")(k % targets) }
	if _, err := i.bear(ctx, load{probes: max(targets, warmUp), scrapers: b.scrapers, path: one}); err != nil {
		return turn{}, usage{}, err
	}
	m, err := i.turn(ctx, load{probes: probes, scrapers: b.scrapers, path: one})
	if err != nil {
		return turn{}, usage{}, err
	}
	u, err := i.usage(ctx)
	return m, u, err
}

// reload makes the exporter reload a changing inventory again and again while its targets are probed.
func reload(ctx context.Context, b *bench) error {
	const targets, perSecond, reloads = 10_000, 200, 10
	if err := b.inventory("reload.yml", targets, 0, "0"); err != nil {
		return err
	}
	i, err := b.run(ctx, b.ours("reload.yml"))
	if err != nil {
		return err
	}
	defer i.stop()
	probing, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan *course, 1)
	go func() {
		done <- i.keep(ctx, pace{targets, named("t"), targets * time.Second / perSecond, time.Minute})
	}()
	var times []time.Duration
	var failed error
	for k := range reloads {
		if err := b.inventory("reload.yml", targets, 0, strconv.Itoa(k+1)); err != nil {
			return err
		}
		from := time.Now()
		failed = errors.Join(failed, i.post(probing, "/-/reload"))
		times = append(times, time.Since(from))
		time.Sleep(time.Second)
	}
	c := <-done
	u, err := i.usage(ctx)
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	slices.Sort(times)
	t := newTable(b.out, "reloads", "longest ms", "probes", "missed", "p50 ms", "p99 ms", "longest ms", "peak MB")
	t.row(strconv.Itoa(reloads), "%.0f", milliseconds(times[reloads-1]), "%d", len(c.times), "%d", c.failed, "%.1f", milliseconds(quantile(c.times, 0.5)),
		"%.1f", milliseconds(quantile(c.times, 0.99)), "%.0f", milliseconds(c.times[len(c.times)-1]), "%.0f", u.peak/1e6)
	return c.err
}

func (i *instance) post(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.base+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := i.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &url.Error{Op: http.MethodPost, URL: path, Err: fmt.Errorf("status %d, want 200", resp.StatusCode)}
	}
	return nil
}
