package app

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestManagedSource: both packages mean the same source, and neither knows the other.
func TestManagedSource(t *testing.T) {
	if inventory.ManagedSource != managed.Source {
		t.Errorf("the inventory calls it %q, and the package managed %q", inventory.ManagedSource, managed.Source)
	}
}

// A desk is where targets are edited. It has them in memory alone.
type desk struct {
	keeper *inventory.Keeper

	mu  sync.Mutex // protects the following
	all map[string]*config.Target
	err error
}

// Supplied implements inventory.Supplier.
func (d *desk) Supplied(config.TargetReader) ([]*config.Target, []error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*config.Target
	for _, name := range slices.Sorted(maps.Keys(d.all)) {
		all = append(all, d.all[name])
	}
	return all, nil, d.err
}

// put makes a target what a text of YAML says.
func (d *desk) put(t testing.TB, text string) {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\ntargets: ["+text+"]"))
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	for i := range c.Targets {
		d.all[c.Targets[i].Name] = &c.Targets[i]
	}
	d.mu.Unlock()
	d.keeper.Resupply()
}

// remove removes a target.
func (d *desk) remove(name string) {
	d.mu.Lock()
	delete(d.all, name)
	d.mu.Unlock()
	d.keeper.Resupply()
}

// fail says why nothing is known.
func (d *desk) fail(err error) {
	d.mu.Lock()
	d.err = err
	d.mu.Unlock()
	d.keeper.Resupply()
}

// editable is an exporter that has not started, whose managed targets are those of a desk.
func editable(t testing.TB, o Options) (*App, *desk) {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{all: map[string]*config.Target{}}
	a.inventory = inventory.NewKeeper(inventory.Options{
		Mask: prober.MaskURL, Supplier: d, Overlays: a.managed, Log: slog.New(slog.DiscardHandler),
	}, prometheus.NewRegistry())
	d.keeper = a.inventory
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.apply(); err != nil {
		t.Fatal(err)
	}
	return a, d
}

// An edit is in force when it returns, everywhere.
func TestEditIsInForce(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '"+target.URL+"/file'}]")
	a, d := editable(t, o)
	run(t, a)
	want := func(path, text string, there bool) {
		t.Helper()
		if _, body := get(t, a.Addr(), path); strings.Contains(body, text) != there {
			t.Errorf("%s has %q: %t, want %t\n%s", path, text, !there, there, body)
		}
	}
	for i, url := range []string{"/one", "/two"} {
		d.put(t, fmt.Sprintf("{name: chat, url: '%s%s', labels: {generation: 'g%d'}}", target.URL, url, i))
		want("/sd", fmt.Sprintf(`"generation":"g%d"`, i), true)
		want("/probe?name=chat", "\nprobe_success 1\n", true)
		want("/api/v1/targets", target.URL+url, true)
		want("/?view=all", "chat", true)
		want("/metrics", `healthcheck_exporter_inventory_targets{source="targets"} 1`, true)
	}
	d.put(t, "{name: shop, url: '"+target.URL+"/edited'}")
	want("/api/v1/targets", target.URL+"/file", true)
	if !a.currentInventory().Shadowed("shop") || a.currentInventory().Shadowed("chat") {
		t.Error("shop of the configuration holds, and it is not said that the other is shadowed")
	}
	d.remove("chat")
	want("/sd", "chat", false)
	want("/probe?name=chat", "unknown name", true)
	want("/?view=all", "chat", false)
}

