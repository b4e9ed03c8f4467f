package probetest

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// wireHead is the answer to upgradeRequest: RFC 6455, section 1.3.
const wireHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

// What the raw servers send to the byte, and whether they say more.
func TestWebSocketWire(t *testing.T) {
	for name, tc := range map[string]struct {
		start func(testing.TB) *Server
		want  string // what comes first
		more  bool
	}{
		"Silent":        {WebSocketSilent, wireHead + "\r\n", false},
		"Pings":         {func(t testing.TB) *Server { return WebSocketPings(t, time.Microsecond) }, wireHead + "\r\n\x89\x00\x89\x00\x89\x00", true},
		"Pings slowly":  {func(t testing.TB) *Server { return WebSocketPings(t, time.Hour) }, wireHead + "\r\n\x89\x00", false},
		"Drip":          {func(t testing.TB) *Server { return WebSocketDrip(t, time.Microsecond) }, wireHead + "\r\n\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00....", true},
		"Drip slowly":   {func(t testing.TB) *Server { return WebSocketDrip(t, time.Hour) }, wireHead + "\r\n\x81", false},
		"DripUpgrade":   {func(t testing.TB) *Server { return WebSocketDripUpgrade(t, time.Microsecond) }, wireHead + "\r\n", false},
		"Fragments":     {func(t testing.TB) *Server { return WebSocketFragments(t, 3) }, wireHead + "\r\n\x01\x03...\x00\x03...\x00\x03...", true},
		"Fragments, 0":  {func(t testing.TB) *Server { return WebSocketFragments(t, 0) }, wireHead + "\r\n\x01\x00\x00\x00\x00\x00", true},
		"Flood":         {WebSocketFlood, wireHead + "\r\n\x81\x05flood\x81\x05flood", true},
		"Huge":          {func(t testing.TB) *Server { return WebSocketHuge(t, 3) }, wireHead + "\r\n\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00", false},
		"Huge, endless": {func(t testing.TB) *Server { return WebSocketHuge(t, 1<<40) }, wireHead + "\r\n\x81\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", true},
		"BadFrame":      {func(t testing.TB) *Server { return WebSocketBadFrame(t, []byte("\xff\xff")) }, wireHead + "\r\n\xff\xff", false},
		"WrongAccept":   {WebSocketWrongAccept, strings.Replace(wireHead, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ICX+Yqv66kxgM0FcWaLWlFLwTAI=", 1) + "\r\n", false},
		"Extension":     {func(t testing.TB) *Server { return WebSocketExtension(t, "x-y; z=1") }, wireHead + "Sec-WebSocket-Extensions: x-y; z=1\r\n\r\n" + normalClose, false},
		"EndlessHeader": {UpgradeEndlessHeaders, wireHead + "X-Endless: " + strings.Repeat("x", 1011) + "\r\nX-Endless: xx", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.start(t)
			if !strings.HasPrefix(s.URL, "ws://") {
				t.Errorf("URL is %s, want one for WebSockets", s.URL)
			}
			defer NoLeaks(t)()
			c := dial(t, s.Addr)
			defer func() { _ = c.Close() }()
			// A ping and a close may be sent, and are never answered.
			if _, err := io.WriteString(c, upgradeRequest+"\x89\x80\x00\x00\x00\x00\x88\x80\x00\x00\x00\x00"); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(patient))
			got := make([]byte, len(tc.want))
			if n, err := io.ReadFull(c, got); string(got[:n]) != tc.want || err != nil {
				t.Fatalf("got %q, %v, want %q", got[:n], err, tc.want)
			}
			wait := patient
			if !tc.more {
				wait = short
			}
			_ = c.SetReadDeadline(time.Now().Add(wait))
			switch n, err := c.Read(got[:1]); {
			case tc.more && n != 1:
				t.Errorf("nothing more comes: %v", err)
			case !tc.more && (n != 0 || errors.Is(err, io.EOF)):
				t.Errorf("%d more bytes, %v, want silence", n, err)
			}
		})
	}
}

func TestWebSocketDripUpgradeSlowly(t *testing.T) {
	s := WebSocketDripUpgrade(t, time.Hour)
	defer NoLeaks(t)()
	c := dial(t, s.Addr)
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, upgradeRequest)
	_ = c.SetReadDeadline(time.Now().Add(patient))
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); string(first) != "H" || err != nil {
		t.Fatalf("read %q, %v, want the first byte", first, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(short))
	if more, err := io.ReadAll(c); len(more) != 0 || err == nil {
		t.Errorf("read %q, %v, want nothing more", more, err)
	}
}

func TestWebSocketNoUpgrade(t *testing.T) {
	s := WebSocketSilent(t)
	defer NoLeaks(t)()
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", strings.Replace(upgradeRequest, "Sec-WebSocket-Key", "X-Key", 1)} {
		c := dial(t, s.Addr)
		_, _ = io.WriteString(c, request)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d, want 400", resp.StatusCode)
		}
		_ = c.Close()
	}
}

func TestWebSocketBomb(t *testing.T) {
	for _, size := range []int64{0, 1, 1 << 20, 3<<20 + 5} {
		s := WebSocketBomb(t, size)
		check := NoLeaks(t)
		for _, compressed := range []bool{true, false} {
			c := dialWebSocket(t, &websocket.Dialer{EnableCompression: compressed}, s.URL, nil)
			kind, r, err := c.NextReader()
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, r)
			if kind != websocket.TextMessage || n != size || err != nil {
				t.Errorf("message of type %d with %d bytes, %v, want a text of %d", kind, n, err, size)
			}
			if !silentFor(t, c, short) {
				t.Error("something came after the message, want nothing")
			}
			_ = c.Close()
		}
		check()
	}
}

func TestWebSocketBombIsSmall(t *testing.T) {
	const size = 64 << 20
	s := WebSocketBomb(t, size)
	defer NoLeaks(t)()
	c := dial(t, s.Addr)
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, strings.Replace(upgradeRequest, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1))
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	got, _ := io.ReadAll(c)
	if n := len(got); n == 0 || n > size/500 || !strings.Contains(string(got), "\xc1\x7f") {
		t.Errorf("%d bytes on the wire, want at most a 500th of %d", n, size)
	}
}
