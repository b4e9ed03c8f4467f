//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// about reports whether a message to Slack has the word in its title.
func about(s *harness.Stack, word string) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return len(titles(s, word)) > 0, nil }
}

func titles(s *harness.Stack, word string) []string {
	var found []string
	for _, m := range s.Slack.Messages() {
		if title := m.Attachments[0].Title; strings.Contains(title, word) {
			found = append(found, title)
		}
	}
	return found
}

// awaitActive waits until Alertmanager has an alert of that name about the target.
func awaitActive(ctx context.Context, t *testing.T, s *harness.Stack, alertname, target string) {
	t.Helper()
	await(ctx, t, alertname+" about "+target, func(ctx context.Context) (bool, error) {
		active, err := s.Active(ctx, alertname)
		return active[target], err
	})
}

// breakApp makes an app fail.
func breakApp(ctx context.Context, t *testing.T, s *harness.Stack, name string) *harness.App {
	t.Helper()
	app := s.App(name)
	if _, err := app.Break(ctx, harness.BreakStatus); err != nil {
		t.Fatal(err)
	}
	return app
}

// TestNotTold breaks apps that nobody wants to hear of, each for another reason, and two that people have to hear of. What is
// muted is repaired all the same; what is at work, or only fails because of another, is left alone.
func TestNotTold(t *testing.T) {
	ctx, s := startWith(t, harness.Options{
		Restart: "  brake: {percent: 100, min: 50, max: 50}\n", // all but one are to fail
		Apps: []harness.AppSpec{
			{Name: "noisy"},
			{Name: "muted", Target: "    notification: off\n"},
			{Name: "at-work", Target: "    maintenance: [{times: [{start_time: '00:00', end_time: '24:00'}]}]\n"},
			{Name: "parent", Service: "      mode: off\n"},
			{Name: "child", Target: "    depends_on: [parent]\n"},
			{Name: "well"},
		},
	})
	for _, app := range s.Apps {
		if err := s.AwaitArmed(ctx, app); err != nil {
			t.Fatal(err)
		}
	}
	awaitActive(ctx, t, s, "HealthcheckTargetMuted", "muted")
	awaitActive(ctx, t, s, "HealthcheckTargetMaintenance", "at-work")
	tryOut(ctx, t, s)

	breakApp(ctx, t, s, "parent")
	awaitActive(ctx, t, s, "HealthcheckDependencyDown", "child")
	await(ctx, t, "Slack hears of the parent", about(s, "DOWN: parent"))
	child, atWork, muted, noisy := breakApp(ctx, t, s, "child"), breakApp(ctx, t, s, "at-work"), breakApp(ctx, t, s, "muted"), breakApp(ctx, t, s, "noisy")
	await(ctx, t, "Slack hears of the noisy one", about(s, "noisy"))
	for _, app := range []*harness.App{noisy, muted} {
		await(ctx, t, app.Name+" is restarted", func(context.Context) (bool, error) { return len(app.Restarts()) > 0, nil })
	}
	await(ctx, t, "Prometheus has the alert of the child", func(ctx context.Context) (bool, error) {
		active, err := s.Active(ctx, "HealthcheckTargetDown")
		return active["child"] && active["at-work"], err
	})
	restartedThroughout(ctx, t, s, muted, 1)
	for _, app := range []*harness.App{child, atWork, muted} {
		if found := titles(s, app.Name); len(found) > 0 {
			t.Errorf("Slack heard of %s: %q", app.Name, found)
		}
	}
	for _, app := range []*harness.App{child, atWork} {
		if n, sent := len(app.Restarts()), len(s.Tap.Firing(app.Target)); n > 0 || sent > 0 {
			t.Errorf("%s was restarted %d times, and asked for %d times", app.Name, n, sent)
		}
	}
	// It fires before Prometheus knows Alertmanager, and is sent again after a minute.
	err := harness.Until(ctx, 2*time.Minute, "a sign of life", func(context.Context) (bool, error) { return s.Tap.Heartbeats() > 0, nil })
	if err != nil {
		t.Error(err)
	}
}

// tryOut sends test alerts through the real Alertmanager: one comes through, one is inhibited.
func tryOut(ctx context.Context, t *testing.T, s *harness.Stack) {
	t.Helper()
	run := func(target string) (string, error) {
		out, err := exec.CommandContext(ctx, binaries.Exporter(), "alert-test", "--alertmanager.url="+s.AlertmanagerURL(), "--url="+s.ExporterURL(),
			"--http.config.file="+s.ClientFile(), "--target="+target).CombinedOutput()
		t.Logf("alert-test --target=%s: %v\n%s", target, err, out)
		return string(out), err
	}
	out, err := run("noisy")
	if err != nil {
		t.Errorf("the alert did not come through: %v", err)
	}
	for _, want := range []string{"to slack-live (slack)", "HealthcheckTargetRestart to restart (webhook)", "they select noisy (by command, mode enforce)", "healthy: there is nothing to restart"} {
		if !strings.Contains(out, want) {
			t.Errorf("alert-test lacks %q", want)
		}
	}
	await(ctx, t, "Slack hears of the test", about(s, "TEST (nothing is wrong) DOWN: noisy"))
	await(ctx, t, "Slack hears of its end", about(s, "TEST (nothing is wrong) RECOVERED: noisy"))
	out, err = run("muted")
	if err == nil || !strings.Contains(out, "HealthcheckTargetDown to slack-live (slack), but inhibited by HealthcheckTargetMuted") {
		t.Error("the alert of a muted target was not inhibited")
	}
	restartedThroughout(ctx, t, s, s.App("noisy"), 0)
}

