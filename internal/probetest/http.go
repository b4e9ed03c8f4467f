package probetest

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// MaxEndless is how many bytes the body of [Endless] really has.
const MaxEndless = 10 << 30

// zeros is what long bodies are made of.
var zeros [64 << 10]byte

// Drip starts a server that answers 200 and announces 1 MiB of body at once, then sends one byte of it each
// interval, the first after one interval.
func Drip(t testing.TB, interval time.Duration) *Server {
	t.Helper()
	return answer(t, func(ctx context.Context, c net.Conn) {
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<20); err != nil {
			return
		}
		pause(ctx, interval)
		drip(ctx, c, strings.Repeat(".", 1<<20), interval)
	})
}

// DripHeaders starts a server that answers 200 with the body "ok", a byte each interval from the status line
// on. The head has 57 bytes.
func DripHeaders(t testing.TB, interval time.Duration) *Server {
	t.Helper()
	return answer(t, func(ctx context.Context, c net.Conn) {
		drip(ctx, c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", interval)
	})
}

// drip writes s byte by byte until ctx ends.
func drip(ctx context.Context, w io.Writer, s string, interval time.Duration) {
	for i := range len(s) {
		if _, err := io.WriteString(w, s[i:i+1]); err != nil || ctx.Err() != nil {
			return
		}
		pause(ctx, interval)
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Truncated starts a server that announces a body of 1000 bytes, sends 10 and closes the connection.
func Truncated(t testing.TB) *Server {
	t.Helper()
	return answer(t, func(_ context.Context, c net.Conn) { writeTruncated(c) })
}

// StallMidBody starts a server that announces a body of 1000 bytes, sends 10 and then nothing more.
func StallMidBody(t testing.TB) *Server {
	t.Helper()
	return answer(t, func(ctx context.Context, c net.Conn) {
		writeTruncated(c)
		<-ctx.Done()
	})
}

func writeTruncated(w io.Writer) {
	_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789")
}

// EndlessHeaders starts a server that answers 200 and sends header lines of 1 KiB without end.
func EndlessHeaders(t testing.TB) *Server {
	t.Helper()
	return answer(t, func(_ context.Context, c net.Conn) {
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		value := strings.Repeat("x", 1012)
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(c, "X-%06d: %s\r\n", i%1_000_000, value)
		}
	})
}

// Endless starts a server that answers 200 with MaxEndless bytes of body, as fast as it can.
func Endless(t testing.TB) *Server {
	t.Helper()
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = writeZeros(w, MaxEndless)
	}))
}

// GzipBomb starts a server that answers 200 with a gzip-encoded body that decompresses to size zeros, about a
// thousandth of that on the wire, whatever the client accepts.
func GzipBomb(t testing.TB, size int64) *Server {
	t.Helper()
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		if writeZeros(z, size) == nil {
			_ = z.Close()
		}
	}))
}

// writeZeros writes n zeros from one buffer.
func writeZeros(w io.Writer, n int64) error {
	for n > 0 {
		m, err := w.Write(zeros[:min(n, int64(len(zeros)))])
		if err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

// Redirects starts a server that redirects /0 to /1 and so on to /n, which answers 200 with the body "done\n". /loop
// redirects to itself. Anything else is 404.
func Redirects(t testing.TB, n int) *Server {
	t.Helper()
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		switch {
		case err != nil || i < 0 || i > n:
			http.NotFound(w, r)
		case i == n:
			_, _ = io.WriteString(w, "done\n")
		default:
			http.Redirect(w, r, "/"+strconv.Itoa(i+1), http.StatusFound)
		}
	}))
}
