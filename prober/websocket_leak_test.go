package prober_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A thousand WebSockets that hang at once end at their deadline and leave nothing behind.
func TestThousandHangingWebSockets(t *testing.T) {
	for _, tt := range []struct {
		name   string
		start  func(testing.TB) *probetest.Server
		block  string
		reason prober.Reason
	}{
		{"silent before the upgrade", probetest.Silent, "", prober.ReasonRequestTimeout},
		{"silent", probetest.WebSocketSilent, "query_response: [{expect: hello}]", prober.ReasonWSMessage},
		{"pings for ever", func(t testing.TB) *probetest.Server { return probetest.WebSocketPings(t, 100*time.Millisecond) }, "ping: true", prober.ReasonWSPongTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hang(t, newWebSocket(t, tt.block), target(t, "ws://"+tt.start(t).Addr), tt.reason)
		})
	}
}

// A message of 200 MB, on the wire or decompressed, costs no more memory than the limit allows, and conversations
// without end fill no Result.
func TestHugeMessages(t *testing.T) {
	const size = 200 << 20
	huge, bomb := probetest.WebSocketHuge(t, size), probetest.WebSocketBomb(t, size)
	fragments, flood := probetest.WebSocketFragments(t, 64<<10), probetest.WebSocketFlood(t)
	for _, tt := range []struct {
		name, url, block string
		timeout          time.Duration
		reason           prober.Reason
		most             uint64
	}{
		{"message", huge.URL, "query_response: [{expect: hello}]", patient, prober.ReasonTooLarge, 8 << 20},
		{"message that no step waits for", huge.URL, "", patient, prober.ReasonTooLarge, 8 << 20},
		{"message instead of a pong", huge.URL, "ping: true", patient, prober.ReasonTooLarge, 8 << 20},
		{"compressed bomb", bomb.URL, "permessage_deflate: true\nquery_response: [{expect: hello}]", patient, prober.ReasonTooLarge, 8 << 20},
		{"compressed bomb, small limit", bomb.URL, "permessage_deflate: true\nmessage_size_limit: 1000\nquery_response: [{expect: hello}]", patient, prober.ReasonTooLarge, 2 << 20},
		{"fragments", fragments.URL, "query_response: [{expect: hello}]", patient, prober.ReasonTooLarge, 8 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, r := newWebSocket(t, tt.block), target(t, tt.url)
			before := totalAlloc()
			res := probe(t, p, r, tt.timeout)
			if res.Reason != tt.reason {
				t.Errorf("reason is %q (%v), want %s", res.Reason, res.Err, tt.reason)
			}
			if used := totalAlloc() - before; used > tt.most {
				t.Errorf("the probe allocated %d kB, want at most %d", used>>10, tt.most>>10)
			}
		})
	}
	const most = 50
	res := hangingUntil(t, newWebSocket(t, "query_response: [{expect: never, skip_until_match: true}]"), target(t, flood.URL), func(res prober.Result) bool {
		return res.Reason == prober.ReasonWSMessage && res.WebSocket.Received > most
	})
	wantFailure(t, res, prober.ReasonWSMessage, prober.PhaseMessages, "messages in time meets what is wanted")
	if n := len(res.WebSocket.Messages); res.WebSocket.Received <= n || n > most || len(res.Events) > 60 {
		t.Errorf("of %d messages the result has %d and %d events, want at most 50", res.WebSocket.Received, n, len(res.Events))
	}
}

// A target that reads nothing holds a probe with much to say no longer than the deadline, by TLS neither.
func TestWebSocketNotRead(t *testing.T) {
	ca := probetest.NewCA(t)
	deaf := func(ctx context.Context, _ *websocket.Conn) { <-ctx.Done() }
	c := parse(t, "modules: {m: {prober: websocket, websocket: {http_config: {tls_config: {ca_file: "+ca.File()+"}}, query_response: [{send: a}], ping: true}}}")
	c.Modules["m"].WebSocket.QueryResponse[0].Send = strings.Repeat("x", 12<<20) // to read it as YAML takes seconds
	p, err := prober.New(c.Modules["m"], c.TargetRules)
	if err != nil {
		t.Fatal(err)
	}
	for name, server := range map[string]*probetest.Server{
		"plain": probetest.WebSocket(t, nil, deaf),
		"TLS":   probetest.WebSocketTLS(t, ca.Issue(t, probetest.Cert{}), deaf),
	} {
		t.Run(name, func(t *testing.T) {
			res := hanging(t, p, target(t, server.URL), prober.ReasonWSMessage, prober.PhaseMessages)
			wantFailure(t, res, prober.ReasonWSMessage, prober.PhaseMessages, "did not take a message in time")
			if !res.WebSocket.TimedOut {
				t.Error("it is not known as a timeout")
			}
		})
	}
}

