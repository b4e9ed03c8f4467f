package probetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
)

// Silent starts a server that accepts connections, reads and never answers. Its URL has the scheme http.
func Silent(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "http", discard)
}

// CloseAtOnce starts a server that closes every connection upon accepting it. The client sees an end of file,
// or a reset if it has sent something by then.
func CloseAtOnce(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "http", func(context.Context, net.Conn) {})
}

// Reset starts a server that reads one request and resets the connection.
func Reset(t testing.TB) *Server {
	t.Helper()
	return answer(t, func(_ context.Context, c net.Conn) {
		if c, ok := c.(*conn); ok {
			_ = c.SetLinger(0)
		}
	})
}

// The greeting of an SSH server.
const banner = "SSH-2.0-OpenSSH_9.9\r\n"

// NotHTTP starts a server that answers the first bytes of its client, whatever they are, as an SSH server would.
func NotHTTP(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return
		}
		_, _ = io.WriteString(c, banner)
		discard(ctx, c)
	})
}

// Greeter starts a server that greets its clients before they have sent anything, as an SSH server does. A
// net/http client fails in one way or another, depending on whether it gets the greeting before it has written
// the request.
func Greeter(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		_, _ = io.WriteString(c, banner)
		discard(ctx, c)
	})
}

// TLSStall starts a server that reads the client hello of a TLS handshake and never answers.
func TLSStall(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		if readRecord(c) == nil {
			discard(ctx, c)
		}
	})
}

// TLSStallMid starts a server that answers the client hello of a TLS handshake with the first bytes of a server
// hello and then says nothing more.
func TLSStallMid(t testing.TB) *Server {
	t.Helper()
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		if readRecord(c) != nil {
			return
		}
		// RFC 8446, section 5.1 and 4: a handshake record of 122 bytes, a server hello of 118, TLS 1.2.
		if _, err := c.Write([]byte{22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3}); err != nil {
			return
		}
		discard(ctx, c)
	})
}

// TLSGarbage starts a server that does a TLS handshake, reads once, and writes s as it is, outside TLS. It leaves the
// connection open.
func TLSGarbage(t testing.TB, cert tls.Certificate, s string, protos ...string) *Server {
	t.Helper()
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: protos})
		if _, err := session.Read(make([]byte, 4096)); err != nil {
			return
		}
		_, _ = io.WriteString(c, s)
		discard(ctx, c)
	})
}

// readRecord reads one TLS record.
func readRecord(c net.Conn) error {
	var head [5]byte // type, version (2), length (2)
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(head[3:])))
	return err
}

// Answer starts a server that reads a request, writes s as it is, and closes the connection or, if stay is true, leaves
// it open.
func Answer(t testing.TB, s string, stay bool) *Server {
	t.Helper()
	return answer(t, func(ctx context.Context, c net.Conn) {
		if _, err := io.WriteString(c, s); err == nil && stay {
			<-ctx.Done()
		}
	})
}

// Says starts a server that writes s before it has read anything, and then reads until the end.
func Says(t testing.TB, s string) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		if _, err := io.WriteString(c, s); err == nil {
			discard(ctx, c)
		}
	})
}

// SaysTLS is [Says] within TLS, with protos to negotiate.
func SaysTLS(t testing.TB, cert tls.Certificate, s string, protos ...string) *Server {
	t.Helper()
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: protos})
		if _, err := io.WriteString(session, s); err == nil {
			discard(ctx, session)
		}
	})
}

// AnswerEarly starts a server that reads only the head of a request, writes s as it is, and closes the connection or,
// if stay is true, leaves it open, without reading any more.
func AnswerEarly(t testing.TB, s string, stay bool) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReaderSize(c, 16)); err != nil {
			return
		}
		if _, err := io.WriteString(c, s); err == nil && stay {
			<-ctx.Done()
		}
	})
}

// GoAway starts a server that speaks HTTP/2. It ends every connection before there is a request on it, without closing
// it.
func GoAway(t testing.TB, cert tls.Certificate) *Server {
	t.Helper()
	return serveFrames(t, cert, func(_ net.Conn, f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) })
}

// ResetHTTP2 starts a server that speaks HTTP/2, and resets the stream of the first request of a connection with the
// code.
func ResetHTTP2(t testing.TB, cert tls.Certificate, code http2.ErrCode) *Server {
	t.Helper()
	return serveFrames(t, cert, func(c net.Conn, f *http2.Framer) error {
		if _, err := io.CopyN(io.Discard, c, int64(len(http2.ClientPreface))); err != nil {
			return err
		}
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return err
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				return f.WriteRSTStream(h.StreamID, code)
			}
		}
	})
}

// HTTP2Frames starts a server that speaks HTTP/2. Each of the first connections gets the frames that one function of
// first writes when its request has come, and is closed if close is true. The others get status 200.
func HTTP2Frames(t testing.TB, cert tls.Certificate, closes bool, first ...func(f *http2.Framer, stream uint32) error) *Server {
	t.Helper()
	var n atomic.Int32
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
		f := http2.NewFramer(session, session)
		if _, err := io.CopyN(io.Discard, session, int64(len(http2.ClientPreface))); err != nil || f.WriteSettings() != nil {
			return
		}
		answer := func(f *http2.Framer, stream uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true}) // :status 200
		}
		i := int(n.Add(1)) - 1
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			h, ok := frame.(*http2.HeadersFrame)
			switch {
			case !ok:
				continue
			case i >= len(first):
				_ = answer(f, h.StreamID)
			case first[i](f, h.StreamID) != nil, closes:
				return
			}
			discard(ctx, session)
			return
		}
	})
}

// serveFrames starts a server that speaks HTTP/2 as far as its settings, and goes on with talk. It leaves the connection open.
func serveFrames(t testing.TB, cert tls.Certificate, talk func(c net.Conn, f *http2.Framer) error) *Server {
	t.Helper()
	return serveTCP(t, "https", func(ctx context.Context, c net.Conn) {
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
		framer := http2.NewFramer(session, session)
		if framer.WriteSettings() == nil && talk(session, framer) == nil {
			discard(ctx, session)
		}
	})
}
