//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// How many targets each source has. Each has as many of HTTP as of WebSocket.
const (
	inFile     = 100 // of target_files, in our own format
	inFileSD   = 100 // of target_files, in that of Prometheus
	fromHTTPSD = 100 // of an API in the format of Prometheus
	fromList   = 150 // of an API with a list of its own
	static     = 50
	seldom     = 10 // of those in the configuration file are probed every 5 minutes, which nobody waits for here
	everything = inFile + inFileSD + fromHTTPSD + fromList + static
)

// fiveLines is all that Prometheus needs.
const fiveLines = `scrape_configs:
  - job_name: healthcheck
    http_sd_configs:
      - url: http://%s/sd
`

// An inventory of 500 targets from every kind of source, discovered by a real Prometheus in five lines, each probed at its own
// interval; then a source turns to garbage and a file is edited, and nothing is lost.
func TestInventory(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	servers := newServers(t)
	garbage := new(atomic.Bool)
	api := listServer(t, servers, garbage)

	pair, err := harness.NewPair(ctx, binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Stop()
	write(t, dir, "prometheus.yml", fmt.Sprintf(fiveLines, pair.Exporter))
	write(t, dir, "own.yml", servers.list("file", inFile, "interval: 1500ms", `labels: {team: a, "team-name": b}`))
	write(t, dir, "sd.json", servers.groups("filesd", inFileSD, "3s"))
	write(t, dir, "healthcheck.yml", `modules: {http_2xx: {prober: http}, websocket: {prober: websocket, websocket: {ping: true}}}
targets:
`+servers.list("often", static-seldom, "interval: 3s", "timeout: 1s")+servers.list("seldom", seldom, "interval: 5m")+`
target_files: [own.yml, sd.json]
target_apis:
  - {name: sd, url: '`+api+`/sd', interval: 1s, format: http_sd}
  - name: list
    url: '`+api+`/list'
    interval: 1s
    map:
      items: body.filter(s, s.type in [1, 2, 3, 4, 6])
      name: item.hostName
      url: '(item.type in [2, 3, 4] ? "ws" : "http") + "://" + item.host + ":" + string(item.port) + "/"'
      environment: item.?environment
      notification: item.?notification
      interval: '"3s"'
`)
	if err := errors.Join(pair.StartExporter(ctx, "healthcheck.yml"), pair.StartPrometheus(ctx, "prometheus.yml")); err != nil {
		t.Fatal(err)
	}

	wantCounts(t, pair)
	wantIntervals(t, pair)
	wantNothingLost(t, pair, garbage)
	wantEdited(t, pair, dir, servers)
	// Last, because Prometheus does it once a minute.
	err = harness.Until(ctx, 70*time.Second, "the exporter itself is scraped", func(ctx context.Context) (bool, error) {
		samples, err := harness.Query(ctx, "http://"+pair.Prometheus, `up{job="healthcheck_exporter"} == 1`)
		return len(samples) == 1, err
	})
	if err != nil {
		t.Error(err)
	}
}

// wantCounts waits until every target that is probed often has been seen up.
func wantCounts(t *testing.T, pair *harness.Pair) {
	t.Helper()
	want := map[string]float64{"LIVE": fromList, "STAGE": inFileSD + fromHTTPSD, "UNKNOWN": inFile + static - seldom}
	var got map[string]float64
	err := harness.Until(t.Context(), 90*time.Second, "every target is up", func(ctx context.Context) (bool, error) {
		samples, err := harness.Query(ctx, "http://"+pair.Prometheus, `count by (environment) (probe_success{target!~"seldom-.*"} == 1)`)
		got = map[string]float64{}
		for _, s := range samples {
			got[s.Labels["environment"]] = s.Value
		}
		return cmp.Equal(want, got), err
	})
	if err != nil {
		t.Fatalf("%v; by environment (-want +got):\n%s", err, cmp.Diff(want, got))
	}
	t.Logf("count by (environment) (probe_success): %v, and %d that are probed seldom", got, seldom)
}

// wantIntervals compares what Prometheus does with each target with what the inventory says.
func wantIntervals(t *testing.T, pair *harness.Pair) {
	t.Helper()
	targets, err := pair.ScrapeTargets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) != everything+1 {
		t.Errorf("Prometheus has %d targets, want %d and the exporter", len(targets), everything)
	}
	seen := map[string]int{}
	for _, s := range targets {
		seen[s.ScrapeInterval+"/"+s.ScrapeTimeout]++
		name, _, _ := strings.Cut(s.Labels["target"], "-")
		want := map[string][2]string{
			"file": {"1500ms", "1500ms"}, "filesd": {"3s", "3s"}, "sd": {"3s", "3s"}, "list": {"3s", "3s"}, "often": {"3s", "1500ms"}, "seldom": {"5m", "10500ms"},
			"": {"1m", "10s"}, // the exporter itself, by the defaults of Prometheus
		}[name]
		if got := [2]string{s.ScrapeInterval, s.ScrapeTimeout}; got != want {
			t.Errorf("%s is scraped every %s for %s, want %s and %s", s.Labels["target"], got[0], got[1], want[0], want[1])
		}
	}
	t.Logf("intervals and timeouts that Prometheus has: %v", seen)
}

