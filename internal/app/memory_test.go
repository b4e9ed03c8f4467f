package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// What is known of the targets of an API outlives the exporter, too: also if the API does not answer when it is started again.
func TestMemoryOfAPI(t *testing.T) {
	target := probetest.Serve(t, http.NotFoundHandler())
	var broken atomic.Bool
	api := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `[{"name": "shop", "url": %q}]`, target.URL)
	}))
	o := options(&recorder{})
	o.StoragePath = filepath.Join(t.TempDir(), "data")
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntarget_apis: [{name: a, url: '"+api.URL+"', format: targets, interval: 1s}]")
	listed := func(a *App) bool { return a.currentInventory().ByName("shop") != nil }

	a := started(t, o)
	until(t, "the target", func() bool { return listed(a) })
	get(t, a.Addr(), "/probe?name=shop")
	since := a.status.Condition("shop", time.Minute, time.Now()).Since
	stop(t, a)

	for _, broke := range []bool{true, false} {
		broken.Store(broke)
		a = started(t, o)
		until(t, "the API to be asked", func() bool { return a.inventory.Missing() == nil })
		if broke { // and then it answers again
			broken.Store(false)
		}
		until(t, "the target", func() bool { return listed(a) })
		if v := a.status.Condition("shop", time.Minute, time.Now()); v.State != status.StateDown || !v.Since.Equal(since) {
			t.Errorf("with an API that fails at first (%t) the target is %s since %s, want it down since %s", broke, v.State, v.Since, since)
		}
		stop(t, a)
	}
}

// Targets that were taken out of the configuration while the exporter did not run are forgotten: else the file would grow with
// every deployment.
func TestMemoryForgets(t *testing.T) {
	o := options(&recorder{})
	o.StoragePath = filepath.Join(t.TempDir(), "data")
	text := "modules: {http_2xx: {prober: http}}\ntargets: [{name: %s, url: 'http://127.0.0.1:1/'}]"
	o.ConfigFile = configFile(t, fmt.Sprintf(text, "old"))
	a := started(t, o)
	get(t, a.Addr(), "/probe?name=old")
	stop(t, a)

	writeFile(t, o.ConfigFile, fmt.Sprintf(text, "new"))
	a = started(t, o)
	if v := a.status.Condition("old", time.Minute, time.Now()); v.State != status.StateUnknown {
		t.Errorf("a target that is gone is still known: %s since %s", v.State, v.Since)
	}
}
