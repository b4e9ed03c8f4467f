// Command benchloop measures the time from a failure to the notifications of people and of the restart receiver, and from the
// recovery to the notification of people, with the shipped files at several intervals.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// settings are the intervals. Everything else is as shipped: a group_wait of 500 ms for people and 200 ms for restarts.
var settings = map[string]harness.Timing{
	"1s":  {Scrape: time.Second, Evaluation: time.Second, GroupInterval: 5 * time.Second},
	"5s":  {Scrape: 5 * time.Second, Evaluation: 5 * time.Second, GroupInterval: 15 * time.Second},
	"15s": {Scrape: 15 * time.Second, Evaluation: 15 * time.Second, GroupInterval: 15 * time.Second},
}

// The shipped group_wait of the routes.
const (
	waitRestart = 200 * time.Millisecond
	waitSlack   = 500 * time.Millisecond
)

func main() {
	n := flag.Int("n", 20, "how many apps fail in each setting")
	which := flag.String("settings", "1s,5s,15s", "which settings: 1s, 5s, 15s")
	flag.Parse()
	harness.Main("benchloop", func(ctx context.Context) error { return run(ctx, os.Stdout, *n, strings.Split(*which, ",")) })
}

func run(ctx context.Context, out io.Writer, n int, which []string) (err error) {
	dir, err := os.MkdirTemp("", "healthcheck-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binaries, err := harness.Build(ctx, dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "interval\tfrom\tto\tn\tmin\tmean\tp95\tmax\tmean by the model\t")
	for _, name := range which {
		timing, ok := settings[name]
		if !ok {
			return fmt.Errorf("unknown setting %q, want 1s, 5s or 15s", name)
		}
		fmt.Fprintf(os.Stderr, "measuring %s with %d apps\n", name, n)
		rows, err := measure(ctx, harness.Options{Binaries: binaries, Dir: dir + "/" + name, Apps: apps(n), Timing: timing, GroupBy: "target"})
		if err != nil {
			return fmt.Errorf("measuring %s: %w", name, err)
		}
		for _, r := range rows {
			slices.Sort(r.took)
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", name, r.from, r.to, len(r.took), r.took[0].Seconds(), mean(r.took).Seconds(),
				r.took[(len(r.took)*95+99)/100-1].Seconds(), r.took[len(r.took)-1].Seconds(), r.model.Seconds())
		}
	}
	return w.Flush()
}

// apps describes apps that the exporter does not restart. We heal them at a time of our choice.
func apps(n int) []harness.AppSpec {
	var all []harness.AppSpec
	for i := range n {
		all = append(all, harness.AppSpec{Name: fmt.Sprintf("bench-%03d", i+1), Service: "      mode: observe\n"})
	}
	return all
}

// A row has the times from one event to another.
type row struct {
	from, to string
	took     []time.Duration
	model    time.Duration // the mean by the model
}

func mean(all []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	return sum / time.Duration(len(all))
}

// measure makes every app fail at a random time within two intervals, and later heals them in the same way. Each app is a group of
// its own in Alertmanager, as if it were the first to fail after a quiet time.
func measure(ctx context.Context, o harness.Options) (rows []row, err error) {
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return nil, err
	}
	s, err := harness.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Slack.Refused(), s.Stop()) }()
	for _, app := range s.Apps {
		if err := s.AwaitArmed(ctx, app); err != nil {
			return nil, err
		}
	}
	t := o.Timing
	limit := 4*(t.Scrape+t.Evaluation+t.GroupInterval) + 20*time.Second
	half := (t.Scrape + t.Evaluation) / 2
	webhook := row{from: "failure", to: "webhook", model: half + t.For + waitRestart}
	slack := row{from: "failure", to: "Slack", model: half + t.For + waitSlack}
	recovery := row{from: "recovery", to: "Slack", model: half + t.GroupInterval/2}

	broken, err := spread(ctx, s.Apps, 2*t.Scrape, func(app *harness.App) (time.Time, error) { return app.Break(ctx, harness.BreakStatus) })
	if err != nil {
		return nil, err
	}
	for i, app := range s.Apps {
		at, err := await(ctx, limit, app.Name+" asks for a restart", func() time.Time {
			for _, d := range s.Tap.Firing(app.Target) {
				return d.At
			}
			return time.Time{}
		})
		if err != nil {
			return nil, err
		}
		webhook.took = append(webhook.took, at.Sub(broken[i]))
		if at, err = await(ctx, limit, "Slack hears of "+app.Name, func() time.Time { return told(s, "DOWN: "+app.Name) }); err != nil {
			return nil, err
		}
		slack.took = append(slack.took, at.Sub(broken[i]))
	}
	healed, err := spread(ctx, s.Apps, 2*t.Scrape, func(app *harness.App) (time.Time, error) {
		err := app.Heal(ctx)
		return time.Now(), err
	})
	if err != nil {
		return nil, err
	}
	for i, app := range s.Apps {
		at, err := await(ctx, limit, "Slack hears that "+app.Name+" is well", func() time.Time { return told(s, "RECOVERED: "+app.Name) })
		if err != nil {
			return nil, err
		}
		recovery.took = append(recovery.took, at.Sub(healed[i]))
	}
	return []row{webhook, slack, recovery}, nil
}

// spread calls do for every app at random times within d, and returns these times.
func spread(ctx context.Context, apps []*harness.App, d time.Duration, do func(*harness.App) (time.Time, error)) ([]time.Time, error) {
	times := make([]time.Time, len(apps))
	for _, i := range rand.Perm(len(apps)) {
		pause := time.Duration(2 * rand.Float64() * float64(d) / float64(len(apps)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		var err error
		if times[i], err = do(apps[i]); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func await(ctx context.Context, limit time.Duration, what string, look func() time.Time) (at time.Time, err error) {
	err = harness.Until(ctx, limit, what, func(context.Context) (bool, error) {
		at = look()
		return !at.IsZero(), nil
	})
	return at, err
}

// told returns when Slack got the first message whose title contains the text.
func told(s *harness.Stack, text string) time.Time {
	for _, m := range s.Slack.Messages() {
		if strings.Contains(m.Attachments[0].Title, text) {
			return m.At
		}
	}
	return time.Time{}
}
