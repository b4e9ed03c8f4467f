package prober_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// newWebSocket builds a WebSocket prober from the lines of a websocket block.
func newWebSocket(t testing.TB, block string) prober.Prober {
	t.Helper()
	return fromYAML(t, "modules:\n  m:\n    prober: websocket\n    websocket:\n"+indent(block, "ping: false"))
}

// Whatever the target says or does not say has its own reason, and the probe returns at its deadline.
func TestWebSocketReasons(t *testing.T) {
	const (
		drip   = 200 * time.Millisecond
		expect = "query_response: [{expect: hello}]"
		skip   = "query_response: [{expect: hello, skip_until_match: true}]"
		ping   = "ping: true"
	)
	ca := probetest.NewCA(t)
	untrusted := ca.Issue(t, probetest.Cert{})
	expired := ca.Issue(t, probetest.Cert{NotAfter: time.Now().Add(-time.Hour)})
	type start func(testing.TB) *probetest.Server
	closes := func(code int) start {
		return func(t testing.TB) *probetest.Server { return probetest.WebSocketCloses(t, code) }
	}
	answers := func(status int, header http.Header) start {
		return func(t testing.TB) *probetest.Server { return probetest.UpgradeAnswers(t, status, header) }
	}
	sends := func(text string) start {
		return func(t testing.TB) *probetest.Server {
			return probetest.WebSocket(t, &websocket.Upgrader{}, func(_ context.Context, c *websocket.Conn) {
				_ = c.WriteMessage(websocket.TextMessage, []byte(text))
				_, _, _ = c.ReadMessage()
			})
		}
	}

	for _, tt := range []struct {
		name   string
		server start
		block  string
		reason prober.Reason
		phase  prober.PhaseName
		text   string
		hangs  bool // until the deadline
	}{
		{"silent before the upgrade", probetest.Silent, "", prober.ReasonRequestTimeout, prober.PhaseUpgrade, "no byte", true},
		{"upgrade byte by byte", func(t testing.TB) *probetest.Server { return probetest.WebSocketDripUpgrade(t, drip) }, "", prober.ReasonTransferTimeout, prober.PhaseUpgrade, "not complete", true},
		{"head without end", probetest.UpgradeEndlessHeaders, "", prober.ReasonTooLarge, prober.PhaseUpgrade, "65536 bytes", false},
		{"closes instead of an answer", probetest.CloseAtOnce, "", prober.ReasonConnectionClosed, prober.PhaseUpgrade, "closed", false},
		{"resets instead of an answer", probetest.Reset, "", prober.ReasonConnectionClosed, prober.PhaseUpgrade, "closed", false},
		{"no HTTP server", probetest.NotHTTP, "", prober.ReasonHTTPVersion, prober.PhaseUpgrade, "not proper HTTP", false},
		{"200", answers(200, nil), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 200, want 101", false},
		{"200 with a body without end", probetest.Endless, "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 200, want 101", false},
		{"200 with a body byte by byte", func(t testing.TB) *probetest.Server { return probetest.Drip(t, drip) }, "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 200, want 101", false},
		{"302", answers(302, http.Header{"Location": {"http://u:p@h/x?key=canary"}}), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, `status 302 redirects to "http://h/x?key=***", want 101`, false},
		{"302 to an invalid URL", answers(302, http.Header{"Location": {"http:u:canary@h/"}}), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, `redirects to "http:***"`, false},
		{"302 without a location", answers(302, nil), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 302, want 101", false},
		{"401", answers(401, nil), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 401, want 101", false},
		{"426", answers(426, http.Header{"Upgrade": {"h2c"}}), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 426, want 101", false},
		{"503", answers(503, nil), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 503, want 101", false},
		{"101 of another protocol", answers(101, http.Header{"Upgrade": {"h2c"}, "Connection": {"Upgrade"}}), "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "Upgrade: websocket", false},
		{"wrong accept key", probetest.WebSocketWrongAccept, "", prober.ReasonWSHandshake, prober.PhaseUpgrade, "Sec-WebSocket-Accept", false},
		{"unsolicited extension", func(t testing.TB) *probetest.Server {
			return probetest.WebSocketExtension(t, "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
		}, "", prober.ReasonWSHandshake, prober.PhaseUpgrade, `the extension "permessage-deflate", which was not offered`, false},
		{"another extension", func(t testing.TB) *probetest.Server { return probetest.WebSocketExtension(t, "x-webkit-frames") }, "permessage_deflate: true", prober.ReasonWSHandshake, prober.PhaseUpgrade, `"x-webkit-frames"`, false},
		{"another subprotocol", func(t testing.TB) *probetest.Server { return probetest.WebSocketSubprotocol(t, "v2.chat") }, "subprotocols: [v1.chat]", prober.ReasonWSSubprotocol, prober.PhaseUpgrade, "selected a subprotocol that was not offered", false},
		{"unsolicited subprotocol", func(t testing.TB) *probetest.Server { return probetest.WebSocketSubprotocol(t, "v2.chat") }, "", prober.ReasonWSSubprotocol, prober.PhaseUpgrade, "selected a subprotocol that was not offered", false},
		{"no subprotocol", probetest.WebSocketSilent, "subprotocols: [v1.chat, v2.chat]", prober.ReasonWSSubprotocol, prober.PhaseUpgrade, "selected no subprotocol, want one of", false},

		{"silent", probetest.WebSocketSilent, expect, prober.ReasonWSMessage, prober.PhaseMessages, `step 1: no message in time, want a match of "hello"`, true},
		{"pings for ever", func(t testing.TB) *probetest.Server { return probetest.WebSocketPings(t, time.Millisecond) }, expect, prober.ReasonWSMessage, prober.PhaseMessages, "no message in time", true},
		{"message byte by byte", func(t testing.TB) *probetest.Server { return probetest.WebSocketDrip(t, drip) }, expect, prober.ReasonWSMessage, prober.PhaseMessages, "no message in time", true},
		{"empty fragments without end", func(t testing.TB) *probetest.Server { return probetest.WebSocketFragments(t, 0) }, expect, prober.ReasonWSMessage, prober.PhaseMessages, "no message in time", true},
		{"fragments without end", func(t testing.TB) *probetest.Server { return probetest.WebSocketFragments(t, 1000) }, expect, prober.ReasonTooLarge, prober.PhaseMessages, "1048576 bytes", false},
		{"other messages without end", probetest.WebSocketFlood, skip, prober.ReasonWSMessage, prober.PhaseMessages, `messages in time meets what is wanted: a match of "hello"`, true},
		{"another message", sends("canary"), expect, prober.ReasonWSMessage, prober.PhaseMessages, `the message does not match, want a match of "hello"`, false},
		{"another JSON", sends(`{"type":"canary"}`), `query_response: [{expect_json: 'body.type == "ready"'}]`, prober.ReasonWSMessage, prober.PhaseMessages, "is false for the message, want true", false},
		{"no JSON", sends("canary"), "query_response: [{expect_json: 'true'}]", prober.ReasonWSMessage, prober.PhaseMessages, "the message is not JSON", false},
		{"text for binary", sends("canary"), "query_response: [{expect_binary: 63 61}]", prober.ReasonWSMessage, prober.PhaseMessages, "got another text message of 6 bytes, want a binary message that begins with 63 61", false},
		{"too long a message", sends("canary"), "message_size_limit: 5\n" + expect, prober.ReasonTooLarge, prober.PhaseMessages, "5 bytes", false},
		{"no UTF-8", sends("\xff"), expect, prober.ReasonWSMessage, prober.PhaseMessages, "not UTF-8", false},
		{"masked frame", func(t testing.TB) *probetest.Server {
			return probetest.WebSocketBadFrame(t, []byte{0x81, 0x81, 1, 2, 3, 4, 5})
		}, expect, prober.ReasonWSMessage, prober.PhaseMessages, "broke the protocol", false},
		{"reserved bit", func(t testing.TB) *probetest.Server { return probetest.WebSocketBadFrame(t, []byte{0xC1, 0x01, 'a'}) }, expect, prober.ReasonWSMessage, prober.PhaseMessages, "broke the protocol", false},

		{"no pong", probetest.WebSocketSilent, ping, prober.ReasonWSPongTimeout, prober.PhasePing, "not answered", true},
		{"messages instead of a pong", probetest.WebSocketFlood, ping, prober.ReasonWSPongTimeout, prober.PhasePing, "not answered", true},
		{"closes with 1000", closes(1000), expect, prober.ReasonWSClosed, prober.PhaseMessages, "step 1: the target closed with 1000 (normal closure)", false},
		{"closes with 1011", closes(1011), expect, prober.ReasonWSClosed, prober.PhaseMessages, "closed with 1011 (internal error)", false},
		{"closes with 4000", closes(4000), expect, prober.ReasonWSClosed, prober.PhaseMessages, "closed with 4000", false},
		{"closes without a code", closes(1005), expect, prober.ReasonWSClosed, prober.PhaseMessages, "closed with 1005 (no code)", false},
		{"drops the connection", closes(1006), expect, prober.ReasonWSClosed, prober.PhaseMessages, "without a close (1006)", false},
		{"closes with 1011 instead of a pong", closes(1011), ping, prober.ReasonWSClosed, prober.PhasePing, "closed with 1011", false},
		{"drops the connection instead of a pong", closes(1006), ping, prober.ReasonWSClosed, prober.PhasePing, "without a close", false},
		{"closes with 1011 after the upgrade", closes(1011), "", prober.ReasonWSClosed, prober.PhaseClose, "closed with 1011", false},
		{"closes with another code than expected", closes(4000), "expect_close_codes: [4401, 1000]", prober.ReasonWSClosed, prober.PhaseClose, "closed with 4000, want 4401 or 1000 (normal closure)", false},
		{"does not close as expected", probetest.WebSocketSilent, "expect_close_codes: [4401]", prober.ReasonWSClosed, prober.PhaseClose, "did not close in time, want 4401", true},

		{"untrusted certificate", func(t testing.TB) *probetest.Server { return probetest.TLSServer(t, untrusted, http.NotFoundHandler()) }, "", prober.ReasonTLSUntrusted, prober.PhaseTLS, "unknown authority", false},
		{"expired certificate", func(t testing.TB) *probetest.Server { return probetest.TLSServer(t, expired, http.NotFoundHandler()) }, "http_config: {tls_config: {ca_file: " + ca.File() + "}}", prober.ReasonTLSExpired, prober.PhaseTLS, "expired on", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := tt.server(t).URL
			for from, to := range map[string]string{"http://": "ws://", "https://": "wss://"} {
				if rest, ok := strings.CutPrefix(url, from); ok {
					url = to + rest
				}
			}
			res := failing(tt.hangs)(t, newWebSocket(t, tt.block), target(t, url), tt.reason, tt.phase)
			wantFailure(t, res, tt.reason, tt.phase, tt.text)
			if text := fmt.Sprint(res.Err, res.Events); strings.Contains(text, "canary") {
				t.Errorf("what was said is in the error or the events: %s", text)
			}
			if tls := res.FailedPhase == prober.PhaseTLS; tls != (res.TLS != nil && res.TLS.Certificates != nil) {
				t.Errorf("TLS result is %+v", res.TLS)
			}
		})
	}
}

// A whole conversation: text, groups, JSON, binary messages, skipping, ping and close.
func TestWebSocketConversation(t *testing.T) {
	server := probetest.WebSocket(t, &websocket.Upgrader{Subprotocols: []string{"v2"}, EnableCompression: true}, func(_ context.Context, c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte("session 4711 of $you"))
		for {
			kind, text, err := c.ReadMessage()
			if err != nil {
				return
			}
			_ = c.WriteMessage(websocket.TextMessage, []byte(`{"news":true}`))
			_ = c.WriteMessage(kind, text)
		}
	})
	p := newWebSocket(t, `
			subprotocols: [v1, v2]
			permessage_deflate: true
			query_response:
			  - expect: '^session (?P<id>\d+) of'
			    send: '{"hello":"${id}","cost":"$$1"}'
			  - expect_json: body.hello == "4711" && body.cost == "$1"
			    skip_until_match: true
			    send_binary: 00 ff 10
			  - expect_binary: 00ff
			    skip_until_match: true
			ping: true`)
	res := probe(t, p, target(t, server.URL), patient)
	wantSuccess(t, res)
	var got []string
	for _, m := range res.WebSocket.Messages {
		direction := "<"
		if m.Sent {
			direction = ">"
		}
		got = append(got, strings.TrimSpace(direction+" "+string(m.Type)+" "+m.Excerpt))
	}
	want := []string{
		"< text session 4711 of $you", `> text {"hello":"4711","cost":"$1"}`, `< text {"news":true}`, `< text {"hello":"4711","cost":"$1"}`,
		"> binary 00ff10", `< text {"news":true}`, "< binary 00ff10", "> ping", "< pong", "> close 1000 (normal closure)", "< close 1000 (normal closure)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conversation (-want +got):\n%s", diff)
	}
	w := *res.WebSocket
	w.Messages = nil
	if diff := cmp.Diff(prober.WebSocketResult{StatusCode: 101, Upgraded: true, Subprotocol: "v2", Compressed: true, Received: 5, CloseCode: 1000}, w); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	var phases []prober.PhaseName
	for _, ph := range res.Phases {
		phases = append(phases, ph.Name)
	}
	if diff := cmp.Diff([]prober.PhaseName{"resolve", "connect", "upgrade", "messages", "ping", "close"}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

// The target sees a close frame, whether the probe succeeded or not.
func TestWebSocketSaysGoodbye(t *testing.T) {
	echo := probetest.WebSocketEcho(t)
	for _, block := range []string{"", "ping: true", "query_response: [{send: a}, {expect: a}]", "query_response: [{send: a}, {expect: b}]"} {
		res := probe(t, newWebSocket(t, block), target(t, echo.URL), patient)
		if code := echo.Closed(t); code != websocket.CloseNormalClosure {
			t.Errorf("%q (%v): the target saw a close with %d, want 1000", block, res.Err, code)
		}
	}
}

// How a target ends a conversation that went well is its own affair, but for a code that says that it is broken.
func TestWebSocketClosing(t *testing.T) {
	for name, tt := range map[string]struct {
		server *probetest.Server
		block  string
		code   int
	}{
		"answers":              {probetest.WebSocketEcho(t).Server, "", 1000},
		"does not answer":      {probetest.WebSocketNoCloseAnswer(t), "", 0},
		"went away":            {probetest.WebSocketCloses(t, 1001), "", 1001},
		"drops":                {probetest.WebSocketCloses(t, 1006), "", 1006},
		"as expected":          {probetest.WebSocketCloses(t, 4401), "expect_close_codes: [1000, 4401]", 4401},
		"no code, as expected": {probetest.WebSocketCloses(t, 1005), "expect_close_codes: [1005]", 1005},
		"drops, as expected":   {probetest.WebSocketCloses(t, 1006), "expect_close_codes: [1006]", 1006},
	} {
		t.Run(name, func(t *testing.T) {
			res := probe(t, newWebSocket(t, tt.block), target(t, tt.server.URL), patient)
			wantSuccess(t, res)
			if got := res.WebSocket.CloseCode; got != tt.code {
				t.Errorf("close code is %d, want %d", got, tt.code)
			}
		})
	}
}

// talker is a server that waits for one message, where it is not empty, and then says its own.
func talker(t *testing.T, waits string, says ...string) *probetest.Server {
	u := &websocket.Upgrader{Subprotocols: []string{"graphql-ws"}}
	return probetest.WebSocket(t, u, func(_ context.Context, c *websocket.Conn) {
		if waits != "" {
			if _, b, err := c.ReadMessage(); err != nil || string(b) != waits {
				return
			}
		}
		for _, text := range says {
			_ = c.WriteMessage(websocket.TextMessage, []byte(text))
		}
		_, _, _ = c.ReadMessage() // the close
	})
}

// The presets of the documentation work with the protocols that they are for.
func TestWebSocketPresets(t *testing.T) {
	text, err := os.ReadFile("../docs/websocket.md")
	if err != nil {
		t.Fatal(err)
	}
	presets := map[string]string{}
	for block := range strings.SplitSeq(string(text), "```yaml\n") {
		if block, _, ok := strings.Cut(block, "```"); ok && strings.HasPrefix(block, "modules:\n  ") {
			name, _, _ := strings.Cut(strings.TrimPrefix(block, "modules:\n  "), ":")
			presets[name] = strings.Replace(block, name, "m", 1)
		}
	}
	for name, url := range map[string]string{
		"graphql_ws":        probetest.GraphQLWS(t).URL,
		"socket_io":         probetest.EngineIO(t).URL + "/socket.io/?EIO=4&transport=websocket",
		"stomp":             probetest.STOMP(t).URL,
		"mqtt":              probetest.MQTTWebSocket(t).URL,
		"refuses_strangers": probetest.WebSocketCloses(t, 4401).URL,
		"socket_io_2":       talker(t, "", `0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":5000}`, "40").URL,
		"signalr":           talker(t, "{\"protocol\":\"json\",\"version\":1}\x1e", "{}\x1e").URL,

		"graphql_subscriptions": talker(t, `{"type":"connection_init"}`, `{"type":"ka"}`, `{"type":"connection_ack"}`).URL,
	} {
		t.Run(name, func(t *testing.T) {
			preset := presets[name]
			if preset == "" {
				t.Fatalf("docs/websocket.md has no preset %s", name)
			}
			delete(presets, name)
			wantSuccess(t, probe(t, fromYAML(t, preset), target(t, url), patient))
			if res := probe(t, fromYAML(t, preset), target(t, probetest.WebSocketEcho(t).URL), quick); res.Success() {
				t.Error("an echo server passes for it")
			}
		})
	}
	for name := range presets {
		t.Errorf("docs/websocket.md has a preset %s that nothing tests", name)
	}
}

// What is not WebSocket is not a close, even if the target hangs up after it or a message cannot be sent any more:
// ws_closed with 1006 is a reason for a restart.
func TestWebSocketBrokenFrames(t *testing.T) {
	const (
		ok      = "\x81\x02ok"
		answers = "query_response: [{expect: ok, send: a}, {expect: ok, send: b}, {expect: ok, send: c}, {expect: hello}]"
		cut     = "\xc1\x05\x00\xff\x00\x00\xff" // a compressed message that ends within a block
		deflate = "permessage_deflate: true\n"
	)
	for name, tt := range map[string]struct {
		frames, block string
		stay          bool
		phase         prober.PhaseName
	}{
		"masked, then hangs up":       {ok + ok + ok + "\x81\x81\x01\x02\x03\x04\x05", answers, false, prober.PhaseMessages},
		"reserved bit, then hangs up": {ok + ok + ok + "\xc1\x01a", answers, false, prober.PhaseMessages},
		"no UTF-8, then hangs up":     {ok + ok + ok + "\x81\x01\xff", answers, false, prober.PhaseMessages},
		"cut compressed message":      {cut, deflate + "query_response: [{expect: hello}]", true, prober.PhaseMessages},
		"the same instead of a pong":  {cut, deflate + "ping: true", true, prober.PhasePing},
		"the same for a close":        {cut, deflate + "expect_close_codes: [1006]", true, prober.PhaseClose},
	} {
		t.Run(name, func(t *testing.T) {
			server := probetest.WebSocketFrames(t, []byte(tt.frames), strings.HasPrefix(tt.block, deflate), tt.stay)
			p, r := newWebSocket(t, tt.block), target(t, server.URL)
			for range 20 { // it was a race
				res := probe(t, p, r, patient)
				wantFailure(t, res, prober.ReasonWSMessage, tt.phase, "")
				if res.WebSocket.CloseCode != 0 {
					t.Fatalf("close code is %d (%v), want none", res.WebSocket.CloseCode, res.Err)
				}
			}
		})
	}
}

// Only a target that says nothing at all may hang: one that says something else, such as that it refuses, is alive.
func TestWebSocketTimedOut(t *testing.T) {
	const steps = `query_response: [{expect: '^0', send: '40'}, {expect: '^40', skip_until_match: true}]`
	for name, tt := range map[string]struct {
		says, block string
		want        bool
	}{
		"silent":                   {"", steps, true},
		"silent after the first":   {"\x81\x030{}", steps, true},
		"refuses":                  {"\x81\x030{}\x81\x0444{}", steps, false},
		"a part of what is wanted": {"\x82\x01\x20", "query_response: [{expect_binary: 20 02}]", true},
		"nothing but pings":        {"\x89\x00\x89\x00", steps, true},
		"unsolicited pong":         {"\x8a\x00", steps, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := probetest.WebSocketFrames(t, []byte(tt.says), false, true)
			res := hangingUntil(t, newWebSocket(t, tt.block), target(t, server.URL), func(res prober.Result) bool {
				return res.Reason == prober.ReasonWSMessage && res.WebSocket.TimedOut == tt.want
			})
			wantFailure(t, res, prober.ReasonWSMessage, prober.PhaseMessages, "in time")
			if got := res.WebSocket.TimedOut; got != tt.want {
				t.Errorf("timed out is %t (%v), want %t", got, res.Err, tt.want)
			}
		})
	}
}

// What CEL says of an evaluation quotes keys and patterns of the message, and the failure must not.
func TestWebSocketExpectJSONTellsNothing(t *testing.T) {
	for name, tt := range map[string]struct{ says, expression, text string }{
		"key of the message":     {`{"n":"canary","m":{}}`, `body.m[body.n] == 1`, "a key is missing"},
		"key of the expression":  {`{}`, `body.a`, "a key is missing"},
		"pattern of the message": {`{"n":"(canary"}`, `"x".matches(body.n)`, "cannot be evaluated for this message"},
		"number of the message":  {`{"n":"canary"}`, `int(body.n) > 1`, "cannot be evaluated for this message"},
		"another type":           {`{"n":"canary"}`, `body.n > 1`, "a value is of another type"},
		"no bool":                {`{"n":"canary"}`, `body.n`, "got a result of type string, want bool"},
		"no JSON":                {"canary", `body.n`, "the message is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			server := probetest.WebSocketFrames(t, append([]byte{0x81, byte(len(tt.says))}, tt.says...), false, true)
			res := probe(t, newWebSocket(t, "query_response: [{expect_json: '"+tt.expression+"'}]"), target(t, server.URL), patient)
			wantFailure(t, res, prober.ReasonWSMessage, prober.PhaseMessages, tt.text)
			if text := res.Err.Error(); strings.Contains(text, "canary") || strings.Contains(text, "'c'") {
				t.Errorf("the message is in the error: %s", text)
			}
		})
	}
}

// A close that is wanted may come as soon as the handshake is done: whether it is met by a send, a ping or nothing must
// not matter. It does not stand for a message.
func TestWebSocketClosesEarly(t *testing.T) {
	const (
		want    = "\nexpect_close_codes: [4401]"
		goodbye = "\x88\x02\x11\x31" // 4401
	)
	for name, tt := range map[string]struct {
		says, block string
		reason      prober.Reason
		phase       prober.PhaseName
	}{
		"send":              {goodbye, "query_response: [{send: a}]" + want, "", ""},
		"sends":             {goodbye, "query_response: [{send: a}, {send: b}, {send: c}]" + want, "", ""},
		"ping":              {goodbye, "ping: true" + want, "", ""},
		"send and ping":     {goodbye, "query_response: [{send: a}]\nping: true" + want, "", ""},
		"after a message":   {"\x81\x02ok" + goodbye, "query_response: [{expect: ok, send: a}, {send: b}]" + want, "", ""},
		"message wanted":    {goodbye, "query_response: [{send: a}, {send: b}, {expect: ok}]" + want, prober.ReasonWSClosed, prober.PhaseMessages},
		"another code":      {"\x88\x02\x03\xe8", "ping: true" + want, prober.ReasonWSClosed, prober.PhasePing},
		"no close expected": {goodbye, "ping: true", prober.ReasonWSClosed, prober.PhasePing},
	} {
		t.Run(name, func(t *testing.T) {
			server := probetest.WebSocketFrames(t, []byte(tt.says), false, true)
			p, r := newWebSocket(t, tt.block), target(t, server.URL)
			for range 100 {
				res := probe(t, p, r, patient)
				if tt.reason == "" {
					wantSuccess(t, res)
				} else {
					wantFailure(t, res, tt.reason, tt.phase, "closed with")
				}
			}
		})
	}
}

// What looked like the beginning of a binary message may have been another one, which skip_until_match passes over.
func TestWebSocketBinaryInPieces(t *testing.T) {
	const (
		want    = "query_response: [{expect_binary: 20 02"
		skip    = want + ", skip_until_match: true}]"
		goodbye = "\x88\x02\x03\xe8"
	)
	for name, tt := range map[string]struct {
		says, block string
		met         bool
	}{
		"whole":                      {"\x82\x02\x20\x02", want + "}]", true},
		"in two":                     {"\x82\x01\x20\x82\x01\x02", want + "}]", true},
		"another, then whole":        {"\x82\x01\x20\x82\x02\x20\x02", skip, true},
		"another, then in two":       {"\x82\x01\x20\x82\x01\x20\x82\x01\x02", skip, true},
		"another, text, then whole":  {"\x82\x01\x20\x81\x01a\x82\x02\x20\x02", skip, true},
		"another, not to be skipped": {"\x82\x01\x20\x82\x02\x20\x02", want + "}]", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := probetest.WebSocketFrames(t, []byte(tt.says+goodbye), false, true)
			res := probe(t, newWebSocket(t, tt.block), target(t, server.URL), patient)
			if tt.met {
				wantSuccess(t, res)
				return
			}
			wantFailure(t, res, prober.ReasonWSMessage, prober.PhaseMessages, "another binary message")
		})
	}
}
