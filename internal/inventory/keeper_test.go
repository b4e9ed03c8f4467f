package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A fixture is a Keeper with its log.
type fixture struct {
	*Keeper
	registry *prometheus.Registry

	mu      sync.Mutex // protects the following
	log     bytes.Buffer
	changes int
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

// logged returns the log since the last call.
func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.log.Reset()
	return f.log.String()
}

func keeper(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{registry: prometheus.NewPedanticRegistry()}
	f.Keeper = NewKeeper(Options{
		Mask: masked, Offset: config.DefaultTimeoutOffset, Log: slog.New(slog.NewTextHandler(f, nil)),
	}, f.registry)
	return f
}

func (f *fixture) changed(*Inventory) { f.changes++ }

// apply puts the text of a configuration into force.
func (f *fixture) apply(t testing.TB, text string) {
	t.Helper()
	p, err := f.Plan(parse(t, text), f.changed)
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(p)
}

// ask asks all sources once.
func (f *fixture) ask(t testing.TB) {
	t.Helper()
	for _, s := range f.sources {
		f.refresh(t.Context(), s)
	}
}

// want compares the names of the targets, with their sources.
func (f *fixture) want(t *testing.T, when string, names ...string) {
	t.Helper()
	var got []string
	for _, e := range f.Inventory().Entries() {
		got = append(got, e.Name+" "+e.Source)
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

const static = "targets: [{name: a, url: 'http://a/'}]\n"

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	one, two, pattern := filepath.Join(dir, "1.yml"), filepath.Join(dir, "2.yml"), "file:"+dir+"/*.yml"
	write(t, one, "- {name: b, url: 'http://b/'}\n")
	f := keeper(t)
	f.apply(t, static+"target_files: ['"+dir+"/*.yml']")
	f.want(t, "at the start", "a targets", "b "+pattern)
	if f.Missing() != nil {
		t.Error("not complete, and files are read at once")
	}

	write(t, two, "- {name: c, url: 'http://c/'}\n")
	f.ask(t)
	f.want(t, "a second file", "a targets", "b "+pattern, "c "+pattern)
	changes := f.changes
	f.ask(t)
	if f.changes != changes {
		t.Error("nothing has changed, and there is a new inventory")
	}

	write(t, one, "{{{")
	f.ask(t)
	f.ask(t)
	f.want(t, "garbage", "a targets", "b "+pattern, "c "+pattern)
	if n := strings.Count(f.logged(), "Asking a target source failed"); n != 1 {
		t.Errorf("%d lines of log, want 1", n)
	}
	write(t, one, "- {name: b, url: 'http://b/'}\n- {name: d, url: 'http://d/', labels: {team-name: x}}\n- {name: e}\n- {name: a, url: 'http://other/'}\n")
	f.ask(t)
	f.ask(t)
	f.want(t, "good again, with bad targets", "a targets", "b "+pattern, "c "+pattern, "d "+pattern)
	log := f.logged()
	for _, want := range []string{"Target source answers again", "team-name", `target \"e\"`, `target \"a\" is already in targets, which is used; this one is from ` + pattern} {
		if strings.Count(log, want) < 1 || strings.Count(log, "Something is wrong with a target") != 3 {
			t.Errorf("the log lacks %s, or has it twice:\n%s", want, log)
		}
	}

	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	f.want(t, "gone for a moment", "a targets", "b "+pattern, "c "+pattern, "d "+pattern)
	f.ask(t)
	f.want(t, "gone", "a targets", "b "+pattern, "d "+pattern)
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	write(t, one, "- {name: b, url: 'http://b/'}\n")
	f.ask(t)
	f.ask(t)
	f.want(t, "replaced slowly", "a targets", "b "+pattern)
	if log := f.logged(); log != "" {
		t.Errorf("log: %s", log)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yml")
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"']")
	f.want(t, "no file")
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	if log := f.logged(); !strings.Contains(log, "not a regular file") {
		t.Errorf("log: %s", log)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	write(t, name, "- {name: a, url: 'http://a/'}\n#"+strings.Repeat("x", maxDocument))
	f.ask(t)
	if log := f.logged(); !strings.Contains(log, "more than 16 MiB") {
		t.Errorf("log: %s", log)
	}
	f.want(t, "a large file")
}

func TestReload(t *testing.T) {
	var broken atomic.Bool
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, `[{"name": "b", "url": "http://b/", "module": "second"}, {"name": "c", "url": "http://c/"}]`)
	}))
	api := "target_apis: [{name: list, url: '" + server.URL + "', format: targets}]\n"
	f := keeper(t)
	f.apply(t, static+api)
	f.want(t, "before the first answer", "a targets")
	if f.Missing() == nil {
		t.Error("complete before the first answer")
	}
	f.ask(t)
	f.want(t, "the module is missing", "a targets", "c api:list")
	broken.Store(true)
	p, err := f.Plan(func() *config.Config {
		c := parse(t, static+api)
		c.Modules["second"] = c.Modules["http_2xx"]
		return c
	}(), f.changed)
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(p)
	f.want(t, "with the module", "a targets", "b api:list", "c api:list")
	f.ask(t)
	f.want(t, "broken", "a targets", "b api:list", "c api:list")
	before := *f.sources[0]
	f.apply(t, static+api)
	if after := f.sources[0]; before.errors != 1 || after.errors != 1 || !after.success.Equal(before.success) || after.failure != before.failure {
		t.Errorf("%d errors and success at %s became %d and %s by a reload", before.errors, before.success, after.errors, after.success)
	}
	f.ask(t)
	f.want(t, "broken over a reload", "a targets", "c api:list") // whose configuration has no second any more
	if n := strings.Count(f.logged(), "Asking a target source failed"); n != 1 {
		t.Errorf("the failure is logged %d times, want once", n)
	}
	if f.Missing() != nil {
		t.Error("not complete any more")
	}
	f.apply(t, static+strings.Replace(api, "list,", "other,", 1))
	f.want(t, "another source", "a targets")
	f.apply(t, "")
	f.want(t, "no source")
}

