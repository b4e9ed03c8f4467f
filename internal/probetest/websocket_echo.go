package probetest

import (
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A WebSocketEchoServer is a running WebSocket server that remembers its clients.
type WebSocketEchoServer struct {
	*Server

	ended chan struct{} // has something if closed may have

	mu         sync.Mutex // protects the following
	handshakes []WebSocketHandshake
	closed     []int
}

// A WebSocketHandshake is a request that was upgraded.
type WebSocketHandshake struct {
	// RequestURI is the target of the request line, as it was sent.
	RequestURI string
	Host       string
	// Header has no Host.
	Header http.Header
	// ServerName is what the client sent in its TLS server name indication.
	ServerName string
}

// WebSocketEcho starts a server that echoes text and binary messages, answers pings, and answers a close with the
// same code.
func WebSocketEcho(t testing.TB) *WebSocketEchoServer {
	t.Helper()
	s := &WebSocketEchoServer{ended: make(chan struct{}, 1)}
	s.Server = asWebSocket(Serve(t, upgrade(nil, nil, s.handle)))
	return s
}

// WebSocketEchoTLS is WebSocketEcho over TLS.
func WebSocketEchoTLS(t testing.TB, cert tls.Certificate) *WebSocketEchoServer {
	t.Helper()
	s := &WebSocketEchoServer{ended: make(chan struct{}, 1)}
	s.Server = asWebSocket(TLSServer(t, cert, upgrade(nil, nil, s.handle)))
	return s
}

// Handshakes returns the requests that were upgraded so far.
func (s *WebSocketEchoServer) Handshakes() []WebSocketHandshake {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.handshakes)
}

// Closed returns the code with which the client closed the first connection that Closed has not reported yet: 1005 for
// a close frame without a code, 1006 for no close frame. It waits until that connection has ended. After 10 seconds the
// test fails.
func (s *WebSocketEchoServer) Closed(t testing.TB) int {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		if code, ok := s.next(); ok {
			return code
		}
		select {
		case <-s.ended:
		case <-deadline.C:
			t.Fatal("probetest: no WebSocket has ended within 10 seconds")
		}
	}
}

func (s *WebSocketEchoServer) next() (code int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.closed) == 0 {
		return 0, false
	}
	code, s.closed = s.closed[0], s.closed[1:]
	return code, true
}

func (s *WebSocketEchoServer) handle(c *websocket.Conn, r *http.Request) {
	h := WebSocketHandshake{RequestURI: r.RequestURI, Host: r.Host, Header: r.Header.Clone()}
	if r.TLS != nil {
		h.ServerName = r.TLS.ServerName
	}
	s.mu.Lock()
	s.handshakes = append(s.handshakes, h)
	s.mu.Unlock()

	code := echoMessages(c)
	_ = c.Close() // The caller of Closed may rely on that.
	s.mu.Lock()
	s.closed = append(s.closed, code)
	s.mu.Unlock()
	select {
	case s.ended <- struct{}{}:
	default:
	}
}

// closeCode returns the code with which the other end closed, from the error of a read. It is 1006 if it did not close.
func closeCode(err error) int {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closed.Code
	}
	return websocket.CloseAbnormalClosure
}
