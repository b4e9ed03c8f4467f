package collector_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// hosted are a module that has a Host header and the default one that has none.
const hosted = `modules:
  http_2xx: {prober: http}
  hosted: {prober: http, http: {headers: {host: www.example}}}
  bank: {prober: http, credentials_for: ['*.bank.example'], http: {bearer_token: canary}}
`

func TestRejections(t *testing.T) {
	const target = "target=http://h/"
	for _, tt := range []struct {
		name, query string
		want        collector.Rejection
		text        []string // parts of the answer
	}{
		{"nothing", "", collector.RejectedTarget, []string{"target is empty", "use /probe?target=URL&module=NAME"}},
		{"empty target", "target=", collector.RejectedTarget, []string{"target is empty", "use /probe?target=URL"}},
		{"other key", "Target=http://h/", collector.RejectedTarget, []string{"target is empty", "use /probe?target=URL"}},
		{"unknown module", target + "&module=nope", collector.RejectedModule, []string{`unknown module "nope", want one of bank, hosted, http_2xx` + "\n"}},
		{"module and target", "module=nope", collector.RejectedModule, []string{`unknown module "nope"`}},
		{"contradiction", target + "&module=hosted&hostname=other.example", collector.RejectedHostname, []string{`"other.example" contradicts`, `"www.example"`, "leave out one"}},
		{"credentials elsewhere", "target=http://u:canary@partner.example/canary?canary&module=bank", collector.RejectedTarget, []string{`other hosts than "partner.example" (credentials_for)`}},
		{"credentials elsewhere by hostname", "target=http://www.bank.example/&module=bank&hostname=partner.example", collector.RejectedTarget, []string{`the Host header "partner.example" (credentials_for)`}},
		{"credentials elsewhere, good hostname", "target=http://partner.example/&module=bank&hostname=www.bank.example", collector.RejectedTarget, []string{"credentials_for"}},
		{"hostname with a path", target + "&hostname=h/x", collector.RejectedHostname, []string{`"h/x" is not a host name`, "use a name or an address"}},
		{"hostname with a query", target + "&hostname=h?x", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a fragment", target + "&hostname=h%23x", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a user", target + "&hostname=u@h", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a space", target + "&hostname=h+h", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a line", target + "&hostname=h%0D%0AX-Y:z", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with an escape", target + "&hostname=%2541", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with an escaped letter", target + "&hostname=h%25C3%25BC", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a quote", target + "&hostname=h%22h", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a bracket", target + "&hostname=%3Ch%3E", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with an empty port", target + "&hostname=h:", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a bad port", target + "&hostname=h:http", collector.RejectedHostname, []string{"not a host name"}},
		{"hostname with a port too high", target + "&hostname=h:65536", collector.RejectedHostname, []string{"not a host name"}},
		{"port alone", target + "&hostname=:80", collector.RejectedHostname, []string{"not a host name"}},
		{"unknown name", "name=nope", collector.RejectedName, []string{`unknown name "nope"`, "/sd lists all"}},
		{"name and target", "name=nope&" + target, collector.RejectedConflict, []string{"name and target exclude each other"}},
		{"name and module", "name=nope&module=http_2xx", collector.RejectedConflict, []string{"name and module exclude each other"}},
		{"name and hostname", "name=nope&hostname=h", collector.RejectedConflict, []string{"name and hostname exclude each other"}},
		{"empty name", "name=", collector.RejectedTarget, []string{"target is empty"}},
		{"URL as hostname", target + "&hostname=http://h", collector.RejectedHostname, []string{"not a host name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, hosted)
			w := f.get(t, tt.query)
			if w.Code != http.StatusBadRequest {
				t.Errorf("status %d, want 400", w.Code)
			}
			for _, part := range tt.text {
				if !strings.Contains(w.Body.String(), part) {
					t.Errorf("answer is %q, want one with %q", w.Body, part)
				}
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("answer is %q, which repeats the target", w.Body)
			}
			if diff := cmp.Diff([]collector.Rejection{tt.want}, f.rejected); diff != "" {
				t.Errorf("rejections (-want +got):\n%s", diff)
			}
			if f.begun != 0 || len(f.probes) != 0 {
				t.Errorf("%d probes began and %d ended, want none", f.begun, len(f.probes))
			}
		})
	}
}

