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
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// watched is an exporter with n targets, shop-0 and so on, that so many browsers may watch.
func watched(t *testing.T, n, viewers int, change func(*Options)) *App {
	t.Helper()
	o := options(&recorder{})
	o.PageViewers = viewers
	o.ConfigFile = configFile(t, inventoryOf(n))
	if change != nil {
		change(&o)
	}
	a := build(t, o)
	for i := range n {
		a.status.Observe(status.Probe{Name: fmt.Sprint("shop-", i), Result: prober.Result{Start: time.Now()}})
	}
	return a
}

func inventoryOf(n int) string {
	var b strings.Builder
	b.WriteString("modules: {http_2xx: {prober: http}}\ntargets:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {name: shop-%d, url: 'http://127.0.0.1:1/%d', interval: 5m}\n", i, i)
	}
	return b.String()
}

func (a *App) fail(name, why string) {
	a.status.Observe(status.Probe{Name: name, Result: prober.Result{Start: time.Now(), Reason: prober.ReasonStatus, Err: errors.New(why)}})
}

// pageAttribute is a data attribute that the page gives to its script.
var pageAttribute = regexp.MustCompile(`data-(mark|list)="([^"]*)"`)

// stream asks for what changes, as the script of a page does.
func stream(t *testing.T, c *http.Client, base, query string) (lines *bufio.Reader, end func()) {
	t.Helper()
	get := func(ctx context.Context, url string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s is %s", url, resp.Status)
		}
		return resp
	}
	page := get(t.Context(), base+"/?"+query)
	html, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for _, m := range pageAttribute.FindAllStringSubmatch(string(html), -1) {
		attributes[m[1]] = m[2]
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)                                   // in vain
	resp := get(ctx, base+"/live?"+query+"&list="+attributes["list"]+"&after="+attributes["mark"]) //nolint:bodyclose // the caller ends it
	if got := resp.Header.Get("Content-Type") + ", " + resp.Header.Get("Cache-Control") + ", " + resp.Header.Get("X-Accel-Buffering"); got != "text/event-stream; charset=utf-8, no-store, no" {
		t.Errorf("the stream has %s", got)
	}
	return bufio.NewReader(resp.Body), func() { cancel(); resp.Body.Close() }
}

// await reads lines until one has a text.
func await(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

func secured(t *testing.T, o *Options) *http.Client {
	t.Helper()
	ca := probetest.NewCA(t)
	cert, key := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	file := configFile(t, fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}", cert, key))
	o.Web.WebConfigFile = &file
	return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS13}}}
}

// A change reaches the page by HTTP/1.1 and HTTP/2, below a prefix and without, and so does another inventory. The stream lives longer
// than a request may take to arrive.
func TestLive(t *testing.T) {
	for _, tc := range []struct{ name, scheme, prefix string }{
		{"HTTP/1.1", "http", ""},
		{"below a prefix", "http", "/tools/hc"},
		{"HTTP/2", "https", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &http.Client{Transport: &http.Transport{}}
			a := watched(t, 3, 10, func(o *Options) {
				o.RoutePrefix = tc.prefix
				if tc.scheme == "https" {
					c = secured(t, o)
				}
			})
			run(t, a)
			defer c.CloseIdleConnections()
			lines, end := stream(t, c, tc.scheme+"://"+a.Addr().String()+tc.prefix, "view=problems")
			defer end()
			await(t, lines, "event: sum")
			if n := testutil.ToFloat64(a.metrics.pageViewers); n != 1 {
				t.Errorf("%g viewers are counted, want 1", n)
			}
			a.fail("shop-1", "status 503, want 2xx")
			await(t, lines, "status 503, want 2xx")
			if n := testutil.ToFloat64(a.metrics.pageRenders); n != 1 {
				t.Errorf("%g rows were rendered, want 1", n)
			}
			writeFile(t, a.opts.ConfigFile, inventoryOf(4))
			if err := a.Reload(); err != nil {
				t.Fatal(err)
			}
			await(t, lines, "event: reload")
			until(t, "the end of the stream", func() bool { return testutil.ToFloat64(a.metrics.pageViewers) == 0 })
			if n := testutil.ToFloat64(a.metrics.pageEvents.WithLabelValues("reload")); n != 1 {
				t.Errorf("%g events of a reload are counted, want 1", n)
			}
		})
	}
}

// A stream is not cut off by what bounds other requests.
func TestLiveLasts(t *testing.T) {
	t.Parallel() // it lasts
	a := watched(t, 3, 10, nil)
	run(t, a)
	lines, end := stream(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+a.Addr().String(), "view=all")
	defer end()
	<-time.After(readTimeout + 2*time.Second)
	a.fail("shop-2", "late")
	await(t, lines, "late")
}

