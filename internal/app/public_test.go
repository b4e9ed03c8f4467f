package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// publicOptions are those of an exporter that shows the targets in LIVE to the public.
func publicOptions(t *testing.T, log *recorder, address string) Options {
	t.Helper()
	target := probetest.Serve(t, http.NotFoundHandler())
	o := options(log)
	o.EnablePprof = true
	o.ConfigFile = configFile(t, publicConfig(address, target.URL))
	return o
}

func publicConfig(address, target string) string {
	return fmt.Sprintf("status: {title: Shop, public: {listen_address: '%s', environments: [LIVE]}}\ntargets: [{name: shop, url: '%s/?key=canary', environment: LIVE}, {name: cart, url: '%s', environment: DEV}]", address, target, target)
}

// Of all that is served elsewhere the public gets a page, the summary, badges and the style.
func TestPublicRoutes(t *testing.T) {
	a := build(t, publicOptions(t, &recorder{}, "127.0.0.1:0"))
	style := "/assets/x/page.css"
	h := a.publicRoutes()
	shared := map[string]bool{"/": true, "/api/v1/summary": true, "/badge/shop.svg": true}
	for _, r := range a.table() {
		method, path, _ := strings.Cut(strings.NewReplacer(
			"{$}", "", "{service}", "shop", "{name}", "shop", "{file}", "shop.svg", "{version}", "x",
		).Replace(r.pattern), " ")
		for _, method := range []string{method, http.MethodGet, http.MethodHead, http.MethodPost} {
			w := serve(h, method, path, nil)
			checkHeaders(t, method+" "+path, w.Result().Header)
			served := shared[path] && (method == http.MethodGet || method == http.MethodHead)
			switch {
			case served && w.Code != http.StatusOK:
				t.Errorf("%s %s is answered %d", method, path, w.Code)
			case !served && w.Code != http.StatusNotFound && (w.Code != http.StatusMethodNotAllowed || !shared[path]):
				t.Errorf("%s %s is answered %d to the public", method, path, w.Code)
			}
			h = a.publicRoutes() // with a second of its own
		}
	}
	if w := serve(h, http.MethodGet, style, nil); w.Code != http.StatusNotFound {
		t.Errorf("the style of another version is answered %d", w.Code)
	}
	_, rest, _ := strings.Cut(serve(h, http.MethodGet, "/", nil).Body.String(), `href="./assets/`)
	version, _, _ := strings.Cut(rest, "/")
	if w := serve(h, http.MethodGet, "/assets/"+version+"/page.css", nil); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("the style is answered %d", w.Code)
	}
}

// The public listener begins and ends with the exporter, whose own address shows more.
func TestPublicListener(t *testing.T) {
	log := &recorder{}
	o := publicOptions(t, log, "127.0.0.1:0")
	a := started(t, o)
	get(t, a.Addr(), "/probe/all")
	addr := a.public.Addr()
	if code, body := get(t, addr, "/"); code != http.StatusOK || !strings.Contains(body, "1 of 1 are down") || strings.Contains(body, "canary") || strings.Contains(body, "127.0.0.1") {
		t.Errorf("the public gets status %d: %s", code, body)
	}
	if code, _ := get(t, addr, "/metrics"); code != http.StatusNotFound {
		t.Errorf("the public gets /metrics with status %d", code)
	}
	writeFile(t, o.ConfigFile, strings.NewReplacer("[LIVE]}", "[LIVE, DEV]}", "title: Shop", "title: Everything").Replace(publicConfig("127.0.0.1:0", "http://127.0.0.1:1")))
	const warning = "A public address is read only at the start, restart the exporter to change status.public.listen_address"
	if err := a.Reload(); err != nil || log.count(warning) != 0 {
		t.Errorf("a reload that keeps the address: %v, %d warnings", err, log.count(warning))
	}
	until(t, "the page to show more", func() bool {
		_, body := get(t, addr, "/")
		return strings.Contains(body, "cart") && strings.Contains(body, "Everything")
	})
	writeFile(t, o.ConfigFile, publicConfig("127.0.0.1:9", "http://127.0.0.1:1"))
	if err := a.Reload(); err != nil || log.count(warning) != 1 {
		t.Errorf("a reload with another address: %v, %d warnings", err, log.count(warning))
	}
	writeFile(t, o.ConfigFile, "targets: [{name: shop, url: 'http://127.0.0.1:1/', environment: LIVE}]")
	if err := a.Reload(); err != nil || log.count(warning) != 2 {
		t.Errorf("a reload without an address: %v, %d warnings", err, log.count(warning))
	}
	if code, _ := get(t, addr, "/"); code != http.StatusNotFound {
		t.Errorf("when nothing is public any more the public gets status %d", code)
	}
	stop(t, a)
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr.String()); err == nil {
		c.Close()
		t.Error("after the end it listens")
	}
}

// An address in use ends the start, with the key that has it. Nothing stays open.
func TestPublicAddressInUse(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := build(t, publicOptions(t, &recorder{}, taken.Addr().String()))
	if err := a.Start(); !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), "status.public.listen_address: ") {
		t.Errorf("Start: %v, want that the address of status.public.listen_address is in use", err)
	}
	if a.Addr() != nil {
		t.Errorf("it listens on %s", a.Addr())
	}
	taken.Close()
	if err := errors.Join(a.Start(), a.Stop()); err != nil {
		t.Errorf("once the address is free: %v", err)
	}
}

// However many connections the public has, those who scrape have theirs, and the gauge has all of them.
func TestPublicConnections(t *testing.T) {
	all := few()
	public := all.forPublic()
	crowd(t, all, all.perSource, 1, func(int) string { return "192.0.2.1" })
	crowd(t, public, 1000, 0, func(i int) string { return fmt.Sprintf("198.%d.%d.1", i/250, i%250) })
	if len(public.conns) != leastConnections || len(all.conns) != all.perSource {
		t.Errorf("the public has %d connections and the others %d, want %d and %d", len(public.conns), len(all.conns), leastConnections, all.perSource)
	}
	if got, want := int(testutil.ToFloat64(all.open)), leastConnections+all.perSource; got != want {
		t.Errorf("%d are counted as open, want %d", got, want)
	}
	if got := newConnections(0, newMetrics(prometheus.NewRegistry())).forPublic().whole; got != 256 {
		t.Errorf("with all descriptors the public has %d, want 256", got)
	}
}
