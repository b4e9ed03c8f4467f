// Package probetest has servers on 127.0.0.1 that each misbehave in one way. It also has what else the tests of probes
// need: certificates, proxies, a token endpoint, and a check for leaks.
//
// A constructor takes the test, which stops the server at its end: it closes the listener and every connection, and
// waits for every goroutine. During the test a server closes a connection as soon as its client does, so that [NoLeaks]
// can be used around the client alone.
package probetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// A Server is a running test server.
type Server struct {
	// URL is the root of the server, without a trailing slash.
	URL string
	// Addr is the host and port that it listens on.
	Addr string

	l *listener
}

// Accepted returns how many connections the server has accepted so far.
func (s *Server) Accepted() int {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	return s.l.accepted
}

// Serve starts an HTTP/1.1 server. The context of its requests ends with their connection and with the test.
func Serve(t testing.TB, h http.Handler) *Server {
	t.Helper()
	return serveHTTP(t, "http", &http.Server{Handler: h}, (*http.Server).Serve)
}

// ServeTLS is [Serve] over TLS. It speaks HTTP/2 if cfg.NextProtos has "h2", and HTTP/1.1 if it has "http/1.1" or
// nothing.
func ServeTLS(t testing.TB, cfg *tls.Config, h http.Handler) *Server {
	t.Helper()
	protos := new(http.Protocols)
	protos.SetHTTP1(len(cfg.NextProtos) == 0 || slices.Contains(cfg.NextProtos, "http/1.1"))
	protos.SetHTTP2(slices.Contains(cfg.NextProtos, "h2"))
	srv := &http.Server{Handler: h, TLSConfig: cfg.Clone(), Protocols: protos}
	return serveHTTP(t, "https", srv, func(srv *http.Server, l net.Listener) error { return srv.ServeTLS(l, "", "") })
}

// TLSServer is [ServeTLS] with just a certificate and the protocols to offer by ALPN.
func TLSServer(t testing.TB, cert tls.Certificate, h http.Handler, protos ...string) *Server {
	t.Helper()
	return ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protos}, h)
}

func serveHTTP(t testing.TB, scheme string, srv *http.Server, serve func(*http.Server, net.Listener) error) *Server {
	t.Helper()
	l := listen(t)
	handler := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.enter() {
			return
		}
		defer l.leave()
		handler.ServeHTTP(w, r)
	})
	srv.BaseContext = func(net.Listener) context.Context { return t.Context() }
	srv.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.DisableGeneralOptionsHandler = true
	l.running.Go(func() { _ = serve(srv, l) })
	t.Cleanup(func() { _ = srv.Close() }) // Runs before that of listen.
	return &Server{URL: scheme + "://" + l.Addr().String(), Addr: l.Addr().String(), l: l}
}

// serveTCP starts a server that passes every connection to handle and closes it afterwards.
func serveTCP(t testing.TB, scheme string, handle func(ctx context.Context, c net.Conn)) *Server {
	t.Helper()
	l := listen(t)
	l.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(t.Context(), c)
			}()
		}
	})
	return &Server{URL: scheme + "://" + l.Addr().String(), Addr: l.Addr().String(), l: l}
}

// answer starts an HTTP server for which handle writes the raw bytes. It is called when the first request of a
// connection has been read. Its context ends when the client hangs up.
func answer(t testing.TB, handle func(ctx context.Context, c net.Conn)) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer cancel()
			discard(ctx, c)
		})
		handle(ctx, c)
		_ = c.Close()
		wg.Wait()
	})
}

// discard reads until the client hangs up.
func discard(_ context.Context, c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// A listener can close its connections, and waits for their users.
type listener struct {
	net.Listener
	// running counts the accept loop, the open connections and the running HTTP handlers.
	running sync.WaitGroup

	mu       sync.Mutex // protects the following
	closed   bool
	accepted int
	conns    map[*conn]struct{}
}

// listen listens on a free port of 127.0.0.1 until the test ends.
func listen(t testing.TB) *listener {
	t.Helper()
	tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("probetest: listening: %v", err)
	}
	l := &listener{Listener: tcp, conns: map[*conn]struct{}{}}
	t.Cleanup(l.shutdown)
	return l
}

// Accept waits for a connection. Its user must close it, after everything else.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{TCPConn: nc.(*net.TCPConn), l: l} // A TCP listener accepts no others.
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	l.accepted++
	l.running.Add(1)
	l.conns[c] = struct{}{}
	return c, nil
}

// enter makes shutdown wait for a call of leave. It returns false if shutdown has begun.
func (l *listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.running.Add(1)
	}
	return !l.closed
}

func (l *listener) leave() { l.running.Done() }

// shutdown closes the listener and all connections while they are in use, and waits for their users.
func (l *listener) shutdown() {
	l.mu.Lock()
	l.closed = true
	for c := range l.conns {
		_ = c.TCPConn.Close()
	}
	l.mu.Unlock()
	_ = l.Close()
	l.running.Wait()
}

// A conn tells its listener when its user closes it.
type conn struct {
	*net.TCPConn
	l *listener
}

// Close closes the connection; only the first call counts.
func (c *conn) Close() error {
	err := c.TCPConn.Close()
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if _, open := c.l.conns[c]; open {
		delete(c.l.conns, c)
		c.l.running.Done()
	}
	return err
}