// TestHostname checks that hostname is sent as Host header and that the target is dialled nevertheless.
func TestHostname(t *testing.T) {
	for _, tt := range []struct{ name, query, want string }{
		{"name", "hostname=www.example", "www.example"},
		{"name with port", "hostname=www.example:8080", "www.example:8080"},
		{"upper case", "hostname=WWW.example", "WWW.example"},
		{"address", "hostname=192.0.2.1", "192.0.2.1"},
		{"IPv6 address", "hostname=[2001:db8::1]:80", "[2001:db8::1]:80"},
		{"unicode", "hostname=b%C3%BCcher.example", "xn--bcher-kva.example"},
		{"underscore", "hostname=my_service", "my_service"},
		{"module's own", "module=hosted", "www.example"},
		{"same as the module's", "module=hosted&hostname=www.example", "www.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := record(t)
			f := newFixture(t, hosted)
			w := f.get(t, tt.query+"&target="+s.URL)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if got := s.last(t).Host; got != tt.want {
				t.Errorf("Host is %q, want %q", got, tt.want)
			}
		})
	}
}

// TestServerNameFollowsHostname checks that TLS asks for the hostname as well.
func TestServerNameFollowsHostname(t *testing.T) {
	ca := probetest.NewCA(t)
	s := probetest.EchoTLS(t, ca.Issue(t, probetest.Cert{DNSNames: []string{"www.example"}}))
	f := newFixture(t, "modules: {http_2xx: {prober: http, http: {tls_config: {ca_file: "+ca.File()+"}}}}")
	if got := samples(t, f.get(t, query(s.URL, "hostname=www.example")).Body.String()); got["probe_success"] != 1 {
		t.Errorf("probe_success is %v, want 1: %v", got["probe_success"], f.last(t).Result.Err)
	}
}

// TestFailedProbe checks that a target that is down is not an error of the exporter, and what the owner is told.
func TestFailedProbe(t *testing.T) {
	f := newFixture(t, hosted)
	target := closedPort(t) + "/x?a=b"
	w := f.get(t, query(target, "module=hosted"))
	if w.Code != http.StatusOK {
		t.Errorf("status %d, want 200", w.Code)
	}
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type is %q", got)
	}
	got := samples(t, w.Body.String())
	if v, ok := got["probe_success"]; !ok || v != 0 {
		t.Errorf("probe_success is %v (present: %t), want 0", v, ok)
	}
	p := f.last(t)
	if p.Module != "hosted" || p.Request.URL.String() != target || p.Result.Reason != prober.ReasonConnectRefused || p.Abandoned {
		t.Errorf("told of %+v, want the refused probe of %s by module hosted", p, target)
	}
	if len(f.rejected) != 0 {
		t.Errorf("rejections are %v, want none", f.rejected)
	}
}

// TestDebug checks that debug=true, and nothing else, makes a report.
func TestDebug(t *testing.T) {
	f := newFixture(t, hosted)
	target := probetest.Echo(t).URL + "/x?k=v"
	for _, tt := range []struct {
		query string
		want  bool
	}{{"debug=true", true}, {"debug=false", false}, {"debug=1", false}, {"debug=", false}} {
		w := f.get(t, query(target, tt.query, "module=hosted"))
		body := w.Body.String()
		if got := strings.HasPrefix(body, "Probe of "); w.Code != http.StatusOK || got != tt.want {
			t.Errorf("%s: status %d, a report: %t, want %t", tt.query, w.Code, got, tt.want)
		}
		if !tt.want {
			continue
		}
		if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("Content-Type is %q", got)
		}
		wantInOrder(t, body, "Probe of "+strings.TrimSuffix(target, "v")+"*** at ", "Resolved target address", "ip=127.0.0.1",
			"Sending request method=GET", "Received response status_code=200", "Probe succeeded", "Metrics that would have been returned",
			"\nprobe_success 1\n", `Module "hosted":`, "prober: http", "www.example")
	}
}

