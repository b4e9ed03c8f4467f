//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// chainConfig has PM2's app as the one service. Its last two are the home and the program of PM2.
const chainConfig = `targets: [{name: chain, url: 'http://%[1]s/', timeout: 1s}, {name: idle, url: 'http://%[2]s/', timeout: 1s}]
restart:
  mode: enforce
  receiver: {bearer_token: %[3]s}
  defaults:
    check_interval: 500ms
    warm_up: 1s
    start_grace: 1s
    arm_probes: 3
    arm_time: 1s
    confirm_probes: 2
    confirm_interval: 500ms
    cooldown: 5m
    verify_probes: 2
    verify_timeout: 20s
  services:
    - name: chain
      checks: [{target: chain}]
      pm2: {app: chain, home: '%[4]s', program: '%[5]s'}
    - name: idle
      checks: [{target: idle}]
      pm2: {app: idle, home: '%[4]s', program: '%[5]s'}
`

// repairs: an app hangs, PM2 does not notice, an alert comes, and the exporter restarts it once and sees it well. When a person has
// stopped it no alert starts it.
func (p *realPM2) repairs(t *testing.T) {
	ctx := t.Context()
	address := freePort(t)
	_, port, _ := net.SplitHostPort(address)
	p.runWith(t, []string{"APP_PORT=" + port}, "start", "app.js", "--name=chain")
	idle := freePort(t)
	_, port, _ = net.SplitHostPort(idle)
	p.runWith(t, []string{"APP_PORT=" + port}, "start", "app.js", "--name=idle")
	old := p.await(t, "chain-0.json", 0)

	dir := t.TempDir()
	pair, err := harness.NewPair(ctx, binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Stop()
	write(t, dir, "healthcheck.yml", fmt.Sprintf(chainConfig, address, idle, harness.Token, p.home, p.program))
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "chain"})
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "idle"})

	if _, err := p.get(ctx, "chain-0.json", "/hang"); err == nil {
		t.Fatal("the app does not hang")
	}
	alert := []byte(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"HealthcheckTargetDown","target":"chain"}}]}`)
	start := time.Now()
	for range 20 { // Alertmanager delivers at least once
		if status, err := pair.Deliver(ctx, harness.Token, alert); err != nil || status != http.StatusOK {
			t.Fatalf("the delivery is answered %d, %v", status, err)
		}
	}
	decided := harness.Labels{"service": "chain", "decision": "restart"}
	awaitMetric(t, pair, "healthcheck_restart_decisions_total", decided)
	t.Logf("decided after %s", time.Since(start).Round(10*time.Millisecond))
	inState := func(state string) {
		awaitMetric(t, pair, "healthcheck_restart_state", harness.Labels{"service": "chain", "state": state})
		t.Logf("%s after %s", state, time.Since(start).Round(10*time.Millisecond))
	}
	inState("verifying")
	inState("cooldown")
	if app := p.await(t, "chain-0.json", old.PID); app.Env["EXPORTER_SECRET"] != "" {
		t.Error("the exporter's environment has reached the app")
	}
	wantAttempts(t, pair, 1)

	// What a person has stopped is not started, although nothing else speaks against it.
	p.run(t, "stop", "idle")
	about := bytes.ReplaceAll(alert, []byte("chain"), []byte("idle"))
	if status, err := pair.Deliver(ctx, harness.Token, about); err != nil || status != http.StatusOK {
		t.Fatalf("the delivery is answered %d, %v", status, err)
	}
	awaitMetric(t, pair, "healthcheck_restart_decisions_total", harness.Labels{"service": "idle", "decision": "hold", "reason": "preflight"})
	if s := inspect(t, p.backend("idle", false)); s.Unfit != restart.UnfitStopped || s.Running {
		t.Errorf("of the stopped app the status is %+v", s)
	}
	wantAttempts(t, pair, 1)

	// The next exporter knows of it, even if this one had no time for anything.
	pair.KillExporter()
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	inState("cooldown")
	awaitMetric(t, pair, "healthcheck_restart_last_attempt_timestamp_seconds", harness.Labels{"service": "chain"})

	p.run(t, "stop", "chain")
	if _, err := pair.Deliver(ctx, harness.Token, alert); err != nil {
		t.Fatal(err)
	}
	awaitMetric(t, pair, "healthcheck_restart_decisions_total", harness.Labels{"service": "chain", "decision": "hold", "reason": "cooldown"})
	wantAttempts(t, pair, 0) // of this exporter
	if t.Failed() {
		t.Log(pair.Log())
	}
}

func wantAttempts(t *testing.T, pair *harness.Pair, n float64) {
	t.Helper()
	m, err := pair.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const name = "healthcheck_restart_attempts_total"
	if all, good := m.Sum(name, nil), m.Sum(name, harness.Labels{"backend": "pm2", "outcome": "recovered"}); all != n || good != n {
		t.Errorf("%v attempts, %v of them recovered, want %v", all, good, n)
	}
}

// awaitMetric waits until a metric is more than 0.
func awaitMetric(t *testing.T, pair *harness.Pair, name string, labels harness.Labels) {
	t.Helper()
	err := harness.Until(t.Context(), patience, fmt.Sprintf("%s%v is there", name, labels), func(ctx context.Context) (bool, error) {
		m, err := pair.Metrics(ctx)
		return m.Sum(name, labels) > 0, err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, pair.Log())
	}
}

// freePort is an address that nobody uses, and that no connection gets before the program that is to listen there.
func freePort(t *testing.T) string {
	t.Helper()
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}
