// Command bench measures what probes cost. It compares the exporter with the floor, which does the least that a prober can do, and
// with blackbox_exporter if that is installed, all in one run. Everything happens on 127.0.0.1. It needs Linux and Go. The page
// docs/performance.md says how to read its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are what the command line decides.
type options struct {
	rounds   int
	probes   int
	scrapers int
	cases    string
	peers    bool
	duration time.Duration
	targets  int
	profile  string
}

// A measurement is something that can be measured.
type measurement struct {
	name, help string
	run        func(ctx context.Context, b *bench) error
}

func measurements() []measurement {
	return []measurement{
		{"compare", "what a probe costs: CPU, time, memory", compare},
		{"direct", "how much longer a scrape takes than a direct request, one at a time", direct},
		{"memory", "resident memory after 50,000 probes of each kind", memory},
		{"inflight", "resident memory with 5,000 probes in flight", inFlight},
		{"steady", "1,000 targets every 10 s and 10 that hang, for -duration", steady},
		{"alone", "1,000 targets every 10 s, a tenth of which hangs, that the exporter probes by itself, beside one that is scraped, for -duration", alone},
		{"page", "what the page costs to open and to keep open, with 1,000 and 10,000 targets", page},
		{"linear", "what a probe costs with an inventory of 100, 1,000 and 10,000 targets", linear},
		{"reload", "reloads of 10,000 targets while they are probed", reload},
		{"start", "time from the start of the process to its first answer", startTime},
		{"soak", "goroutines, files and heap during -duration, with targets that misbehave", soak},
	}
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "turns of each exporter; the result is their median")
	flag.IntVar(&o.probes, "probes", 2000, "probes in a turn")
	flag.IntVar(&o.scrapers, "scrapers", 16, "scrapers at the same time")
	flag.StringVar(&o.cases, "cases", strings.Join(allCases, ","), "kinds of targets to compare")
	flag.BoolVar(&o.peers, "peers", true, "measure blackbox_exporter, too, if it is installed")
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long steady and soak take")
	flag.IntVar(&o.targets, "targets", 1000, "how many targets steady has")
	flag.StringVar(&o.profile, "profile", "", "directory for a CPU and an allocation profile of each case of compare")
	flag.Usage = help
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &o, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func help() {
	out := flag.CommandLine.Output()
	fmt.Fprintln(out, "usage: bench [flags] MEASUREMENT...")
	for _, m := range measurements() {
		fmt.Fprintf(out, "  %-9s %s\n", m.name, m.help)
	}
	flag.PrintDefaults()
}

// run makes the named measurements.
func run(ctx context.Context, o *options, names []string) error {
	if len(names) == 0 {
		names = []string{"compare"}
	}
	var todo []measurement
	for _, name := range names {
		i := slices.IndexFunc(measurements(), func(m measurement) bool { return m.name == name })
		if i < 0 {
			return fmt.Errorf("unknown measurement %q, see -help", name)
		}
		todo = append(todo, measurements()[i])
	}
	dir, err := os.MkdirTemp("", "healthcheck_bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system removes what is left
	b, err := newBench(ctx, dir, o)
	if err != nil {
		return err
	}
	defer b.serving.stop()
	for _, m := range todo {
		fmt.Fprintf(b.out, "\n## %s: %s\n\n", m.name, m.help)
		if err := m.run(ctx, b); err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
	}
	return nil
}

// A bench has what all measurements share: the built programs and the targets.
type bench struct {
	*options
	out     io.Writer
	dir     string
	urls    map[string]string // of the targets, by name
	serving *process          // the targets
}

// file returns the path of a file of this run.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }
