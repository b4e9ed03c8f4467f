package probetest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// A conversation is what a client sends and gets in return, a message each.
type conversation struct {
	name string
	send []string
	want []string
	code int // with which the server closes; 1000 is what it answers to the client's own close, too
}

var anySession = regexp.MustCompile(`"sid":"[^"]{20}"`)

// check has the conversations with the server, with a client that closes once it has sent everything.
func (s *Server) check(t *testing.T, d *websocket.Dialer, path string, kind int, conversations []conversation) {
	t.Helper()
	for _, tc := range conversations {
		t.Run(tc.name, func(t *testing.T) {
			defer NoLeaks(t)()
			c := dialWebSocket(t, d, s.URL+path, nil)
			defer func() { _ = c.Close() }()
			for _, m := range tc.send {
				k := kind
				if text, ok := strings.CutPrefix(m, "other type: "); ok {
					k, m = websocket.TextMessage+websocket.BinaryMessage-kind, text
				}
				if err := c.WriteMessage(k, []byte(m)); err != nil {
					t.Fatal(err)
				}
			}
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Time{})
			got, code := untilClosed(c)
			if kind == websocket.BinaryMessage { // MQTT does not care for the borders of messages.
				got, tc.want = []string{strings.Join(got, "")}, []string{strings.Join(tc.want, "")}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if code != tc.code {
				t.Errorf("close code %d, want %d", code, tc.code)
			}
		})
	}
}

// untilClosed returns what comes until the server closes, and with which code.
func untilClosed(c *websocket.Conn) (messages []string, code int) {
	for {
		_, m, err := c.ReadMessage()
		if err != nil {
			return messages, closeCode(err)
		}
		messages = append(messages, anySession.ReplaceAllString(string(m), `"sid":"?"`))
	}
}

// refuses reports whether the server answers a handshake with a status instead of upgrading.
func refuses(t *testing.T, d *websocket.Dialer, u string, status int) bool {
	t.Helper()
	c, resp, err := d.DialContext(t.Context(), u, nil)
	if err == nil {
		_ = c.Close()
		return false
	}
	if resp == nil {
		return status == 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode == status
}

func TestWebSocketGraphQL(t *testing.T) {
	const (
		start = `{"type":"connection_init","payload":{"token":"x"}}`
		ping  = `{"type":"ping"}`
		ack   = `{"type":"connection_ack"}`
		next  = `{"id":"1","type":"next","payload":{"data":{"__typename":"Query"}}}`
		done  = `{"id":"1","type":"complete"}`
	)
	ask := func(query string) string { return `{"id":"1","type":"subscribe","payload":{"query":"` + query + `"}}` }
	conversations := []conversation{
		{"query", []string{`{"type":"connection_init"}`, ask("{ __typename }")}, []string{ping, ack, next, done}, 1000},
		{"query, spelt out", []string{start, ask(`query Q {\n__typename}`), `{"type":"pong"}`, done}, []string{ping, ack, next, done}, 1000},
		{"two queries", []string{start, ask("{__typename}"), ask("{__typename}")}, []string{ping, ack, next, done, next, done}, 1000},
		{"query that fails", []string{start, ask("{ secrets }")}, []string{ping, ack, `{"id":"1","type":"error","payload":[{"message":"this server knows __typename alone"}]}`}, 1000},
		{"ping before", []string{ping, `{"type":"ping","payload":{"a":1}}`}, []string{`{"type":"pong"}`, `{"type":"pong","payload":{"a":1}}`}, 1000},
		{"two initialisations", []string{start, start}, []string{ping, ack}, 4429},
		{"subscribe too early", []string{ask("{ __typename }")}, nil, 4401},
	}
	for _, invalid := range []string{
		"", "hello", "[]", "null", "1", `"ping"`, "{}", `{"type":1}`, `{"type":"hello"}`, `{"type":"start"}`, `{"type":"ping","payload":[]}`,
		`{"type":"connection_init","payload":"x"}`, ack, next, `{"type":"complete"}`, `{"type":"subscribe","payload":{"query":"{a}"}}`, `{"id":"1","type":"subscribe"}`,
		`{"id":1,"type":"subscribe","payload":{"query":"{a}"}}`, `{"id":"1","type":"subscribe","payload":{}}`, `{"id":"1","type":"subscribe","payload":{"query":1}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"{a}","variables":[]}}`,
	} {
		conversations = append(conversations, conversation{"invalid " + invalid, []string{start, invalid}, []string{ping, ack}, 4400})
	}
	s := GraphQLWS(t)
	d := &websocket.Dialer{Subprotocols: []string{"graphql-ws", "graphql-transport-ws"}}
	s.check(t, d, "/graphql", websocket.TextMessage, conversations)
	for _, offered := range [][]string{nil, {"graphql-ws"}} {
		s.check(t, &websocket.Dialer{Subprotocols: offered}, "", websocket.TextMessage, []conversation{{"other subprotocol", []string{start}, nil, 4406}})
	}
}

func TestWebSocketGraphQLTimeout(t *testing.T) {
	const within = 10 * short
	s := GraphQLWSWithin(t, within)
	defer NoLeaks(t)()
	for _, first := range []string{`{"type":"ping"}`, `{"type":"connection_init"}`} {
		c := dialWebSocket(t, &websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}, s.URL, nil)
		_ = c.WriteMessage(websocket.TextMessage, []byte(first))
		if !strings.Contains(first, "init") {
			if _, code := untilClosed(c); code != 4408 {
				t.Errorf("close code %d, want 4408", code)
			}
		} else {
			for range 2 { // ping, connection_ack
				if _, _, err := c.ReadMessage(); err != nil {
					t.Error(err)
				}
			}
			if !silentFor(t, c, 2*within) {
				t.Error("something came after the acknowledgement, want nothing")
			}
		}
		_ = c.Close()
	}
}

