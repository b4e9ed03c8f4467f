package prober

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory("keep", 10<<20)
		first, err := m.take(t.Context(), 8<<20)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err = m.take(ctx, 4<<20)
		const want = "waited 3s for memory to keep it, which all probes share: 8.0 MiB are in use, want 4.0 MiB of 10.0 MiB"
		if !errors.Is(err, errNoMemory) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		// What can never fit does not wait, and nothing waits for it.
		_, err = m.take(t.Context(), 11<<20)
		if _, ok := errors.AsType[*tooMuchError](err); !ok {
			t.Errorf("got %v", err)
		}
		small, err := m.take(t.Context(), 2<<20)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, first)
		start := time.Now()
		second, err := m.take(t.Context(), 8<<20)
		if err != nil || time.Since(start) != time.Second {
			t.Errorf("got %v after %s, want the memory after a second", err, time.Since(start))
		}
		small()
		second()
		if m.used.Load() != 0 || m.waited.Load() != 2 || m.refused.Load() != 2 {
			t.Errorf("%d bytes in use, %d waited, %d refused; want 0, 2 and 2", m.used.Load(), m.waited.Load(), m.refused.Load())
		}
	})
}

// probeText probes a URL by the module of a configuration.
func probeText(t testing.TB, address, module string, timeout time.Duration) Result {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {m: "+module+"}"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(c.Modules["m"], config.TargetRules{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return p.Probe(ctx, Request{URL: u})
}

// long is more than all probes of a test take one after the other, on a busy machine and with the race detector.
const long = 5 * time.Minute

// A body costs a few times its length, whatever is in it, and many at once no more than there is memory.
func TestJudgedAtOnce(t *testing.T) {
	const size = 10 << 20
	for name, item := range map[string]string{"numbers": "1,", "objects": `{"":0},`, "lists": "[],"} {
		t.Run(name, func(t *testing.T) {
			body := "[" + strings.Repeat(item, size/len(item)-2) + "1]"
			server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
			const module = "{prober: http, http: {fail_if_body_json_not_matches_cel: size(body) > 3}}"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if r := probeText(t, server.URL, module, long); !r.Success() {
				t.Fatal(r.Err)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 5*size {
				t.Errorf("a probe allocates %d MB for a body of %d MB, want five times as much at most", got>>20, size>>20)
			}
			var probing sync.WaitGroup
			for range 4 { // the memory is for one at a time
				probing.Go(func() {
					if r := probeText(t, server.URL, module, long); !r.Success() {
						t.Error(r.Err)
					}
				})
			}
			probing.Wait()
			for _, m := range Memory() {
				if m.Used != 0 {
					t.Errorf("%d bytes are in use to %s after the last probe", m.Used, m.Use)
				}
			}
		})
	}
}

// Who does not get memory in time fails for a lack of this exporter, and who needs little does not notice.
func TestStarved(t *testing.T) {
	large := "[" + strings.Repeat("1,", 200_000) + "1]"
	mux := http.NewServeMux()
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, large) })
	mux.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[1,2,3,4]") })
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteMessage(websocket.TextMessage, []byte(large))
		_, _, _ = conn.ReadMessage()
	})
	server := probetest.Serve(t, mux)
	ws := "ws" + strings.TrimPrefix(server.URL, "http")
	const (
		byJSON      = "{prober: http, http: {fail_if_body_json_not_matches_cel: size(body) > 3}}"
		byRegexp    = "{prober: http, http: {fail_if_body_not_matches_regexp: ['^.1']}}"
		byNothing   = "{prober: http}"
		messageJSON = "{prober: websocket, websocket: {query_response: [{expect_json: size(body) > 3}]}}"
		message     = "{prober: websocket, websocket: {query_response: [{expect: '^.1'}]}}"
	)
	for _, tt := range []struct {
		name, url, module string
		taken             *memory // by others
		reason            Reason
		err               string
	}{
		{"large body to keep", server.URL + "/large", byRegexp, toKeep, ReasonLocalResource, "waited"},
		{"large body to judge", server.URL + "/large", byJSON, toJudge, ReasonLocalResource, "judging 400003 bytes of JSON: too much at once: waited"},
		{"large body that no condition needs", server.URL + "/large", byNothing, toKeep, ReasonNone, ""},
		{"large body by a regexp", server.URL + "/large", byRegexp, toJudge, ReasonNone, ""},
		{"small body to keep", server.URL + "/small", byRegexp, toKeep, ReasonNone, ""},
		{"small body to judge", server.URL + "/small", byJSON, toJudge, ReasonNone, ""},
		{"large message to keep", ws + "/ws", message, toKeep, ReasonLocalResource, "reading a message: too much at once"},
		{"large message to judge", ws + "/ws", messageJSON, toJudge, ReasonLocalResource, "judging 400003 bytes of JSON: too much at once: waited"},
		{"large message by a regexp", ws + "/ws", message, toJudge, ReasonNone, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			release, err := tt.taken.take(t.Context(), tt.taken.size)
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			wanted := func(r Result) bool {
				return r.Reason == tt.reason && (tt.err == "" || strings.Contains(fmt.Sprint(r.Err), tt.err))
			}
			timeout := long
			if tt.reason != ReasonNone {
				timeout = 500 * time.Millisecond // it waits for all of it
			}
			r := probeText(t, tt.url, tt.module, timeout)
			for ; !wanted(r) && r.Duration >= timeout && timeout < 30*time.Second; r = probeText(t, tt.url, tt.module, timeout) {
				timeout *= 4 // on a busy machine it was over before the probe got that far
			}
			if !wanted(r) {
				t.Errorf("got %q (%v), want %q (%s)", r.Reason, r.Err, tt.reason, tt.err)
			}
		})
	}
}

// What would never fit fails at once, and says so.
func TestTooMuchToJudge(t *testing.T) {
	body := "[" + strings.Repeat("1,", 2<<20) + "1]"
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
	r := probeText(t, server.URL, "{prober: http, http: {fail_if_body_json_not_matches_cel: 'size(body.map(x, x)) > 3'}}", long)
	if r.Reason != ReasonTooLarge || !strings.Contains(fmt.Sprint(r.Err), "to judge it takes up to 144.0 MiB of memory, want 64.0 MiB at most") {
		t.Errorf("got %q: %v", r.Reason, r.Err)
	}
}
