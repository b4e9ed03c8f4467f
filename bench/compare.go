package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// warmUp is the number of probes before the measured ones.
const warmUp = 500

// A turn is what one subject used for each probe in one round.
type turn struct {
	cpu, p50, p99      float64 // in milliseconds
	allocated, objects float64
}

// compare lets all subjects probe each case in turns.
func compare(ctx context.Context, b *bench) error {
	fmt.Fprintf(b.out, "%d rounds of %d probes each, %d scrapers, median of the rounds.\n\n", b.rounds, b.probes, b.scrapers)
	t := newTable(b.out, "target", "exporter", "CPU s / 1000", "× floor", "p50 ms", "p99 ms", "kB / probe", "objects", "RSS MB", "goroutines", "files")
	for name := range strings.SplitSeq(b.cases, ",") {
		if b.urls[targetOf(name)] == "" {
			return fmt.Errorf("unknown case %q", name)
		}
		if err := b.compareCase(ctx, t, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) compareCase(ctx context.Context, t *table, name string) error {
	var running []*instance
	defer func() {
		for _, i := range running {
			i.stop()
		}
	}()
	for _, s := range b.subjects() {
		if !s.can(name) {
			continue
		}
		i, err := b.run(ctx, s)
		if err != nil {
			return err
		}
		running = append(running, i)
		if _, err := i.bear(ctx, b.load(name, warmUp)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	turns := make([][]turn, len(running))
	for range b.rounds {
		for k, i := range running {
			one, err := i.turn(ctx, b.load(name, b.probes))
			if err != nil {
				return fmt.Errorf("%s: %w", i.name, err)
			}
			turns[k] = append(turns[k], one)
		}
	}
	least := 0.0
	for k, i := range running {
		u, err := i.usage(ctx)
		if err != nil {
			return err
		}
		m := medians(turns[k])
		if k == 0 {
			least = m.cpu
		}
		t.row(name, i.name, "%.3f", m.cpu, "%.2f", m.cpu/least, "%.2f", m.p50, "%.2f", m.p99, "%.1f", m.allocated/1e3, "%.0f", m.objects,
			"%.0f", u.rss/1e6, "%.0f", u.goroutines, "%d", u.files)
	}
	return b.profiles(ctx, running, name)
}

// load returns the load of a case. A slow peer makes fewer probes.
func (b *bench) load(name string, probes int) load {
	return load{probes: probes, scrapers: b.scrapers, limit: 10 * time.Second, path: always(b.scrapeOf(name))}
}

// turn makes the turn of one subject in a round.
func (i *instance) turn(ctx context.Context, l load) (turn, error) {
	before, err := i.usage(ctx)
	if err != nil {
		return turn{}, err
	}
	times, err := i.bear(ctx, l)
	if err != nil {
		return turn{}, err
	}
	cpu, err := i.cpu()
	if err != nil {
		return turn{}, err
	}
	after, err := i.usage(ctx)
	if err != nil {
		return turn{}, err
	}
	n := float64(len(times))
	return turn{
		cpu: milliseconds(cpu-before.cpu) / n,
		p50: milliseconds(quantile(times, 0.50)), p99: milliseconds(quantile(times, 0.99)),
		allocated: (after.allocated - before.allocated) / n, objects: (after.objects - before.objects) / n,
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func medians(turns []turn) turn {
	of := func(field func(turn) float64) float64 {
		values := make([]float64, len(turns))
		for i, one := range turns {
			values[i] = field(one)
		}
		return median(values)
	}
	return turn{
		cpu:       of(func(t turn) float64 { return t.cpu }),
		p50:       of(func(t turn) float64 { return t.p50 }),
		p99:       of(func(t turn) float64 { return t.p99 }),
		allocated: of(func(t turn) float64 { return t.allocated }),
		objects:   of(func(t turn) float64 { return t.objects }),
	}
}

// profiles writes profiles of our exporter under load if -profile is set.
func (b *bench) profiles(ctx context.Context, running []*instance, name string) error {
	if b.profile == "" {
		return nil
	}
	const seconds = 5
	for _, i := range running {
		if i.name != "ours" {
			continue
		}
		working, stop := context.WithTimeout(ctx, (seconds+1)*time.Second)
		var load sync.WaitGroup
		load.Go(func() {
			_, _ = i.bear(working, b.load(name, b.probes)) // an error: the load was stopped
		})
		err := b.save(ctx, i, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds), name+".cpu.pprof")
		stop()
		load.Wait()
		if err == nil {
			err = b.save(ctx, i, "/debug/pprof/allocs", name+".allocs.pprof")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// save writes an answer of the exporter to a file.
func (b *bench) save(ctx context.Context, i *instance, path, file string) error {
	text, err := i.get(ctx, path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.profile, file), []byte(text), 0o600)
}

// A table is written row by row, as Markdown that is readable as plain text.
type table struct {
	out    io.Writer
	widths []int
}

func newTable(out io.Writer, columns ...string) *table {
	t := &table{out: out}
	for i, c := range columns {
		width := max(len([]rune(c)), 6)
		if i == 0 {
			width = max(width, 12)
		}
		t.widths = append(t.widths, width)
	}
	t.line(columns)
	rule := make([]string, len(columns))
	for i, w := range t.widths {
		rule[i] = strings.Repeat("-", w-1) + ":"
		if i == 0 {
			rule[i] = strings.Repeat("-", w)
		}
	}
	t.line(rule)
	return t
}

// row writes texts as they are. A format comes before each number.
func (t *table) row(cells ...any) {
	var texts []string
	for i := 0; i < len(cells); i++ {
		text, _ := cells[i].(string)
		if strings.HasPrefix(text, "%") {
			i++
			text = fmt.Sprintf(text, cells[i])
		}
		texts = append(texts, text)
	}
	t.line(texts)
}

func (t *table) line(cells []string) {
	fmt.Fprint(t.out, "|")
	for i, c := range cells {
		pad := strings.Repeat(" ", max(t.widths[i]-len([]rune(c)), 0))
		if i == 0 {
			c += pad
		} else {
			c = pad + c
		}
		fmt.Fprintf(t.out, " %s |", c)
	}
	fmt.Fprintln(t.out)
}