func TestLiveIsBounded(t *testing.T) {
	a := watched(t, 3, 2, nil)
	run(t, a)
	base := "http://" + a.Addr().String()
	_, end := stream(t, client, base, "view=all")
	_, end2 := stream(t, client, base, "view=all")
	defer end2()
	refused, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/live", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(refused)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "30" {
		t.Errorf("the third is answered %s, Retry-After %q; want 503 and 30", resp.Status, resp.Header.Get("Retry-After"))
	}
	if n := testutil.ToFloat64(a.metrics.pageViewersRefused); n != 1 {
		t.Errorf("%g are counted as refused, want 1", n)
	}
	end()
	until(t, "the first to be gone", func() bool { return testutil.ToFloat64(a.metrics.pageViewers) == 1 })
	_, end3 := stream(t, client, base, "view=all")
	end3()

	if code, body := get(t, a.Addr(), "/live?view=none"); code != http.StatusBadRequest || !strings.Contains(body, `view is "none"`) {
		t.Errorf("a bad query is answered %d %q", code, body)
	}
	none := watched(t, 3, 0, nil)
	if page := serve(none.routes(), http.MethodGet, "/", nil).Body.String(); strings.Contains(page, "data-mark") {
		t.Error("without viewers the page asks for a stream")
	}
}

// However many browsers may watch, they have no more than their share of the connections.
func TestViewersShareConnections(t *testing.T) {
	a := watched(t, 1, 1_000_000, nil)
	if got, most := a.pages.Live.Viewers(), a.limits.connections.whole/viewerShare; got != most {
		t.Errorf("%d may watch, want %d", got, most)
	}
}

// The end does not wait for those who watch, whether they read or not, and leaves nothing behind. They hold little memory.
func TestStopWithViewers(t *testing.T) {
	const viewers, targets = 200, 100
	a := watched(t, targets, viewers, func(o *Options) { o.DrainTimeout = time.Minute })
	failAll := func(why string) {
		for i := range targets {
			a.fail(fmt.Sprint("shop-", i), strings.Repeat(why, 250))
		}
	}
	failAll("old ") // what is known of targets is not what viewers hold
	leaks := probetest.NoLeaks(t)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	before := memory()
	var conns []net.Conn
	deaf := map[string]bool{}
	for i := range viewers {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if i >= viewers/2 {
			deaf[c.LocalAddr().String()] = true
			narrow(t, c)
		}
		fmt.Fprint(c, "GET /live?view=all&limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		conns = append(conns, c)
	}
	until(t, "the viewers", func() bool { return testutil.ToFloat64(a.metrics.pageEvents.WithLabelValues("sum")) == viewers })
	a.limits.connections.mu.Lock()
	for c := range a.limits.connections.conns {
		if deaf[c.RemoteAddr().String()] {
			narrow(t, c.Conn)
		}
	}
	a.limits.connections.mu.Unlock()
	failAll("new ")
	told := time.Now()
	lines := bufio.NewReader(nil)
	for _, c := range conns[:viewers/2] {
		lines.Reset(c)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		for range targets {
			await(t, lines, "new new")
		}
	}
	least := viewers
	if time.Since(told) > 5*time.Second { // those who do not read may be cut off soon
		least = viewers / 2
	}
	if n := testutil.ToFloat64(a.metrics.pageViewers); n > viewers || n < float64(least) {
		t.Fatalf("there are %g viewers, want %d", n, least)
	}
	if n := testutil.ToFloat64(a.metrics.pageEvents.WithLabelValues("row")); n >= targets*viewers {
		t.Errorf("%g rows were sent, want fewer than %d: some do not read", n, targets*viewers)
	}
	each := (int64(memory()) - int64(before)) / viewers
	t.Logf("a viewer has %d bytes", each)
	if each > 40<<10 && !raceEnabled { // some of it is the test's
		t.Errorf("a viewer has %d bytes, want 40 kB at most", each)
	}
	began := time.Now()
	stop(t, a)
	took := time.Since(began)
	t.Logf("the end took %s", took)
	if took > 5*time.Second { // it is 10 s that one may take to read
		t.Errorf("the end took %s", took)
	}
	for _, c := range conns {
		c.Close()
	}
	leaks()
}

// narrow has little wait on a connection to be read.
func narrow(t *testing.T, c net.Conn) {
	t.Helper()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", c)
	}
	if err := errors.Join(tcp.SetReadBuffer(4<<10), tcp.SetWriteBuffer(4<<10)); err != nil {
		t.Fatal(err)
	}
}

// memory is what is in use, in bytes.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
