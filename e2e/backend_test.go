//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// needs skips a test whose tools are not here; "root" is one, too. Where everything is tested that is a failure.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	var missing []string
	for _, tool := range tools {
		_, err := exec.LookPath(tool)
		if tool == "root" && os.Getuid() == 0 {
			err = nil
		}
		if err != nil {
			missing = append(missing, tool)
		}
	}
	switch {
	case len(missing) == 0:
	case os.Getenv("CI") != "":
		t.Fatalf("missing here: %q", missing)
	default:
		t.Skipf("missing here: %q", missing)
	}
}

// A supervised app is the demo app, kept by something real that a back-end talks to.
type supervised struct {
	kind    string // of the back-end
	block   string // of the configuration
	address string
	stop    func(t *testing.T)      // as a person does
	running func(t *testing.T) bool // as its supervisor says
}

const supervisedConfig = `targets: [{name: app, url: 'http://%s/health', timeout: 1s}]
restart:
  mode: enforce
  receiver: {bearer_token: %s}
  defaults:
    check_interval: 500ms
    warm_up: 1s
    start_grace: 1s
    arm_probes: 3
    arm_time: 1s
    confirm_probes: 2
    confirm_interval: 500ms
    inspect_interval: 1s
    cooldown: 1s
    verify_probes: 2
    verify_timeout: 30s
  services:
    - name: app
      checks: [{target: app}]
      %s
`

// exporter runs an exporter that may restart the app, and waits until it would.
func (s *supervised) exporter(t *testing.T) *harness.Pair {
	t.Helper()
	dir := t.TempDir()
	ctx := context.WithoutCancel(t.Context()) // that ends before the log is read
	pair := newPair(t, dir)
	write(t, dir, "healthcheck.yml", fmt.Sprintf(supervisedConfig, s.address, harness.Token, s.block))
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "app"})
	return pair
}

// newPair is a pair that ends with the test, whose log is shown if that has failed.
func newPair(t *testing.T, dir string) *harness.Pair {
	t.Helper()
	pair, err := harness.NewPair(t.Context(), binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(pair.Log())
		}
		pair.Stop()
	})
	return pair
}

// deliver sends an alert about the app.
func (s *supervised) deliver(t *testing.T, pair *harness.Pair) {
	t.Helper()
	alert := []byte(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"target":"app"}}]}`)
	if status, err := pair.Deliver(t.Context(), harness.Token, alert); err != nil || status != http.StatusOK {
		t.Fatalf("the delivery is answered %d, %v", status, err)
	}
}

// repairs: the app hangs, its supervisor does not notice, alerts come, and the exporter restarts it once and sees it well.
// When a person has stopped it no alert starts it.
func (s *supervised) repairs(t *testing.T) {
	pair := s.exporter(t)
	if err := s.get(t.Context(), http.MethodPost, "/break/hang"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for range 20 { // Alertmanager delivers at least once
		s.deliver(t, pair)
	}
	const attempts = "healthcheck_restart_attempts_total"
	awaitMetric(t, pair, attempts, harness.Labels{"backend": s.kind, "outcome": "recovered"})
	t.Logf("recovered after %s", time.Since(start).Round(10*time.Millisecond))

	s.stop(t)
	s.deliver(t, pair)
	awaitMetric(t, pair, "healthcheck_restart_decisions_total", harness.Labels{"service": "app", "decision": "hold", "reason": "preflight"})
	err := harness.Throughout(t.Context(), 3*time.Second, func(ctx context.Context) error {
		if s.running(t) {
			return errors.New("what a person has stopped is running")
		}
		m, err := pair.Metrics(ctx)
		if n := m.Sum(attempts, nil); err == nil && n != 1 {
			err = fmt.Errorf("%v attempts, want the one", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// get asks the app for a path; one that hangs does not answer.
func (s *supervised) get(ctx context.Context, method, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := new(http.Client).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return nil
}

// up waits until the app answers.
func (s *supervised) up(t *testing.T) {
	t.Helper()
	err := harness.Until(t.Context(), patience, "the app answers", func(ctx context.Context) (bool, error) {
		return s.get(ctx, http.MethodGet, "/health") == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
