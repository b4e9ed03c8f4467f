package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// used is the metrics of an exporter that knows two modules, in a registry that checks every collection.
func used(t *testing.T) *metrics {
	t.Helper()
	m := newMetrics(prometheus.NewPedanticRegistry())
	m.registry.MustRegister(staleCollector{func() []*inventory.Entry {
		return []*inventory.Entry{{Target: config.Target{Name: "shop", Environment: "LIVE"}}}
	}})
	m.reloaded(nil)
	m.knowModules(map[string]collector.Module{"http_2xx": {}, "api": {}})
	k := inventory.NewKeeper(inventory.Options{Mask: prober.MaskURL, Log: slog.New(slog.DiscardHandler)}, m.registry)
	c := config.Default()
	c.TargetFiles = []config.TargetFile{{Path: "none-*"}} // a source that answers: of a file that is named and missing it is an error
	p, err := k.Plan(c, func(*inventory.Inventory) {})
	if err != nil {
		t.Fatal(err)
	}
	k.Apply(p)
	edited := managed.New(managed.Options{Log: slog.New(slog.DiscardHandler)}, m.registry)
	if err := edited.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := edited.Close(); err != nil {
			t.Error(err)
		}
	})
	useChannels(t, m, edited)
	return m
}

// useChannels adds the metrics of channels that run in one Alertmanager.
func useChannels(t *testing.T, m *metrics, edited *managed.Registry) {
	t.Helper()
	editor := channels.New(channels.Options{Registry: edited, Log: slog.New(slog.DiscardHandler)})
	m.registry.MustRegister(editor.Collector())
	base, place := filepath.Join(t.TempDir(), "base.yml"), alertconf.Place{Dir: t.TempDir()}
	writeFile(t, base, smallBase)
	if err := editor.Configure(&channels.Settings{Base: base, Place: place, Servers: []alertconf.Server{loader{place}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := editor.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := editor.Apply(t.Context(), alice().By, false); err != nil {
		t.Fatal(err)
	}
}

// A loader is an Alertmanager that loads everything.
type loader struct{ place alertconf.Place }

func (loader) Name() string                 { return "am-1" }
func (loader) Reload(context.Context) error { return nil }

func (l loader) Loaded(context.Context) (hash float64, known bool, err error) {
	text, err := l.place.Config()
	return alertconf.LoadedHash(text), true, err
}

func TestMetricsLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(used(t).registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, namespace) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// documented reads the table of docs/metrics.md, a string for every row.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## The exporter's own metrics\n")
	if !ok {
		t.Fatal("docs/metrics.md has no section for the exporter's own metrics")
	}
	row := regexp.MustCompile("(?m)^\\| `(healthcheck_exporter_[a-z_]+)` \\| ([a-z]+)[a-z, ]* \\| ([^|]*) ?\\| ([^|]*) \\|$")
	var rows []string
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		labels := regexp.MustCompile("[a-z_]+").FindAllString(m[3], -1)
		slices.Sort(labels)
		rows = append(rows, fmt.Sprintf("%s %s %v: %s", m[1], m[2], labels, m[4]))
	}
	if n := strings.Count(section, "\n| `"); n != len(rows) {
		t.Errorf("the table has %d rows, %d of them are understood", n, len(rows))
	}
	slices.Sort(rows)
	return rows
}

func TestMetricsAreDocumented(t *testing.T) {
	families, err := used(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), namespace+"_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		rows = append(rows, fmt.Sprintf("%s %s %v: %s", f.GetName(), strings.ToLower(f.GetType().String()), labels, f.GetHelp()))
	}
	slices.Sort(rows)
	if diff := cmp.Diff(documented(t), rows); diff != "" {
		t.Errorf("docs/metrics.md and the registry differ (-docs +registry):\n%s", diff)
	}
}

// TestSeriesExistFromTheStart looks at /metrics before the first probe.
func TestSeriesExistFromTheStart(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {api: {prober: http}}")
	a := started(t, o)
	_, body := get(t, a.Addr(), "/metrics")
	want := []string{
		`healthcheck_exporter_config_last_reload_successful 1`,
		`healthcheck_exporter_probes_total{module="api",result="success"} 0`,
		`healthcheck_exporter_probes_total{module="api",result="failure"} 0`,
		`healthcheck_exporter_probes_total{module="api",result="abandoned"} 0`,
		`healthcheck_exporter_probe_duration_seconds_count{module="api"} 0`,
		`healthcheck_exporter_probes_in_flight 0`,
	}
	for _, r := range collector.Rejections() {
		want = append(want, fmt.Sprintf(`healthcheck_exporter_probes_rejected_total{reason=%q} 0`, r))
	}
	for _, line := range want {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("/metrics has no %s", line)
		}
	}
	if strings.Contains(body, "\nup ") || strings.Contains(body, "\nup{") {
		t.Error("/metrics has a metric called up")
	}
}

// TestNoTargetAsLabel probes targets, and asks for what cannot be probed, and looks for them in every label.
func TestNoTargetAsLabel(t *testing.T) {
	target := probetest.Serve(t, http.NotFoundHandler())
	a := started(t, options(&recorder{}))
	for _, query := range []string{
		"target=" + target.URL + "/needle?needle=needle", "target=needle&module=needle", "target=ftp://needle", "target=",
		"target=http://127.0.0.1:1/needle", "target=" + target.URL + "&hostname=need%20le",
	} {
		get(t, a.Addr(), "/probe?"+query)
	}
	families, err := a.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.Contains(l.GetValue(), "needle") || strings.Contains(l.GetValue(), "127.0.0.1") {
					t.Errorf("%s has the label %s=%q", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
	for reason, want := range map[collector.Rejection]float64{
		collector.RejectedModule: 1, collector.RejectedTarget: 1, collector.RejectedHostname: 1,
	} {
		if got := testutil.ToFloat64(a.metrics.rejected.WithLabelValues(string(reason))); got != want {
			t.Errorf("%g rejections for %s, want %g", got, reason, want)
		}
	}
	if got := testutil.ToFloat64(a.metrics.probes.WithLabelValues("http_2xx", resultFailure)); got != 3 {
		t.Errorf("%g failures, want 3", got)
	}
}
