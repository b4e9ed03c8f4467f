package app

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// Alone, the exporter finds out by itself that a target is down, and what is known outlives it: the outage is one change.
func TestAlone(t *testing.T) {
	var broken atomic.Bool
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	o := options(&recorder{})
	o.StoragePath = filepath.Join(t.TempDir(), "data")
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\nstatus: {self_probe: when_stale}\n"+
		"targets: [{name: shop, url: '"+target.URL+"', interval: 1s, timeout: 500ms}]")
	state := func(a *App) api.Target {
		list, err := a.apiTargets().Select(nil, time.Now())
		if err != nil || len(list.Targets) != 1 {
			t.Fatalf("targets are %+v, %v", list, err)
		}
		return list.Targets[0]
	}
	a := started(t, o)
	until(t, "the target to be up", func() bool { return state(a).State == status.StateUp })
	if got := state(a); got.ProbedBy != "exporter" || got.Uptime == nil || got.Uptime.Day.Probes == 0 {
		t.Errorf("the target is %+v, want it probed by the exporter, and counted", got)
	}
	broken.Store(true)
	until(t, "the target to be down", func() bool { return state(a).State == status.StateDown })
	until(t, "the failure to be counted", func() bool { // which it is after it is known
		return testutil.ToFloat64(a.metrics.selfProbes.WithLabelValues(resultFailure)) >= 1
	})
	since := *state(a).Since
	stop(t, a)

	a = started(t, o)
	if got := state(a); got.State != status.StateDown || !got.Since.Equal(since) {
		t.Errorf("after a restart of the exporter the target is %s since %v, want it down since %s", got.State, got.Since, since)
	}
	probed := *state(a).LastProbe
	until(t, "it to be probed again", func() bool { return state(a).LastProbe.After(probed) })
	events, _ := a.status.Events(status.Filter{Since: since}) // a busy machine may have been too slow for the target before
	if len(events) != 1 || events[0].State != status.StateDown || events[0].At.Sub(since).Abs() > time.Millisecond {
		t.Errorf("events are %+v, want the one of %s", events, since)
	}
	until(t, "a scrape to be its last probe", func() bool { // one of the exporter's own may be under way beside the first
		get(t, a.Addr(), "/probe?name=shop")
		return state(a).ProbedBy == "scrape"
	})
}

// Without a place, and where it is not wanted, nothing is written. Without targets there is nothing to keep.
func TestNotPersisted(t *testing.T) {
	for name, text := range map[string]string{
		"not wanted": "status: {persist: false}\ntargets: [{name: shop, url: 'http://127.0.0.1:1/'}]",
		"no targets": "modules: {http_2xx: {prober: http}}",
	} {
		t.Run(name, func(t *testing.T) {
			o := options(&recorder{})
			o.StoragePath = filepath.Join(t.TempDir(), "data")
			o.ConfigFile = configFile(t, text)
			stop(t, started(t, o))
			if all, _ := filepath.Glob(o.StoragePath); len(all) > 0 {
				t.Errorf("there is %s", all)
			}
		})
	}
}

// The API tells all there is about a target, and what is wrong with a question.
func TestTargetOverHTTP(t *testing.T) {
	target := probetest.Serve(t, http.NotFoundHandler())
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '"+target.URL+"/?key=canary', environment: LIVE}, {name: 'https://a.example/x?y=1', url: '"+target.URL+"'}, {name: cart, url: '"+target.URL+"', depends_on: [shop]}]")
	a := started(t, o)
	get(t, a.Addr(), "/probe/all")
	for _, tc := range []struct {
		path string
		code int
		want []string
	}{
		{"/api/v1/targets/shop", 200, []string{`"last_failure":{`, `"failed_phase":"check"`, `"hint":"`, `"reason":"status"`, `"status_code":404`, `"recent":[{`, `"minutes":[[`}},
		{"/api/v1/targets/https:%2F%2Fa.example%2Fx%3Fy=1", 200, []string{`"name":"https://a.example/x?y=1"`}},
		{"/api/v1/targets/cart", 200, []string{`"cause":"shop"`}},
		{"/api/v1/targets/shpo", 404, []string{`there is no target \"shpo\"; did you mean \"shop\"?`}},
		{"/api/v1/targets/shop?x=1", 400, []string{`unknown parameter`}},
		{"/api/v1/targets?state=down&q=SHOP", 200, []string{`"name":"shop"`}},
		{"/api/v1/targets?state=broken", 400, []string{`state is "broken"`}},
		{"/api/v1/targets?limit=1", 200, []string{`"next":"?after=cart\u0026limit=1"`}},
		{"/api/v1/targets?limit=0", 400, []string{"limit is"}},
		{"/api/v1/summary", 200, []string{`"indicator":"major"`, `"description":"1 of 1 LIVE targets are down"`, `"down":3`}},
		{"/api/v1/events?limit=2", 200, []string{`"kind":"state"`, `"next":"?after=`}},
		{"/api/v1/events?target=shop&since=1h", 200, []string{`"target":"shop"`, `"error":"`}},
		{"/api/v1/events?kind=x", 400, []string{`kind is \"x\"`}},
		{"/api/v1/events?since=yesterday", 400, []string{`want a time such as`}},
	} {
		code, body := get(t, a.Addr(), tc.path)
		if code != tc.code {
			t.Errorf("GET %s: status %d, want %d: %s", tc.path, code, tc.code, body)
		}
		for _, want := range tc.want {
			if !strings.Contains(body, want) {
				t.Errorf("GET %s has no %s:\n%s", tc.path, want, body)
			}
		}
		if strings.Contains(body, "canary") {
			t.Errorf("GET %s tells a secret: %s", tc.path, body)
		}
	}
}
