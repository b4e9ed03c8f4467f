package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// maxLanding is how large the landing page may be in bytes, whatever was probed.
const maxLanding = 256_000

// worstTargets are the URLs of targets that send as much as they can, with the module for each.
func worstTargets(t *testing.T) (config string, targets [][2]string) {
	ca := probetest.NewCA(t)
	names := make([]string, 15_000)
	for i := range names {
		names[i] = fmt.Sprintf("n%05d.test", i)
	}
	junk := strings.Repeat("\x1b[2J\"<&'\u202e", 100_000)
	redirects := func(location string, cookies int) string {
		return probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Query().Get("n"))
			for i := range cookies {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d_%d=%s", n, i, strings.Repeat("v", 10)))
			}
			w.Header().Set("Location", fmt.Sprintf("/?n=%d&%s", n+1, location))
			w.WriteHeader(http.StatusFound)
		})).URL
	}
	answers := func(s string) string { return probetest.Answer(t, s, false).URL }
	text := []byte(strings.Repeat("\"<&'\x1b\u202e", 10_000))
	talks := probetest.WebSocket(t, &websocket.Upgrader{}, func(_ context.Context, c *websocket.Conn) {
		for range 100 {
			_ = c.WriteMessage(websocket.TextMessage, text)
		}
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, strings.Repeat("\"<&", 40)), time.Now().Add(time.Second))
	}).URL
	config = fmt.Sprintf(`modules:
  plain: {prober: http}
  trust: {prober: http, http: {tls_config: {ca_file: %s}}}
  json: {prober: http, http: {fail_if_body_json_not_matches_cel: 'body[body.k]'}}
  gzip: {prober: http, http: {compression: gzip}}
  talk: {prober: websocket, websocket: {query_response: [{expect: never, skip_until_match: true}]}}
`, ca.File())
	return config, [][2]string{
		{"plain", redirects(strings.Repeat("k&", 1<<19), 0)},
		{"plain", redirects(strings.Repeat("k&", 30_000), 0)},
		{"plain", redirects("", 2_000)},
		{"plain", answers("HTTP/1.1 500 " + junk[:60_000])},
		{"plain", answers("HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\r\n", 15_000) + "Set-Cookie: " + junk[:100] + "\r\n\r\n")},
		{"plain", "http://127.0.0.1:1/" + strings.Repeat("?%22%3c%26", 20_000)},
		{"trust", probetest.TLSServer(t, ca.Issue(t, probetest.Cert{DNSNames: append(names, "127.0.0.1")}), http.NotFoundHandler()).URL},
		{"trust", probetest.TLSServer(t, ca.Issue(t, probetest.Cert{CommonName: junk[:60_000]}), http.NotFoundHandler()).URL},
		{"json", answers("HTTP/1.1 200 OK\r\n\r\n" + `{"k":"` + strings.Repeat("x", 1<<20) + `"}`)},
		{"gzip", answers("HTTP/1.1 200 OK\r\nContent-Encoding: " + strings.Repeat("\u202e", 15_000) + "\r\n\r\nhello")},
		{"talk", talks},
	}
}

// TestWorstTargets probes the worst targets for long. What is kept of it, in memory and on the page, stays small.
func TestWorstTargets(t *testing.T) {
	probes := 1000
	if raceEnabled { // it takes long, and says nothing about memory
		probes = 50
	}
	config, targets := worstTargets(t)
	o := options(&recorder{})
	o.ConfigFile = configFile(t, config)
	o.HistoryLimit = 100_000
	a := build(t, o)
	handler := a.routes()
	probe := func(i int) {
		module, target := targets[i%len(targets)][0], targets[i%len(targets)][1]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+url.Values{"module": {module}, "target": {target}}.Encode(), http.NoBody)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i := range targets {
		probe(i)
	}
	before := heap()
	var running sync.WaitGroup
	const atOnce = 4
	for worker := range atOnce {
		running.Go(func() {
			for i := worker; i < probes; i += atOnce {
				probe(i)
			}
		})
	}
	running.Wait()
	if got, most := heap()-before, 16<<20; got > most {
		t.Errorf("the heap has grown by %d bytes, want at most %d", got, most)
	}
	bytes := 0
	entries := a.history.List()
	for i := range entries {
		bytes += entries[i].Result.Size()
	}
	if bytes > history.Budget {
		t.Errorf("the history has %d bytes, want at most %d", bytes, history.Budget)
	}
	t.Logf("%d entries of %d bytes, the heap has grown by %d bytes", len(entries), bytes, heap()-before)

	for path, most := range map[string]int{"/probes": maxLanding, fmt.Sprintf("/logs?id=%d", entries[0].ID): 64 << 10} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if got := w.Body.Len(); w.Code != http.StatusOK || got > most {
			t.Errorf("GET %s: status %d and %d bytes, want at most %d", path, w.Code, got, most)
		}
		if text := w.Body.String(); strings.Contains(text, "\x1b") || strings.Contains(text, "\u202e") {
			t.Errorf("GET %s has characters that do not print", path)
		}
	}
}

// heap is the memory in use, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // no test has as much
}
