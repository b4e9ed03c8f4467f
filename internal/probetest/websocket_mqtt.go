package probetest

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// The first bytes of the packets of MQTT 3.1.1 that MQTTWebSocket reads.
const (
	mqttConnect    = 0x10
	mqttPing       = 0xc0
	mqttDisconnect = 0xe0
)

// The codes of a CONNACK: MQTT 3.1.1, section 3.2.2.3.
const (
	mqttAccepted   = 0
	mqttBadVersion = 1
	mqttBadClient  = 2
)

// The connect flags: MQTT 3.1.1, section 3.1.2.3.
const (
	mqttReserved     = 0x01
	mqttCleanSession = 0x02
	mqttWill         = 0x04
	mqttWillQoS      = 0x18
	mqttWillRetain   = 0x20
	mqttPassword     = 0x40
	mqttUsername     = 0x80
)

// MQTTWebSocket starts a server of MQTT 3.1.1 over WebSocket (its section 6) that lets everyone in, answers pings, and
// has no topics. Each byte of its answers is a message of its own, which section 6 allows and real brokers nearly do. A
// handshake that does not offer the subprotocol mqtt is answered with 400, a text message with a close with 1003,
// anything else that is wrong with 1002, a DISCONNECT with 1000.
func MQTTWebSocket(t testing.TB) *Server {
	t.Helper()
	accept := upgrade(&websocket.Upgrader{Subprotocols: []string{"mqtt"}}, nil, ignoreRequest(serveMQTT))
	return asWebSocket(Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) && !slices.Contains(websocket.Subprotocols(r), "mqtt") {
			http.Error(w, "the subprotocol mqtt is not offered", http.StatusBadRequest)
			return
		}
		accept.ServeHTTP(w, r)
	})))
}

func serveMQTT(_ context.Context, c *websocket.Conn) {
	m := &mqttConn{c: c}
	for {
		kind, data, err := c.ReadMessage()
		if err != nil {
			return
		}
		code := websocket.CloseUnsupportedData
		if kind == websocket.BinaryMessage {
			code = m.read(data)
		}
		if code != 0 {
			closeWith(c, code, "")
			return
		}
	}
}

type mqttConn struct {
	c         *websocket.Conn
	buffer    []byte // of a packet that has not ended
	connected bool
}

// read handles the packets that data completes: a message need not be a packet. It returns the code to close with,
// or 0.
func (m *mqttConn) read(data []byte) (code int) {
	m.buffer = append(m.buffer, data...)
	for len(m.buffer) >= 2 {
		n, size := binary.Uvarint(m.buffer[1:min(5, len(m.buffer))]) // Section 2.2.3: up to four bytes.
		switch {
		case size == 0 && len(m.buffer) < 5:
			return 0
		case size <= 0:
			return websocket.CloseProtocolError
		case uint64(len(m.buffer)-1-size) < n:
			return 0
		}
		end := 1 + size + int(n) //nolint:gosec // It is less than the length of the buffer.
		first, body := m.buffer[0], m.buffer[1+size:end]
		if code := m.handle(first, body); code != 0 {
			return code
		}
		m.buffer = m.buffer[end:]
	}
	return 0
}

func (m *mqttConn) handle(first byte, body []byte) (code int) {
	switch {
	case first == mqttConnect && !m.connected:
		answer, ok := checkMQTTConnect(body)
		if !ok {
			return websocket.CloseProtocolError
		}
		m.send(0x20, 2, 0, answer)
		if answer != mqttAccepted {
			return websocket.CloseNormalClosure
		}
		m.connected = true
		return 0
	case first == mqttPing && m.connected && len(body) == 0:
		m.send(0xd0, 0)
		return 0
	case first == mqttDisconnect && m.connected && len(body) == 0:
		return websocket.CloseNormalClosure
	}
	return websocket.CloseProtocolError
}

// send sends each byte in a message. If that fails the next read does too.
func (m *mqttConn) send(packet ...byte) {
	for i := range packet {
		_ = m.c.WriteMessage(websocket.BinaryMessage, packet[i:i+1])
	}
}

// checkMQTTConnect returns the answer to a CONNECT, or false if it breaks the protocol: MQTT 3.1.1, section 3.1.
func checkMQTTConnect(body []byte) (answer byte, ok bool) {
	name, body, ok := cutMQTT(body)
	if !ok || string(name) != "MQTT" || len(body) == 0 {
		return 0, false
	}
	if body[0] != 4 {
		return mqttBadVersion, true
	}
	if len(body) < 4 { // level, flags, keep alive (2)
		return 0, false
	}
	flags, body := body[1], body[4:]
	switch {
	case flags&mqttReserved != 0,
		flags&mqttWill == 0 && flags&(mqttWillQoS|mqttWillRetain) != 0,
		flags&mqttWillQoS == mqttWillQoS,
		flags&mqttUsername == 0 && flags&mqttPassword != 0:
		return 0, false
	}
	client, body, ok := cutMQTT(body)
	if !ok || !utf8.Valid(client) {
		return 0, false
	}
	strings := 0
	if flags&mqttWill != 0 {
		strings += 2 // topic and message
	}
	if flags&mqttUsername != 0 {
		strings++
	}
	if flags&mqttPassword != 0 {
		strings++
	}
	for range strings {
		if _, body, ok = cutMQTT(body); !ok {
			return 0, false
		}
	}
	if len(client) == 0 && flags&mqttCleanSession == 0 {
		return mqttBadClient, len(body) == 0
	}
	return mqttAccepted, len(body) == 0
}

// cutMQTT returns the bytes at the beginning of b, which follow their length in two bytes, and the rest.
func cutMQTT(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n {
		return nil, nil, false
	}
	return b[2:n], b[n:], true
}