// After a reload, the last answer of a source may make no sense any more. Until it is asked again, targets are missing.
func TestReloadOfAMeaning(t *testing.T) {
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"targets": [{"name": "b", "url": "http://b/"}]}`)
	}))
	api := func(format string) string {
		return static + "target_apis: [{name: list, url: '" + server.URL + "', " + format + "}]\n"
	}
	f := keeper(t)
	f.apply(t, api("format: targets"))
	f.ask(t)
	f.want(t, "at first", "a targets", "b api:list")
	f.apply(t, api("map: {name: item.name, url: item.url}"))
	f.want(t, "by a map that is for a list", "a targets")
	if f.Missing() == nil {
		t.Error("complete, and Prometheus would drop targets that may be back in a moment")
	}
	f.ask(t)
	if f.Missing() != nil {
		t.Error("not complete, and the source was asked")
	}
	f.apply(t, api("map: {items: body.targets, name: item.name, url: item.url}"))
	f.ask(t)
	f.want(t, "by the right one", "a targets", "b api:list")
}

func TestDependencyOnASource(t *testing.T) {
	dir := t.TempDir()
	f := keeper(t)
	f.apply(t, "targets: [{name: a, url: 'http://a/', depends_on: [b]}]\ntarget_files: ['"+dir+"/*']")
	if log := f.logged(); !strings.Contains(log, `target \"a\": depends_on: there is no target \"b\"`) {
		t.Errorf("log: %s", log)
	}
	write(t, dir+"/x", "- {name: b, url: 'http://b/', depends_on: [a]}")
	f.ask(t)
	if log := f.logged(); !strings.Contains(log, "is a cycle: a → b → a") {
		t.Errorf("log: %s", log)
	}
	if a, b := f.Inventory().ByName("a"), f.Inventory().ByName("b"); len(a.DependsOn) != 1 || len(b.DependsOn) != 0 {
		t.Errorf("a depends on %q, b on %q", a.DependsOn, b.DependsOn)
	}
}

// A fake is a fetcher whose answers a test chooses.
type fake struct {
	fetched atomic.Int64
	closed  atomic.Bool
	slow    time.Duration
	answer  func(n int64) (string, error)
}

func (f *fake) close() { f.closed.Store(true) }

func (f *fake) again(_ context.Context, _ string, last *document) (*document, error) {
	return &document{data: last.data, targets: []*config.Target{new(target(string(last.data), "http://h/"))}}, nil
}

