//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// patience is how long something may take that has to happen, on a busy machine.
const patience = time.Minute

// TestNeverHealthy checks at a path that the app does not have: people hear of it, and nothing is restarted.
func TestNeverHealthy(t *testing.T) {
	t.Parallel()
	ctx, s := start(t, harness.AppSpec{Name: "wrong-path", HealthPath: "/healthz"})
	app := s.App("wrong-path")
	await(ctx, t, "Slack hears of it", func(context.Context) (bool, error) {
		return slices.ContainsFunc(s.Slack.Messages(), func(m fakeslack.Message) bool {
			text := m.Plain()
			return m.Firing() && strings.Contains(text, app.Target) && strings.Contains(text, "status 404")
		}), nil
	})
	await(ctx, t, "the exporter takes the alert", func(context.Context) (bool, error) {
		return slices.ContainsFunc(s.Tap.Firing(app.Target), func(d harness.Delivery) bool { return d.Status == http.StatusOK }), nil
	})
	awaitHeld(ctx, t, s, app, "unarmed")
	restartedThroughout(ctx, t, s, app, 0)
	m, err := s.Metrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Sum("healthcheck_restart_state", harness.Labels{"service": app.Name, "state": "unarmed"}); got != 1 {
		t.Errorf("the state unarmed is %v, want 1", got)
	}
	recoveries(ctx, t, s, app, 0)
}

// TestWebhook sends to the webhook what must restart nothing, and then, while the app fails, far too much of what must
// restart it once.
func TestWebhook(t *testing.T) {
	t.Parallel()
	ctx, s := start(t, harness.AppSpec{Name: "demo"})
	app := s.App("demo")
	if err := s.AwaitArmed(ctx, app); err != nil {
		t.Fatal(err)
	}
	s.Tap.Hold(true) // whatever the exporter gets comes from this test
	if _, err := app.Break(ctx, harness.BreakStatus); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, "Alertmanager sends the alert", func(context.Context) (bool, error) {
		return len(s.Tap.Firing(app.Target)) > 0, nil
	})
	alert := s.Tap.Firing(app.Target)[0]

	for _, token := range []string{"", "wrong", harness.Token + "x", harness.Token[1:]} {
		deliver(ctx, t, s, token, alert.Body, http.StatusUnauthorized)
	}
	restartedThroughout(ctx, t, s, app, 0)

	test, err := alert.WithLabel("healthcheck_test", "true")
	if err != nil {
		t.Fatal(err)
	}
	deliver(ctx, t, s, harness.Token, test, http.StatusOK)
	restartedThroughout(ctx, t, s, app, 0)

	replay(ctx, t, s, alert.Body)
	await(ctx, t, "the app is repaired", func(ctx context.Context) (bool, error) {
		m, err := s.Metrics(ctx)
		return m.Sum("healthcheck_restart_attempts_total", harness.Labels{"service": app.Name}) > 0, err
	})
	s.Tap.Hold(false)
	replay(ctx, t, s, alert.Body)
	restartedThroughout(ctx, t, s, app, 1)
	recoveries(ctx, t, s, app, 1)
}

// TestCooldown lets an app fail again soon after it was repaired: people hear of it, and nothing is restarted.
func TestCooldown(t *testing.T) {
	t.Parallel()
	ctx, s := start(t, harness.AppSpec{Name: "demo"})
	app := s.App("demo")
	if err := s.AwaitArmed(ctx, app); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Outage(ctx, app, harness.BreakStatus, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Break(ctx, harness.BreakStatus); err != nil {
		t.Fatal(err)
	}
	// After the failure, its end and the restart.
	await(ctx, t, "Slack hears of it again", func(context.Context) (bool, error) { return len(s.Slack.Messages()) > 3, nil })
	awaitHeld(ctx, t, s, app, "cooldown")
	restartedThroughout(ctx, t, s, app, 1)
}

// replay sends the same 100 times from each of two senders at once.
func replay(ctx context.Context, t *testing.T, s *harness.Stack, body []byte) {
	t.Helper()
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			for range 100 {
				deliver(ctx, t, s, harness.Token, body, http.StatusOK)
			}
		})
	}
	senders.Wait()
}

func deliver(ctx context.Context, t *testing.T, s *harness.Stack, token string, body []byte, want int) {
	t.Helper()
	if got, err := s.Deliver(ctx, token, body); err != nil || got != want {
		t.Errorf("delivering with the token %q: got %d, %v, want %d", token, got, err, want)
	}
}

func await(ctx context.Context, t *testing.T, what string, ok func(context.Context) (bool, error)) {
	t.Helper()
	if err := harness.Until(ctx, patience, what, ok); err != nil {
		t.Fatal(err)
	}
}

// awaitHeld waits until the exporter has held a restart for that reason.
func awaitHeld(ctx context.Context, t *testing.T, s *harness.Stack, app *harness.App, reason string) {
	t.Helper()
	held := harness.Labels{"service": app.Name, "decision": "hold", "reason": reason}
	await(ctx, t, "the exporter holds the restart: "+reason, func(ctx context.Context) (bool, error) {
		m, err := s.Metrics(ctx)
		return m.Sum("healthcheck_restart_decisions_total", held) > 0, err
	})
}
