package probetest

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// HTTP3 starts a server that speaks only HTTP/3. The context of its requests ends with their connection and with the
// test.
func HTTP3(t testing.TB, cert tls.Certificate, h http.Handler) *Server {
	t.Helper()
	return ServeHTTP3(t, &tls.Config{Certificates: []tls.Certificate{cert}}, h)
}

// EchoHTTP3 is Echo over HTTP/3.
func EchoHTTP3(t testing.TB, cert tls.Certificate) *Server {
	t.Helper()
	return HTTP3(t, cert, http.HandlerFunc(echo))
}

// ServeHTTP3 is HTTP3 with more than a certificate.
func ServeHTTP3(t testing.TB, cfg *tls.Config, h http.Handler) *Server {
	t.Helper()
	l := &listener{}
	srv := &http3.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.enter() {
			return
		}
		defer l.leave()
		h.ServeHTTP(w, r)
	})}
	s := serveQUIC(t, l, quicOptions{
		tls:  http3.ConfigureTLSConfig(cfg),
		quic: &quic.Config{HandshakeIdleTimeout: 2 * time.Second}, // the server does not hear of a client that gives up in the handshake
	}, func(_ context.Context, c *quic.Conn) { _ = srv.ServeQUICConn(c) })
	t.Cleanup(func() { _ = srv.Close() }) // Runs before that of serveQUIC.
	return s
}

// QUIC starts a server that offers protos by ALPN and passes every connection to handle, which may close it. The
// context ends with the connection. A connection that handle leaves open stays open until its client closes it.
func QUIC(t testing.TB, cert tls.Certificate, handle func(context.Context, *quic.Conn), protos ...string) *Server {
	t.Helper()
	return ServeQUIC(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protos}, nil, handle)
}

// ServeQUIC is QUIC with more than a certificate.
func ServeQUIC(t testing.TB, cfg *tls.Config, qc *quic.Config, handle func(context.Context, *quic.Conn)) *Server {
	t.Helper()
	return serveQUIC(t, &listener{}, quicOptions{tls: cfg, quic: qc}, handle)
}

// RawHTTP3 starts a server that accepts a request by HTTP/3 and passes its unread stream to answer. The stream is left
// open.
func RawHTTP3(t testing.TB, cert tls.Certificate, answer func(ctx context.Context, c *quic.Conn, s *quic.Stream)) *Server {
	t.Helper()
	return QUIC(t, cert, func(ctx context.Context, c *quic.Conn) {
		control, err := c.OpenUniStream()
		if err != nil {
			return
		}
		// RFC 9114, sections 6.2.1 and 7.2.4: a control stream (0) that begins with empty SETTINGS (4).
		if _, err := control.Write([]byte{0, 4, 0}); err != nil {
			return
		}
		if s, err := c.AcceptStream(ctx); err == nil {
			answer(ctx, c, s)
		}
	}, http3.NextProtoH3)
}

// Frame returns an HTTP/3 frame (RFC 9114 section 7.1) that announces length bytes and has payload.
func Frame(kind, length uint64, payload []byte) []byte {
	b := quicvarint.Append(nil, kind)
	b = quicvarint.Append(b, length)
	return append(b, payload...)
}

// Frames of HTTP/3.
const (
	FrameData    = 0
	FrameHeaders = 1
	FrameGoAway  = 7
)

// The first bytes of a field section that needs no dynamic table (RFC 9204 section 4.5.1), and lines that are entries
// of the static table (appendix A).
const (
	FieldsPrefix    = "\x00\x00"
	FieldStatus103  = "\xd8"         // :status 103
	FieldStatus200  = "\xd9"         // :status 200
	FieldLength1000 = "\x54\x041000" // content-length, with a value of 4 bytes
	FieldJSON       = "\xee"         // content-type: application/json
)

type quicOptions struct {
	tls  *tls.Config
	quic *quic.Config
}

func serveQUIC(t testing.TB, l *listener, o quicOptions, handle func(context.Context, *quic.Conn)) *Server {
	t.Helper()
	socket := listenUDP(t)
	transport := &quic.Transport{Conn: datagrams{socket}}
	accept, err := transport.Listen(o.tls, o.quic)
	if err != nil {
		t.Fatalf("probetest: listening: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.running.Go(func() {
		for {
			c, err := accept.Accept(ctx)
			if err != nil {
				return
			}
			l.mu.Lock()
			l.accepted++
			l.mu.Unlock()
			l.running.Go(func() { //nolint:contextcheck // the context is the connection's own
				handle(c.Context(), c)
				<-c.Context().Done()
			})
		}
	})
	t.Cleanup(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		cancel()
		_ = accept.Close()
		_ = transport.Close()
		l.running.Wait()
	})
	addr := socket.LocalAddr().String()
	return &Server{URL: "https://" + addr, Addr: addr, l: l}
}

