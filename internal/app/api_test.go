package app

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestTargetsAPI(t *testing.T) {
	var broken atomic.Bool
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: a, url: '"+target.URL+"/?key=canary'}, {name: b, url: '"+target.URL+"'}]")
	a := started(t, o)
	ask := func(when string) map[string]api.Target {
		t.Helper()
		code, body := get(t, a.Addr(), "/api/v1/targets")
		var all api.TargetList
		if err := json.Unmarshal([]byte(body), &all); err != nil || code != http.StatusOK || len(all.Targets) != 2 {
			t.Fatalf("%s: status %d, %v: %s", when, code, err, body)
		}
		return map[string]api.Target{all.Targets[0].Name: all.Targets[0], all.Targets[1].Name: all.Targets[1]}
	}
	expect := func(when string, s api.Target, state status.State, reason prober.Reason) {
		t.Helper()
		if s.State != state || s.Reason != reason || (s.Since == nil) != (state == status.StateUnknown) || (s.Error == "") != (reason == "") {
			t.Errorf("%s: got %+v, want %s %s", when, s, state, reason)
		}
	}

	all := ask("at the start")
	expect("at the start", all["a"], status.StateUnknown, "")
	if want := target.URL + "/?key=***"; all["a"].URL != want {
		t.Errorf("the URL is %s, want %s", all["a"].URL, want)
	}
	get(t, a.Addr(), "/probe?name=a")
	up := ask("after the first probe")
	expect("after the first probe", up["a"], status.StateUp, "")
	expect("the other one", up["b"], status.StateUnknown, "")
	get(t, a.Addr(), "/probe/all")
	again := ask("after two probes")
	if !again["a"].Since.Equal(*up["a"].Since) || !again["a"].LastProbe.After(*up["a"].LastProbe) {
		t.Errorf("it is up since %s, last probed %s, want the time of the first probe and that of the last", again["a"].Since, again["a"].LastProbe)
	}
	expect("the other one", again["b"], status.StateUp, "")
	broken.Store(true)
	get(t, a.Addr(), "/probe?name=a")
	down := ask("broken")
	expect("broken", down["a"], status.StateDown, "status")
	if !down["a"].Since.After(*again["a"].Since) {
		t.Error("it is down since before it was up")
	}

	writeFile(t, o.ConfigFile, "modules: {http_2xx: {prober: http}}\ntargets: [{name: c, url: '"+target.URL+"'}, {name: a, url: '"+target.URL+"'}]")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	expect("after a reload", ask("after a reload")["a"], status.StateDown, "status")
	if at, _, _ := a.status.Last("b"); !at.IsZero() {
		t.Error("a target that is gone is remembered")
	}
}