func (f *fake) fetch(ctx context.Context, last map[string]*document) (map[string]*document, error) {
	n := f.fetched.Add(1)
	select {
	case <-time.After(f.slow):
	case <-ctx.Done():
		return last, ctx.Err()
	}
	text, err := f.answer(n)
	if err != nil {
		return last, err
	}
	if doc := last[""]; doc != nil && string(doc.data) == text {
		return last, nil
	}
	doc, err := f.again(ctx, "", &document{data: []byte(text)})
	return map[string]*document{"": doc}, err
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := keeper(t)
		quick := &fake{answer: func(n int64) (string, error) { return fmt.Sprint("quick-", n), nil }}
		bad := &fake{answer: func(n int64) (string, error) {
			if n > 1 {
				return "", errors.New("no")
			}
			return "bad-1", nil
		}}
		hanging := &fake{slow: time.Hour, answer: func(int64) (string, error) { return "never", nil }}
		f.Apply(&Plan{cfg: parse(t, static), changed: f.changed, sources: []*source{
			{name: "quick", fetcher: quick, interval: time.Minute}, {name: "bad", fetcher: bad, interval: 10 * time.Second}, {name: "hanging", fetcher: hanging, interval: time.Minute},
		}})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { f.Run(ctx) })

		synctest.Wait()
		f.want(t, "at the start", "a targets", "bad-1 bad", "quick-1 quick")
		time.Sleep(59 * time.Second)
		synctest.Wait()
		f.want(t, "just before the next minute", "a targets", "bad-1 bad", "quick-1 quick")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		f.want(t, "after it", "a targets", "bad-1 bad", "quick-2 quick")
		if n := bad.fetched.Load(); n != 7 || f.sources[1].errors != 6 {
			t.Errorf("bad was asked %d times with %d errors, want 7 and 6", n, f.sources[1].errors)
		}
		if f.Missing() == nil {
			t.Error("complete, and one source has not answered yet")
		}

		// A reload stops a source that is gone, whatever it is about to answer.
		f.Apply(&Plan{cfg: f.cfg, changed: f.changed, sources: []*source{{name: "bad", fetcher: bad, interval: time.Hour}}})
		synctest.Wait()
		f.want(t, "after the reload", "a targets", "bad-1 bad")
		if !quick.closed.Load() || !hanging.closed.Load() {
			t.Error("a source that is gone was not closed")
		}
		before := quick.fetched.Load()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if quick.fetched.Load() != before || hanging.fetched.Load() != 1 {
			t.Error("a source that is gone was asked")
		}
		cancel()
		running.Wait()
		if !bad.closed.Load() {
			t.Error("the last source was not closed")
		}
	})
}

// Whatever a source that waits for nobody is made of, it has its targets as soon as it is applied, and is not asked twice.
func TestLocalSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := keeper(t)
		answer := func(n int64) (string, error) { return fmt.Sprint("n-", n), nil }
		local, remote := &fake{answer: answer}, &fake{answer: answer}
		f.Apply(&Plan{cfg: parse(t, static), changed: f.changed, sources: []*source{
			{name: "local", fetcher: local, interval: time.Minute, local: true}, {name: "remote", fetcher: remote, interval: time.Minute},
		}})
		f.want(t, "before anything runs", "a targets", "n-1 local")
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { f.Run(ctx) })
		synctest.Wait()
		if n := local.fetched.Load(); n != 1 || remote.fetched.Load() != 1 {
			t.Errorf("asked %d times and %d times, want once each", n, remote.fetched.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := local.fetched.Load(); n != 2 || remote.fetched.Load() != 2 {
			t.Errorf("after its interval asked %d times and %d times, want twice each", n, remote.fetched.Load())
		}
		cancel()
		running.Wait()
	})
}