// wantInOrder fails the test unless all parts follow one another in text.
func wantInOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q is missing, or too early, in:\n%s", part, text)
			return
		}
		rest = after
	}
}

// A brokenWriter fails, as one does whose client is gone.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestWriteReport(t *testing.T) {
	r := failed()
	r.Events = []prober.Event{{At: 1500 * time.Microsecond, Message: "Happened"}}
	t.Run("failure", func(t *testing.T) {
		var b strings.Builder
		collector.WriteReport(&b, collector.Report{Target: "http://h/?k=***", Module: &collector.Module{Name: "m", Config: config.Module{Prober: "http"}}, Result: r})
		wantInOrder(t, b.String(), "Probe of http://h/?k=*** at 1970-01-01T00:16:40Z\n", "3 attempts; this is the last one.\n",
			"   1.500ms  Happened\n", "1500.000ms  Probe failed in phase check: json: want better\n", "\nprobe_success 0\n", `Module "m":`, "prober: http")
	})
	t.Run("without the module", func(t *testing.T) {
		var b strings.Builder
		collector.WriteReport(&b, collector.Report{Target: "http://h/", Result: r})
		if text := b.String(); strings.Contains(text, "Metrics") || strings.Contains(text, "Module") || !strings.Contains(text, "Happened") {
			t.Errorf("report is\n%s\nwant the events alone", text)
		}
	})
	t.Run("a client that is gone", func(*testing.T) {
		collector.WriteReport(brokenWriter{}, collector.Report{Module: &collector.Module{}, Result: r})
	})
}

// serve serves f and returns the address of /probe.
func serve(t *testing.T, f *fixture) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /probe", f.handler) // As the exporter does; HEAD goes along.
	return probetest.Serve(t, mux).URL + "/probe?"
}

// An answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request and returns the answer to it.
func ask(t *testing.T, method, address string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func TestHead(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		status      int
		rejections  []collector.Rejection
		probes      int
	}{
		{"probe", query(probetest.Echo(t).URL), http.StatusOK, nil, 1},
		{"no target", "", http.StatusBadRequest, []collector.Rejection{collector.RejectedTarget}, 0},
		{"no module", query("http://h", "module=nope"), http.StatusBadRequest, []collector.Rejection{collector.RejectedModule}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, hosted)
			got := ask(t, http.MethodHead, serve(t, f)+tt.query, nil)
			if got.status != tt.status || len(got.body) != 0 {
				t.Errorf("status %d and %d bytes, want %d and none", got.status, len(got.body), tt.status)
			}
			if diff := cmp.Diff(tt.rejections, f.rejected); diff != "" {
				t.Errorf("rejections (-want +got):\n%s", diff)
			}
			if len(f.probes) != tt.probes {
				t.Errorf("%d probes, want %d", len(f.probes), tt.probes)
			}
		})
	}
}

func TestCompression(t *testing.T) {
	long := failed()
	for i := range 500 {
		long.TLS.Certificates.Leaf.HostNames += fmt.Sprintf(",host%d.example", i)
	}
	long.Reason, long.FailedPhase, long.Err = prober.ReasonNone, "", nil
	f := serving(map[string]collector.Module{"http_2xx": {Name: "http_2xx", Prober: &spy{result: long}}})
	address := serve(t, f) + query("https://www.example/")
	zipped := ask(t, http.MethodGet, address, http.Header{"Accept-Encoding": {"gzip"}})
	if got := zipped.header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding is %q, want gzip", got)
	}
	z, err := gzip.NewReader(bytes.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if samples(t, string(text))["probe_success"] != 1 {
		t.Errorf("exposition is\n%s", text)
	}
	plain := ask(t, http.MethodGet, address, nil)
	if got := plain.header.Get("Content-Encoding"); got != "" || samples(t, string(plain.body))["probe_success"] != 1 {
		t.Errorf("Content-Encoding is %q without being accepted:\n%s", got, plain.body)
	}

	short := ask(t, http.MethodGet, serve(t, newFixture(t, hosted))+query(probetest.Echo(t).URL), http.Header{"Accept-Encoding": {"gzip"}})
	if got := short.header.Get("Content-Encoding"); got != "" || len(short.body) >= 4<<10 {
		t.Errorf("Content-Encoding of an answer of %d bytes is %q, want none", len(short.body), got)
	}
}

