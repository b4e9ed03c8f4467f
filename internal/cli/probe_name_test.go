package cli

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A target of the inventory is probed as the server probes it: by its module, and with all that it changes of it.
func TestProbeByName(t *testing.T) {
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Tenant") != "blue" || r.Header.Get("X-Module") != "api" || r.URL.Path != "/health" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	list := filepath.Join(t.TempDir(), "list.yml")
	if err := os.WriteFile(list, []byte("targets: [{name: listed, url: '"+s.URL+"/health', environment: LIVE, headers: {X-Tenant: blue}, module: api}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := configFile(t, "modules: {api: {prober: http, http: {headers: {X-Module: api}}}}\n"+
		"targets: [{name: shop, url: '"+s.URL+"/health', environment: LIVE, module: api, timeout: 3s, headers: {X-Tenant: blue}}]\n"+
		"target_files: ["+list+"]")
	for _, tt := range []struct {
		name   string
		change func(*probeOptions)
		status int
		want   string
	}{
		{"shop", nil, ExitSuccess, "of 3s allowed"},
		{"listed", nil, ExitSuccess, "module api"},
		{"unknown", nil, ExitUsage, `no target "unknown"`},
		{"shop", func(o *probeOptions) { o.Target = s.URL }, ExitUsage, "--name excludes a target"},
		{"shop", func(o *probeOptions) { o.Module = "api" }, ExitUsage, "--name excludes a target"},
		{"shop", func(o *probeOptions) { o.ConfigFile = "" }, ExitUsage, "--name needs --config.file"},
	} {
		o := options("")
		o.Module, o.Name, o.ConfigFile = "", tt.name, file
		if tt.change != nil {
			tt.change(&o)
		}
		var out, errOut bytes.Buffer
		if got := probe(t.Context(), &out, &errOut, o); got != tt.status {
			t.Errorf("%s: exit status %d, want %d\n%s%s", tt.name, got, tt.status, &out, &errOut)
		}
		if got := out.String() + errOut.String(); !strings.Contains(got, tt.want) {
			t.Errorf("%s: said %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The command line shows every certificate, and which of them ends first.
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

// What a refusal says is shown to the person alone, escaped, and not in JSON.
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
