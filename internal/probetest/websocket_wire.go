package probetest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha1" //nolint:gosec // It is what RFC 6455 wants.
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The first bytes of frames: RFC 6455, section 5.2.
const (
	frameContinuation = 0x00
	frameText         = 0x01
	framePing         = 0x09
	frameCompressed   = 0x40 // RSV1: RFC 7692, section 6.
	frameFinal        = 0x80
)

// WebSocketSilent starts a server that upgrades, then reads and never sends anything, not even a pong or a close.
func WebSocketSilent(t testing.TB) *Server {
	t.Helper()
	return wire(t, nil, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
}

// WebSocketPings starts a server that upgrades and sends a ping each interval, the first at once, and nothing else.
func WebSocketPings(t testing.TB, interval time.Duration) *Server {
	t.Helper()
	ping := frame(frameFinal|framePing, nil)
	return wire(t, nil, func(ctx context.Context, c net.Conn) {
		for ctx.Err() == nil {
			if _, err := c.Write(ping); err != nil {
				return
			}
			pause(ctx, interval)
		}
	})
}

// WebSocketDrip starts a server that upgrades and sends a text message of 1 MiB, a byte of its frame each interval,
// the first at once. The head of the frame has 10 bytes.
func WebSocketDrip(t testing.TB, interval time.Duration) *Server {
	t.Helper()
	message := string(frame(frameFinal|frameText, bytes.Repeat([]byte{'.'}, 1<<20)))
	return wire(t, nil, func(ctx context.Context, c net.Conn) { drip(ctx, c, message, interval) })
}

// WebSocketDripUpgrade starts a server that upgrades, a byte of the answer each interval, the first at once, and then
// never sends anything. The answer has 129 bytes.
func WebSocketDripUpgrade(t testing.TB, interval time.Duration) *Server {
	t.Helper()
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		drip(ctx, c, switching(r, nil)+"\r\n", interval)
		<-ctx.Done()
	})
}

// WebSocketFragments starts a server that upgrades and sends one text message in fragments of this size, which may be
// 0, without end.
func WebSocketFragments(t testing.TB, size int) *Server {
	t.Helper()
	payload := bytes.Repeat([]byte{'.'}, size)
	first, next := frame(frameText, payload), frame(frameContinuation, payload)
	return wire(t, nil, func(_ context.Context, c net.Conn) {
		if _, err := c.Write(first); err == nil {
			writeForEver(c, next)
		}
	})
}

// WebSocketFlood starts a server that upgrades and sends the text message "flood" without end, as fast as it can.
func WebSocketFlood(t testing.TB) *Server {
	t.Helper()
	message := frame(frameFinal|frameText, []byte("flood"))
	return wire(t, nil, func(_ context.Context, c net.Conn) { writeForEver(c, message) })
}

// WebSocketHuge starts a server that upgrades and sends one text message of size zeros in one frame, then nothing more.
// The size is always announced in 64 bits.
func WebSocketHuge(t testing.TB, size int64) *Server {
	t.Helper()
	return wire(t, nil, func(ctx context.Context, c net.Conn) {
		if _, err := c.Write(longHead(frameFinal|frameText, size)); err == nil && writeZeros(c, size) == nil {
			<-ctx.Done()
		}
	})
}

// WebSocketBomb starts a server that upgrades and sends one text message of size zeros, compressed with
// permessage-deflate (RFC 7692) to about a thousandth of that, whatever parameters the client offers for it, then
// nothing more. A client that offers no permessage-deflate gets a message that is not compressed.
func WebSocketBomb(t testing.TB, size int64) *Server {
	t.Helper()
	const chunk = 1 << 20
	// A flushed block of zeros refers to nothing before it: it can be sent again and again.
	whole, rest := deflateZeros(t, chunk), deflateZeros(t, size%chunk)
	rest = rest[:len(rest)-len(deflateTail)]
	head := longHead(frameFinal|frameCompressed|frameText, size/chunk*int64(len(whole))+int64(len(rest)))
	extension := http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}}
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		if !strings.Contains(strings.Join(r.Header.Values("Sec-WebSocket-Extensions"), ","), "permessage-deflate") {
			_, err := io.WriteString(c, switching(r, nil)+"\r\n"+string(longHead(frameFinal|frameText, size)))
			if err == nil && writeZeros(c, size) == nil {
				<-ctx.Done()
			}
			return
		}
		_, err := io.WriteString(c, switching(r, extension)+"\r\n"+string(head))
		for range size / chunk {
			if err != nil {
				return
			}
			_, err = c.Write(whole)
		}
		if _, err := c.Write(rest); err == nil {
			<-ctx.Done()
		}
	})
}

// WebSocketWrongAccept starts a server that upgrades with a Sec-WebSocket-Accept for another key.
func WebSocketWrongAccept(t testing.TB) *Server {
	t.Helper()
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		r.Header.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
		if _, err := io.WriteString(c, switching(r, nil)+"\r\n"); err == nil {
			<-ctx.Done()
		}
	})
}