// While it is not known what people have edited, Prometheus keeps its list, and all else goes on.
func TestEditsUnknown(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '"+target.URL+"'}]")
	a, d := editable(t, o)
	d.fail(errors.New("data/managed.db: it is damaged"))
	a.mu.Lock()
	a.inventory = inventory.NewKeeper(inventory.Options{Mask: prober.MaskURL, Supplier: d, Log: slog.New(slog.DiscardHandler)}, prometheus.NewRegistry())
	d.keeper = a.inventory
	err := a.apply()
	a.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	run(t, a)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/sd":              {http.StatusServiceUnavailable, "managed.db: it is damaged"},
		"/-/ready":         {http.StatusOK, ""},
		"/-/healthy":       {http.StatusOK, ""},
		"/probe?name=shop": {http.StatusOK, "\nprobe_success 1\n"},
		"/probe?name=chat": {http.StatusBadRequest, "unknown name"},
	} {
		if status, body := get(t, a.Addr(), path); status != want.status || !strings.Contains(body, want.text) {
			t.Errorf("%s: status %d, want %d with %q: %s", path, status, want.status, want.text, body)
		}
	}
	d.fail(nil)
	if status, body := get(t, a.Addr(), "/sd"); status != http.StatusOK {
		t.Errorf("/sd: status %d, want 200 once it is known: %s", status, body)
	}
}

// Only what has changed gets a new prober: another one would have no connection.
func TestEditKeepsProbers(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: file, url: 'http://127.0.0.1:1/', method: HEAD}]")
	a, d := editable(t, o)
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	d.put(t, "{name: one, url: 'http://127.0.0.1:1/', method: HEAD}, {name: two, url: 'http://127.0.0.1:1/', method: HEAD}")
	probers := func() map[string]prober.Prober {
		all := map[string]prober.Prober{}
		for _, name := range []string{"file", "one", "two"} {
			found, ok := a.current.Load().targets.named(name)
			if !ok {
				t.Fatalf("there is no target %q", name)
			}
			all[name] = found.Module.Prober
		}
		return all
	}
	differing := func(before map[string]prober.Prober) (names []string) {
		for name, p := range probers() {
			if p != before[name] {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	before := probers()
	d.put(t, "{name: one, url: 'http://127.0.0.1:1/other', method: HEAD}")
	if diff := cmp.Diff([]string{"one"}, differing(before)); diff != "" {
		t.Errorf("after an edit (-want +got):\n%s", diff)
	}
	before = probers()
	d.put(t, "{name: three, url: 'http://127.0.0.1:1/'}")
	d.remove("three")
	if diff := cmp.Diff([]string(nil), differing(before)); diff != "" {
		t.Errorf("after one came and went (-want +got):\n%s", diff)
	}
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"file", "one", "two"}, differing(before)); diff != "" {
		t.Errorf("after a reload (-want +got):\n%s", diff)
	}
}

// An edit that changes nothing about a service changes nothing for it. One that changes what is asked does as a reload would. A
// target that is gone is no evidence, and one that comes back as it was goes on.
func TestEditsAndServices(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\naccess: {users: [{name: alice, role: edit, bearer_token: "+strings.Repeat("a", 32)+"}]}\nmanaged: {targets: true}\nrestart:"+hasty+
		"  services: [{name: shop, checks: [{target: shop}], command: {argv: [/bin/true]}}]\n")
	a, d := editable(t, o)
	put := func(name, path, more string) {
		d.put(t, fmt.Sprintf("{name: %s, url: '%s%s'%s}", name, target.URL, path, more))
	}
	put("shop", "/shop", "")
	put("other", "/other", "")
	run(t, a)
	state := func() policy.Explanation {
		e, err := a.restarts.Service("shop")
		if err != nil {
			return policy.Explanation{}
		}
		return e
	}
	armed := func() bool { return state().State.Armed }
	until(t, "the service to be armed", armed)

	row, rounds := state().State.HealthySince, state().State.Successes
	later := func(what string) {
		t.Helper()
		want := rounds + 3
		until(t, "three more rounds after "+what, func() bool { rounds = state().State.Successes; return rounds >= want })
		if s := state().State; !s.HealthySince.Equal(row) || !s.Armed {
			t.Errorf("after %s: armed %t, healthy since %s, want %s as before", what, s.Armed, s.HealthySince, row)
		}
	}
	put("other", "/elsewhere", "")
	later("an edit of another target")
	d.remove("other")
	later("the end of another target")
	put("shop", "/shop", "")
	later("the same again")
	put("shop", "/shop", ", labels: {team: checkout}, interval: 20s, notification: 'off', runbook_url: 'http://127.0.0.1/'")
	later("what says nothing about what is asked")

	definition := state().State.Definition
	d.remove("shop")
	until(t, "what was seen to be forgotten", func() bool { return state().State.Successes == 0 })
	if s := state(); !s.State.Armed || s.State.Last != (policy.Evidence{}) || s.State.Definition != definition {
		t.Errorf("without its target: armed %t, evidence %+v, definition %q, want it armed, no evidence, %q", s.State.Armed, s.State.Last, s.State.Definition, definition)
	}
	put("shop", "/shop", "")
	until(t, "it to be healthy again", func() bool { return state().State.Last.Healthy })
	if s := state().State; !s.Armed || s.Definition != definition {
		t.Errorf("it came back: armed %t, definition %q, want it armed, %q", s.Armed, s.Definition, definition)
	}
	put("shop", "/moved", "")
	until(t, "it to be asked elsewhere", func() bool { return strings.HasSuffix(state().Targets[0], "/moved") })
	until(t, "it to be armed anew", func() bool { s := state().State; return s.Armed && s.Definition != definition })
}

