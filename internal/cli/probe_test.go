package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// configFile writes a configuration to a file.
func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "healthcheck.yml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// options are those of the command line's defaults.
func options(target string) probeOptions {
	return probeOptions{Module: config.DefaultModule, Target: target, RetryDelay: -1, Format: "text"}
}

// What differs from run to run.
var (
	times = regexp.MustCompile(` *\d+\.\d ms`)
	bars  = regexp.MustCompile(`\| *=+`)
	ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	dates = regexp.MustCompile(`20\d{2}-\d{2}-\d{2}(T[0-9:]+Z)?`)
	steps = regexp.MustCompile(`(?m)^ *\d+\.\d+ms`)
)

func normalise(s string) string {
	s = times.ReplaceAllString(s, "      N ms")
	s = bars.ReplaceAllString(s, "|=")
	s = ports.ReplaceAllString(s, "127.0.0.1:PORT")
	s = steps.ReplaceAllString(s, "  Nms")
	return dates.ReplaceAllString(s, "DATE")
}

// flaky answers 503 but for every third time.
func flaky() http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		if n%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

func TestTextReport(t *testing.T) {
	ca := probetest.NewCA(t)
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	secure := probetest.TLSServer(t, ca.Issue(t, probetest.Cert{CommonName: "golden", NotAfter: time.Now().Add(2400 * time.Hour)}), ok)
	expired := probetest.TLSServer(t, ca.Issue(t, probetest.Cert{CommonName: "golden", NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: time.Now().Add(-50 * time.Hour)}), ok)
	missing := probetest.Serve(t, http.NotFoundHandler())
	silent := probetest.Silent(t)
	drip := probetest.StallMidBody(t)
	redirects := probetest.Redirects(t, 3)
	retried := probetest.Serve(t, flaky())
	trusting := configFile(t, "modules: {http_2xx: {prober: http, http: {tls_config: {ca_file: "+ca.File()+"}}}}")
	nofollow := configFile(t, "modules: {http_2xx: {prober: http, http: {follow_redirects: false}}}")

	for _, tc := range []struct {
		name   string
		target string
		change func(*probeOptions)
		status int
	}{
		{"https", secure.URL + "/health", func(o *probeOptions) { o.ConfigFile = trusting }, ExitSuccess},
		{"untrusted", secure.URL + "/health", nil, ExitFailed},
		{"expired", expired.URL, func(o *probeOptions) { o.ConfigFile = trusting }, ExitFailed},
		{"not_found", missing.URL + "/health?token=secret", nil, ExitFailed},
		{"request_timeout", silent.URL, func(o *probeOptions) { o.Timeout = 300 * time.Millisecond }, ExitFailed},
		{"transfer_timeout", drip.URL, func(o *probeOptions) { o.Timeout = 300 * time.Millisecond }, ExitFailed},
		{"redirects", redirects.URL + "/0", nil, ExitSuccess},
		{"redirect_loop", redirects.URL + "/loop", nil, ExitFailed},
		{"redirect_not_followed", redirects.URL + "/0", func(o *probeOptions) { o.ConfigFile = nofollow }, ExitFailed},
		{"attempts", retried.URL, func(o *probeOptions) { o.Attempts, o.RetryDelay = 3, time.Millisecond }, ExitSuccess},
		{"attempts_in_vain", missing.URL, func(o *probeOptions) { o.Attempts, o.RetryDelay = 2, 0 }, ExitFailed},
		{"refused", "127.0.0.1:1", nil, ExitFailed},
		{"debug", missing.URL, func(o *probeOptions) { o.Debug = true }, ExitFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(tc.target)
			if tc.change != nil {
				tc.change(&o)
			}
			var out, errOut bytes.Buffer
			if got := probe(t.Context(), &out, &errOut, o); got != tc.status {
				t.Errorf("exit status %d, want %d", got, tc.status)
			}
			if errOut.Len() > 0 {
				t.Errorf("stderr has %q, want nothing", &errOut)
			}
			golden.Compare(t, filepath.Join("testdata", tc.name+".txt"), normalise(out.String()))
		})
	}
}