// TestAlertTestBesidesHeartbeat sends test alerts through the real Alertmanager with the shipped file, while its dead man's switch, whose
// receiver is a placeholder, fails.
func TestAlertTestBesidesHeartbeat(t *testing.T) {
	t.Parallel()
	n, err := harness.StartNotifier(t.Context(), binaries, t.TempDir(), "alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Post(t.Context(), harness.Alert{Labels: map[string]string{"alertname": "HealthcheckWatchdog", "severity": "none"}}); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binaries.Exporter(), "alert-test", "--alertmanager.url=http://"+n.Address, "--url=",
		"--label=alertname=HealthcheckTargetDown", "--label=environment=LIVE").CombinedOutput()
	if err != nil || strings.Contains(string(out), "FAILED") || !strings.Contains(string(out), "slack: 1 of 1") {
		t.Errorf("the alert came, and the test says %v\n%s\n%s", err, out, n.Log())
	}
}

// TestExporterLost kills the exporter while a target is down. Nobody may hear that it is well before somebody has seen it.
func TestExporterLost(t *testing.T) {
	t.Parallel()
	ctx, s := start(t, harness.AppSpec{Name: "shop", Service: "      mode: off\n"})
	app := s.App("shop")
	if err := s.AwaitArmed(ctx, app); err != nil {
		t.Fatal(err)
	}
	breakApp(ctx, t, s, "shop")
	await(ctx, t, "Slack hears of it", about(s, "DOWN: shop"))
	s.KillExporter()
	await(ctx, t, "Slack hears of the exporter", about(s, "HealthcheckExporterDown"))
	stillDown := func(context.Context) error {
		if found := titles(s, "RECOVERED"); len(found) > 0 {
			return fmt.Errorf("slack heard %q", found)
		}
		return nil
	}
	if err := harness.Throughout(ctx, quiet, stillDown); err != nil {
		t.Fatal(err)
	}
	if err := s.RestartExporter(ctx); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, "Slack hears that the exporter is back", about(s, "HealthcheckExporterDown ENDED"))
	if err := harness.Throughout(ctx, quiet, stillDown); err != nil {
		t.Fatal(err)
	}
	if err := app.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, "Slack hears that it is well", about(s, "RECOVERED: shop"))
}

// TestMany lets 30 apps crash at once: one message tells of them, and the brake holds every restart.
func TestMany(t *testing.T) {
	t.Parallel()
	const n = 30
	o := harness.Options{Timing: harness.Timing{
		// All of them have to be seen within group_wait.
		Scrape: time.Second, Evaluation: time.Second, GroupWait: 6 * time.Second, GroupInterval: 6 * time.Second,
	}}
	for i := range n {
		o.Apps = append(o.Apps, harness.AppSpec{Name: fmt.Sprintf("web-%02d", i+1)})
	}
	ctx, s := startWith(t, o)
	for _, app := range s.Apps {
		if err := s.AwaitArmed(ctx, app); err != nil {
			t.Fatal(err)
		}
	}
	for _, app := range s.Apps {
		if _, err := app.Break(ctx, harness.BreakCrash); err != nil {
			t.Fatal(err)
		}
	}
	await(ctx, t, "one message tells of all", about(s, "30 DOWN (LIVE): "))
	told := s.Told()
	last := told[len(told)-1]
	t.Logf("Slack got %d messages, the last of them:\n%s", len(told), last.Plain())
	if len(told) > 2 { // two: a slow machine
		t.Errorf("Slack got %d messages, want one", len(told))
	}
	readable(t, &last, n)
	await(ctx, t, "the brake is on", func(ctx context.Context) (bool, error) {
		m, err := s.Metrics(ctx)
		return m.Sum("healthcheck_restart_brake", harness.Labels{"scope": "fleet"}) == 1, err
	})
	for _, app := range s.Apps {
		if len(app.Restarts()) > 0 {
			t.Errorf("%s was restarted", app.Name)
		}
	}
	restartedThroughout(ctx, t, s, s.Apps[0], 0)
}

// readable wants ten lines and the number of all.
func readable(t *testing.T, m *fakeslack.Message, n int) {
	t.Helper()
	text := m.Plain()
	if got := strings.Count(text, "\n• "); got != 10 {
		t.Errorf("the message has %d lines of targets, want 10", got)
	}
	if !strings.Contains(text, fmt.Sprintf("… %d in all", n)) {
		t.Errorf("the message does not say how many there are")
	}
}