func TestWebSocketEngineIO(t *testing.T) {
	const (
		open = `0{"sid":"?","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
		ok   = `40{"sid":"?"}`
	)
	conversations := []conversation{
		{"nothing", nil, []string{open}, 1000},
		{"connect", []string{"40"}, []string{open, ok}, 1000},
		{"connect with a token", []string{`40{"token":"x"}`, "3", "1", "6"}, []string{open, ok}, 1000},
		{"connect to the namespace / by name", []string{"40/,"}, []string{open, ok}, 1000},
		{"other namespace", []string{"40/admin,", "40"}, []string{open, `44/admin,{"message":"Invalid namespace"}`, ok}, 1000},
		{"events", []string{"40", `42["hello",{"a":[1]}]`, `4217["hello",1,"x"]`, `431[]`}, []string{open, ok, `42["hello",{"a":[1]}]`, `4317[1,"x"]`}, 1000},
		{"leave and come back", []string{"40", "41", "40"}, []string{open, ok, ok}, 1000},
		{"event after leaving", []string{"40", "41", `42["x"]`}, []string{open, ok}, 1005},
		{"event too early", []string{`42["x"]`}, []string{open}, 1005},
		{"connect twice", []string{"40", "40"}, []string{open, ok}, 1005},
	}
	for _, invalid := range []string{
		"", "2", "2probe", "hello", "9", "4", "47", "44", "45", "40[]", "40x", "40null", "41[]", "42", "42{}", "42[]", `42["connect"]`, "42[null]", "43", `42["x"`,
		`42/admin,["x"]`, "other type: x",
	} {
		conversations = append(conversations, conversation{"invalid " + invalid, []string{"40", invalid}, []string{open, ok}, 1005})
	}
	conversations = append(conversations, conversation{"too long", []string{"40", `42["` + strings.Repeat("x", 1_000_000) + `"]`}, []string{open, ok}, 1009})
	EngineIO(t).check(t, websocket.DefaultDialer, "/socket.io/?EIO=4&transport=websocket", websocket.TextMessage, conversations)
}

func TestWebSocketEngineIORefuses(t *testing.T) {
	s := EngineIO(t)
	defer NoLeaks(t)()
	client := newClient(t, nil)
	defer client.CloseIdleConnections()
	for path, want := range map[string]string{
		"/socket.io/": `400 {"code":0,"message":"Transport unknown"}`,
		"/socket.io/?EIO=4&transport=webtransport":  `400 {"code":0,"message":"Transport unknown"}`,
		"/socket.io/?EIO=4&transport=polling&sid=x": `400 {"code":1,"message":"Session ID unknown"}`,
		"/socket.io/?EIO=4&transport=websocket":     `400 {"code":3,"message":"Bad request"}`,
		"/socket.io/?EIO=3&transport=polling":       `400 {"code":5,"message":"Unsupported protocol version"}`,
		"/socket.io/?EIO=4&transport=polling":       `200 0{"sid":"?","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`,
		"/":                                         "404 404 page not found\n",
	} {
		status, body, err := get(t, client, "http"+strings.TrimPrefix(s.URL, "ws")+path, patient)
		if got := strconv.Itoa(status) + " " + anySession.ReplaceAllString(body, `"sid":"?"`); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", path, got, err, want)
		}
	}
	for path, status := range map[string]int{
		"/socket.io/?EIO=4":                           400,
		"/socket.io/?EIO=4&transport=x":               400,
		"/socket.io/?EIO=4&transport=websocket&sid=x": 400,
		"/":  0, // hangs up
		"/x": 0,
	} {
		if !refuses(t, websocket.DefaultDialer, s.URL+path, status) {
			t.Errorf("upgrade of %s is not refused with %d", path, status)
		}
	}
	for path, want := range map[string]string{"/socket.io/?EIO=3&transport=websocket": "RSV1", "/socket.io/?transport=websocket": "RSV1", "/socket.io/?EIO=4&transport=polling": "close 1005"} {
		c := dialWebSocket(t, websocket.DefaultDialer, s.URL+path, nil)
		if _, _, err := c.ReadMessage(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
		_ = c.Close()
	}
}

func TestWebSocketEngineIOHeartbeat(t *testing.T) {
	defer NoLeaks(t)()
	t.Run("answered", func(t *testing.T) {
		c := dialWebSocket(t, websocket.DefaultDialer, EngineIOHeartbeat(t, time.Millisecond, time.Hour).URL+"/socket.io/?EIO=4&transport=websocket", nil)
		_, _, _ = c.ReadMessage()
		for range 3 {
			if _, m, err := c.ReadMessage(); string(m) != "2" || err != nil {
				t.Fatalf("got %q, %v, want a heartbeat", m, err)
			}
			_ = c.WriteMessage(websocket.TextMessage, []byte("3"))
		}
	})
	t.Run("not answered", func(t *testing.T) {
		c := dialWebSocket(t, websocket.DefaultDialer, EngineIOHeartbeat(t, time.Millisecond, short).URL+"/socket.io/?EIO=4&transport=websocket", nil)
		got, code := untilClosed(c)
		if len(got) != 2 || got[1] != "2" || code != 1005 {
			t.Errorf("got %q and close code %d, want a heartbeat and 1005", got, code)
		}
	})
	t.Run("one at once", func(t *testing.T) {
		c := dialWebSocket(t, websocket.DefaultDialer, EngineIOHeartbeat(t, 0, time.Hour).URL+"/socket.io/?EIO=4&transport=websocket", nil)
		_, _, _ = c.ReadMessage()
		if _, m, err := c.ReadMessage(); string(m) != "2" || err != nil {
			t.Fatalf("got %q, %v, want a heartbeat", m, err)
		}
		_ = c.WriteMessage(websocket.TextMessage, []byte("3"))
		if !silentFor(t, c, short) {
			t.Error("something came after the heartbeat, want nothing")
		}
	})
}

func TestWebSocketSTOMP(t *testing.T) {
	const connect = "CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\n\n\x00"
	connected := func(version string) string {
		return "CONNECTED\nversion:" + version + "\nheart-beat:0,0\nsession:probetest\nserver:probetest/1.0\n\n\x00"
	}
	conversations := []conversation{
		{"CONNECT", []string{connect}, []string{connected("1.2")}, 1000},
		{"STOMP", []string{"STOMP\r\naccept-version:1.1\r\nhost:a\r\nheart-beat:0,1000\r\n\r\n\x00\n"}, []string{connected("1.1")}, 1000},
		{"1.0", []string{"CONNECT\n\n\x00"}, []string{connected("1.0")}, 1000},
		{"in pieces, with heartbeats", []string{"\n", connect[:20], connect[20:], "\n", "\n\n"}, []string{connected("1.2")}, 1000},
		{"binary", []string{"other type: " + connect}, []string{connected("1.2")}, 1000},
		{
			"receipts",
			[]string{connect + "\nSUBSCRIBE\nid:0\ndestination:/a\nreceipt:1\n\n\x00", "SEND\ndestination:/a\ncontent-length:2\nreceipt:2\n\n\x00\x00\x00"},
			[]string{connected("1.2"), "RECEIPT\nreceipt-id:1\n\n\x00", "RECEIPT\nreceipt-id:2\n\n\x00"},
			1000,
		},
		{"DISCONNECT", []string{connect, "DISCONNECT\nreceipt:77\n\n\x00"}, []string{connected("1.2"), "RECEIPT\nreceipt-id:77\n\n\x00"}, 1000},
		{"not ended", []string{"CONNECT\n\n"}, nil, 1000},
	}
	failed := func(text string) string {
		return "ERROR\nversion:1.2,1.1,1.0\ncontent-type:text/plain\ncontent-length:" + strconv.Itoa(len(text)) + "\nmessage:error\n\n" + text + "\x00"
	}
	for frame, text := range map[string]string{
		"CONNECT\naccept-version:2.0\nhost:/\n\n\x00":                    "supported protocol versions are 1.2,1.1,1.0",
		"CONNECT\naccept-version:1.2\n\n\x00":                            `CONNECT without header "host"`,
		"STOMP\naccept-version:1.2\nhost:/\nheart-beat:x\n\n\x00":        `heart-beat "x", want two numbers`,
		"SEND\ndestination:/a\n\n\x00":                                   "SEND before CONNECT",
		"HELLO\n\n\x00":                                                  `unknown command "HELLO"`,
		"CONNECT\naccept-version:1.2\nhost\n\n\x00":                      `header "host" has no colon`,
		"CONNECT\naccept-version:1.2\n\x00":                              `frame "CONNECT\naccept-version:1.2\n" has no empty line after its headers`,
		"CONNECT\ncontent-length:x\n\n\x00":                              `content-length "x", want a number up to 1 MiB`,
		"CONNECT\ncontent-length:1\n\n\x00\x01\x00":                      "no NUL after the 1 bytes of the body",
		"CONNECT\n\n\x00CONNECT\n\n\x00":                                 "CONNECT on a connection that is established",
		"CONNECT\n\n\x00SEND\nreceipt:1\n\n\x00":                         `SEND without header "destination"`,
		"CONNECT\naccept-version:1.2\naccept-version:9\nhost:\n\n\x00\n": `CONNECT without header "host"`,
	} {
		want := []string{failed(text)}
		if strings.HasPrefix(frame, "CONNECT\n\n") {
			want = slices.Insert(want, 0, connected("1.0"))
		}
		conversations = append(conversations, conversation{text, []string{frame}, want, 1002})
	}
	s := STOMP(t)
	s.check(t, &websocket.Dialer{Subprotocols: []string{"v11.stomp", "v12.stomp"}}, "", websocket.TextMessage, conversations)
	for offered, want := range map[string]string{"v10.stomp": "v10.stomp", "x": "", "v11.stomp, v12.stomp": "v12.stomp"} {
		c := dialWebSocket(t, &websocket.Dialer{Subprotocols: strings.Split(offered, ", ")}, s.URL, nil)
		if got := c.Subprotocol(); got != want {
			t.Errorf("offered %s: selected %q, want %q", offered, got, want)
		}
		_ = c.Close()
	}
}

func TestWebSocketMQTT(t *testing.T) {
	const (
		connect = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
		connack = "\x20\x02\x00\x00"
	)
	conversations := []conversation{
		{"connect", []string{connect}, []string{connack}, 1000},
		{"ping", []string{connect, "\xc0\x00", "\xc0\x00"}, []string{connack, "\xd0\x00\xd0\x00"}, 1000},
		{"disconnect", []string{connect, "\xe0\x00"}, []string{connack}, 1000},
		{"in pieces", append(strings.Split(connect, ""), "\xc0", "\x00"), []string{connack, "\xd0\x00"}, 1000},
		{"at once", []string{connect + "\xc0\x00\xe0\x00"}, []string{connack, "\xd0\x00"}, 1000},
		{"everything", []string{"\x10\x1c\x00\x04MQTT\x04\xee\x00\x3c\x00\x01c\x00\x01t\x00\x02m\xff\x00\x01u\x00\x03p\x00q"}, []string{connack}, 1000},
		{"long length", []string{"\x10\x8c\x80\x00" + connect[2:]}, []string{connack}, 1000},
		{"version 5", []string{"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"}, []string{"\x20\x02\x00\x01"}, 1000},
		{"no client, but a session", []string{"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"}, []string{"\x20\x02\x00\x02"}, 1000},
		{"connect twice", []string{connect, connect}, []string{connack}, 1002},
		{"text", []string{"other type: " + connect}, nil, 1003},
	}
	for name, packet := range map[string]string{
		"ping too early": "\xc0\x00", "disconnect too early": "\xe0\x00", "version 3": "\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00", "other name": "\x10\x0c\x00\x04HTTP\x04\x02\x00\x3c\x00\x00",
		"reserved flag": "\x10\x0c\x00\x04MQTT\x04\x03\x00\x3c\x00\x00", "will without a will": "\x10\x0c\x00\x04MQTT\x04\x22\x00\x3c\x00\x00", "QoS 3": "\x10\x12\x00\x04MQTT\x04\x1e\x00\x3c\x00\x00\x00\x01t\x00\x01m",
		"password without a name": "\x10\x0f\x00\x04MQTT\x04\x42\x00\x3c\x00\x00\x00\x01p", "trailing byte": "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x00x", "too short": "\x10\x0b\x00\x04MQTT\x04\x02\x00\x3c\x00",
		"no client": "\x10\x0a\x00\x04MQTT\x04\x02\x00\x3c", "no flags": "\x10\x07\x00\x04MQTT\x04", "no level": "\x10\x06\x00\x04MQTT", "empty": "\x10\x00", "flags of the packet": "\x11\x0c" + connect[2:],
		"client is no text": "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\xff", "length without end": "\x10\xff\xff\xff\xff", "publish": "\x30\x05\x00\x01tmm", "GET / HTTP/1.1": "GET / HTTP/1.1\r\n\r\n" + strings.Repeat(" ", 100),
	} {
		conversations = append(conversations, conversation{name, []string{packet}, nil, 1002})
	}
	for name, packet := range map[string]string{"ping with a body": "\xc0\x01x", "disconnect with a body": "\xe0\x01x", "publish after connecting": "\x30\x05\x00\x01tmm"} {
		conversations = append(conversations, conversation{name, []string{connect, packet}, []string{connack}, 1002})
	}
	s := MQTTWebSocket(t)
	s.check(t, &websocket.Dialer{Subprotocols: []string{"mqttv3.1", "mqtt"}}, "/mqtt", websocket.BinaryMessage, conversations)
	for _, offered := range [][]string{nil, {"mqttv3.1"}} {
		if !refuses(t, &websocket.Dialer{Subprotocols: offered}, s.URL, http.StatusBadRequest) {
			t.Errorf("offering %v is not refused with 400", offered)
		}
	}
}
