//go:build e2e

// Package e2e runs the whole chain with real servers: an app fails, Slack hears of it, the exporter restarts the app, and
// Slack hears that it is well. It needs Prometheus and Alertmanager.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

var loops = flag.Int("e2e.loops", fromEnv("E2E_LOOPS", 1), "how often to let the app fail in each way")

// quiet is how long nothing may happen that must not happen. In an outage everything happens within less.
const quiet = 6 * time.Second

// reserve is what a test leaves of the time that go test grants, to end in order and tell what went wrong.
const reserve = 20 * time.Second

var binaries *harness.Binaries

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "healthcheck-e2e-")
	if err == nil {
		err = os.Setenv("EXPORTER_SECRET", leak) // tests that run beside others have one environment
	}
	if err == nil {
		if binaries, err = harness.Build(context.Background(), dir); err == nil {
			code = m.Run()
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	return code
}

// withPackages copies a directory of this one to where the programs are, and installs its packages of npm there.
func withPackages(name string) (dir string, err error) {
	dir = filepath.Join(filepath.Dir(binaries.Exporter()), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		return "", err
	}
	return dir, harness.InstallPackages(context.Background(), dir)
}

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// start starts a stack that lives as long as the test. At its end Slack must have liked every message.
func start(t *testing.T, apps ...harness.AppSpec) (context.Context, *harness.Stack) {
	t.Helper()
	return startWith(t, harness.Options{Apps: apps})
}

func startWith(t *testing.T, o harness.Options) (context.Context, *harness.Stack) {
	t.Helper()
	deadline, ok := t.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Hour)
	}
	// Not t's own: that ends before the logs are read.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(t.Context()), deadline.Add(-reserve))
	o.Binaries, o.Dir = binaries, t.TempDir()
	s, err := harness.Start(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := s.Slack.Refused(); err != nil {
			t.Errorf("Slack: %v", err)
		}
		if t.Failed() {
			t.Log(s.Logs())
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return ctx, s
}

// restartedThroughout wants that the app was restarted n times, and that it stays so.
func restartedThroughout(ctx context.Context, t *testing.T, s *harness.Stack, app *harness.App, n int) {
	t.Helper()
	err := harness.Throughout(ctx, quiet, func(ctx context.Context) error { return restarted(ctx, s, app, n) })
	if err != nil {
		t.Fatal(err)
	}
}

// restarted reports whether the app was restarted n times, as its supervisor and as the exporter count.
func restarted(ctx context.Context, s *harness.Stack, app *harness.App, n int) error {
	if got := len(app.Restarts()); got != n {
		return fmt.Errorf("%s was restarted %d times, want %d", app.Name, got, n)
	}
	m, err := s.Metrics(ctx)
	if err != nil {
		return err
	}
	if got := m.Sum("healthcheck_restart_decisions_total", harness.Labels{"service": app.Name, "decision": "restart"}); got != float64(n) {
		return fmt.Errorf("the exporter decided %v times to restart %s, want %d", got, app.Name, n)
	}
	return nil
}

// recoveries wants that many attempts that helped, and none with another outcome.
func recoveries(ctx context.Context, t *testing.T, s *harness.Stack, app *harness.App, n float64) {
	t.Helper()
	m, err := s.Metrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const name = "healthcheck_restart_attempts_total"
	if got := m.Sum(name, harness.Labels{"service": app.Name, "backend": "command", "outcome": "recovered"}); got != n {
		t.Errorf("got %v attempts that helped, want %v", got, n)
	}
	if got := m.Sum(name, harness.Labels{"service": app.Name}); got != n {
		t.Errorf("got %v attempts, want %v", got, n)
	}
}
