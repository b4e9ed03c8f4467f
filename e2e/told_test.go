//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

var slowly = flag.Bool("e2e.told", false, "play the incident of 20 minutes at the times of the shipped files; make e2e-told")

// A change is what happens to an app some time after the first failure.
type change struct {
	after time.Duration
	app   string
	up    bool
}

// One incident in two speeds. App nosock stays down in it, and every other app recovers at a time of its own.
var incident = []change{
	{0, "nosock", false},
	{0, "slowsvc", false},
	{0, "plainurl", false},
	{60 * time.Second, "slowsvc", true},
	{135 * time.Second, "shop", false},
	{195 * time.Second, "shop", true},
	{240 * time.Second, "plainurl", true},
	{480 * time.Second, "wiki", false}, // long after the recoveries: its messages are about itself
	{540 * time.Second, "wiki", true},
	{600 * time.Second, "shop", false}, // again, while its last recovery is still repeated by Prometheus
	{660 * time.Second, "shop", true},
	{675 * time.Second, "wiki", false}, // one evaluation after another change
	{735 * time.Second, "wiki", true},
}

// fast has an evaluation per second, and Prometheus repeats each alert every 10 s.
var fast = harness.Timing{
	Scrape: time.Second, Evaluation: time.Second, GroupWait: 100 * time.Millisecond, GroupInterval: time.Second, Resend: 10 * time.Second,
}

// TestToldOnce plays the incident in two minutes.
func TestToldOnce(t *testing.T) {
	playIncident(t, 10, fast)
}

// TestToldOnceSlowly plays it at the times of the shipped files and of Prometheus' defaults.
func TestToldOnceSlowly(t *testing.T) {
	if !*slowly {
		t.Skip("it takes 20 minutes: make e2e-told")
	}
	playIncident(t, 1, harness.Timing{Scrape: 15 * time.Second, Evaluation: 15 * time.Second})
}

// TestToldAfterOutage lets Slack be away while a target recovers and another one stays down. Both the recovery and the next
// failure are told.
func TestToldAfterOutage(t *testing.T) {
	var apps []harness.AppSpec
	for _, name := range []string{"nosock", "shop"} {
		apps = append(apps, harness.AppSpec{Name: name, Service: "      mode: off\n"})
	}
	ctx, s := startWith(t, harness.Options{Apps: apps, Timing: fast})
	for _, app := range s.Apps {
		if err := s.AwaitArmed(ctx, app); err != nil {
			t.Fatal(err)
		}
	}
	breakApp(ctx, t, s, "nosock")
	await(ctx, t, "Slack hears of nosock", about(s, "DOWN: nosock"))
	shop := breakApp(ctx, t, s, "shop")
	await(ctx, t, "Slack hears of shop", about(s, "2 DOWN"))
	s.Slack.Out(true)
	if err := shop.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	// Longer than Alertmanager tries to deliver one message, and than a recovery is told at first.
	goOn(ctx, t, s, 2*fast.Resend)
	s.Slack.Out(false)
	await(ctx, t, "Slack hears that shop has recovered", about(s, "1 RECOVERED"))
	breakApp(ctx, t, s, "shop")
	await(ctx, t, "Slack hears of shop again", func(context.Context) (bool, error) { return len(titles(s, "2 DOWN")) > 1, nil })
}

// playIncident wants each change told once, and nothing told beside the changes.
func playIncident(t *testing.T, faster time.Duration, timing harness.Timing) {
	t.Helper()
	o := harness.Options{Timing: timing}
	for _, name := range []string{"nosock", "plainurl", "quiet", "shop", "slowsvc", "wiki"} {
		o.Apps = append(o.Apps, harness.AppSpec{Name: name, Service: "      mode: off\n"})
	}
	ctx, s := startWith(t, o)
	for _, app := range s.Apps {
		if err := s.AwaitArmed(ctx, app); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for _, c := range incident {
		goOn(ctx, t, s, time.Until(began.Add(c.after/faster)))
		if c.up {
			if err := s.App(c.app).Heal(ctx); err != nil {
				t.Fatal(err)
			}
			continue
		}
		breakApp(ctx, t, s, c.app)
	}
	// What Prometheus repeats of the last recovery, it has repeated by then a few times.
	goOn(ctx, t, s, time.Until(began.Add(20*time.Minute/faster)))
	told := s.Told()
	var list strings.Builder
	for i := range told {
		fmt.Fprintf(&list, "%s  %s\n", told[i].At.Format(time.TimeOnly), strings.ReplaceAll(told[i].Plain(), "\n", "\n          "))
	}
	t.Logf("%d messages:\n%s", len(told), list.String())
	eventsOf(told).check(t)
}

// goOn lets the incident go on for that long. Slack must like every message.
func goOn(ctx context.Context, t *testing.T, s *harness.Stack, d time.Duration) {
	t.Helper()
	if err := harness.Throughout(ctx, d, func(context.Context) error { return s.Slack.Refused() }); err != nil {
		t.Fatal(err)
	}
}

// events are what messages said, by target and time: which failures, and how often each recovery.
type events struct {
	failed, recovered map[string]int
	messages          int
}

var (
	oneTarget  = regexp.MustCompile(`(?:DOWN|RECOVERED): ([\w-]+) `)
	sinceTime  = regexp.MustCompile(`\*Since:\* <!date\^(\d+)\^`)
	lastedTo   = regexp.MustCompile(`\*Lasted:\* .* to <!date\^(\d+)\^`)
	lineFailed = regexp.MustCompile(`(?m)^• \*([\w-]+)\* .*since <!date\^(\d+)\^`)
	lineEnded  = regexp.MustCompile(`(?m)^• \*([\w-]+)\* .*recovered <!date\^(\d+)\^`)
)

func eventsOf(messages []fakeslack.Message) *events {
	e := &events{failed: map[string]int{}, recovered: map[string]int{}, messages: len(messages)}
	for i := range messages {
		a := &messages[i].Attachments[0]
		for _, kind := range []struct {
			seen      map[string]int
			one, many *regexp.Regexp
		}{
			{e.failed, sinceTime, lineFailed},
			{e.recovered, lastedTo, lineEnded},
		} {
			name, at := oneTarget.FindStringSubmatch(a.Title), kind.one.FindStringSubmatch(a.Text)
			if name != nil && at != nil {
				kind.seen[name[1]+" "+at[1]]++
			}
			for _, line := range kind.many.FindAllStringSubmatch(a.Text, -1) {
				kind.seen[line[1]+" "+line[2]]++
			}
		}
	}
	return e
}

func (e *events) check(t *testing.T) {
	t.Helper()
	ups := 0
	for _, c := range incident {
		if c.up {
			ups++
		}
	}
	if downs := len(incident) - ups; len(e.failed) != downs {
		t.Errorf("%d failures were told, want %d: %v", len(e.failed), downs, e.failed)
	}
	if len(e.recovered) != ups {
		t.Errorf("%d recoveries were told, want %d: %v", len(e.recovered), ups, e.recovered)
	}
	for _, r := range slices.Sorted(maps.Keys(e.recovered)) {
		if n := e.recovered[r]; n != 1 {
			t.Errorf("the recovery of %s was told %d times, want once", r, n)
		}
	}
	if e.messages > len(incident) {
		t.Errorf("%d messages were about %d changes", e.messages, len(incident))
	}
}
