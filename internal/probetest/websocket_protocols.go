package probetest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// GraphQLWS starts a server of the subprotocol graphql-transport-ws that answers every subscription with one result. Who
// breaks the protocol is closed with the codes of its specification.
func GraphQLWS(t testing.TB) *Server {
	t.Helper()
	return WebSocket(t, &websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}, func(_ context.Context, c *websocket.Conn) {
		if c.Subprotocol() == "" {
			bye(c, 4406, "Subprotocol not acceptable")
			return
		}
		var acknowledged bool
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				return
			}
			var m struct {
				ID      string `json:"id"`
				Type    string `json:"type"`
				Payload struct {
					Query string `json:"query"`
				} `json:"payload"`
			}
			switch err := json.Unmarshal(data, &m); {
			case err != nil:
				bye(c, 4400, "Invalid message received")
			case m.Type == "connection_init" && acknowledged:
				bye(c, 4429, "Too many initialisation requests")
			case m.Type == "connection_init":
				acknowledged = true
				say(c, `{"type":"ping"}`, `{"type":"connection_ack"}`)
			case m.Type == "pong":
			case m.Type == "subscribe" && !acknowledged:
				bye(c, 4401, "Unauthorized")
			case m.Type == "subscribe" && m.Payload.Query != "":
				say(c, `{"id":"`+m.ID+`","type":"next","payload":{"data":{"__typename":"Query"}}}`, `{"id":"`+m.ID+`","type":"complete"}`)
			default:
				bye(c, 4400, "Invalid message received")
			}
		}
	})
}

// EngineIO starts a server of socket.io 4 on Engine.IO 4, at /socket.io/. It asks for a heartbeat first.
func EngineIO(t testing.TB) *Server {
	t.Helper()
	socket := upgrade(&websocket.Upgrader{}, nil, func(c *websocket.Conn, _ *http.Request) {
		say(c, `0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, "2")
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				return
			}
			switch packet := string(data); {
			case strings.HasPrefix(packet, "40"):
				say(c, `40{"sid":"wZX3oN0bSVIhsaknAAAI"}`)
			case packet == "3", strings.HasPrefix(packet, "42"):
			default:
				bye(c, 1000, "") // what cannot be parsed
			}
		}
	})
	s := Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case r.URL.Path != "/socket.io/":
			http.NotFound(w, r)
		case q.Get("transport") != "websocket":
			http.Error(w, `{"code":0,"message":"Transport unknown"}`, http.StatusBadRequest)
		case q.Get("EIO") != "4":
			http.Error(w, `{"code":5,"message":"Unsupported protocol version"}`, http.StatusBadRequest)
		default:
			socket.ServeHTTP(w, r)
		}
	}))
	s.URL = "ws://" + s.Addr
	return s
}

// STOMP starts a server of STOMP 1.2 that lets everybody in.
func STOMP(t testing.TB) *Server {
	t.Helper()
	return WebSocket(t, &websocket.Upgrader{Subprotocols: []string{"v12.stomp"}}, func(_ context.Context, c *websocket.Conn) {
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				return
			}
			head, _, _ := strings.Cut(string(data), "\n\n")
			lines := strings.Split(head, "\n")
			versions := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "accept-version:") && strings.Contains(l, "1.2") })
			switch ended := bytes.HasSuffix(data, []byte{0}); {
			case ended && (lines[0] == "CONNECT" || lines[0] == "STOMP") && versions && slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "host:") }):
				say(c, "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\x00")
			case ended && lines[0] == "DISCONNECT":
			default:
				say(c, "ERROR\nmessage:malformed frame received\n\n\x00")
				bye(c, 1002, "")
			}
		}
	})
}

// MQTTWebSocket starts a server of MQTT 3.1.1 that lets everybody in, and sends each byte in a message of its own, as the
// standard allows (section 6).
func MQTTWebSocket(t testing.TB) *Server {
	t.Helper()
	return WebSocket(t, &websocket.Upgrader{Subprotocols: []string{"mqtt"}}, func(_ context.Context, c *websocket.Conn) {
		for {
			kind, data, err := c.ReadMessage()
			if err != nil || c.Subprotocol() == "" || kind != websocket.BinaryMessage || len(data) < 2 || len(data) != 2+int(data[1]) {
				return // without a word, as the standard says of protocol violations
			}
			var answer []byte
			switch packet := data[0] >> 4; {
			case packet == 1 && bytes.HasPrefix(data[2:], []byte("\x00\x04MQTT\x04")): // CONNECT
				answer = []byte{0x20, 2, 0, 0}
			case packet == 12: // PINGREQ
				answer = []byte{0xd0, 0}
			default:
				return
			}
			for _, b := range answer {
				_ = c.WriteMessage(websocket.BinaryMessage, []byte{b})
			}
		}
	})
}

// say sends text messages.
func say(c *websocket.Conn, messages ...string) {
	for _, m := range messages {
		_ = c.WriteMessage(websocket.TextMessage, []byte(m))
	}
}

// bye closes with a code; the next read tells that the client has answered.
func bye(c *websocket.Conn, code int, reason string) {
	_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason))
}
