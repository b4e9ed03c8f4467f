//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// TestOutage is the story of the product: an app fails, people hear of it, it is restarted once, and people hear that it
// is well.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ how, reason string }{
		{harness.BreakStatus, "status 503"},
		{harness.BreakHang, "request_timeout"},
		{harness.BreakCrash, "connect_refused"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			t.Parallel()
			var outages []*harness.Outage
			for i := range *loops {
				t.Run(strconv.Itoa(i+1), func(t *testing.T) {
					outages = append(outages, outage(t, tt.how, tt.reason))
				})
			}
			if !t.Failed() {
				t.Logf("\n%s", harness.Table(outages))
			}
		})
	}
}

func outage(t *testing.T, how, reason string) *harness.Outage {
	ctx, s := start(t, harness.AppSpec{Name: "demo"})
	app := s.App("demo")
	if err := s.AwaitArmed(ctx, app); err != nil {
		t.Fatal(err)
	}
	o, err := s.Outage(ctx, app, how, func(step string, after time.Duration) { t.Logf("%5.2f s  %s", after.Seconds(), step) })
	if err != nil {
		t.Fatal(err)
	}
	// Slack is told at about the time of the restart, whichever is first. So it is with what the exporter and what Prometheus
	// see of the end.
	inOrder(t, o, harness.StepDown, harness.StepVerified)
	inOrder(t, o, harness.StepDown, harness.StepRecovered)
	inOrder(t, o, harness.StepWebhook, harness.StepRestart, harness.StepVerified)
	inOrder(t, o, harness.StepRestart, harness.StepRecovered)
	// A service that hangs must not keep the controller from hearing of it. Two checks and the last look at it take 3 s, and a machine
	// may be busy.
	if took := o.After[harness.StepRestart] - o.After[harness.StepWebhook]; took > 5*time.Second {
		t.Errorf("the restart came %s after the webhook", took)
	}
	checkDown(t, o, app, reason)
	checkRecovered(t, o, app)

	await(ctx, t, "Slack hears of the restart", about(s, "HealthcheckRestarted"))
	restartedThroughout(ctx, t, s, app, 1)
	recoveries(ctx, t, s, app, 1)
	// The third may overtake the second. Here HealthcheckExporterDown fires at once, when a busy machine misses a scrape of a second.
	messages := slices.DeleteFunc(s.Slack.Messages(), func(m fakeslack.Message) bool {
		return strings.Contains(m.Attachments[0].Title, "HealthcheckExporterDown")
	})
	if len(messages) != 3 || len(titles(s, "HealthcheckRestarted")) != 1 {
		t.Errorf("Slack got %d messages, want one about the failure, one about its end, and one about the restart", len(messages))
		for _, m := range messages {
			t.Logf("%s\n%s", m.At.Format(time.StampMilli), m.Plain())
		}
	}
	return o
}

func inOrder(t *testing.T, o *harness.Outage, steps ...string) {
	t.Helper()
	for i, step := range steps[1:] {
		if o.After[step] < o.After[steps[i]] {
			t.Errorf("%s came %.2f s after the failure, before %s at %.2f s", step, o.After[step].Seconds(), steps[i], o.After[steps[i]].Seconds())
		}
	}
}

// checkTitle wants the name by which people know the app.
func checkTitle(t *testing.T, m *fakeslack.Message, app *harness.App) {
	t.Helper()
	if title := m.Attachments[0].Title; !strings.Contains(title, app.Name) {
		t.Errorf("the title %q lacks the name %q", title, app.Name)
	}
}

// since is when the failure began: a time for every reader's time zone.
var since = regexp.MustCompile(`<!date\^(\d+)\^`)

// checkDown wants what people need to know: what fails and where, why, and since when.
func checkDown(t *testing.T, o *harness.Outage, app *harness.App, reason string) {
	t.Helper()
	checkTitle(t, &o.Down, app)
	text := o.Down.Plain()
	t.Logf("Slack got:\n%s", text)
	for _, want := range []string{app.Target, reason} {
		if !strings.Contains(text, want) {
			t.Errorf("the message about the failure lacks %q", want)
		}
	}
	m := since.FindStringSubmatch(o.Down.Attachments[0].Text)
	if m == nil {
		t.Fatal("the message about the failure does not say since when")
	}
	seconds, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if late := time.Unix(seconds, 0).Sub(o.Began); late < -time.Second || late > o.After[harness.StepDown] {
		t.Errorf("the message says that the failure began at %s, %s off", time.Unix(seconds, 0).UTC(), late)
	}
}

// downTime is a duration as people write it: 14s, 1m 2s, 2h3m0s.
var downTime = regexp.MustCompile(`\b(?:(\d+)h ?)?(?:(\d+)m ?)?(\d+)(?:\.\d+)?s\b`)

// checkRecovered wants to be told what is well again, and how long it was not.
func checkRecovered(t *testing.T, o *harness.Outage, app *harness.App) {
	t.Helper()
	checkTitle(t, &o.Recovered, app)
	text := o.Recovered.Plain()
	t.Logf("Slack got:\n%s", text)
	if !strings.Contains(text, app.Target) {
		t.Errorf("the message about the recovery lacks %q", app.Target)
	}
	m := downTime.FindString(text)
	got, err := time.ParseDuration(strings.ReplaceAll(m, " ", ""))
	if err != nil {
		t.Fatalf("the message about the recovery does not tell the down time: %v", err)
	}
	// Prometheus saw it fail before Slack heard of it, which takes longer on a busy machine.
	most, least := o.After[harness.StepRecovered], o.After[harness.StepRecovered]-o.After[harness.StepDown]-6*time.Second
	if got > most || got < least {
		t.Errorf("the message says that the app was down for %s, but it was for about %s", got, most.Round(time.Second))
	}
}