// A target that pings and reads no pong holds nothing up, and is one that does not answer, not one that breaks the
// protocol.
func TestWebSocketPongsNotRead(t *testing.T) {
	ping := bytes.Repeat(append([]byte{0x89, 125}, bytes.Repeat([]byte("p"), 125)...), 64)
	server := probetest.WebSocket(t, nil, func(_ context.Context, c *websocket.Conn) {
		if small, ok := c.NetConn().(interface{ SetReadBuffer(int) error }); ok {
			_ = small.SetReadBuffer(4096)
		}
		for {
			if _, err := c.NetConn().Write(ping); err != nil {
				return
			}
		}
	})
	for _, tt := range []struct {
		name, block string
		reason      prober.Reason
		phase       prober.PhaseName
		text        string
	}{
		{"handshake", "", "", "", ""},
		{"ping", "ping: true", prober.ReasonWSPongTimeout, prober.PhasePing, "not answered"},
		{"message", "query_response: [{expect: hello}]", prober.ReasonWSMessage, prober.PhaseMessages, "no message in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			res := probe(t, newWebSocket(t, tt.block), target(t, server.URL), 4*time.Second)
			if took := time.Since(start); took > 4*time.Second+late {
				t.Errorf("it took %s", took)
			}
			if tt.reason == "" {
				wantSuccess(t, res)
				return
			}
			wantFailure(t, res, tt.reason, tt.phase, tt.text)
			if want := tt.reason == prober.ReasonWSMessage; res.WebSocket.TimedOut != want {
				t.Errorf("timed out is %t, want %t", res.WebSocket.TimedOut, want)
			}
		})
	}
}

// Whatever bytes a target sends, instead of an answer or after it, the probe ends with a Reason and in time.
func FuzzWebSocketTarget(f *testing.F) {
	for _, frames := range []string{
		"\x81\x05hello", "\x01\x02he\x80\x03llo", "\x82\x7e\x00\x80", "\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00", "\x89\x00\x8a\x04pong", "\x88\x02\x03\xe8",
		"\x88\x00", "\x88\x01\x03", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", "\xff\xff\xff", "\x81\x80\x00\x00\x00\x00", "",
	} {
		f.Add("", []byte(frames), true)
		f.Add("", []byte(frames), false)
	}
	for _, head := range []string{
		"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 101 x\nUpgrade: websocket\nConnection: Upgrade\n\n", "HTTP/1.0 200 OK\r\n\r\nbody", "HTTP/1.1 302 x\r\nLocation: :\r\n\r\n",
		"HTTP/1.1 1", "\x00\xff", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x\r\n\r\n",
	} {
		f.Add(head, []byte(nil), false)
	}
	f.Fuzz(func(t *testing.T, head string, frames []byte, stay bool) {
		known := map[prober.Reason]bool{prober.ReasonNone: true}
		for _, info := range prober.Reasons() {
			known[info.Reason] = true
		}
		var server *probetest.Server
		if head == "" {
			server = probetest.WebSocketFrames(t, frames, true, stay)
		} else {
			server = probetest.Answer(t, head+string(frames), stay)
		}
		p := newWebSocket(t, "permessage_deflate: true\nmessage_size_limit: 10KiB\nquery_response: [{expect: hello, send: hello}]\nping: true")
		start := time.Now()
		res := probe(t, p, target(t, "ws://"+server.Addr), 100*time.Millisecond)
		switch {
		case !known[res.Reason] || res.Reason == prober.ReasonInternal || (res.Reason == "") != (res.Err == nil):
			t.Errorf("reason %q in phase %s: %v", res.Reason, res.FailedPhase, res.Err)
		case time.Since(start) > late:
			t.Errorf("it took %s", time.Since(start))
		}
	})
}
