package probetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// patient is how long a test waits for what must come.
const patient = 30 * time.Second

// dialWebSocket returns a connection to the server that is closed when the test ends, with a deadline for all reads.
func dialWebSocket(t *testing.T, d *websocket.Dialer, u string, header http.Header) *websocket.Conn {
	t.Helper()
	c, err := tryWebSocket(t, d, u, header)
	if err != nil {
		t.Fatalf("dialling %s: %v", u, err)
	}
	return c
}

func tryWebSocket(t *testing.T, d *websocket.Dialer, u string, header http.Header) (*websocket.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	c, resp, err := d.DialContext(ctx, u, header)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = c.Close() })
	err = c.SetReadDeadline(time.Now().Add(patient))
	return c, err
}

// silentFor reports whether nothing but the end of the time comes.
func silentFor(t *testing.T, c *websocket.Conn, d time.Duration) bool {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, _, err := c.ReadMessage()
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func TestWebSocket(t *testing.T) {
	ca := NewCA(t)
	greet := func(_ context.Context, c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(c.Subprotocol()))
	}
	plain := WebSocket(t, &websocket.Upgrader{Subprotocols: []string{"b"}}, greet)
	secure := WebSocketTLS(t, ca.Issue(t, Cert{}), greet)
	defer NoLeaks(t)()
	d := &websocket.Dialer{Subprotocols: []string{"a", "b"}, TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	for u, want := range map[string]string{plain.URL: "b", secure.URL: ""} {
		c := dialWebSocket(t, d, u, http.Header{"Origin": {"https://elsewhere.example"}})
		if _, got, err := c.ReadMessage(); string(got) != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", u, got, err, want)
		}
		if _, _, err := c.ReadMessage(); closeCode(err) != 1006 {
			t.Errorf("%s: %v, want the connection closed without a close frame", u, err)
		}
		_ = c.Close()
	}
	if !strings.HasPrefix(plain.URL, "ws://127.0.0.1:") || !strings.HasPrefix(secure.URL, "wss://127.0.0.1:") {
		t.Errorf("URLs are %s and %s, want ws and wss", plain.URL, secure.URL)
	}
}

func TestWebSocketEcho(t *testing.T) {
	ca := NewCA(t)
	plain, secure := WebSocketEcho(t), WebSocketEchoTLS(t, ca.Issue(t, Cert{DNSNames: []string{"a.example"}}))
	defer NoLeaks(t)()
	d := &websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example"}}
	for _, s := range []*WebSocketEchoServer{plain, secure} {
		for _, want := range []int{1000, 4999, 1005, 1006} {
			c := dialWebSocket(t, d, s.URL+"/a%2Fb?c", http.Header{"X-Test": {"1", "2"}})
			pongs := echoes(t, c)
			if diff := cmp.Diff([]string{"pong!"}, pongs); diff != "" {
				t.Errorf("pongs (-want +got):\n%s", diff)
			}
			if want != 1006 {
				_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(want, ""), time.Time{})
				if _, _, err := c.ReadMessage(); closeCode(err) != want {
					t.Errorf("close was answered with %v, want %d", err, want)
				}
			}
			_ = c.Close()
			if got := s.Closed(t); got != want {
				t.Errorf("Closed() = %d, want %d", got, want)
			}
		}
	}
	got := secure.Handshakes()
	if len(got) != 4 {
		t.Fatalf("%d handshakes, want 4", len(got))
	}
	if h := got[0]; h.RequestURI != "/a%2Fb?c" || h.Host != secure.Addr || h.ServerName != "a.example" || len(h.Header["X-Test"]) != 2 {
		t.Errorf("handshake is %+v", h)
	}
}

// echoes sends messages and a ping, checks what comes back, and returns the pongs.
func echoes(t *testing.T, c *websocket.Conn) (pongs []string) {
	t.Helper()
	c.SetPongHandler(func(s string) error {
		pongs = append(pongs, s)
		return nil
	})
	_ = c.WriteControl(websocket.PingMessage, []byte("pong!"), time.Time{})
	for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
		for _, want := range []string{"", "hello", strings.Repeat("x", 70_000)} {
			if err := c.WriteMessage(kind, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if k, got, err := c.ReadMessage(); k != kind || string(got) != want || err != nil {
				t.Fatalf("echo is %d with %d bytes, %v, want %d with %d", k, len(got), err, kind, len(want))
			}
		}
	}
	return pongs
}

