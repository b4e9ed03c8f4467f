package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// TestReloadWhileProbing swaps configurations under 50 probing clients. Every probe has a module and succeeds, each
// version of it accepts what the target answers to the version's own header alone.
func TestReloadWhileProbing(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Version") == "odd" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	const even = "modules: {api: {prober: http, http: {valid_status_codes: [200], headers: {X-Version: even}}}}"
	const odd = "modules: {api: {prober: http, http: {valid_status_codes: [418], headers: {X-Version: odd}}}}"
	o := options(&recorder{})
	o.ConfigFile = configFile(t, even)
	a := build(t, o)
	a.loadEvery = 0
	run(t, a)

	var probed atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, body, err := ask(context.WithoutCancel(ctx), "http://"+a.Addr().String()+"/probe?module=api&target="+target.URL)
				if err != nil || !strings.Contains(body, "\nprobe_success 1\n") {
					t.Errorf("probe: %v\n%s", err, body)
					return
				}
				probed.Add(1)
			}
		})
	}
	reloads := 0
	for ; probed.Load() < 500 && !t.Failed() || reloads < 20; reloads++ {
		writeFile(t, o.ConfigFile, []string{odd, even}[reloads%2])
		if err := a.Reload(); err != nil {
			t.Errorf("Reload: %v", err)
		}
		runtime.Gosched()
	}
	cancel()
	wg.Wait()
	if got := testutil.ToFloat64(a.metrics.probes.WithLabelValues("api", resultFailure)); got != 0 {
		t.Errorf("%g of %d probes failed during %d reloads, want none", got, probed.Load(), reloads)
	}
}

func TestBrokenReload(t *testing.T) {
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, "modules: {api: {prober: http}}")
	a := build(t, o)
	before, stamp := a.current.Load(), testutil.ToFloat64(a.metrics.reloadTime)
	if age := float64(time.Now().Unix()) - stamp; age < -1 || age > 60 {
		t.Errorf("the last successful load was %g seconds ago, want now", age)
	}

	writeFile(t, o.ConfigFile, "modules:\n  api:\n    prober: gopher")
	err := a.Reload()
	want := o.ConfigFile + ":3: modules.api.prober: "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Reload: %v, want an error with %q", err, want)
	}
	const message = "Loading the configuration failed, the old one goes on serving"
	if got := log.attr(message, "err"); !strings.Contains(got, want) {
		t.Errorf("the logged error is %q, want %q in it", got, want)
	}
	if a.current.Load() != before {
		t.Error("a broken file replaced the configuration")
	}
	if got := testutil.ToFloat64(a.metrics.reloadSuccess); got != 0 {
		t.Errorf("last reload successful is %g, want 0", got)
	}
	if got := testutil.ToFloat64(a.metrics.reloadTime); got != stamp {
		t.Errorf("the time of the last success is %g, want %g as before", got, stamp)
	}
}

// TestEveryModuleThatCannotBeBuilt is named, with the file.
func TestEveryModuleThatCannotBeBuilt(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	writeFile(t, garbage, "no certificate")
	o := options(&recorder{})
	o.ConfigFile = configFile(t, fmt.Sprintf("modules:\n  a: {prober: http, http: &h {tls_config: {ca_file: %s}}}\n  b: {prober: http, http: *h}\n", garbage))
	_, err := New(o)
	if err == nil {
		t.Fatal("New accepts a CA file without a certificate")
	}
	for _, module := range []string{"modules.a", "modules.b"} {
		if !strings.Contains(err.Error(), module) {
			t.Errorf("New: %v, want %s in it", err, module)
		}
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, o.ConfigFile) {
			t.Errorf("line %q does not begin with the file", line)
		}
	}
}

func TestEmbeddedDefaultReloads(t *testing.T) {
	a := build(t, options(&recorder{}))
	before := a.current.Load()
	if err := a.Reload(); err != nil {
		t.Errorf("Reload: %v", err)
	}
	if a.current.Load() == before {
		t.Error("nothing was loaded")
	}
	a.reloadChanged()
}

// TestReloadChanged counts loads over a history of changes.
func TestReloadChanged(t *testing.T) {
	const (
		loaded = "Loaded the configuration"
		failed = "Loading the configuration failed, the old one goes on serving"
	)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	module := func(password string) string {
		return fmt.Sprintf("modules: {a: {prober: http, http: {basic_auth: {username: a, password_file: %s}}}}", path(password))
	}
	writeFile(t, path("one"), "1")
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, module("one"))
	a := build(t, o)
	a.loadEvery = 0

	var loads, failures int
	for _, step := range []struct {
		name     string
		change   func()
		loads    int
		failures int
	}{
		{"nothing since the start", func() {}, 0, 0},
		{"the file", func() { writeFile(t, o.ConfigFile, "# changed\n"+module("one")) }, 1, 0},
		{"a file that it names", func() { writeFile(t, path("one"), "2") }, 1, 0},
		{"the same again", func() { writeFile(t, path("one"), "2") }, 0, 0},
		{"a file that it names is gone", func() { remove(t, path("one")) }, 0, 1},
		{"it is back", func() { writeFile(t, path("one"), "2") }, 1, 0},
		{"another file that is not there yet", func() { writeFile(t, o.ConfigFile, module("two")) }, 0, 1},
		{"it comes", func() { writeFile(t, path("two"), "1") }, 1, 0},
		{"it changes", func() { writeFile(t, path("two"), "2") }, 1, 0},
		{"one that is no longer named", func() { writeFile(t, path("one"), "3") }, 0, 0},
		{"broken", func() { writeFile(t, o.ConfigFile, "modules: {}") }, 0, 1},
		{"broken in another way", func() { writeFile(t, o.ConfigFile, "modules: 1") }, 0, 1},
		{"gone", func() { remove(t, o.ConfigFile) }, 0, 1},
		{"good again", func() { writeFile(t, o.ConfigFile, module("two")) }, 1, 0},
		{"an operator's load", func() { _ = a.Reload() }, 1, 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.change()
			for range 3 { // the clock ticks on
				a.reloadChanged()
			}
			loads, failures = loads+step.loads, failures+step.failures
			if n := log.count(loaded); n != loads {
				t.Errorf("%d loads so far, want %d", n, loads)
			}
			if n := log.count(failed); n != failures {
				t.Errorf("%d failed loads were logged so far, want %d", n, failures)
			}
		})
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func TestChecksum(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	f := fingerprint{}
	if f.changed() {
		t.Error("no files have changed")
	}
	writeFile(t, one, "1")
	f.add(one, two, dir)
	for _, step := range []struct {
		name   string
		change func()
		want   bool
	}{
		{"nothing", func() {}, false},
		{"one is written", func() { writeFile(t, one, "2") }, true},
		{"one as before", func() { writeFile(t, one, "1") }, false},
		{"two appears", func() { writeFile(t, two, "") }, true},
		{"two is gone", func() { remove(t, two) }, false},
		{"one is gone", func() { remove(t, one) }, true},
		{"one is a directory", func() { mkdir(t, one) }, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.change()
			if got := f.changed(); got != step.want {
				t.Errorf("changed is %t, want %t", got, step.want)
			}
		})
	}
	if checksum(two) == checksum(dir) {
		t.Error("a missing file and a directory have one checksum")
	}
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
}