func TestUsageErrors(t *testing.T) {
	host := configFile(t, "modules: {http_2xx: {prober: http, http: {headers: {host: app.example}}}}")
	for _, tc := range []struct {
		name   string
		change func(*probeOptions)
		want   string
	}{
		{"no target", func(o *probeOptions) { o.Target = "" }, "target is empty"},
		{"scheme", func(o *probeOptions) { o.Target = "ftp://u:hunter2@x" }, "scheme"},
		{"module", func(o *probeOptions) { o.Module = "nope" }, `unknown module "nope", want one of http_2xx, http_any, http_post_2xx, https_2xx`},
		{"no file", func(o *probeOptions) { o.ConfigFile = "missing.yml" }, "missing.yml"},
		{"attempts below 0", func(o *probeOptions) { o.Attempts = -1 }, "--attempts is -1, want 0 to 1000"},
		{"attempts", func(o *probeOptions) { o.Attempts = 1001 }, "--attempts is 1001, want 0 to 1000"},
		{"retry delay", func(o *probeOptions) { o.Attempts, o.RetryDelay = 2, 25*time.Hour }, "--retry-delay is 25h0m0s, want at most 24h0m0s"},
		{"retry delay without attempts", func(o *probeOptions) { o.RetryDelay = 1 }, "--retry-delay has no effect"},
		{"timeout below 0", func(o *probeOptions) { o.Timeout = -1 }, "--timeout is -1ns, want 0 to 24h0m0s"},
		{"timeout", func(o *probeOptions) { o.Timeout = 25 * time.Hour }, "--timeout is 25h0m0s, want 0 to 24h0m0s"},
		{"hostname", func(o *probeOptions) { o.Hostname = "a/b" }, `hostname "a/b" is not a host name`},
		{"hostname with userinfo", func(o *probeOptions) { o.Hostname = "a@b" }, `hostname "a@b" is not a host name`},
		{"another hostname than the module's", func(o *probeOptions) { o.ConfigFile, o.Hostname = host, "b.example" }, `hostname "b.example" contradicts the Host header "app.example" of the module`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options("127.0.0.1:1")
			tc.change(&o)
			var out, errOut bytes.Buffer
			if got := probe(t.Context(), &out, &errOut, o); got != ExitUsage {
				t.Errorf("exit status %d, want %d", got, ExitUsage)
			}
			if !strings.Contains(errOut.String(), tc.want) || strings.Contains(errOut.String(), "hunter2") {
				t.Errorf("stderr has %q, want %q", &errOut, tc.want)
			}
			if out.Len() > 0 {
				t.Errorf("stdout has %q, want nothing", &out)
			}
		})
	}
}

func TestModuleHostnameMayBeRepeated(t *testing.T) {
	target := probetest.Echo(t)
	o := options(target.URL)
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http, http: {headers: {host: app.example}}}}")
	o.Hostname = "app.example"
	var out, errOut bytes.Buffer
	if got := probe(t.Context(), &out, &errOut, o); got != ExitSuccess {
		t.Errorf("exit status %d, want 0\n%s%s", got, &out, &errOut)
	}
}

// TestInterrupted: a probe that was interrupted says nothing about its target.
func TestInterrupted(t *testing.T) {
	target := probetest.Silent(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for target.Accepted() == 0 {
			<-time.After(time.Millisecond)
		}
		cancel()
	}()
	var out, errOut bytes.Buffer
	if got := probe(ctx, &out, &errOut, options(target.URL)); got != ExitUsage {
		t.Errorf("exit status %d, want %d", got, ExitUsage)
	}
	if out.Len() > 0 || !strings.Contains(errOut.String(), "interrupted") {
		t.Errorf("stdout has %q and stderr %q, want only that it was interrupted", &out, &errOut)
	}
}