func TestWebSocketEchoWaits(t *testing.T) {
	s := WebSocketEcho(t)
	defer NoLeaks(t)()
	c := dialWebSocket(t, websocket.DefaultDialer, s.URL, nil)
	code := make(chan int)
	go func() { code <- s.Closed(t) }()
	select {
	case got := <-code:
		t.Errorf("Closed() = %d while the connection is open", got)
	case <-time.After(short):
	}
	_ = c.Close()
	if got := <-code; got != 1006 {
		t.Errorf("Closed() = %d, want 1006", got)
	}
}

func TestWebSocketCloses(t *testing.T) {
	for _, code := range []int{1000, 1011, 4401, 1005, 1006} {
		s := WebSocketCloses(t, code)
		check := NoLeaks(t)
		c := dialWebSocket(t, websocket.DefaultDialer, s.URL, nil)
		_ = c.WriteMessage(websocket.TextMessage, []byte("a client may speak first"))
		_, _, err := c.ReadMessage()
		got, ok := errors.AsType[*websocket.CloseError](err)
		if !ok || got.Code != code || code != 1005 && code != 1006 && got.Text != "bye" {
			t.Errorf("%d: got %v", code, err)
		}
		_ = c.Close()
		check()
	}
}

func TestWebSocketNoCloseAnswer(t *testing.T) {
	s := WebSocketNoCloseAnswer(t)
	defer NoLeaks(t)()
	c := dialWebSocket(t, websocket.DefaultDialer, s.URL, nil)
	defer func() { _ = c.Close() }()
	if pongs := echoes(t, c); len(pongs) != 1 {
		t.Errorf("%d pongs, want 1", len(pongs))
	}
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Time{})
	if !silentFor(t, c, short) {
		t.Error("something came after the close, want nothing")
	}
}

func TestWebSocketSubprotocol(t *testing.T) {
	s := WebSocketSubprotocol(t, "v2.chat")
	defer NoLeaks(t)()
	for _, offered := range [][]string{nil, {"v1.chat"}, {"v1.chat", "v2.chat"}} {
		c := dialWebSocket(t, &websocket.Dialer{Subprotocols: offered}, s.URL, nil)
		if got := c.Subprotocol(); got != "v2.chat" {
			t.Errorf("offered %v: selected %q, want v2.chat", offered, got)
		}
		echoes(t, c)
		_ = c.Close()
	}
}

func TestWebSocketUpgradeAnswers(t *testing.T) {
	for status, header := range map[int]http.Header{
		200: nil, 302: {"Location": {"/elsewhere"}}, 401: {"WWW-Authenticate": {"Basic"}}, 426: {"Upgrade": {"websocket"}}, 503: {"Retry-After": {"5"}},
	} {
		s := UpgradeAnswers(t, status, header)
		check := NoLeaks(t)
		c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), s.URL, nil)
		if !errors.Is(err, websocket.ErrBadHandshake) || c != nil {
			t.Fatalf("%d: got %v, want a bad handshake", status, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != status || string(body) != http.StatusText(status)+"\n" || err != nil {
			t.Errorf("got status %d and body %q, %v, want %d", resp.StatusCode, body, err, status)
		}
		for name := range header {
			if got, want := resp.Header.Get(name), header[name][0]; got != want {
				t.Errorf("%d: %s is %q, want %q", status, name, got, want)
			}
		}
		check()
	}
}

// The end of a test ends its server, whatever its clients do.
func TestWebSocketShutdown(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{
		"Silent":        WebSocketSilent,
		"Flood":         WebSocketFlood,
		"Pings":         func(t testing.TB) *Server { return WebSocketPings(t, time.Hour) },
		"DripUpgrade":   func(t testing.TB) *Server { return WebSocketDripUpgrade(t, time.Hour) },
		"Echo":          func(t testing.TB) *Server { return WebSocketEcho(t).Server },
		"Closes":        func(t testing.TB) *Server { return WebSocketCloses(t, 1000) },
		"NoCloseAnswer": WebSocketNoCloseAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			defer NoLeaks(t)()
			var c net.Conn
			t.Run("server", func(t *testing.T) {
				var err error
				if c, err = new(net.Dialer).DialContext(t.Context(), "tcp", start(t).Addr); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, upgradeRequest); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			})
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		})
	}
}

// A request to upgrade: RFC 6455, section 1.3.
const upgradeRequest = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestWebSocketFrame(t *testing.T) {
	for n, head := range map[int]string{0: "\x81\x00", 125: "\x81\x7d", 126: "\x81\x7e\x00\x7e", 65535: "\x81\x7e\xff\xff", 65536: "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"} {
		if got := frame(0x81, make([]byte, n)); !bytes.HasPrefix(got, []byte(head)) || len(got) != len(head)+n {
			t.Errorf("frame of %d bytes begins with % x, want % x", n, got[:2], head)
		}
	}
}
