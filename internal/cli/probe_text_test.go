package cli

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

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

// flaky answers 503 except every third time.
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
		{"request_timeout", silent.URL, func(o *probeOptions) { o.Timeout = time.Second }, ExitFailed},
		{"transfer_timeout", drip.URL, func(o *probeOptions) { o.Timeout = time.Second }, ExitFailed},
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

// The command line shows every certificate, and which of them expires first.
func TestProbeShowsTheChain(t *testing.T) {
	root, old := probetest.NewCA(t), probetest.NewCA(t)
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	file := configFile(t, "modules: {http_2xx: {prober: http, http: {tls_config: {ca_file: "+root.File()+"}}}}")
	day := 24 * time.Hour
	for _, tt := range []struct {
		name string
		s    *probetest.Server
		want []string
	}{
		{"the intermediate ends first", probetest.TLSServer(t, root.Below(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(20*day + time.Hour) }).Issue(t, probetest.Cert{NotAfter: time.Now().Add(299*day + time.Hour)}), ok), []string{
			`certificate of "CN=probetest", valid until `, "(in 299 days)", `sent along: "CN=probetest intermediate"`, `the first to end is "CN=probetest intermediate", valid until `, "(in 20 days)",
		}},
		{"an expired one is sent along", probetest.TLSServer(t, old.CrossSign(t, root, time.Now().Add(-365*day-time.Hour)).Issue(t, probetest.Cert{NotAfter: time.Now().Add(5 * time.Hour)}), ok), []string{
			`sent along: "CN=probetest root", expired on`, `the first to end is "CN=probetest root", expired on `, "(365 days ago)", `the chain that was verified ends with "CN=probetest", valid until`,
		}},
	} {
		o := options(tt.s.URL)
		o.ConfigFile = file
		var out, errOut bytes.Buffer
		if got := probe(t.Context(), &out, &errOut, o); got != ExitSuccess {
			t.Errorf("%s: exit status %d\n%s%s", tt.name, got, &out, &errOut)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: there is no %q in\n%s", tt.name, want, &out)
			}
		}
	}
}

// The body of a refusal is shown as text only, escaped, and not in JSON.
func TestProbeShowsTheRefusal(t *testing.T) {
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("{\"code\":0,\"message\":\"Transport unknown\"}\x1b[31m\n" + strings.Repeat("x", 1000)))
	}))
	for _, u := range []string{s.URL, "ws" + strings.TrimPrefix(s.URL, "http")} {
		for _, format := range []string{"text", "json"} {
			o := options(u)
			o.Format = format
			if strings.HasPrefix(u, "ws") {
				o.Module = "websocket"
			}
			var out, errOut bytes.Buffer
			if got := probe(t.Context(), &out, &errOut, o); got != ExitFailed {
				t.Errorf("%s: exit status %d\n%s%s", u, got, &out, &errOut)
			}
			said := strings.Contains(out.String(), `the body begins "{\"code\":0,\"message\":\"Transport unknown\"}\x1b[31m\nxxx`)
			if text := format == "text"; said != text || strings.Contains(out.String(), strings.Repeat("x", 100)) || strings.Contains(out.String(), "\x1b") || !text && strings.Contains(out.String(), "Transport") {
				t.Errorf("%s as %s:\n%s", u, format, &out)
			}
		}
	}
}