// What people edit goes before an API, and after the configuration and files.
func TestOwner(t *testing.T) {
	api := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"name": "listed", "url": "http://127.0.0.1:1/"}, {"name": "taken", "url": "http://127.0.0.1:1/"}]`)
	}))
	file := filepath.Join(t.TempDir(), "targets.yml")
	writeFile(t, file, "- {name: filed, url: 'http://127.0.0.1:1/'}")
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: static, url: 'http://127.0.0.1:1/'}]\n"+
		"target_files: ['"+file+"']\ntarget_apis: [{name: cmdb, url: '"+api.URL+"', format: targets}]")
	a, d := editable(t, o)
	d.put(t, "{name: edited, url: 'http://127.0.0.1:1/'}, {name: taken, url: 'http://127.0.0.1:1/edited'}, {name: filed, url: 'http://127.0.0.1:1/edited'}")
	run(t, a)
	until(t, "the API to answer", func() bool { return a.currentInventory().ByName("listed") != nil })
	for name, want := range map[string]string{
		"static": "targets true", "filed": "file:" + file + " true", "listed": "api:cmdb false", "taken": "api:cmdb false", "edited": " false", "nobody": " false",
	} {
		if got := a.owned(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := new(App).owned("static"); got != " false" {
		t.Errorf("before the first inventory: %q, want nothing", got)
	}
}

// owned is owner as a text.
func (a *App) owned(name string) string {
	source, holds := a.owner(name)
	return fmt.Sprint(source, " ", holds)
}

// What is told of a probe is what counts for the state of a target: an end of its maintenance must not depend on who asks, and how.
func TestObserved(t *testing.T) {
	a := build(t, options(&recorder{}))
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	var told []string
	a.probes.observed = func(target string, healthy bool, at time.Time) {
		told = append(told, fmt.Sprintf("%s %t %s", target, healthy, at.UTC().Format(time.TimeOnly)))
	}
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	failed := func(reason prober.Reason, had time.Duration) prober.Result {
		return prober.Result{Start: at, Timeout: had, Reason: reason, Err: errors.New("no")}
	}
	u := prober.Request{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}
	for _, p := range []collector.Probe{
		{Target: "up", Result: prober.Result{Start: at}},
		{Target: "down", Result: failed(prober.ReasonConnectRefused, 10*time.Second), OwnTimeout: 10 * time.Second},
		{Target: "short", Result: failed(prober.ReasonConnectTimeout, time.Millisecond), OwnTimeout: 10 * time.Second},
		{Target: "ours", Result: failed(prober.ReasonLocalResource, 10*time.Second), OwnTimeout: 10 * time.Second},
		{Target: "abandoned", Abandoned: true},
		{Result: prober.Result{Start: at}}, // one that is not in the inventory
	} {
		p.Request = u
		a.probes.begin()(p)
	}
	if diff := cmp.Diff([]string{"up true 03:00:00", "down false 03:00:00"}, told); diff != "" {
		t.Errorf("what is told (-want +got):\n%s", diff)
	}
}
