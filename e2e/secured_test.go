//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// The job that docs/service-discovery.md shows for an exporter with TLS and a password, word for word: it discovers by both
// and scrapes by both.
func TestInventorySecured(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	ca := probetest.NewCA(t)
	cert, key := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	pair, err := harness.NewPair(ctx, binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Stop()
	write(t, dir, "web.yml", "tls_server_config: {cert_file: "+cert+", key_file: "+key+"}\n"+
		"basic_auth_users: {prometheus: "+`"$2a$04$F.dIBvHlhGNBtWR5nXxWs.bxCvatvZxIOh2xui4z2DQVjX6oD4tQ6"`+"}\n")
	write(t, dir, "password", "test")
	write(t, dir, "healthcheck.yml", "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '"+target.URL+"', interval: 1s}]\n")
	serve(t, pair.Exporter, dir+"/healthcheck.yml", dir+"/web.yml")
	write(t, dir, "prometheus.yml", strings.NewReplacer(
		"https://hc.example.com:10115", "https://"+pair.Exporter, "/etc/prometheus/healthcheck-password", "password", "/etc/prometheus/ca.pem", ca.File(),
		"job_name: healthcheck\n", "job_name: healthcheck\n    scrape_interval: 1s\n    scrape_timeout: 1s\n",
	).Replace(documented(t, "With TLS and a password")))
	if err := pair.StartPrometheus(ctx, "prometheus.yml"); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`probe_success{target="shop"} == 1`, `up{job="healthcheck_exporter"} == 1`} {
		err := harness.Until(ctx, 60*time.Second, query, func(ctx context.Context) (bool, error) {
			samples, err := harness.Query(ctx, "http://"+pair.Prometheus, query)
			return len(samples) == 1, err
		})
		if err != nil {
			t.Errorf("%v\n%s", err, pair.Log())
		}
	}
	targets, err := pair.ScrapeTargets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range targets {
		if !strings.HasPrefix(s.ScrapeURL, "https://"+pair.Exporter+"/") {
			t.Errorf("Prometheus scrapes %s, want it by TLS", s.ScrapeURL)
		}
	}
}

// documented is the configuration of Prometheus in a section of docs/service-discovery.md.
func documented(t *testing.T, section string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/service-discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "## "+section+"\n")
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(after)
	if m == nil {
		t.Fatalf("there is no example in the section %q", section)
	}
	return m[1]
}

// serve runs an exporter with a web configuration until the end of the test.
func serve(t *testing.T, address, config, webConfig string) {
	t.Helper()
	addresses, systemd := []string{address}, false
	a, err := app.New(app.Options{
		ConfigFile: config, TimeoutOffset: 500 * time.Millisecond, HistoryLimit: 10,
		Web:    &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &webConfig},
		Logger: slog.New(slog.DiscardHandler), ProbeLogger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(fmt.Errorf("stopping the exporter: %w", err))
		}
	})
}
