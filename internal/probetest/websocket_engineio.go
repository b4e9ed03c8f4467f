package probetest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The errors of an Engine.IO handshake.
const (
	engineUnknownTransport = iota
	engineUnknownSession
	engineBadMethod
	engineBadRequest
	_ // forbidden
	engineBadVersion
)

var engineErrors = map[int]string{
	engineUnknownTransport: "Transport unknown",
	engineUnknownSession:   "Session ID unknown",
	engineBadMethod:        "Bad handshake method",
	engineBadRequest:       "Bad request",
	engineBadVersion:       "Unsupported protocol version",
}

// Engine.IO packets of version 4, and the Socket.IO packets of version 5 in a message.
const (
	enginePing    = "2"
	enginePong    = "3"
	engineMessage = "4"

	socketConnect    = '0'
	socketDisconnect = '1'
	socketEvent      = '2'
	socketAck        = '3'

	engineMaxPayload = 1_000_000
)

// EngineIO starts a server of socket.io 4, on Engine.IO 4, at /socket.io/ with its default intervals: a heartbeat after
// 25 seconds, to be answered within 20. It has only the namespace / and sends every event back. An event that wants an
// acknowledgement gets its own arguments. Of long polling there is only the handshake, after which the session is
// forgotten. Binary packets end the connection.
func EngineIO(t testing.TB) *Server {
	t.Helper()
	return EngineIOHeartbeat(t, 25*time.Second, 20*time.Second)
}

// EngineIOHeartbeat is EngineIO with a heartbeat each interval, to be answered within timeout. With an interval of 0
// there is one at once, and no other.
func EngineIOHeartbeat(t testing.TB, interval, timeout time.Duration) *Server {
	t.Helper()
	e := &engineServer{interval: interval, timeout: timeout}
	mux := http.NewServeMux()
	mux.HandleFunc("/socket.io/", e.handle)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !websocket.IsWebSocketUpgrade(r) {
			http.NotFound(w, r)
			return
		}
		// The real one hangs up without an answer, after a second.
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
	})
	return asWebSocket(Serve(t, mux))
}

type engineServer struct {
	interval, timeout time.Duration
}

