package app

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// What anybody can ask for marks no healthy target as down.
func TestStrangersMarkNothing(t *testing.T) {
	var thinking atomic.Bool // a healthy target that takes its time
	target := probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if thinking.Load() {
			<-r.Context().Done()
		}
	}))
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '"+target.URL+"', timeout: 5s}]")
	a := started(t, o)
	get(t, a.Addr(), "/probe?name=shop")
	thinking.Store(true)
	for _, path := range []string{"/probe?name=shop", "/probe?name=shop&debug=true", "/probe/all", "/probe/all?name=shop", "/probe?target=" + target.URL} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, timeout := range []string{"0.001", "0.01", "1e-3"} {
				r, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Addr().String()+path, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set(collector.ScrapeTimeoutHeader, timeout)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if v := a.status.Condition("shop", time.Minute, time.Now()); v.State != status.StateUp {
					t.Fatalf("after %s %s within %s s: state %q; want up", method, path, timeout, v.State)
				}
			}
		}
	}
	for _, r := range log.all() {
		if r.Message != "Serving" && r.Level > slog.LevelDebug && r.Message != "TLS is disabled." && r.Message != "Listening on" {
			t.Errorf("%s line %q", r.Level, r.Message)
		}
	}
}

// A target that cannot be probed has one line for it, and keeps the state that it had.
func TestUnable(t *testing.T) {
	p, log := watcher(t)
	probe := func(reason prober.Reason) {
		o := outcome(t, "http_2xx", "http://app.example/", false)
		o.Target = "app"
		if o.Result.Reason = reason; reason != "" {
			o.Result.Err = errors.New("no such file")
		}
		p.end(o, false)
	}
	for _, reason := range []prober.Reason{prober.ReasonStatus, prober.ReasonLocalResource, prober.ReasonLocalResource, prober.ReasonStatus, ""} {
		probe(reason)
	}
	for change, want := range map[status.Change]int{status.Down: 1, status.Unable: 1, status.None: 2, status.Up: 1} {
		if n := log.count(lines[change].msg); n != want {
			t.Errorf("%d lines %q, want %d", n, lines[change].msg, want)
		}
	}
}
