// Command siege attacks a running exporter in every known way at once, for minutes, while it has 256 MiB of memory and 256
// descriptors. The exporter has to survive, probe every healthy target on time, never show one of them as down, and restart and
// verify a service that really fails meanwhile. Everything happens on 127.0.0.0/8. It needs Linux, Go and a shell, and root to
// limit memory by a cgroup.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// options are what the command line decides.
type options struct {
	duration time.Duration
	only     string
	except   string
	memory   int // MiB
	files    int
	healthy  int
	late     int // percent
	log      string
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long the siege lasts, at least 30s")
	flag.StringVar(&o.only, "only", "", "names of attacks, separated by commas; the attack none does nothing (default all)")
	flag.StringVar(&o.except, "except", "", "names of attacks to leave out")
	flag.IntVar(&o.memory, "memory", 256, "memory of the exporter and its children, in MiB")
	flag.IntVar(&o.files, "files", 256, "file descriptors of the exporter")
	flag.IntVar(&o.late, "late", 0, "percentage of the probes of healthy targets that may be late: other work on the machine makes them late, too")
	flag.IntVar(&o.healthy, "healthy", 50, "number of healthy targets")
	flag.StringVar(&o.log, "log", "", "file for the log of the exporter (default: the log is not kept)")
	flag.Usage = help
	flag.Parse()
	harness.Judge("siege", func(ctx context.Context) (held bool, err error) { return run(ctx, os.Stdout, &o) })
}

func help() {
	out := flag.CommandLine.Output()
	fmt.Fprintln(out, "usage: siege [flags], from the root of the repository\n\nExit status: 0 the exporter held out, 1 it did not, 2 there was no siege.\n\nattacks:")
	for _, a := range attacks() {
		fmt.Fprintf(out, "  %-13s %s\n", a.name, a.help)
	}
	fmt.Fprintln(out, "\nflags:")
	flag.PrintDefaults()
}

// run runs one siege. It reports whether the exporter held out.
func run(ctx context.Context, out io.Writer, o *options) (held bool, err error) {
	chosen, err := choose(o.only, o.except)
	if err != nil {
		return false, err
	}
	if o.duration < 30*time.Second {
		return false, fmt.Errorf("-duration is %s, want at least 30s: the restart takes that long", o.duration)
	}
	s, err := prepare(ctx, o)
	if err != nil {
		return false, err
	}
	defer s.close()
	fmt.Fprintf(out, "%s against %d healthy targets; %s\n", o.duration, o.healthy, s.exporter.limits)
	s.hold(ctx, chosen)
	return s.report(out, chosen), nil
}

// choose returns the attacks with these names.
func choose(only, except string) ([]attack, error) {
	all := map[string]attack{"none": {}}
	var chosen []attack
	for _, a := range attacks() {
		all[a.name] = a
		if only == "" && !listed(except, a.name) || listed(only, a.name) {
			chosen = append(chosen, a)
		}
	}
	for name := range strings.SplitSeq(only+","+except, ",") {
		if _, ok := all[name]; !ok && name != "" {
			return nil, fmt.Errorf("unknown attack %q, see -help", name)
		}
	}
	return chosen, nil
}

func listed(list, name string) bool { return strings.Contains(","+list+",", ","+name+",") }
