package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A fakeConn comes from an address and remembers that it was closed.
type fakeConn struct {
	net.Conn
	from     string
	closed   bool
	deadline time.Time
}

func (c *fakeConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 1}
}

func (c *fakeConn) Close() error                       { c.closed = true; return nil }
func (c *fakeConn) Write(p []byte) (int, error)        { return len(p), nil }
func (c *fakeConn) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }

// few are connections of a process that may open 64 files: 32 in all, 16 from one source.
func few() *connections { return newConnections(64, newMetrics(prometheus.NewRegistry())) }

// A crowd is the connections from many addresses, with requests that are handled or awaited.
func crowd(t *testing.T, a *connections, n, handling int, address func(int) string) []*fakeConn {
	t.Helper()
	var all []*fakeConn
	for i := range n {
		c := &fakeConn{from: address(i)}
		all = append(all, c)
		if admitted, ok := a.admit(c).(*conn); ok {
			admitted.handle(handling)
		}
	}
	return all
}

func TestConnections(t *testing.T) {
	one := func(string) func(int) string { return func(int) string { return "192.0.2.1" } }("")
	neighbours := func(i int) string { return fmt.Sprintf("198.51.100.%d", i%250) }
	many := func(i int) string { return fmt.Sprintf("10.%d.%d.1", i/250, i%250) }
	for _, tc := range []struct {
		name     string
		n        int
		handling int // requests of each
		address  func(int) string

		open, refusedSource, refusedWhole, displaced int
		again                                        bool // one more from the same address is admitted
	}{
		{"one source that waits", 300, 0, one, 16, 0, 0, 284, true},
		{"one source with requests", 300, 1, one, 16, 284, 0, 0, false},
		{"a network of IPv6", 300, 1, func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, 16, 284, 0, 0, false},
		{"mapped", 300, 1, func(int) string { return "::ffff:192.0.2.1" }, 16, 284, 0, 0, false},
		{"many sources that wait", 300, 0, many, 32, 0, 0, 268, true},
		{"many sources with requests", 300, 1, many, 32, 0, 268, 0, false},
		{"neighbours that wait", 300, 0, neighbours, 32, 0, 0, 268, true},
		{"neighbours with requests", 300, 1, neighbours, 32, 0, 268, 0, false},
		{"some sources with many requests", 300, 1, func(i int) string { return fmt.Sprintf("203.0.113.%d", i%3) }, 32, 0, 268, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := few()
			crowd(t, a, tc.n, tc.handling, tc.address)
			refused := func(reason string) int { return int(testutil.ToFloat64(a.refused.WithLabelValues(reason))) }
			got := []int{len(a.conns), int(testutil.ToFloat64(a.open)), refused(refusedSource), refused(refusedWhole), int(testutil.ToFloat64(a.displaced))}
			if diff := cmp.Diff([]int{tc.open, tc.open, tc.refusedSource, tc.refusedWhole, tc.displaced}, got); diff != "" {
				t.Errorf("open, gauge, refused by source and whole, displaced (-want +got):\n%s", diff)
			}
			if got := a.admit(&fakeConn{from: tc.address(0)}) != nil; got != tc.again {
				t.Errorf("one more from the same is admitted: %t, want %t", got, tc.again)
			}
			if tc.name != "many sources with requests" && a.admit(&fakeConn{from: "192.0.2.99"}) == nil {
				t.Error("a new source gets no connection")
			}
			for c := range a.conns {
				_ = c.Close()
				_ = c.Close() // counts once
			}
			if len(a.conns) != 0 || len(a.bySource) != 0 || len(a.byNetwork) != 0 || testutil.ToFloat64(a.open) != 0 {
				t.Errorf("%d connections of %d sources are left after all have closed", len(a.conns), len(a.bySource))
			}
		})
	}
}

// The one that makes room is the one that has waited longest, and never one with a request.
func TestLongestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := few()
		all := crowd(t, a, a.perSource, 0, func(int) string { time.Sleep(time.Second); return "192.0.2.1" })
		for c := range a.conns {
			if c.Conn == all[0] {
				c.handle(1)
			}
		}
		a.admit(&fakeConn{from: "192.0.2.1"})
		for i, c := range all {
			if c.closed != (i == 1) {
				t.Errorf("connection %d is closed: %t", i, c.closed)
			}
		}
	})
}

// An answer has a deadline from its first byte, the next one its own, and one of HTTP/2 none.
func TestAnswerDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeConn{from: "192.0.2.1"}
		c, ok := few().admit(fake).(*conn)
		if !ok {
			t.Fatal("not admitted")
		}
		want := time.Now().Add(answerTime)
		for range 3 {
			_, _ = c.Write([]byte("x"))
			if !fake.deadline.Equal(want) {
				t.Errorf("deadline is %s, want %s", fake.deadline, want)
			}
			time.Sleep(time.Second)
		}
		connState(c, http.StateActive)
		_, _ = c.Write([]byte("x"))
		if want := time.Now().Add(answerTime); !fake.deadline.Equal(want) {
			t.Errorf("deadline of the next answer is %s, want %s", fake.deadline, want)
		}
		connState(c, http.StateActive)
		own := time.Now().Add(time.Hour)
		_ = c.SetWriteDeadline(own)
		_, _ = c.Write([]byte("x"))
		if !fake.deadline.Equal(own) {
			t.Errorf("deadline is %s, want that of the handler", fake.deadline)
		}
	})
}

