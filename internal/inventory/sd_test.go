package inventory

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// sdGroup is a group as Prometheus reads it.
type sdGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func discovery(cfg *config.Config) *Discovery {
	inv := Merge(cfg, []Part{{Source: StaticSource, Targets: cfg.Targets}}, masked)
	return &Discovery{Inventory: func() *Inventory { return inv }, Missing: func() error { return nil }, Offset: 500 * time.Millisecond}
}

// ask asks for /sd and reads the answer strictly.
func ask(t testing.TB, d *Discovery, r *http.Request) []sdGroup {
	t.Helper()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	// Prometheus wants exactly this type, at most with a charset.
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	var groups []sdGroup
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&groups); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Fatalf("something follows: %v", err)
	}
	return groups
}

func request(t testing.TB, target string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	r.Host = "exporter:10115"
	return r
}

const sdTargets = `
targets:
  - {name: shop & co "1", url: 'https://u:p@shop/?token=x', environment: LIVE, interval: 3s, labels: {team: "c\u00fc\\", b: x}}
  - {name: quick, url: 'http://quick/', interval: 1500ms}
  - {name: patient, url: 'http://patient/', interval: 5m, timeout: 4m30s, environment: DEV}
  - {name: odd, url: 'http://odd/', interval: 90s, timeout: 250ms, environment: DEV}
`

func sdConfig(t testing.TB) *config.Config {
	t.Helper()
	return parse(t, sdTargets)
}

