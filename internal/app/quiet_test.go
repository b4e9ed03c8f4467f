package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// overlays are what people have said of targets.
type overlays struct {
	mu                sync.Mutex // protects the following
	mute, maintenance map[string]*calendar.Period
}

func newOverlays() *overlays {
	return &overlays{mute: map[string]*calendar.Period{}, maintenance: map[string]*calendar.Period{}}
}

// Mute implements inventory.Overlays.
func (o *overlays) Mute(target string, at time.Time) *calendar.Period {
	return o.at(o.mute, target, at)
}

// Maintenance implements inventory.Overlays.
func (o *overlays) Maintenance(target string, at time.Time) *calendar.Period {
	return o.at(o.maintenance, target, at)
}

func (o *overlays) at(of map[string]*calendar.Period, target string, at time.Time) *calendar.Period {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := of[target]; p.Contains(at) {
		return p
	}
	return nil
}

// set makes p the period of a target, as a call does that was answered when it returns. No p ends it.
func (o *overlays) set(of map[string]*calendar.Period, target string, p *calendar.Period) {
	o.mu.Lock()
	defer o.mu.Unlock()
	of[target] = p
}

// fromNow is a period of an hour that alice has just begun.
func fromNow() *calendar.Period {
	now := time.Now()
	return &calendar.Period{Start: now, End: now.Add(time.Hour), By: "alice", Reason: "deploy"}
}

// Whoever's call was answered is sure that no probe counts, and none is told of: not the one that was under way, and not the
// next one. At the end the same.
func TestNothingSlipsBetweenACallAndTheNextProbe(t *testing.T) {
	var during func() // in the middle of a probe
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		during()
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "targets: [{name: shop, url: '"+target.URL+"'}, {name: off, url: '"+target.URL+"', notification: 'off'}]")
	a := build(t, o)
	people := newOverlays()
	a.currentInventory().Overlays = people
	run(t, a)
	const muted, maintained = "\nprobe_target_muted 1\n", "\nprobe_target_maintenance_active 1\n"
	counted := func() int { u := a.status.Uptime("shop", time.Now()); return u.Month.Total() }
	for _, step := range []struct {
		name           string
		before, during func()
		marked         string // empty: it has no marker
		counts         bool
	}{
		{name: "nobody has said anything", counts: true},
		{name: "a maintenance that begins during the probe", during: func() { people.set(people.maintenance, "shop", fromNow()) }, marked: maintained},
		{name: "in maintenance", marked: maintained},
		{name: "it ends during the probe", during: func() { people.set(people.maintenance, "shop", nil) }, marked: maintained},
		{name: "after the end", counts: true},
		{name: "a mute that begins before the probe", before: func() { people.set(people.mute, "shop", fromNow()) }, marked: muted, counts: true},
		{name: "it ends during the probe, too", during: func() { people.set(people.mute, "shop", nil) }, marked: muted, counts: true},
		{name: "after the end of the mute", counts: true},
	} {
		during = func() {}
		if step.before != nil {
			step.before()
		}
		if step.during != nil {
			during = step.during
		}
		before := counted()
		_, text := get(t, a.Addr(), "/probe?name=shop")
		for _, marker := range []string{muted, maintained} {
			if want := marker == step.marked; strings.Contains(text, marker) != want {
				t.Errorf("%s: it has the marker %q: %t, want %t", step.name, marker, !want, want)
			}
		}
		if got := counted() == before+1; got != step.counts {
			t.Errorf("%s: the probe is counted: %t, want %t", step.name, got, step.counts)
		}
	}
	during = func() {}
	if _, text := get(t, a.Addr(), "/probe/all"); !strings.Contains(text, `probe_target_muted{environment="UNKNOWN",instance="`+target.URL+`",target="off"} 1`) {
		t.Errorf("a target that is muted in the inventory has no marker:\n%s", text)
	}
}

// What people say of a target that is a check of a service holds its restart from the very next decision on, without a load and
// without a merge. Who, why and how long is in the guard's answer. A mute holds nothing.
func TestMaintenanceByPeopleHoldsRestarts(t *testing.T) {
	a, _ := watching(t, `
targets: [{name: shop, url: 'http://127.0.0.1:1/health'}, {name: wiki, url: 'http://127.0.0.1:1/wiki'}]
restart:
  mode: observe
  receiver: {bearer_token: s3cret}
  services:
    - {name: shop, checks: [{url: 'http://127.0.0.1:1/first'}, {target: shop}], command: {argv: [/bin/true]}}
    - {name: wiki, checks: [{target: wiki}], command: {argv: [/bin/true, wiki]}}
`)
	people := newOverlays()
	a.currentInventory().Overlays = people
	a.restarts.Apply(a.current.Load().watching(a.currentInventory()))
	h := a.routes()
	for _, service := range []string{"shop", "wiki"} { // each takes it over by itself
		until(t, "the service to be watched with what people say", func() bool {
			people.set(people.maintenance, service, fromNow())
			return !maintenanceGuard(t, h, service).OK
		})
	}
	people.set(people.maintenance, "shop", nil)
	if g := maintenanceGuard(t, h, "shop"); !g.OK {
		t.Errorf("the maintenance of another target holds: %+v", g)
	}
	people.set(people.mute, "shop", fromNow())
	if g := maintenanceGuard(t, h, "shop"); !g.OK {
		t.Errorf("a mute holds: %+v", g)
	}
	p := fromNow()
	p.UntilHealthy = true
	people.set(people.maintenance, "shop", p)
	g := maintenanceGuard(t, h, "shop")
	if want := `of target "shop", by alice: deploy (until it is healthy)`; g.OK || g.Value != want || !g.Next.Equal(p.End) {
		t.Errorf("the guard is %+v, want %q until %s", g, want, p.End)
	}
	people.set(people.maintenance, "shop", nil)
	if g := maintenanceGuard(t, h, "shop"); !g.OK {
		t.Errorf("it holds after its end: %+v", g)
	}
}

