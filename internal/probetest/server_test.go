package probetest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newClient returns a client with its own connections, which follows no redirects and decompresses nothing.
func newClient(t *testing.T, cfg *tls.Config) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: cfg, DisableCompression: true, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// short is long enough for what is answered at once and short enough to wait for what is not.
const short = 100 * time.Millisecond

// get returns what the client gets from the URL within the time.
func get(t *testing.T, c *http.Client, u string, within time.Duration) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestMisbehaviour(t *testing.T) {
	for _, tc := range []struct {
		name   string
		start  func(testing.TB) *Server
		within time.Duration
		status int // 0: no head of a response comes
		body   string
		err    error // what the error of the client is
	}{
		{"Silent", Silent, short, 0, "", context.DeadlineExceeded},
		{"Blackhole", Blackhole, short, 0, "", context.DeadlineExceeded},
		{"Drip", func(t testing.TB) *Server { return Drip(t, time.Hour) }, short, 200, "", context.DeadlineExceeded},
		{"Drip slowly", func(t testing.TB) *Server { return Drip(t, 60*time.Millisecond) }, short, 200, ".", context.DeadlineExceeded},
		{"DripHeaders", func(t testing.TB) *Server { return DripHeaders(t, time.Hour) }, short, 0, "", context.DeadlineExceeded},
		{"DripHeaders fast", func(t testing.TB) *Server { return DripHeaders(t, time.Microsecond) }, time.Minute, 200, "ok", nil},
		{"Truncated", Truncated, time.Minute, 200, "0123456789", io.ErrUnexpectedEOF},
		{"StallMidBody", StallMidBody, short, 200, "0123456789", context.DeadlineExceeded},
		{"Reset", Reset, time.Minute, 0, "", syscall.ECONNRESET},
		{"TLSStall", TLSStall, short, 0, "", context.DeadlineExceeded},
		{"TLSStallMid", TLSStallMid, short, 0, "", context.DeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.start(t)
			if u, err := url.Parse(s.URL); err != nil || u.Host != s.Addr {
				t.Errorf("URL is %q, want one with host %q", s.URL, s.Addr)
			}
			leaks := NoLeaks(t)
			c := newClient(t, nil)
			var status int
			var body string
			var err error
			arrived := func() bool { return status == tc.status && strings.HasPrefix(body, tc.body) }
			for within := tc.within; within == tc.within || !arrived() && within < time.Minute; within *= 2 { // a busy machine takes longer
				status, body, err = get(t, c, s.URL, within)
			}
			if timeout, ok := errors.AsType[net.Error](err); errors.Is(tc.err, context.DeadlineExceeded) && ok && timeout.Timeout() {
				err = tc.err // It may be the connection that notices first.
			}
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if !arrived() {
				t.Errorf("got status %d and body %q, want %d and %q", status, body, tc.status, tc.body)
			}
			c.CloseIdleConnections()
			leaks()
		})
	}
}

func TestOtherMisbehaviour(t *testing.T) {
	for _, tc := range []struct {
		name  string
		start func(testing.TB) *Server
		err   string // part of the error; empty: any
	}{
		{"CloseAtOnce", CloseAtOnce, ""}, // EOF, reset or broken pipe
		{"NotHTTP", NotHTTP, "malformed HTTP"},
		{"EndlessHeaders", EndlessHeaders, "server response headers exceeded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.start(t)
			defer NoLeaks(t)()
			c := newClient(t, nil)
			defer c.CloseIdleConnections()
			_, _, err := get(t, c, s.URL, time.Minute)
			if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want one about %q", err, tc.err)
			}
			if n := s.Accepted(); n == 0 {
				t.Error("accepted 0 connections, want more")
			}
		})
	}
}

// TestTLSStallMidSendsSomething: the client gets a part of a record, not nothing.
func TestTLSStallMidSendsSomething(t *testing.T) {
	s := TLSStallMid(t)
	c := dial(t, s.Addr)
	if _, err := c.Write([]byte{22, 3, 1, 0, 2, 1, 0}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 6)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{22, 3, 3, 0, 122, 2}, b); diff != "" {
		t.Errorf("first bytes (-want +got):\n%s", diff)
	}
}

func TestGreeter(t *testing.T) {
	c := dial(t, Greeter(t).Addr)
	b := make([]byte, len(banner))
	if _, err := io.ReadFull(c, b); string(b) != banner || err != nil {
		t.Errorf("read %q, %v, want %q", b, err, banner)
	}
}

