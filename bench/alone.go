package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// alone compares an exporter that probes its targets by itself with one that is scraped for the same. They run at the same time and
// on the same core. A third one has a tenth of its targets hang: it says how late its own probes begin.
func alone(ctx context.Context, b *bench) error {
	hanging := b.targets / 10
	if err := errors.Join(
		b.inventory("scraped.yml", b.targets, 0, "scraped"),
		b.inventory("alone.yml", b.targets, 0, "alone"), b.selfProbed("alone.yml"),
		b.inventory("hanging.yml", b.targets-hanging, hanging, "hanging"), b.selfProbed("hanging.yml"),
	); err != nil {
		return err
	}
	var all [3]*instance
	defer func() {
		for _, i := range all {
			if i != nil {
				i.stop()
			}
		}
	}()
	for k, file := range []string{"scraped.yml", "alone.yml", "hanging.yml"} {
		i, err := b.run(ctx, b.ours(file))
		if err != nil {
			return err
		}
		all[k] = i
	}
	t := newTable(b.out, "exporter", "probes", "% of a core", "× scraped", "RSS MiB", "peak MiB")
	if err := b.warm(ctx, all[0]); err != nil {
		return err
	}
	before, err := usages(ctx, all[:])
	if err != nil {
		return err
	}
	var probes [3]float64 // those before
	for k, i := range all {
		if probes[k], err = sum(ctx, i, finished); err != nil {
			return err
		}
	}
	course := all[0].keep(ctx, pace{b.targets, named("t"), scrapeInterval, b.duration})
	after, err := usages(ctx, all[:])
	if err != nil {
		return err
	}
	least := after[0].cpu - before[0].cpu
	for k, name := range []string{"scraped", "alone", "alone, 10 % hang"} {
		made, err := sum(ctx, all[k], finished)
		if err != nil {
			return err
		}
		cpu := after[k].cpu - before[k].cpu
		t.row(name, "%.0f", made-probes[k], "%.1f", 100*cpu.Seconds()/b.duration.Seconds(), "%.2f", float64(cpu)/float64(least), "%.0f", after[k].rss/(1<<20), "%.0f", after[k].peak/(1<<20))
	}
	fmt.Fprintf(b.out, "\n%d scrapes found a target down.\n", course.failed)
	return b.lateness(ctx, all[2])
}

// finished begins the series of the metric that counts probes, whoever asked for them.
const finished = "healthcheck_exporter_probes_total{"

// selfProbed has the exporter of a configuration probe by itself.
func (b *bench) selfProbed(file string) error {
	text, err := os.ReadFile(b.file(file))
	if err != nil {
		return err
	}
	return os.WriteFile(b.file(file), append([]byte("status: {self_probe: when_stale, persist: false}\n"), text...), 0o600)
}

// warm lets one interval pass, in which each target is probed for the first time.
func (b *bench) warm(ctx context.Context, scraped *instance) error {
	return scraped.keep(ctx, pace{b.targets, named("t"), scrapeInterval, 2 * scrapeInterval}).err
}

// usages are those of all instances, asked at the same time.
func usages(ctx context.Context, all []*instance) ([]usage, error) {
	of, errs := make([]usage, len(all)), make([]error, len(all))
	var asked sync.WaitGroup
	for k, i := range all {
		asked.Go(func() { of[k], errs[k] = i.usage(ctx) })
	}
	asked.Wait()
	return of, errors.Join(errs...)
}

// sum adds up the series of the exporter's metrics that begin with a text.
func sum(ctx context.Context, i *instance, prefix string) (total float64, err error) {
	text, err := i.get(ctx, "/metrics")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		fields := strings.Fields(line[len(prefix):]) // what is left of the labels, and the value
		n, wrong := strconv.ParseFloat(fields[len(fields)-1], 64)
		total, err = total+n, errors.Join(err, wrong)
	}
	return total, err
}

// lateness says how late the own probes of an exporter began.
func (b *bench) lateness(ctx context.Context, i *instance) error {
	text, err := i.get(ctx, "/metrics")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "healthcheck_exporter_self_probe_lateness_seconds") {
			fmt.Fprint(b.out, line)
		}
	}
	return err
}