// maintenanceGuard is the answer of that guard now.
func maintenanceGuard(t *testing.T, h http.Handler, service string) policy.GuardResult {
	t.Helper()
	return guardOf(t, h, service, policy.GuardMaintenance)
}

// guardOf is the answer of a guard now.
func guardOf(t *testing.T, h http.Handler, service string, guard policy.Guard) policy.GuardResult {
	t.Helper()
	var e struct {
		Guards []policy.GuardResult `json:"guards"`
	}
	body := call{"GET", "/api/v1/restarts/" + service + "/explain", "", nil}.do(t, h).Body
	if err := json.Unmarshal(body.Bytes(), &e); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, g := range e.Guards {
		if g.Guard == guard {
			return g
		}
	}
	t.Fatalf("there is no guard %s in %s", guard, body)
	return policy.GuardResult{}
}

// The end is that of all that follow each other, whoever has set them.
func TestEndOfMaintenance(t *testing.T) {
	begin := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	period := func(from, to time.Duration) *calendar.Period {
		return &calendar.Period{Start: begin.Add(from), End: begin.Add(to), By: "alice"}
	}
	window := func(from, to time.Duration) func(time.Time) policy.Window {
		return func(now time.Time) policy.Window {
			if p := period(from, to); p.Contains(now) {
				return policy.Window{Name: "of all targets", Until: p.End}
			}
			return policy.Window{}
		}
	}
	checks := []restart.Check{{Name: "http://127.0.0.1:1/"}, {Inventory: "shop"}, {Inventory: "cart"}}
	const shop, cart = `of target "shop", by alice`, `of target "cart", by alice`
	for _, tc := range []struct {
		name       string
		shop, cart *calendar.Period
		windows    func(time.Time) policy.Window
		want       policy.Window
	}{
		{name: "none"},
		{name: "of another time", shop: period(time.Nanosecond, time.Hour)},
		{name: "one", shop: period(0, time.Hour), want: policy.Window{Name: shop, Until: begin.Add(time.Hour)}},
		{name: "of the second", cart: period(-time.Hour, time.Second), want: policy.Window{Name: cart, Until: begin.Add(time.Second)}},
		{"one follows the other", period(0, time.Hour), period(time.Hour, 2*time.Hour), nil, policy.Window{Name: shop, Until: begin.Add(2 * time.Hour)}},
		{"one within the other", period(0, 3*time.Hour), period(0, time.Hour), nil, policy.Window{Name: shop, Until: begin.Add(3 * time.Hour)}},
		{"a gap", period(0, time.Hour), period(time.Hour+1, 2*time.Hour), nil, policy.Window{Name: shop, Until: begin.Add(time.Hour)}},
		{"a window follows", period(0, time.Hour), nil, window(0, 2*time.Hour), policy.Window{Name: shop, Until: begin.Add(2 * time.Hour)}},
		{"it follows a window", period(time.Hour, 4*time.Hour), period(3*time.Hour, 5*time.Hour), window(0, 2*time.Hour), policy.Window{Name: "of all targets", Until: begin.Add(5 * time.Hour)}},
		{"a window without an end", period(0, time.Hour), nil, func(time.Time) policy.Window { return policy.Window{Name: "always"} }, policy.Window{Name: shop}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			people := &overlays{maintenance: map[string]*calendar.Period{"shop": tc.shop, "cart": tc.cart}}
			if diff := cmp.Diff(tc.want, withPeople(people, checks, tc.windows)(begin)); diff != "" {
				t.Errorf("the maintenance (-want +got):\n%s", diff)
			}
		})
	}
	hostile := &calendar.Period{Start: begin, End: begin.Add(time.Hour), By: "al\nice", Reason: strings.Repeat("\u202ex", 1000)}
	got := withPeople(&overlays{maintenance: map[string]*calendar.Period{"shop": hostile}}, checks, nil)(begin).Name
	if !printable.Is(got) || len(got) > 2*printable.MaxLog {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
