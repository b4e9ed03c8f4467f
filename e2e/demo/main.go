// Command demo makes an app fail on this machine. It shows on the terminal how people are notified and how the app is repaired.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

func main() {
	how := flag.String("break", harness.BreakStatus, "how the app fails: status (it answers 503), hang or crash")
	stay := flag.Bool("stay", false, "keep everything running at the end, until Ctrl-C")
	flag.Parse()
	harness.Main("demo", func(ctx context.Context) error {
		err := run(ctx, os.Stdout, *how, *stay)
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stdout, "\nInterrupted. Everything is stopped and removed.")
			return nil
		}
		return err
	})
}

func run(ctx context.Context, out io.Writer, how string, stay bool) (err error) {
	dir, err := os.MkdirTemp("", "healthcheck-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	began := time.Now()
	say := func(format string, a ...any) {
		fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, a...))
	}
	say("Building the exporter and the demo app.")
	binaries, err := harness.Build(ctx, dir)
	if err != nil {
		return err
	}
	s, err := harness.Start(ctx, harness.Options{Binaries: binaries, Dir: dir, Apps: []harness.AppSpec{{Name: "demo"}}})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil {
			fmt.Fprint(os.Stderr, s.Logs())
		}
		err = errors.Join(err, s.Stop())
	}()
	app := s.App("demo")
	say("Everything is running. Look at it while the demo goes on:\n%s", places(s, app))
	say("Waiting until the app has proved to be healthy. The exporter never restarts it before that.")
	if err := s.AwaitArmed(ctx, app); err != nil {
		return err
	}
	say("The app is healthy, and Prometheus has seen it.")
	o, err := outage(ctx, out, say, s, app, how)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", harness.Table([]*harness.Outage{o}))
	if stay {
		say("Everything is still running:\n%s", places(s, app))
		say("Ctrl-C ends it.")
		<-ctx.Done()
	}
	say("Stopping everything and removing %s. With -stay it would keep running.", dir)
	return nil
}

// outage breaks the app and says what happens next.
func outage(ctx context.Context, out io.Writer, say func(string, ...any), s *harness.Stack, app *harness.App, how string) (*harness.Outage, error) {
	shown := 0
	messages := func() {
		for _, m := range s.Slack.Messages()[shown:] {
			fmt.Fprint(out, frame(&m))
			shown++
		}
	}
	say("BREAKING the app (%s). Times with a + count from now.", how)
	o, err := s.Outage(ctx, app, how, func(step string, after time.Duration) {
		say("+%.2f s  %s", after.Seconds(), sentences[step])
		if step == harness.StepDown || step == harness.StepRecovered {
			messages()
		}
	})
	if err != nil {
		return nil, err
	}
	say("Done: the app was restarted %s.", times(len(app.Restarts())))
	return o, s.Slack.Refused()
}

// sentences say what each step means.
var sentences = map[string]string{
	harness.StepWebhook:   "Alertmanager asked the exporter to repair the app.",
	harness.StepDown:      "Slack got a message:",
	harness.StepRestart:   "The exporter had seen the failure itself several times and restarted the app.",
	harness.StepVerified:  "The probes of the exporter confirmed that the restart had helped.",
	harness.StepRecovered: "Slack got a message:",
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func places(s *harness.Stack, app *harness.App) string {
	var b strings.Builder
	for _, p := range [][2]string{
		{"the app's health", app.Link()},
		{"exporter", s.ExporterURL()},
		{"its restart metrics", s.ExporterURL() + "/metrics (healthcheck_restart_...)"},
		{"Prometheus, alerts", s.PrometheusURL() + "/alerts"},
		{"Prometheus, graph", s.PrometheusURL() + "/graph?g0.expr=probe_success&g0.tab=0&g0.range_input=2m"},
		{"Alertmanager", s.AlertmanagerURL()},
	} {
		fmt.Fprintf(&b, "%20s  %s\n", p[0], p[1])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// frame formats a message with a bar in its colour, like Slack.
func frame(m *fakeslack.Message) string {
	bar := "\x1b[32m┃\x1b[0m"
	if m.Firing() {
		bar = "\x1b[31m┃\x1b[0m"
	}
	if os.Getenv("NO_COLOR") != "" || !terminal() {
		bar = "|"
	}
	var b strings.Builder
	for line := range strings.Lines(m.Plain() + "\n") {
		fmt.Fprintf(&b, "          %s %s", bar, line)
	}
	return b.String()
}

func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