func TestDiscovery(t *testing.T) {
	own := func(name, interval, timeout, instance, environment string, more ...string) sdGroup {
		labels := map[string]string{
			"__scheme__": "http", "__metrics_path__": "/probe", "__param_name": name, "__scrape_interval__": interval, "__scrape_timeout__": timeout,
			"instance": instance, "target": name, "environment": environment,
		}
		for i := 0; i < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		return sdGroup{[]string{"exporter:10115"}, labels}
	}
	want := []sdGroup{
		{[]string{"exporter:10115"}, map[string]string{"__scheme__": "http", "__metrics_path__": "/metrics", "job": "healthcheck_exporter"}},
		own("odd", "1m30s", "750ms", "masked odd", "DEV"),
		own("patient", "5m", "270500ms", "masked patient", "DEV"),
		own("quick", "1500ms", "1500ms", "masked quick", "UNKNOWN"),
		own(`shop & co "1"`, "3s", "3s", "masked shop", "LIVE", "team", `cü\`, "b", "x"),
	}
	got := ask(t, discovery(sdConfig(t)), request(t, "/sd"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("/sd (-want +got):\n%s", diff)
	}
	for _, g := range got[1:] {
		interval, err1 := model.ParseDuration(g.Labels["__scrape_interval__"])
		timeout, err2 := model.ParseDuration(g.Labels["__scrape_timeout__"])
		if err1 != nil || err2 != nil || timeout > interval || timeout == 0 {
			t.Errorf("%s: interval %s (%v), timeout %s (%v)", g.Labels["target"], interval, err1, timeout, err2)
		}
	}
}

// The scrape timeout that Prometheus gets, less what the exporter keeps for itself, is exactly the timeout of the target.
func TestTimeoutArrives(t *testing.T) {
	for _, offset := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second} {
		for _, interval := range []string{"100ms", "101ms", "999ms", "1s", "1500ms", "3s", "4999ms", "10s", "59999ms", "1m1s", "5m"} {
			for _, timeout := range []string{"", "1ms", "89ms", "90ms", "1s", "1350ms", "2700ms", "9500ms", "4m58s"} {
				text := "modules: {http_2xx: {prober: http}}\ntargets: [{name: a, url: 'http://a/', interval: " + interval
				if timeout != "" {
					text += ", timeout: " + timeout
				}
				cfg, err := config.Options{TimeoutOffset: offset}.Parse("test.yml", []byte(text+"}]"))
				if err != nil {
					continue // it does not fit into the interval, which TestTimeout of config is about
				}
				d := discovery(cfg)
				d.Offset = offset
				labels := ask(t, d, request(t, "/sd"))[1].Labels
				every, err1 := model.ParseDuration(labels["__scrape_interval__"])
				scrape, err2 := model.ParseDuration(labels["__scrape_timeout__"])
				if err1 != nil || err2 != nil || scrape > every || time.Duration(every) != time.Duration(cfg.Targets[0].Interval) {
					t.Errorf("interval %s, timeout %s, offset %s: Prometheus has %s and %s (%v, %v)", interval, timeout, offset, every, scrape, err1, err2)
				}
				header := strconv.FormatFloat(time.Duration(scrape).Seconds(), 'f', -1, 64)
				own := time.Duration(cfg.Targets[0].Timeout)
				if got := collector.Timeout(header, own, offset, time.Hour); got != own {
					t.Errorf("interval %s, timeout %s, offset %s: the probe has %s of %s, want %s", interval, timeout, offset, got, scrape, own)
				}
			}
		}
	}
}

func TestDiscoveryPlace(t *testing.T) {
	for _, tt := range []struct {
		name, external, prefix, host string
		tls                          bool
		want                         endpoint
	}{
		{name: "host", host: "a:1", want: endpoint{"http", "a:1", ""}},
		{name: "host without a port", host: "a", want: endpoint{"http", "a", ""}},
		{name: "TLS", host: "a:1", tls: true, want: endpoint{"https", "a:1", ""}},
		{name: "prefix", host: "[::1]:1", prefix: "/hc", want: endpoint{"http", "[::1]:1", "/hc"}},
		{name: "external", external: "https://hc.example.com/x/", prefix: "/hc", host: "a:1", want: endpoint{"https", "hc.example.com", "/x"}},
		{name: "external, without a path", external: "http://hc.example.com:8080", prefix: "/hc", host: "a:1", tls: true, want: endpoint{"http", "hc.example.com:8080", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := discovery(sdConfig(t))
			d.Prefix = tt.prefix
			if tt.external != "" {
				u, err := url.Parse(tt.external)
				if err != nil {
					t.Fatal(err)
				}
				d.External = u
			}
			r := request(t, "/sd")
			r.Host = tt.host
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for _, g := range ask(t, d, r) {
				path := "/probe"
				if g.Labels["job"] != "" {
					path = "/metrics"
				}
				got := endpoint{g.Labels["__scheme__"], g.Targets[0], strings.TrimSuffix(g.Labels["__metrics_path__"], path)}
				if got != tt.want {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
			}
		})
	}
}

func names(groups []sdGroup) []string {
	var all []string
	for _, g := range groups {
		if g.Labels["job"] == "" {
			all = append(all, g.Labels["target"])
		}
	}
	return all
}

func TestSelection(t *testing.T) {
	d := discovery(sdConfig(t))
	for query, want := range map[string][]string{
		"environment=DEV":                          {"odd", "patient"},
		"environment=DEV&environment=LIVE":         {"odd", "patient", `shop & co "1"`},
		"environment=dev":                          nil,
		"name=quick":                               {"quick"},
		"name=quick&name=odd&name=nobody":          {"odd", "quick"},
		"name=quick&environment=DEV":               nil,
		"name=shop+%26+co+%221%22&shard=0/1":       {`shop & co "1"`},
		"environment=DEV&shard=0%2F1&name=patient": {"patient"},
	} {
		groups := ask(t, d, request(t, "/sd?"+query))
		if diff := cmp.Diff(want, names(groups)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		if groups[0].Labels["job"] != ExporterJob {
			t.Errorf("%s: the exporter itself is missing", query)
		}
	}
	for _, query := range []string{"env=LIVE", "shard=1", "shard=1/1", "shard=-1/2", "shard=0/0", "shard=a/b", "shard=0/2&shard=1/2", "shard=", "shard=0/99999", "shard=0/2/3"} {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, request(t, "/sd?"+query))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400: %s", query, w.Code, w.Body)
		}
	}
}

func TestIncomplete(t *testing.T) {
	d := discovery(sdConfig(t))
	d.Missing = func() error { return errNotAsked }
	w := httptest.NewRecorder()
	d.ServeHTTP(w, request(t, "/sd"))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503: an answer without targets would make Prometheus drop them", w.Code)
	}
}

func TestShards(t *testing.T) {
	const targets = 10_000
	moved := func(from, to uint64) int {
		n := 0
		for i := range targets {
			name := fmt.Sprint("server-", i)
			if a, b := shardOf(name, from), shardOf(name, to); a != b {
				n++
				if b != to-1 && to > from {
					t.Fatalf("%s moved from %d to %d, and %d is the new one", name, a, b, to-1)
				}
			}
		}
		return n
	}
	for n := uint64(1); n <= 8; n++ {
		sizes := make([]int, n)
		for i := range targets {
			sizes[shardOf(fmt.Sprint("server-", i), n)]++
		}
		even := targets / int(n)
		if slices.Min(sizes) < even*9/10 || slices.Max(sizes) > even*11/10 {
			t.Errorf("%d shards: sizes %v", n, sizes)
		}
		if got, want := moved(n, n+1), targets/int(n+1); got > want*11/10 {
			t.Errorf("%d moved from %d to %d shards, want about %d", got, n, n+1, want)
		}
	}
}

// many returns an inventory of n targets.
func many(n int) *config.Config {
	cfg := &config.Config{}
	for i := range n {
		cfg.Targets = append(cfg.Targets, config.Target{
			Name: fmt.Sprint("server-", i), URL: fmt.Sprintf("https://server-%d.example.com/health", i), Module: "http_2xx", Environment: "LIVE",
			Interval: config.Duration(30 * time.Second), Timeout: config.Duration(10 * time.Second), Labels: map[string]string{"team": "checkout", "rack": "r7"},
		})
	}
	return cfg
}

func BenchmarkDiscovery(b *testing.B) {
	d := discovery(many(10_000))
	r := request(b, "/sd")
	var size counter
	b.ReportAllocs()
	for b.Loop() {
		size = 0
		if err := d.write(&size, d.Inventory(), Selection{}, d.endpoint(r)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size), "bytes/answer")
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func TestDiscoveryTakesNoMemory(t *testing.T) {
	small, large := discovery(many(100)), discovery(many(5000))
	allocs := func(d *Discovery) float64 {
		return testing.AllocsPerRun(5, func() { _ = d.write(io.Discard, d.Inventory(), Selection{}, endpoint{"http", "a:1", ""}) })
	}
	if a, b := allocs(small), allocs(large); b > a+5 {
		t.Errorf("%g allocations for 100 targets and %g for 5000", a, b)
	}
}
