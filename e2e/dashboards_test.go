//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// dashboardTime is for the recording rules: a window of an hour has to be half full, of a sample each second.
const dashboardTime = 3 * time.Minute

// TestDashboards has a real Prometheus, fed by a real exporter, evaluate every panel of every dashboard: each must have data.
// Among the targets are one with a certificate, a WebSocket, one that is down, one that is muted, and one that was restarted.
// Every rule of the mixin must be evaluated without an error.
func TestDashboards(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	dashcheck := buildDashcheck(t)
	pair := newPair(t, dir)
	shop := newShop(t)
	writeShown(t, dir, shop)
	writeRules(t, dir, "prometheus_alerts.yaml")
	writeRules(t, dir, "prometheus_rules.yaml")
	write(t, dir, "prometheus.yml", `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [prometheus_alerts.yaml, prometheus_rules.yaml]
scrape_configs:
  - job_name: healthcheck
    http_sd_configs: [{url: 'http://`+pair.Exporter+`/sd', refresh_interval: 1s}]
`)
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	if err := pair.StartPrometheus(ctx, "prometheus.yml"); err != nil {
		t.Fatal(err)
	}
	shop.restart(t, pair)

	dashboards, err := filepath.Glob(binaries.Shipped("mixin", "dashboards_out", "*.json"))
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("found %d dashboards: %v", len(dashboards), err)
	}
	var out []byte
	err = harness.Until(ctx, dashboardTime, "every panel has data", func(ctx context.Context) (bool, error) {
		args := append([]string{"-prometheus", "http://" + pair.Prometheus}, dashboards...)
		out, err = exec.CommandContext(ctx, dashcheck, args...).CombinedOutput()
		return err == nil, nil
	})
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
	wantRules(t, pair)
}

// buildDashcheck builds the checker, which is a module of its own.
func buildDashcheck(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "dashcheck")
	build := harness.Aside(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = binaries.Shipped("tools", "dashcheck")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building dashcheck: %v\n%s", err, out)
	}
	return program
}

// writeRules writes a file of the mixin in which every group is evaluated each second.
func writeRules(t *testing.T, dir, name string) {
	t.Helper()
	text, err := os.ReadFile(binaries.Shipped("mixin", name))
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`interval: "\w+"`)
	if !pattern.Match(text) {
		t.Fatalf("%s has no %s", name, pattern)
	}
	write(t, dir, name, string(pattern.ReplaceAll(text, []byte("interval: 1s"))))
}

// writeShown writes the exporter's configuration, and all that the dashboards show.
func writeShown(t *testing.T, dir string, shop *shop) {
	t.Helper()
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	secure := probetest.TLSServer(t, cert, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") }))
	chat := probetest.WebSocketEcho(t)
	refused := probetest.Serve(t, http.NotFoundHandler())
	write(t, dir, "more.yml", "- {name: wiki, url: '"+refused.URL+"/', environment: DEV, interval: 1s, notification: off, depends_on: [shop]}\n")
	write(t, dir, "healthcheck.yml", fmt.Sprintf(`modules:
  http_2xx: {prober: http}
  trusting: {prober: http, http: {tls_config: {ca_file: '%s'}}}
  websocket: {prober: websocket, websocket: {ping: true}}
targets:
  - {name: shop, url: '%s/health', environment: LIVE, interval: 1s}
  - {name: secure, url: '%s/', module: trusting, environment: LIVE, interval: 1s}
  - {name: chat, url: '%s/', environment: STAGE, interval: 1s}
  - {name: gone, url: '%s/', environment: STAGE, interval: 1s, maintenance: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
target_files: [more.yml]
`, ca.File(), shop.URL, secure.URL, chat.URL, refused.URL)+fmt.Sprintf(quick, harness.Token)+fmt.Sprintf(`    - name: shop
      checks: [{target: shop}]
      http: {url: '%s/restart'}
`, shop.URL))
}

// A shop is a service that fails from the moment it is told to until it is restarted.
type shop struct {
	*probetest.Server
	broken atomic.Bool
}

func newShop(t *testing.T) *shop {
	s := new(shop)
	s.Server = probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/restart":
			s.broken.Store(false)
		case s.broken.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	return s
}

// restart breaks the shop when the exporter knows it well and Prometheus scrapes it, and waits until it was restarted.
func (s *shop) restart(t *testing.T, pair *harness.Pair) {
	t.Helper()
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "shop"})
	err := harness.Until(t.Context(), dashboardTime, "Prometheus has scraped the exporter", func(ctx context.Context) (bool, error) {
		samples, err := harness.Query(ctx, "http://"+pair.Prometheus, "healthcheck_restart_armed == 1")
		return len(samples) > 0, err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.broken.Store(true)
	body := `{"version":"4","alerts":[{"status":"firing","labels":{"target":"shop"}}]}`
	status, err := pair.Deliver(t.Context(), harness.Token, []byte(body))
	if err != nil || status != http.StatusOK {
		t.Fatalf("the delivery is answered %d: %v", status, err)
	}
	awaitMetric(t, pair, "healthcheck_restart_attempts_total", harness.Labels{"service": "shop", "outcome": "recovered"})
}

// wantRules wants every rule to be evaluated without an error, and the alerts that what there is must lead to.
func wantRules(t *testing.T, pair *harness.Pair) {
	t.Helper()
	rules, err := pair.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Health != "ok" {
			t.Errorf("the rule %s is %s: %s", r.Name, r.Health, r.LastError)
		}
	}
	if len(rules) < 30 {
		t.Errorf("Prometheus has %d rules", len(rules))
	}
	for _, alert := range []string{
		`alertname="HealthcheckTargetDown",target="gone",severity="warning"`,
		`alertname="HealthcheckTargetMuted",target="wiki",environment="DEV"`,
		`alertname="HealthcheckTargetMaintenance",target="gone",environment="STAGE"`,
		`alertname="HealthcheckRestarted",service="shop",target="shop",environment="LIVE",backend="http"`,
		`alertname="HealthcheckWatchdog"`,
	} {
		err := harness.Until(t.Context(), dashboardTime, alert, func(ctx context.Context) (bool, error) {
			samples, err := harness.Query(ctx, "http://"+pair.Prometheus, `ALERTS{alertstate="firing",`+alert+`}`)
			return len(samples) == 1, err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