// handle follows verify, handshake, abortRequest and abortUpgrade of engine.io/lib/server.ts.
func (e *engineServer) handle(w http.ResponseWriter, r *http.Request) {
	q, upgrades := r.URL.Query(), websocket.IsWebSocketUpgrade(r)
	transport := q.Get("transport")
	code := -1
	switch {
	case transport != "websocket" && transport != "polling":
		code = engineUnknownTransport
	case q.Get("sid") != "":
		code = engineUnknownSession
	case r.Method != http.MethodGet:
		code = engineBadMethod
	case transport == "websocket" && !upgrades:
		code = engineBadRequest
	case q.Get("EIO") != "4" && !upgrades:
		code = engineBadVersion
	}
	switch {
	case code >= 0 && upgrades:
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, engineErrors[code])
	case code >= 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"code":%d,"message":%q}`, code, engineErrors[code])
	case !upgrades:
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = io.WriteString(w, e.open("websocket"))
	default:
		upgrade(nil, nil, func(c *websocket.Conn, r *http.Request) { e.serve(c, r, q.Get("EIO"), transport) }).ServeHTTP(w, r)
	}
}

// open returns the first packet.
func (e *engineServer) open(upgrades ...string) string {
	b, _ := json.Marshal(struct { // Strings and numbers can be encoded.
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{sessionID(), append([]string{}, upgrades...), e.interval.Milliseconds(), e.timeout.Milliseconds(), engineMaxPayload})
	return "0" + string(b)
}

// sessionID returns an ID as long as those of Engine.IO.
func sessionID() string { return rand.Text()[:20] }

func (e *engineServer) serve(c *websocket.Conn, r *http.Request, version, transport string) {
	switch {
	case transport != "websocket":
		closeWith(c, websocket.CloseNoStatusReceived, "")
		return
	case version != "4":
		// The real one looks at the version when it has upgraded, and then answers as if it had not.
		const message = "Unsupported protocol version"
		fmt.Fprintf(c.NetConn(), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %d\r\n\r\n%s", len(message), message)
		return
	}
	c.SetReadLimit(engineMaxPayload)
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	s := &engineConn{c: c, pongs: make(chan struct{}, 1)}
	s.send(e.open())
	wg.Go(func() { s.beat(ctx, e.interval, e.timeout) })
	for {
		kind, data, err := c.ReadMessage()
		if err != nil {
			return
		}
		if kind != websocket.TextMessage || !s.packet(string(data)) {
			closeWith(c, websocket.CloseNoStatusReceived, "")
			return
		}
	}
}

// An engineConn is a connection on which one goroutine reads and answers, and another sends heartbeats.
type engineConn struct {
	c         *websocket.Conn
	pongs     chan struct{} // has something after a pong
	connected bool          // to the namespace /; only the reader knows

	mu sync.Mutex // held while writing
}

// send sends a packet. If that fails the next read does too.
func (s *engineConn) send(packet string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.c.WriteMessage(websocket.TextMessage, []byte(packet))
}

// beat sends heartbeats and closes the connection if one is not answered.
func (s *engineConn) beat(ctx context.Context, interval, timeout time.Duration) {
	for {
		pause(ctx, interval)
		if ctx.Err() != nil {
			return
		}
		select { // An unsolicited pong is not an answer.
		case <-s.pongs:
		default:
		}
		s.send(enginePing)
		late := time.NewTimer(timeout)
		select {
		case <-s.pongs:
			late.Stop()
		case <-ctx.Done():
			late.Stop()
			return
		case <-late.C:
			_ = s.c.WriteControl(websocket.CloseMessage, nil, time.Time{})
			return
		}
		if interval == 0 {
			return
		}
	}
}

// packet handles an Engine.IO packet, as onPacket of engine.io/lib/socket.ts does. It returns false if the connection
// is to be closed.
func (s *engineConn) packet(p string) bool {
	if p == "" {
		return false
	}
	switch p[:1] {
	case enginePong:
		select {
		case s.pongs <- struct{}{}:
		default:
		}
		return true
	case engineMessage:
		return s.message(p[1:])
	case "0", "1", "5", "6": // Open, close, upgrade and noop mean nothing here.
		return true
	}
	return false // Not even a ping: in version 4 the server sends those.
}

// message handles a Socket.IO packet, as socket.io-parser and ondecoded of socket.io/lib/client.ts do.
func (s *engineConn) message(m string) bool {
	p, ok := parseSocketIO(m)
	switch {
	case !ok:
		return false
	case p.kind == socketConnect && p.namespace != "/":
		s.send(engineMessage + "4" + p.namespace + `,{"message":"Invalid namespace"}`)
	case p.kind == socketConnect && !s.connected:
		s.connected = true
		s.send(engineMessage + `0{"sid":"` + sessionID() + `"}`)
	case p.kind == socketConnect, !s.connected, p.namespace != "/":
		return false
	case p.kind == socketDisconnect:
		s.connected = false
	case p.kind == socketEvent && p.id != "":
		arguments, _ := json.Marshal(p.data[1:]) // It was JSON before.
		s.send(engineMessage + "3" + p.id + string(arguments))
	case p.kind == socketEvent:
		event, _ := json.Marshal(p.data)
		s.send(engineMessage + "2" + string(event))
	}
	return true
}

// A socketPacket is a packet of Socket.IO 5 without binary attachments.
type socketPacket struct {
	kind      byte
	namespace string
	id        string            // of the acknowledgement that is wanted or given
	data      []json.RawMessage // of an event or an acknowledgement
}

// parseSocketIO parses packets such as 0/chat,{"token":1} and 27["name",1], where /chat is the namespace and 7 the id.
func parseSocketIO(m string) (p socketPacket, ok bool) {
	if m == "" {
		return p, false
	}
	p.kind, p.namespace, m = m[0], "/", m[1:]
	if strings.HasPrefix(m, "/") {
		p.namespace, m, _ = strings.Cut(m, ",")
	}
	rest := strings.TrimLeft(m, "0123456789")
	p.id = m[:len(m)-len(rest)]
	switch p.kind {
	case socketConnect:
		var auth map[string]json.RawMessage
		return p, rest == "" || json.Unmarshal([]byte(rest), &auth) == nil && auth != nil
	case socketDisconnect:
		return p, rest == ""
	case socketEvent, socketAck:
		ok = json.Unmarshal([]byte(rest), &p.data) == nil && p.data != nil
		return p, ok && (p.kind == socketAck || isEvent(p.data))
	}
	return p, false
}

// isEvent reports whether data begins with a name that an event may have.
func isEvent(data []json.RawMessage) bool {
	reserved := []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
	var name any
	if len(data) == 0 || json.Unmarshal(data[0], &name) != nil {
		return false
	}
	switch name := name.(type) {
	case string:
		return !slices.Contains(reserved, name)
	case float64:
		return true
	}
	return false
}