// listenUDP opens a socket on a free port of 127.0.0.1 until the test ends.
func listenUDP(t testing.TB) net.PacketConn {
	t.Helper()
	socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("probetest: listening: %v", err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

// datagrams keeps quic-go from complaining about the system's buffer sizes on standard error.
type datagrams struct{ net.PacketConn }

// SetReadBuffer asks for n bytes and takes what it gets.
func (d datagrams) SetReadBuffer(n int) error {
	if c, ok := d.PacketConn.(*net.UDPConn); ok {
		_ = c.SetReadBuffer(n)
	}
	return nil
}

// SetWriteBuffer leaves the system's default.
func (datagrams) SetWriteBuffer(int) error { return nil }

// SilentUDP starts a server that reads packets and never answers.
func SilentUDP(t testing.TB) *Server {
	t.Helper()
	return answerUDP(t, func([]byte) []byte { return nil })
}

// EchoUDP starts a server that sends every packet back.
func EchoUDP(t testing.TB) *Server {
	t.Helper()
	return answerUDP(t, func(packet []byte) []byte { return packet })
}

// OtherQUIC starts a server that speaks only a version of QUIC that does not exist.
func OtherQUIC(t testing.TB) *Server {
	t.Helper()
	return answerUDP(t, func(packet []byte) []byte {
		// RFC 8999, section 5.1: a flag byte, a version of 4 bytes, and two connection IDs, each with its length.
		if len(packet) < 6 || packet[0]&0x80 == 0 {
			return nil
		}
		dst, rest := packet[6:][:packet[5]], packet[6+packet[5]:]
		src := rest[1:][:rest[0]]
		// Section 6: version 0, the IDs exchanged, and the versions; this one is reserved for such tests (RFC 9000
		// section 15).
		b := []byte{0x80, 0, 0, 0, 0, byte(len(src))}
		b = append(b, src...)
		b = append(append(b, byte(len(dst))), dst...)
		return binary.BigEndian.AppendUint32(b, 0x1a2a3a4a)
	})
}

// answerUDP starts a server that answers each packet with what answer returns for it. It sends nothing if that is nil.
func answerUDP(t testing.TB, answer func([]byte) []byte) *Server {
	t.Helper()
	socket := listenUDP(t)
	l := &listener{}
	l.running.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := socket.ReadFrom(b)
			if err != nil {
				return
			}
			if reply := answer(b[:n]); reply != nil {
				_, _ = socket.WriteTo(reply, from)
			}
		}
	})
	t.Cleanup(func() {
		_ = socket.Close()
		l.running.Wait()
	})
	addr := socket.LocalAddr().String()
	return &Server{URL: "https://" + addr, Addr: addr, l: l}
}

// A Death is the way in which a server dies.
type Death int

// The ways in which a server dies.
const (
	// DieUnnoticed leaves the socket open, but no longer reads from it.
	DieUnnoticed Death = iota
	// DieClosed closes the socket.
	DieClosed
	// DieRestarted puts another server on the same socket, which does not know the connection.
	DieRestarted
)

// A mortal socket sends nothing once it is dead.
type mortal struct {
	datagrams
	dead atomic.Bool
}

// WriteTo implements net.PacketConn.
func (m *mortal) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.dead.Load() {
		return len(b), nil
	}
	return m.datagrams.WriteTo(b, to)
}

// DyingQUIC starts a server that offers h3. As soon as the handshake of its first connection is complete, it dies
// without telling the client.
func DyingQUIC(t testing.TB, cert tls.Certificate, how Death) *Server {
	t.Helper()
	socket := listenUDP(t)
	l := &listener{}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{http3.NextProtoH3}}
	key := quic.StatelessResetKey{1}
	start := func() (*mortal, *quic.Transport, *quic.Listener) {
		conn := &mortal{datagrams: datagrams{socket}}
		transport := &quic.Transport{Conn: conn, StatelessResetKey: &key}
		accept, err := transport.Listen(cfg, nil)
		if err != nil {
			t.Errorf("probetest: listening: %v", err)
		}
		return conn, transport, accept
	}
	conn, transport, accept := start()
	ctx, cancel := context.WithCancel(context.Background())
	l.running.Go(func() {
		_, err := accept.Accept(ctx)
		conn.dead.Store(true) // the end of a transport may answer what still comes
		_ = transport.Close()
		if err != nil {
			return
		}
		switch how {
		case DieUnnoticed:
		case DieClosed:
			_ = socket.Close()
		case DieRestarted:
			_, again, _ := start()
			<-ctx.Done()
			_ = again.Close()
		}
	})
	t.Cleanup(func() {
		cancel()
		l.running.Wait()
	})
	addr := socket.LocalAddr().String()
	return &Server{URL: "https://" + addr, Addr: addr, l: l}
}
