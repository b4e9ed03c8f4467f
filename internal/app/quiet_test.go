package app

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// overlays are what people have said of targets. The zero overlays: nothing.
type overlays struct {
	mu                sync.Mutex // protects the following
	mute, maintenance map[string]*calendar.Period
}

// Mute implements inventory.Overlays.
func (o *overlays) Mute(target string, at time.Time) *calendar.Period {
	return o.at(&o.mute, target, at)
}

// Maintenance implements inventory.Overlays.
func (o *overlays) Maintenance(target string, at time.Time) *calendar.Period {
	return o.at(&o.maintenance, target, at)
}

func (o *overlays) at(of *map[string]*calendar.Period, target string, at time.Time) *calendar.Period {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := (*of)[target]; p.Contains(at) {
		return p
	}
	return nil
}

// set makes p the period of a target, as a call does that was answered when it returns. nil ends it.
func (o *overlays) set(of *map[string]*calendar.Period, target string, p *calendar.Period) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if *of == nil {
		*of = map[string]*calendar.Period{}
	}
	(*of)[target] = p
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
	people := &overlays{}
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
		{name: "a maintenance that begins during the probe", during: func() { people.set(&people.maintenance, "shop", fromNow()) }, marked: maintained},
		{name: "in maintenance", marked: maintained},
		{name: "it ends during the probe", during: func() { people.set(&people.maintenance, "shop", nil) }, marked: maintained},
		{name: "after the end", counts: true},
		{name: "a mute that begins before the probe", before: func() { people.set(&people.mute, "shop", fromNow()) }, marked: muted, counts: true},
		{name: "it ends during the probe, too", during: func() { people.set(&people.mute, "shop", nil) }, marked: muted, counts: true},
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
