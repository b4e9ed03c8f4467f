package app

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// TestStopWhileAsking stops an exporter whose source hangs.
func TestStopWhileAsking(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	api := probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(gone)
	}))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntarget_apis: [{name: a, url: '"+api.URL+"', format: targets, timeout: 1m}]")
	a := build(t, o)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if status, body := get(t, a.Addr(), "/sd"); status != http.StatusServiceUnavailable {
		t.Errorf("/sd: status %d, want 503 before the first answer: %s", status, body)
	}
	within(t, "Stop", func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
		<-gone
	})
}

// TestReloadInventory reloads while everything reads the inventory and its sources change.
func TestReloadInventory(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var answers atomic.Int64
	api := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := answers.Add(1)
		if n%3 == 0 {
			fmt.Fprint(w, "garbage")
			return
		}
		fmt.Fprintf(w, `[{"name": "api", "url": "%s/%d"}]`, target.URL, n)
	}))
	file := filepath.Join(t.TempDir(), "targets.yml")
	writeFile(t, file, "- {name: file, url: '"+target.URL+"', headers: {X-A: b}}")
	o := options(&recorder{})
	text := func(timeout int) string { // one that changes makes the API another source
		return "modules: {http_2xx: {prober: http}}\ntargets: [{name: static, url: '" + target.URL + "', method: HEAD}]\n" +
			"target_files: ['" + file + "']\ntarget_apis: [{name: a, url: '" + api.URL + "', format: targets, interval: 1s, timeout: " + strconv.Itoa(timeout) + "ms}]"
	}
	o.ConfigFile = configFile(t, text(1000))
	a := started(t, o)
	a.loadEvery = 0
	until(t, "the first answer", func() bool {
		_, body := get(t, a.Addr(), "/sd")
		return strings.Contains(body, `"target":"api"`)
	})
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for path, want := range map[string]string{
		"/sd": `"target":"api"`, "/probe?name=static": "\nprobe_success 1\n", "/probe?name=api": "\nprobe_success 1\n", "/probe?name=file": "\nprobe_success 1\n",
		"/probe/all": `target="api"} 1`, "/api/v1/targets": `"name":"api"`, "/metrics": `inventory_targets{source="api:a"} 1`,
	} {
		readers.Go(func() {
			for ctx.Err() == nil {
				status, body, err := ask(context.WithoutCancel(ctx), "http://"+a.Addr().String()+path)
				if err != nil || status != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%s: status %d, %v, want %q in\n%s", path, status, err, want, body)
					return
				}
			}
		})
	}
	const asked = 4
	for i, began := 0, time.Now(); time.Since(began) < time.Second || answers.Load() < asked && time.Since(began) < patience; i++ {
		writeFile(t, o.ConfigFile, text(999-i%2))
		if err := a.Reload(); err != nil {
			t.Errorf("Reload: %v", err)
		}
	}
	cancel()
	readers.Wait()
	if answers.Load() < asked {
		t.Errorf("the source was asked %d times, want it asked at every reload that changes it", answers.Load())
	}
}
