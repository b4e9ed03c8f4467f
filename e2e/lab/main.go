// Command lab plays incidents on real processes under a real PM2, and compares what repairs them: the exporter, a script that
// cron would run, and the rule "three failures, restart". For each it counts the restarts that were wrong, the repairs that
// were missed, and the seconds until the service was healthy. Everything happens on 127.0.0.1. It needs Go, npm and the
// Debian packages prometheus and prometheus-alertmanager.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// options are what the command line decides.
type options struct {
	classes, actors string
	plays, atOnce   int
	keep            string
}

func main() {
	if isApp() {
		serveApp(os.Args[2:])
	}
	var o options
	flag.StringVar(&o.classes, "class", "", "classes by name, separated by commas (default all)")
	flag.StringVar(&o.actors, "actor", "", "actors by name, separated by commas (default all)")
	flag.IntVar(&o.plays, "plays", 3, "plays of each class by each actor")
	flag.IntVar(&o.atOnce, "at-once", 4, "plays at a time, each with a PM2 of its own")
	flag.StringVar(&o.keep, "keep", "", "directory for the log of each play, and for the audit of the exporter (default none is kept)")
	flag.Usage = help
	flag.Parse()
	harness.Judge("lab", func(ctx context.Context) (good bool, err error) { return run(ctx, os.Stdout, &o) })
}

func help() {
	out := flag.CommandLine.Output()
	fmt.Fprintln(out, "usage: lab [flags], from the root of the repository\n\nExit status: 0 the exporter did well, 1 it restarted wrongly or missed a repair, 2 nothing was played.\n\nclasses:")
	for _, c := range classes() {
		fmt.Fprintf(out, "  %-15s %s\n", c.name, c.help)
	}
	fmt.Fprintln(out, "\nactors:")
	for _, a := range actors() {
		fmt.Fprintf(out, "  %-15s %s\n", a.name, a.help)
	}
	fmt.Fprintln(out, "\nflags:")
	flag.PrintDefaults()
}

// A lab is what all plays share.
type lab struct {
	dir      string // of the program of PM2
	binaries *harness.Binaries
	program  string // this one
	keep     string
}

// run makes all plays and shows the table. It reports whether the exporter did as well as it must.
func run(ctx context.Context, out io.Writer, o *options) (good bool, err error) {
	chosen, err := choose(classes(), o.classes, func(c *class) string { return c.name })
	who, err2 := choose(actors(), o.actors, func(a *actor) string { return a.name })
	if err := errors.Join(err, err2); err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "healthcheck-lab-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left of it the system clears away
	l := &lab{dir: dir, keep: o.keep}
	if err := l.prepare(ctx); err != nil {
		return false, err
	}
	results, err := l.playAll(ctx, out, schedule(chosen, who, o.plays), o.atOnce)
	if err != nil {
		return false, err
	}
	return report(out, results), nil
}

// choose finds what a list names; all, if it is empty.
func choose[T any](all []T, list string, name func(*T) string) (chosen []T, err error) {
	for i := range all {
		if list == "" || slices.Contains(strings.Split(list, ","), name(&all[i])) {
			chosen = append(chosen, all[i])
		}
	}
	if list != "" && len(chosen) != len(strings.Split(list, ",")) {
		return nil, fmt.Errorf("%q has a name that is not known, see -help", list)
	}
	return chosen, nil
}

// prepare installs PM2 and builds the exporter.
func (l *lab) prepare(ctx context.Context) (err error) {
	if l.program, err = os.Executable(); err != nil {
		return err
	}
	if l.binaries, err = harness.Build(ctx, l.dir); err != nil {
		return err
	}
	if err := os.CopyFS(l.dir, os.DirFS(l.binaries.Shipped("e2e", "pm2"))); err != nil {
		return err
	}
	return harness.InstallPackages(ctx, l.dir)
}

// pm2 is the program of PM2.
func (l *lab) pm2() string { return filepath.Join(l.dir, "node_modules", ".bin", "pm2") }

// A setting is a play that is to be made.
type setting struct {
	class class
	actor actor
	n     int
}

// schedule is all of them, those of one class one after the other.
func schedule(chosen []class, who []actor, plays int) (all []setting) {
	for _, c := range chosen {
		for _, a := range who {
			for n := range plays {
				all = append(all, setting{c, a, n + 1})
			}
		}
	}
	return all
}

// playAll makes the plays, some at a time.
func (l *lab) playAll(ctx context.Context, out io.Writer, all []setting, atOnce int) (results []result, err error) {
	var mu sync.Mutex // protects results, err and out
	var running sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for _, s := range all {
		room <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		running.Go(func() {
			defer func() { <-room }()
			began := time.Now()
			r, problem := l.play(ctx, &s)
			mu.Lock()
			defer mu.Unlock()
			if problem != nil {
				err = errors.Join(err, fmt.Errorf("%s by %s: %w", s.class.name, s.actor.name, problem))
				return
			}
			results = append(results, r)
			fmt.Fprintf(out, "%-15s %-9s %d  %s, %s in all\n", s.class.name, s.actor.name, s.n, r.text(), time.Since(began).Round(time.Second))
		})
	}
	running.Wait()
	return results, errors.Join(err, context.Cause(ctx))
}