// normalClose is a close frame with 1000.
const normalClose = "\x88\x02\x03\xe8"

// WebSocketInterim starts a server that sends before as it is, upgrades, sends the text message "hello" and closes with
// 1000, all at once.
func WebSocketInterim(t testing.TB, before string) *Server {
	t.Helper()
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		hello := string(frame(frameFinal|frameText, []byte("hello")))
		if _, err := io.WriteString(c, before+switching(r, nil)+"\r\n"+hello+normalClose); err == nil {
			<-ctx.Done()
		}
	})
}

// WebSocketExtension starts a server that upgrades with this Sec-WebSocket-Extensions, whatever the client offered,
// and closes with 1000 at once.
func WebSocketExtension(t testing.TB, extension string) *Server {
	t.Helper()
	header := http.Header{"Sec-WebSocket-Extensions": {extension}}
	return wire(t, header, func(ctx context.Context, c net.Conn) {
		if _, err := io.WriteString(c, normalClose); err == nil {
			<-ctx.Done()
		}
	})
}

// WebSocketBadFrame starts a server that upgrades, sends these bytes as they are, and keeps the connection open.
func WebSocketBadFrame(t testing.TB, frame []byte) *Server {
	t.Helper()
	return wire(t, nil, func(ctx context.Context, c net.Conn) {
		if _, err := c.Write(frame); err == nil {
			<-ctx.Done()
		}
	})
}

// WebSocketFrames starts a server that upgrades, with permessage-deflate if compressed, sends these bytes as they are,
// and hangs up unless stay is true.
func WebSocketFrames(t testing.TB, frames []byte, compressed, stay bool) *Server {
	t.Helper()
	header := http.Header{}
	if compressed {
		header.Set("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	}
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		// In one segment, so that a client has all of it before it hears of the end.
		if _, err := io.WriteString(c, switching(r, header)+"\r\n"+string(frames)); err == nil && stay {
			<-ctx.Done()
		}
	})
}

// UpgradeEndlessHeaders starts a server that upgrades and sends header lines of 1 KiB for ever.
func UpgradeEndlessHeaders(t testing.TB) *Server {
	t.Helper()
	line := "X-Endless: " + strings.Repeat("x", 1011) + "\r\n"
	return serveUpgrade(t, func(_ context.Context, c net.Conn, r *http.Request) {
		if _, err := io.WriteString(c, switching(r, nil)); err == nil {
			writeForEver(c, []byte(line))
		}
	})
}

// wire starts a server that upgrades with these headers and has handle write the raw bytes that follow. The context
// of handle ends when the client hangs up.
func wire(t testing.TB, header http.Header, handle func(ctx context.Context, c net.Conn)) *Server {
	t.Helper()
	return serveUpgrade(t, func(ctx context.Context, c net.Conn, r *http.Request) {
		if _, err := io.WriteString(c, switching(r, header)+"\r\n"); err == nil {
			handle(ctx, c)
		}
	})
}

// serveUpgrade is wire with the answer to the upgrade left to handle. Other requests are answered with 400.
func serveUpgrade(t testing.TB, handle func(ctx context.Context, c net.Conn, r *http.Request)) *Server {
	t.Helper()
	return serveTCP(t, "ws", func(ctx context.Context, c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if !websocket.IsWebSocketUpgrade(r) || r.Header.Get("Sec-WebSocket-Key") == "" {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer cancel()
			discard(ctx, c)
		})
		handle(ctx, c, r)
		_ = c.Close()
		wg.Wait()
	})
}

// switching returns the head of the answer to r, with these headers, but for the empty line at its end.
func switching(r *http.Request, header http.Header) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, section 4.2.2.
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	_ = header.Write(&b) // A builder takes everything.
	return b.String()
}

// frame returns a frame that is not masked, its length in as few bytes as it takes.
func frame(first byte, payload []byte) []byte {
	var head []byte
	switch n := len(payload); {
	case n <= 125:
		head = []byte{first, byte(n)}
	case n <= 0xffff:
		head = binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n))
	default:
		head = longHead(first, int64(n))
	}
	return append(head, payload...)
}

// longHead returns the head of a frame with the length in 64 bits.
func longHead(first byte, n int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n))
}

// writeForEver writes b until the client hangs up.
func writeForEver(w io.Writer, b []byte) {
	b = bytes.Repeat(b, max(1, len(zeros)/len(b))) // Fewer, larger writes.
	for {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// deflateTail is what ends a flushed block and is left out at the end of a message: RFC 7692, section 7.2.1.
const deflateTail = "\x00\x00\xff\xff"

// deflateZeros returns n zeros, compressed and flushed.
func deflateZeros(t testing.TB, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		err = writeZeros(z, n)
	}
	if err == nil {
		err = z.Flush()
	}
	if err != nil {
		t.Fatalf("probetest: compressing: %v", err)
	}
	return b.Bytes()
}