func TestTimeout(t *testing.T) {
	for _, tc := range []struct {
		name   string
		o      probeOptions
		module config.Module
		want   time.Duration
	}{
		{"nothing", probeOptions{}, config.Module{}, 10 * time.Second},
		{"attempts", probeOptions{}, config.Module{Attempts: 3}, 30 * time.Second},
		{"attempts and pauses", probeOptions{}, config.Module{Attempts: 3, RetryDelay: config.Duration(time.Second)}, 32 * time.Second},
		{"the module's", probeOptions{}, config.Module{Attempts: 3, Timeout: config.Duration(time.Second)}, time.Second},
		{"the command line's", probeOptions{Timeout: time.Minute}, config.Module{Timeout: config.Duration(time.Second)}, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.o.timeout(tc.module); got != tc.want {
				t.Errorf("timeout is %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAttemptsOfTheModule(t *testing.T) {
	file := configFile(t, "modules: {http_2xx: {prober: http, attempts: 4, retry_delay: 7ms}}")
	for _, tc := range []struct {
		name     string
		attempts int
		delay    time.Duration
		want     int
		pause    time.Duration
	}{
		{"the module's", 0, -1, 4, 7 * time.Millisecond},
		{"fewer", 2, -1, 2, 7 * time.Millisecond},
		{"more", 20, time.Second, 20, time.Second},
		{"without a pause", 0, 0, 4, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options("x")
			o.ConfigFile, o.Attempts, o.RetryDelay = file, tc.attempts, tc.delay
			m, _, err := o.module(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m.Attempts != tc.want || time.Duration(m.RetryDelay) != tc.pause {
				t.Errorf("%d attempts with a pause of %s, want %d and %s", m.Attempts, m.RetryDelay, tc.want, tc.pause)
			}
		})
	}
}

// TestJSON decodes the report of a failed https probe with only the fields that it may have.
func TestJSON(t *testing.T) {
	ca := probetest.NewCA(t)
	target := probetest.ServeTLS(t, &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{CommonName: "golden"})}, MaxVersion: tls.VersionTLS12,
	}, http.NotFoundHandler())
	o := options(target.URL + "/<nope>?a=1&b=2")
	o.Format = "json"
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http, timeout: 5s, http: {tls_config: {ca_file: "+ca.File()+"}}}}")
	var out, errOut bytes.Buffer
	if got := probe(t.Context(), &out, &errOut, o); got != ExitFailed {
		t.Errorf("exit status %d, want %d: %s", got, ExitFailed, &errOut)
	}
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	d.DisallowUnknownFields()
	var r jsonReport
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in\n%s", err, &out)
	}
	if age := time.Since(r.Start); age < 0 || age > time.Minute || r.Start.Location() != time.UTC {
		t.Errorf("start is %s, want now in UTC", r.Start)
	}
	if r.Duration <= 0 || r.Duration > 5 || r.Timeout <= 4 || r.Timeout > 5 {
		t.Errorf("took %g s of %g s, want less than 5 of 5", r.Duration, r.Timeout)
	}
	var phases []string
	for _, p := range r.Phases {
		phases = append(phases, p.Name)
		if p.Start < 0 || p.Duration < 0 || p.Start+p.Duration > r.Duration {
			t.Errorf("phase %+v is not within the %g s of the probe", p, r.Duration)
		}
	}
	if diff := cmp.Diff([]string{"resolve", "connect", "tls", "processing", "transfer"}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	if r.TLS == nil || time.Until(r.TLS.NotAfter) > 24*time.Hour || time.Until(r.TLS.NotAfter) < 23*time.Hour {
		t.Fatalf("tls is %+v, want the expiry in a day", r.TLS)
	}
	r.Start, r.Duration, r.Timeout, r.Phases, r.TLS.NotAfter = time.Time{}, 0, 0, nil, time.Time{}
	if c := r.TLS; len(c.Presented) != 1 || c.Presented[0] != c.First || c.First.Name != "CN=golden" || c.ChainNotAfter == nil || c.ChainNotAfter.After(c.First.NotAfter) {
		t.Errorf("the chain is %+v, want the leaf, which ends first", c)
	}
	r.TLS.Presented, r.TLS.First, r.TLS.ChainNotAfter = nil, jsonCertificate{}, nil
	want := jsonReport{
		Target: target.URL + "/%3Cnope%3E?a=***&b=***", Module: "http_2xx",
		Reason: "status", Phase: "check", Error: "status 404, want 2xx",
		Hint:     "GET /%3Cnope%3E answered 404, want 2xx: is /%3Cnope%3E the health path? valid_status_codes: [404] accepts it.",
		Attempts: 1, IP: "127.0.0.1",
		HTTP: &jsonHTTP{URL: target.URL + "/%3Cnope%3E?a=***&b=***", StatusCode: 404, Proto: "HTTP/1.1", BodyBytes: 19},
		TLS:  &jsonTLS{Version: "TLS 1.2", Subject: "CN=golden", Issuer: "CN=probetest root"},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if strings.Contains(out.String(), `\u0026`) {
		t.Errorf("an ampersand is escaped in\n%s", &out)
	}
}

// A full pipe takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestOutputError(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		o := options("127.0.0.1:1")
		o.Format = format
		var errOut bytes.Buffer
		if got := probe(t.Context(), full{}, &errOut, o); got != ExitUsage {
			t.Errorf("%s: exit status %d, want %d", format, got, ExitUsage)
		}
		if !strings.Contains(errOut.String(), os.ErrClosed.Error()) {
			t.Errorf("%s: stderr has %q, want the error", format, &errOut)
		}
	}
}