// wantNothingLost lets the APIs answer with garbage.
func wantNothingLost(t *testing.T, pair *harness.Pair, garbage *atomic.Bool) {
	t.Helper()
	garbage.Store(true)
	failed := func(ctx context.Context) (bool, error) {
		m, err := pair.Metrics(ctx)
		return m.Sum("healthcheck_exporter_inventory_source_errors_total", harness.Labels{"source": "api:list"}) > 1 &&
			m.Sum("healthcheck_exporter_inventory_source_errors_total", harness.Labels{"source": "api:sd"}) > 1, err
	}
	if err := harness.Until(t.Context(), patience, "the garbage is counted", failed); err != nil {
		t.Error(err)
	}
	if n := discovered(t.Context(), t, pair); n != everything+1 {
		t.Errorf("/sd has %d targets, want all %d", n, everything+1)
	}
	m, err := pair.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Sum("healthcheck_exporter_inventory_source_problems", harness.Labels{"source": "file:own.yml"}); got != inFile {
		t.Errorf("%v targets are told to have a bad label, want %d", got, inFile)
	}
	if muted := m.Sum("healthcheck_target_muted", nil); muted != fromList/5 {
		t.Errorf("%v targets are muted, want %d", muted, fromList/5)
	}
}

// wantEdited edits a file and waits until Prometheus probes what it names.
func wantEdited(t *testing.T, pair *harness.Pair, dir string, servers *servers) {
	t.Helper()
	write(t, dir, "own.yml", servers.list("file", inFile, "interval: 1500ms")+servers.list("new", 1, "interval: 1s"))
	err := harness.Until(t.Context(), 90*time.Second, "the new target is probed", func(ctx context.Context) (bool, error) {
		samples, err := harness.Query(ctx, "http://"+pair.Prometheus, `probe_success{target="new-0"} == 1`)
		return len(samples) == 1, err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestProbeAll lets a real Prometheus scrape everything at once, by the job that docs/service-discovery.md shows, of which some
// never answer: the others are up, and every series has the labels of its target.
func TestProbeAll(t *testing.T) {
	t.Parallel()
	const targets, hanging = 30, 3
	ctx, dir := t.Context(), t.TempDir()
	servers, silent := newServers(t), probetest.Silent(t)
	pair, err := harness.NewPair(ctx, binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Stop()
	var text strings.Builder
	text.WriteString("modules: {http_2xx: {prober: http}, websocket: {prober: websocket}}\ntargets:\n" + servers.list("up", targets-hanging, "environment: LIVE", "labels: {team: a}"))
	for i := range hanging {
		fmt.Fprintf(&text, "  - {name: hangs-%d, url: '%s/?key=hunter2', environment: STAGE}\n", i, silent.URL)
	}
	write(t, dir, "healthcheck.yml", text.String())
	write(t, dir, "prometheus.yml", strings.NewReplacer("localhost:10115", pair.Exporter, "scrape_timeout: 10s", "scrape_interval: 2s\n    scrape_timeout: 2s").
		Replace(documented(t, "All in one scrape")))
	if err := errors.Join(pair.StartExporter(ctx, "healthcheck.yml"), pair.StartPrometheus(ctx, "prometheus.yml")); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]float64{
		`count(probe_success{job="healthcheck", environment="LIVE", team="a", target=~"up-.*"} == 1)`:                                           targets - hanging,
		`count(probe_success{job="healthcheck", environment="STAGE", instance="` + silent.URL + `/?key=***"} == 0)`:                             hanging,
		`count(probe_failure_info{reason="request_timeout", target=~"hangs-.*"})`:                                                               hanging,
		`count({__name__=~"probe_.*", exported_instance!=""} or {__name__=~"probe_.*", instance=~".*hunter2.*"} or up{job="healthcheck"} == 1)`: 1, // the up
	} {
		var got []harness.Sample
		err := harness.Until(ctx, 60*time.Second, query, func(ctx context.Context) (bool, error) {
			var err error
			got, err = harness.Query(ctx, "http://"+pair.Prometheus, query)
			return len(got) == 1 && got[0].Value == want, err
		})
		if err != nil {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

func discovered(ctx context.Context, t *testing.T, pair *harness.Pair) int {
	t.Helper()
	text, err := pair.Get(ctx, "/sd")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(text, `"__metrics_path__"`)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// servers are what is probed: one of HTTP and one of WebSocket.
type servers struct{ http, ws *probetest.Server }

func newServers(t *testing.T) *servers {
	return &servers{
		http: probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})),
		ws:   probetest.WebSocket(t, &websocket.Upgrader{}, func(_ context.Context, c *websocket.Conn) { _, _, _ = c.ReadMessage() }),
	}
}

// url is that of the i-th target.
func (s *servers) url(i int) string {
	if i%2 == 0 {
		return s.http.URL
	}
	return s.ws.URL
}

// list is n targets as the configuration has them.
func (s *servers) list(name string, n int, more ...string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: %s-%d, url: '%s/%d', %s}\n", name, i, s.url(i), i, strings.Join(more, ", "))
	}
	return b.String()
}

// groups is n targets as Prometheus has them in files and APIs.
func (s *servers) groups(name string, n int, interval string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"targets": [%q], "labels": {"target": "%s-%d", "environment": "STAGE", "__scrape_interval__": %q}}`, s.url(i)+"/"+strconv.Itoa(i), name, i, interval))
	}
	return "[" + strings.Join(all, ",\n") + "]"
}

// listServer is an API with a list in the format of Prometheus and with one of the kind that people have.
func listServer(t *testing.T, s *servers, garbage *atomic.Bool) string {
	var list []string
	for i := range fromList {
		kind, server := 1+5*(i/2%2), s.http
		if i%2 == 1 {
			kind, server = 2+i%3, s.ws
		}
		host, port, _ := strings.Cut(server.Addr, ":")
		notification := min(1, i%5)
		list = append(list, fmt.Sprintf(`{"hostName": "list-%d", "host": %q, "port": %s, "type": %d, "environment": "LIVE", "notification": %d}`, i, host, port, kind, notification))
	}
	list = append(list, `{"hostName": "batch", "host": "h", "port": 1, "type": 5}`)
	answers := map[string]string{"/list": "[" + strings.Join(list, ",") + "]", "/sd": s.groups("sd", fromHTTPSD, "3s")}
	return probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := answers[r.URL.Path]
		if garbage.Load() {
			text = text[:len(text)/2]
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	})).URL
}