// TestAbandoned lets the client hang up while the target is silent.
func TestAbandoned(t *testing.T) {
	reached := make(chan struct{})
	target := probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
	}))
	f := newFixture(t, hosted)
	ended := make(chan collector.Probe, 1)
	f.handler.Begin = func() func(collector.Probe) { return func(p collector.Probe) { ended <- p } }
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, serve(t, f)+query(target.URL), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	done := make(chan error, 1)
	go func() {
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	<-reached
	hangUp()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the client got %v, want that it was cancelled", err)
	}
	if p := <-ended; !p.Abandoned || p.Result.Success() || p.Result.Duration > prober.DefaultTimeout/2 {
		t.Errorf("the probe was abandoned: %t, after %s, with error %v", p.Abandoned, p.Result.Duration, p.Result.Err)
	}
}

// TestTimedOutIsNotAbandoned checks that the end of our own time is the target's fault.
func TestTimedOutIsNotAbandoned(t *testing.T) {
	f := newFixture(t, hosted)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+query(probetest.Silent(t).URL), http.NoBody)
	var p collector.Probe
	for _, timeout := range []string{"0.1", "1", "10"} { // on a busy machine it may be over before there is a connection
		req.Header.Set(collector.ScrapeTimeoutHeader, timeout)
		f.handler.ServeHTTP(httptest.NewRecorder(), req)
		if p = f.last(t); p.Result.Reason != prober.ReasonConnectTimeout {
			break
		}
	}
	if p.Abandoned || p.Result.Reason != prober.ReasonRequestTimeout {
		t.Errorf("abandoned: %t, reason %s, want request_timeout", p.Abandoned, p.Result.Reason)
	}
}

// TestDefaultModule checks which module is taken when none is named.
func TestDefaultModule(t *testing.T) {
	s := &spy{}
	f := serving(map[string]collector.Module{"http_2xx": {Name: "http_2xx", Prober: s}})
	for _, q := range []string{"target=http://h/", "target=http://h/&module=", "target=http://h/&module=http_2xx"} {
		if w := f.get(t, q); w.Code != http.StatusOK || f.last(t).Module != "http_2xx" {
			t.Errorf("%s: status %d: %s", q, w.Code, w.Body)
		}
	}
	want := prober.Request{URL: &url.URL{Scheme: "http", Host: "h", Path: "/"}}
	if diff := cmp.Diff(want, s.request); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// Targets that are given by their URL wait for each other, and those of the inventory for none of them.
func TestByURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context) prober.Result {
			<-ctx.Done()
			return prober.Result{Attempts: 1, Reason: prober.ReasonRequestTimeout, Err: ctx.Err()}
		}
		m := collector.Module{Name: "http_2xx", Prober: probing(hang)}
		results := map[string]int{}
		var mu sync.Mutex // protects results
		h := &collector.Handler{
			Module: func(string) (collector.Module, bool) { return m, true },
			Target: func(name string) (collector.Target, bool) {
				return collector.Target{Name: name, Module: m, Request: prober.Request{URL: &url.URL{Scheme: "http", Host: "a"}}}, true
			},
			Begin: func() func(collector.Probe) {
				return func(p collector.Probe) {
					mu.Lock()
					defer mu.Unlock()
					results[p.Target+string(p.Result.Reason)]++
				}
			},
			Reject: func(collector.Rejection) {},
			ByURL:  make(chan struct{}, 2),
		}
		var asking sync.WaitGroup
		for _, query := range []string{"target=b", "target=c", "target=d", "target=e", "name=shop", "name=shop", "name=shop"} {
			asking.Go(func() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+query, http.NoBody))
			})
		}
		asking.Wait()
		want := map[string]int{"request_timeout": 2, "local_resource": 2, "shoprequest_timeout": 3}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Errorf("targets and reasons (-want +got):\n%s", diff)
		}
	})
}

type probing func(ctx context.Context) prober.Result

func (p probing) Probe(ctx context.Context, _ prober.Request) prober.Result { return p(ctx) }