func TestMetrics(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f := keeper(t)
	text := `
targets:
  - {name: a, url: 'http://a/', notification: off, environment: LIVE}
  - {name: b, url: 'http://b/', maintenance: [{weekdays: [saturday]}]}
  - {name: c, url: 'http://c/', maintenance: [{weekdays: [sunday]}], depends_on: [b, a, a]}
`
	f.apply(t, text)
	f.sources = []*source{{name: "api:x", fetcher: &fake{answer: func(n int64) (string, error) {
		if n == 1 {
			return "d", nil
		}
		return "", errors.New("no")
	}}}, {name: "file:y", fetcher: &fake{answer: func(int64) (string, error) { return "d", nil }}}}
	f.ask(t)
	f.ask(t)
	f.sources[0].success, f.sources[1].success = now, time.Time{}
	const head = `
# HELP healthcheck_exporter_inventory_targets How many targets the inventory has, by where they come from.
# TYPE healthcheck_exporter_inventory_targets gauge
healthcheck_exporter_inventory_targets{source="targets"} 3
healthcheck_exporter_inventory_targets{source="api:x"} 1
healthcheck_exporter_inventory_targets{source="file:y"} 0
# HELP healthcheck_exporter_inventory_source_problems How many things are wrong with single targets of a source, each of which costs that target or a part of it.
# TYPE healthcheck_exporter_inventory_source_problems gauge
healthcheck_exporter_inventory_source_problems{source="api:x"} 0
healthcheck_exporter_inventory_source_problems{source="file:y"} 1
# HELP healthcheck_exporter_inventory_source_last_success_timestamp_seconds When a source last answered, in unix time; absent until it has.
# TYPE healthcheck_exporter_inventory_source_last_success_timestamp_seconds gauge
healthcheck_exporter_inventory_source_last_success_timestamp_seconds{source="api:x"} 1.7952624e+09
# HELP healthcheck_exporter_inventory_source_errors_total How often a source did not answer, or its answer was not a list of targets.
# TYPE healthcheck_exporter_inventory_source_errors_total counter
healthcheck_exporter_inventory_source_errors_total{source="api:x"} 1
healthcheck_exporter_inventory_source_errors_total{source="file:y"} 0
# HELP healthcheck_target_muted Whether nobody wants to be told of the target; absent for all others.
# TYPE healthcheck_target_muted gauge
healthcheck_target_muted{environment="LIVE",target="a"} 1
# HELP healthcheck_target_maintenance_active Whether the target is in maintenance now; absent for all others.
# TYPE healthcheck_target_maintenance_active gauge
healthcheck_target_maintenance_active{environment="UNKNOWN",target="b"} 1
# HELP healthcheck_target_depends_on_info A target with one of the targets that it depends on, to join by.
# TYPE healthcheck_target_depends_on_info gauge
healthcheck_target_depends_on_info{depends_on="a",depends_on_environment="LIVE",environment="UNKNOWN",target="c"} 1
healthcheck_target_depends_on_info{depends_on="b",depends_on_environment="UNKNOWN",environment="UNKNOWN",target="c"} 1
`
	m := &metrics{keeper: f.Keeper, now: func() time.Time { return now }}
	if err := testutil.CollectAndCompare(m, strings.NewReader(head)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(f.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	f.apply(t, text+"maintenance: [{months: [november]}]")
	if n := testutil.CollectAndCount(m, "healthcheck_target_maintenance_active"); n != 3 {
		t.Errorf("%d targets are in maintenance, want all 3", n)
	}
}

// TestMetricsAreDocumented compares the tables of docs/metrics.md with the metrics.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	f := keeper(t)
	ch := make(chan *prometheus.Desc, 20)
	(&metrics{keeper: f.Keeper}).Describe(ch)
	close(ch)
	for d := range ch {
		name, help, labels := describe(t, d)
		kind := "gauge"
		if strings.HasSuffix(name, "_total") {
			kind = "counter"
		}
		if row := fmt.Sprintf("| %s | %s | %s | %s |", "`"+name+"`", kind, labels, help); !strings.Contains(string(text), row) {
			t.Errorf("docs/metrics.md lacks the row\n%s", row)
		}
	}
}

func describe(t *testing.T, d *prometheus.Desc) (name, help, labels string) {
	t.Helper()
	var variable string
	s := strings.NewReplacer("{", " ", "}", " ", "[", " ", "]", " ").Replace(d.String())
	if _, err := fmt.Sscanf(s, "Desc fqName: %q, help: %q,", &name, &help); err != nil {
		t.Fatal(err)
	}
	_, variable, _ = strings.Cut(s, "variableLabels: ")
	var all []string
	for l := range strings.SplitSeq(strings.TrimSpace(variable), ",") {
		all = append(all, "`"+l+"`")
	}
	return name, help, strings.Join(slices.Compact(all), ", ")
}
