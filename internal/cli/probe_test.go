package cli

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
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

// options returns the defaults of the flags.
func options(target string) probeOptions {
	return probeOptions{Module: config.DefaultModule, Target: target, RetryDelay: -1, Format: "text"}
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

// TestInterrupted: an interrupted probe gives no verdict on its target.
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

// A full is a writer that takes nothing.
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

// A target of the inventory is probed as the server probes it: with its module and everything that it changes of that.
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
