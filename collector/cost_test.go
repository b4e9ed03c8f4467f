//go:build !race

package collector_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// TestCost compares what a scrape allocates with what the least does that it is made of, in the same process and with the
// same target: a request on a connection of its own, and a WebSocket that is opened and closed. The bounds have a third
// to spare: they are for what grows unnoticed, such as a registry for every scrape.
func TestCost(t *testing.T) {
	t.Run("http", func(t *testing.T) {
		address := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })).URL
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		compareCosts(t, address, 2.6, func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		})
	})
	t.Run("websocket", func(t *testing.T) {
		address := probetest.WebSocketEcho(t).URL
		compareCosts(t, address, 1.8, func() error {
			conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil) //nolint:bodyclose // an upgrade has none
			if err != nil {
				return err
			}
			return conn.Close()
		})
	})
}

func compareCosts(t *testing.T, address string, most float64, least func() error) {
	t.Helper()
	f := newFixture(t, "modules: {http_2xx: {prober: http}, websocket: {prober: websocket}}")
	f.handler.Begin = serving(nil).handler.Begin
	floor := allocated(t, least)
	scrape := allocated(t, func() error {
		if text := f.probe(t, address); !strings.Contains(text, "\nprobe_success 1\n") {
			t.Fatalf("the probe failed:\n%s", text)
		}
		return nil
	})
	t.Logf("a scrape allocates %.0f bytes, the least is %.0f: a factor of %.2f", scrape, floor, scrape/floor)
	if scrape > most*floor {
		t.Errorf("a scrape allocates %.0f bytes, want at most %.1f times %.0f", scrape, most, floor)
	}
}

// allocated is how many bytes the process allocates for one call.
func allocated(t *testing.T, call func() error) float64 {
	t.Helper()
	const n = 300
	var before, after runtime.MemStats
	for i := range n + n/3 {
		if i == n/3 { // pools are full
			runtime.ReadMemStats(&before)
		}
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / n
}