// dial returns a connection that is closed when the test ends.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestShutdown: the end of a test ends its server, whatever its clients do.
func TestShutdown(t *testing.T) {
	start := map[string]func(testing.TB) *Server{
		"Silent":      Silent,
		"Drip":        func(t testing.TB) *Server { return Drip(t, time.Hour) },
		"Endless":     Endless,
		"OAuth2 hung": func(t testing.TB) *Server { o := OAuth2(t); o.Hang(); return o.Server },
		"TLS":         func(t testing.TB) *Server { return EchoTLS(t, NewCA(t).Issue(t, Cert{}), "h2") },
	}
	for name, start := range start {
		t.Run(name, func(t *testing.T) {
			leaks := NoLeaks(t)
			var c net.Conn
			t.Run("server", func(t *testing.T) {
				s := start(t)
				var err error
				if c, err = new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, "GET /token HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
			})
			if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("reading to the end: %v, want the connection closed", err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			leaks()
		})
	}
}

// Nothing listens on a closed port, and no server gets it while the test lasts.
func TestClosedPort(t *testing.T) {
	addr := ClosedPort(t)
	for range 10 {
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dialling %s: %v, %v, want it refused", addr, c, err)
		}
	}
	if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr); err == nil {
		_ = l.Close()
		t.Errorf("%s was free", addr)
	}
}

func TestEndless(t *testing.T) {
	s := Endless(t)
	defer NoLeaks(t)()
	c := newClient(t, nil)
	resp := open(t, c, s.URL)
	const want = 32 << 20
	if n, err := io.CopyN(io.Discard, resp.Body, want); n != want || err != nil {
		t.Errorf("read %d bytes, %v, want %d", n, err, want)
	}
	_ = resp.Body.Close()
}

// open returns the response to a GET; the caller closes its body.
func open(t *testing.T, c *http.Client, u string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, want 200", resp.StatusCode)
	}
	return resp
}

func TestGzipBomb(t *testing.T) {
	const size = 4<<20 + 1
	s := GzipBomb(t, size)
	resp := open(t, newClient(t, nil), s.URL)
	defer func() { _ = resp.Body.Close() }()
	if e := resp.Header.Get("Content-Encoding"); e != "gzip" {
		t.Errorf("Content-Encoding %q, want gzip", e)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n > size/500 || err != nil {
		t.Errorf("%d bytes on the wire, %v, want at most a 500th of %d", n, err, size)
	}

	c := newClient(t, nil)
	c.Transport.(*http.Transport).DisableCompression = false
	resp = open(t, c, s.URL)
	defer func() { _ = resp.Body.Close() }()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes decompressed, %v, want %d", n, err, size)
	}
}

func TestRedirects(t *testing.T) {
	s := Redirects(t, 3)
	c := newClient(t, nil)
	for path, want := range map[string]int{"/0": 302, "/2": 302, "/3": 200, "/4": 404, "/-1": 404, "/x": 404, "/loop": 302} {
		if status, _, err := get(t, c, s.URL+path, time.Minute); status != want || err != nil {
			t.Errorf("%s: status %d, %v, want %d", path, status, err, want)
		}
	}
	c.CheckRedirect = nil // Follows up to 10.
	if status, body, err := get(t, c, s.URL+"/0", time.Minute); status != 200 || body != "done\n" || err != nil {
		t.Errorf("following /0: %d, %q, %v, want 200 and done", status, body, err)
	}
	if _, _, err := get(t, c, s.URL+"/loop", time.Minute); err == nil || !strings.Contains(err.Error(), "stopped after 10 redirects") {
		t.Errorf("following /loop: %v, want an error", err)
	}
}

// echoOf returns what the echo server says about the request.
func echoOf(t *testing.T, c *http.Client, req *http.Request) EchoReply {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r EchoReply
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEcho(t *testing.T) {
	s := Echo(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/a//b%2Fc/../?x=%20&y=<>&z", strings.NewReader("a&b"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "a.example"
	req.Header = http.Header{"X-Two": {"1", "2"}, "User-Agent": {"test"}}
	got := echoOf(t, newClient(t, nil), req)
	if got.RemoteAddr == "" {
		t.Error("no remote address")
	}
	got.RemoteAddr = ""
	want := EchoReply{
		Method: "PUT", RequestURI: "/a//b%2Fc/../?x=%20&y=<>&z", Proto: "HTTP/1.1", Host: "a.example", ContentLength: 3, Body: "a&b",
		Header: http.Header{"X-Two": {"1", "2"}, "User-Agent": {"test"}, "Content-Length": {"3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
}

func TestEchoTLS(t *testing.T) {
	ca := NewCA(t)
	cert := ca.Issue(t, Cert{DNSNames: []string{"a.example"}})
	for _, tc := range []struct {
		protos []string
		want   string
	}{{nil, "HTTP/1.1"}, {[]string{"http/1.1"}, "HTTP/1.1"}, {[]string{"h2"}, "HTTP/2.0"}, {[]string{"h2", "http/1.1"}, "HTTP/2.0"}} {
		s := EchoTLS(t, cert, tc.protos...)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		got := echoOf(t, newClient(t, &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example"}), req)
		if got.Proto != tc.want || got.ServerName != "a.example" || got.RequestURI != "/" {
			t.Errorf("protocols %v: got %+v, want %s and a.example", tc.protos, got, tc.want)
		}
	}
}
