package probetest

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// WebSocket starts a server that upgrades every request as u says, from any Origin unless u checks it. It passes the
// connection to handle, and closes it when handle returns. The context of handle ends with the test. That the client
// hangs up, handle learns by reading. If u is nil there is nothing to negotiate.
func WebSocket(t testing.TB, u *websocket.Upgrader, handle func(ctx context.Context, c *websocket.Conn)) *Server {
	t.Helper()
	return asWebSocket(Serve(t, upgrade(u, nil, ignoreRequest(handle))))
}

// WebSocketTLS is WebSocket over TLS, with nil.
func WebSocketTLS(t testing.TB, cert tls.Certificate, handle func(ctx context.Context, c *websocket.Conn)) *Server {
	t.Helper()
	return asWebSocket(TLSServer(t, cert, upgrade(nil, nil, ignoreRequest(handle))))
}

// WebSocketSubprotocol starts a server that selects this subprotocol, whatever the client offered, and echoes.
func WebSocketSubprotocol(t testing.TB, name string) *Server {
	t.Helper()
	header := http.Header{"Sec-Websocket-Protocol": {name}}
	return asWebSocket(Serve(t, upgrade(nil, header, func(c *websocket.Conn, _ *http.Request) { _ = echoMessages(c) })))
}

// WebSocketCloses starts a server that upgrades and closes at once with this code and the reason "bye". With 1005
// the close frame has neither; with 1006 there is no close frame, and the connection ends.
func WebSocketCloses(t testing.TB, code int) *Server {
	t.Helper()
	return WebSocket(t, nil, func(ctx context.Context, c *websocket.Conn) {
		if code != websocket.CloseAbnormalClosure {
			closeWith(c, code, "bye")
			return
		}
		// What the client may have sent by then would turn a full close into a reset.
		if tcp, ok := c.NetConn().(*conn); ok && tcp.CloseWrite() == nil {
			discard(ctx, tcp)
		}
	})
}

// WebSocketNoCloseAnswer starts a server that echoes and answers pings, but neither answers a close frame nor closes
// the connection.
func WebSocketNoCloseAnswer(t testing.TB) *Server {
	t.Helper()
	return WebSocket(t, nil, func(ctx context.Context, c *websocket.Conn) {
		c.SetCloseHandler(func(int, string) error { return nil })
		_ = echoMessages(c)
		discard(ctx, c.NetConn())
	})
}

// UpgradeAnswers starts a server that answers every request with this status, these headers and a short body instead
// of upgrading.
func UpgradeAnswers(t testing.TB, status int, header http.Header) *Server {
	t.Helper()
	return asWebSocket(Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, http.StatusText(status)+"\n")
	})))
}

// asWebSocket makes the URL of an HTTP server one for WebSockets.
func asWebSocket(s *Server) *Server {
	s.URL = "ws" + strings.TrimPrefix(s.URL, "http") // https becomes wss.
	return s
}

// upgrade returns a handler that upgrades requests as u says, adds header to the answer, and closes the connection
// when handle returns.
func upgrade(u *websocket.Upgrader, header http.Header, handle func(c *websocket.Conn, r *http.Request)) http.Handler {
	var upgrader websocket.Upgrader
	if u != nil {
		upgrader = *u
	}
	if upgrader.CheckOrigin == nil {
		upgrader.CheckOrigin = func(*http.Request) bool { return true }
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, header)
		if err != nil {
			return // The client has been told.
		}
		defer func() { _ = c.Close() }()
		handle(c, r)
	})
}

func ignoreRequest(handle func(context.Context, *websocket.Conn)) func(*websocket.Conn, *http.Request) {
	return func(c *websocket.Conn, r *http.Request) { handle(r.Context(), c) }
}

// echoMessages sends messages back and answers pings until the client closes or hangs up. It returns the code with
// which the client closed, or 1006 if it did not.
func echoMessages(c *websocket.Conn) int {
	for {
		kind, message, err := c.ReadMessage()
		if err != nil {
			return closeCode(err)
		}
		if c.WriteMessage(kind, message) != nil {
			return websocket.CloseAbnormalClosure // The client is gone: it has not closed, or there was no more to read.
		}
	}
}

// closeWith closes c as RFC 6455, section 7.1.1, wants a server to: it waits until the client has answered or hung up,
// and then closes the connection. If c has sent a close frame before, it sends no other.
func closeWith(c *websocket.Conn, code int, reason string) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Time{})
	for {
		if _, _, err := c.NextReader(); err != nil {
			return
		}
	}
}