// unfinished are requests that never end, by what is wrong with them.
var unfinished = map[string]string{
	"nothing":                "",
	"half a line":            "GET /metr",
	"half a header":          "GET /metrics HTTP/1.1\r\nHost: x\r\nX-",
	"a GET with a body":      "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"a HEAD with chunks":     "HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
	"reload":                 "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"reload after a 100":     "POST /-/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
	"PUT of chunks":          "PUT /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
	"an unknown path":        "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nx",
	"a method nobody has":    "BREW / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"an order without token": "POST /api/v1/restarts/s/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
	"another site's":         "POST /-/reload HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 10\r\n\r\n",
}

// No request that never ends keeps its connection for long.
func TestUnfinished(t *testing.T) {
	t.Parallel() // it waits for deadlines
	a := started(t, options(&recorder{}))
	for name, request := range unfinished {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			if err := c.SetReadDeadline(time.Now().Add(3 * readTimeout)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open after %s", 3*readTimeout)
			}
		})
	}
}

// While all connections of a source are taken by requests that never end, the source itself is served, too.
func TestCrowdedOut(t *testing.T) {
	o := options(&recorder{})
	a := build(t, o)
	a.limits.connections = newConnections(64, a.metrics)
	a.loadEvery = 0 // a load that waits for its turn is no request that does not end
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop() })
	for range 5 {
		for _, request := range unfinished {
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			_, _ = io.WriteString(c, request) // it may be closed already
		}
	}
	until(t, "what can be handled to be handled", func() bool { return a.limits.connections.handled() == 0 })
	for _, path := range []string{"/-/healthy", "/metrics"} {
		if code, _ := get(t, a.Addr(), path); code != http.StatusOK {
			t.Errorf("%s is answered %d, want 200", path, code)
		}
	}
	if n := testutil.ToFloat64(a.metrics.connections); n > 16 {
		t.Errorf("%g connections are open, want at most 16", n)
	}
}

// handled is how many requests are being handled.
func (a *connections) handled() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		n += c.handling
	}
	return n
}

// A GET with a body is refused at once, and the connection closed.
func TestBodyOfGET(t *testing.T) {
	a := started(t, options(&recorder{}))
	for _, name := range []string{"a GET with a body", "a HEAD with chunks"} {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, unfinished[name])
		method, _, _ := strings.Cut(unfinished[name], " ")
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !resp.Close {
			t.Errorf("%s is answered %d, close %t; want 400 and the end", name, resp.StatusCode, resp.Close)
		}
	}
	if n := testutil.ToFloat64(a.metrics.refused.WithLabelValues(string(refusedBody))); n != 2 {
		t.Errorf("%g requests are counted, want 2", n)
	}
}

// A probe that lasts for longer than a request may take to arrive is not cut off, and its connection is not closed for others.
func TestLongProbe(t *testing.T) {
	t.Parallel() // it lasts
	target := probetest.Silent(t)
	a := started(t, options(&recorder{}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr().String()+"/probe?target="+target.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint((readTimeout + 2*time.Second).Seconds()))
	resp, err := client.Transport.RoundTrip(r) // without the client's own timeout
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "probe_success 0") {
		t.Errorf("the answer is %q, %v", body, err)
	}
}

// HTTP/2 has its connections counted, too, and no deadline for all that is said on one.
func TestConnectionsOfHTTP2(t *testing.T) {
	a := few()
	handling := make(chan int, 1)
	s := httptest.NewUnstartedServer(handled(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(*conn)
		if c == nil || r.ProtoMajor != 2 || !c.http2.Load() {
			t.Errorf("the request of %s has the connection %v", r.Proto, c)
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		handling <- c.handling
	})))
	s.EnableHTTP2 = true
	s.Listener = a.listen(s.Listener)
	s.Config.ConnContext, s.Config.ConnState = connContext, connState
	s.StartTLS()
	defer s.Close()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // It is ours.
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n := <-handling; n != 1 {
		t.Errorf("%d requests are handled, want 1", n)
	}
}

// An answer that nobody reads makes room after a while, unless its handler has set a time of its own.
func TestUnreadAnswerMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := few()
		from := func(int) string { return "192.0.2.1" }
		crowd(t, a, a.perSource, 1, from)
		write := func() {
			for c := range a.conns {
				if _, err := c.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
		}
		more := func() bool { return a.admit(&fakeConn{from: from(0)}) != nil }
		write()
		if more() {
			t.Error("an answer that has just begun made room")
		}
		time.Sleep(slowAnswer)
		for c := range a.conns {
			_ = c.SetWriteDeadline(time.Now().Add(profileTime))
			break
		}
		admitted := 0
		for range a.perSource {
			c, ok := a.admit(&fakeConn{from: from(0)}).(*conn)
			if !ok {
				continue
			}
			c.handle(1)
			admitted++
		}
		if admitted != a.perSource-1 {
			t.Errorf("%d connections got room, want %d: of all but the one with a time of its own", admitted, a.perSource-1)
		}
	})
}
