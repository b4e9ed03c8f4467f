package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// patience is how long a test waits for something that should happen at once. A busy machine may stand still for some seconds.
const patience = 30 * time.Second

// A recorder keeps log records.
type recorder struct {
	mu      sync.Mutex
	records []slog.Record
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record.Clone())
	return nil
}

// all are the records so far.
func (r *recorder) all() []slog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// count is how many records have this message.
func (r *recorder) count(message string) int {
	n := 0
	for _, record := range r.all() {
		if record.Message == message {
			n++
		}
	}
	return n
}

// attr is the text of an attribute of the last record with this message, or "".
func (r *recorder) attr(message, key string) string {
	text := ""
	for _, record := range r.all() {
		if record.Message != message {
			continue
		}
		record.Attrs(func(a slog.Attr) bool {
			if a.Key == key {
				text = a.Value.String()
			}
			return true
		})
	}
	return text
}

// options are those of an exporter on free ports of 127.0.0.1.
func options(log *recorder, addresses ...string) Options {
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1:0"}
	}
	return Options{
		HistoryLimit: 10,
		Web:          &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: new(false), WebConfigFile: new("")},
		Logger:       slog.New(log),
		ProbeLogger:  slog.New(log),
	}
}

// configFile writes a configuration to a file.
func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "healthcheck.yml")
	writeFile(t, name, text)
	return name
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// build is New without an error.
func build(t *testing.T, o Options) *App {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { _ = a.Stop() }) // what New begins has to end, in a bubble of synctest before the test
	return a
}

// started is a running exporter, stopped when the test ends.
func started(t *testing.T, o Options) *App {
	t.Helper()
	a := build(t, o)
	run(t, a)
	return a
}

// run starts an exporter that is stopped when the test ends.
func run(t *testing.T, a *App) {
	t.Helper()
	if err := a.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// client keeps no connection open.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// get asks address for path.
func get(t *testing.T, address net.Addr, path string) (status int, body string) {
	t.Helper()
	status, body, err := ask(t.Context(), "http://"+address.String()+path)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return status, body
}

func ask(ctx context.Context, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// until polls.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s in vain", patience, what)
		}
		<-time.After(time.Millisecond)
	}
}

// within fails the test if f does not return soon.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		b := make([]byte, 1<<20)
		t.Fatalf("%s has not returned after %s\n%s", what, patience, b[:runtime.Stack(b, true)])
	}
}

func TestNewErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"timeout offset", func(o *Options) { o.TimeoutOffset = -1 }, "timeout offset is -1ns, want 0 or more"},
		{"history limit", func(o *Options) { o.HistoryLimit = -1 }, "history limit is -1, want 0 or more"},
		{"prefix", func(o *Options) { o.RoutePrefix = "a b" }, `route prefix is "a b", want a path`},
		{"no configuration", func(o *Options) { o.ConfigFile = "missing.yml" }, "missing.yml"},
		{"broken configuration", func(o *Options) { o.ConfigFile = configFile(t, "modules: {a: {prober: x}}") }, "healthcheck.yml:1: modules.a.prober"},
		{"no web configuration", func(o *Options) { o.Web.WebConfigFile = new("missing.yml") }, "reading the web configuration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(&recorder{})
			tc.change(&o)
			_, err := New(o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	log := &recorder{}
	leaks := probetest.NoLeaks(t)
	a := build(t, options(log))
	ctx, cancel := context.WithCancel(t.Context())
	hup := make(chan os.Signal, 1)
	errs := make(chan error, 1)
	go func() { errs <- a.Run(ctx, hup) }()
	until(t, "Serving", func() bool { return log.count("Serving") == 1 })
	if status, _ := get(t, a.Addr(), "/-/ready"); status != http.StatusOK {
		t.Errorf("/-/ready is %d, want 200", status)
	}
	hup <- syscall.SIGHUP
	until(t, "the reload", func() bool { return log.count("Loaded the configuration") == 1 })
	cancel()
	select {
	case err := <-errs:
		if err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	case <-time.After(patience):
		t.Fatal("Run has not returned")
	}
	if _, _, err := ask(t.Context(), "http://"+a.Addr().String()+"/-/ready"); err == nil {
		t.Error("the exporter answers after Run has returned")
	}
	leaks()
}

func TestRunEndsWithItsServer(t *testing.T) {
	a := build(t, options(&recorder{}))
	errs := make(chan error, 1)
	go func() { errs <- a.Run(t.Context(), nil) }()
	until(t, "readiness", a.ready.Load)
	a.servers.closeListeners()
	select {
	case err := <-errs:
		if err == nil || !strings.HasPrefix(err.Error(), "serving: ") {
			t.Errorf("Run: %v, want the error of the server", err)
		}
	case <-time.After(patience):
		t.Fatal("Run has not returned")
	}
}

func TestStartErrorLeavesNothingOpen(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	leaks := probetest.NoLeaks(t)
	first := free(t)
	a := build(t, options(&recorder{}, first, taken.Addr().String()))
	err = a.Start()
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start: %v, want that the address is in use", err)
	}
	if addr := a.Addr(); addr != nil {
		t.Errorf("Addr is %s after Start failed, want nil", addr)
	}
	if a.ready.Load() {
		t.Error("ready after Start failed")
	}
	if err := a.Run(t.Context(), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Run: %v, want that the address is in use", err)
	}
	mustBeFree(t, first)
	leaks()
}

// free is an address of 127.0.0.1 that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// mustBeFree fails the test if somebody listens on the address.
func mustBeFree(t *testing.T, address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Errorf("somebody still listens: %v", err)
		return
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestServerErrorClosesListener has a web configuration that breaks between New and Start: the toolkit gives up
// without closing the listener.
func TestServerErrorClosesListener(t *testing.T) {
	leaks := probetest.NoLeaks(t)
	o := options(&recorder{})
	file := configFile(t, "")
	o.Web.WebConfigFile = &file
	a := build(t, o)
	writeFile(t, file, "nonsense: true")
	if err := a.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("Run: %v, want an error about the web configuration", err)
	}
	mustBeFree(t, a.Addr().String())
	leaks()
	runtime.KeepAlive(a) // the garbage collector would close what was forgotten
}

func TestStop(t *testing.T) {
	t.Run("without Start", func(t *testing.T) {
		a := build(t, options(&recorder{}))
		if addr := a.Addr(); addr != nil {
			t.Errorf("Addr is %s before Start, want nil", addr)
		}
		within(t, "Stop", func() {
			if err := a.Stop(); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
	})
	t.Run("twice and at once", func(t *testing.T) {
		log := &recorder{}
		a := build(t, options(log))
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		within(t, "Stop", func() {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := a.Stop(); err != nil {
						t.Errorf("Stop: %v", err)
					}
				})
			}
			wg.Wait()
			if err := a.Stop(); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
		if n := log.count("Stopping, probes in flight may finish"); n != 1 {
			t.Errorf("stopping was logged %d times, want once", n)
		}
	})
	t.Run("before serving began", func(t *testing.T) {
		for range 20 {
			a := build(t, options(&recorder{}))
			if err := a.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "Stop", func() {
				if err := a.Stop(); err != nil {
					t.Errorf("Stop: %v", err)
				}
			})
		}
	})
}

// TestDelegated has the toolkit open the sockets: for systemd, which has none here, and for a vsock address.
func TestDelegated(t *testing.T) {
	for _, tc := range []struct {
		name    string
		systemd bool
		address string
		want    string // of the error; empty: it depends on the machine
	}{
		{"systemd", true, "127.0.0.1:0", "no socket activation file descriptors found"},
		{"vsock", false, "vsock://:nonsense", "vsock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaks := probetest.NoLeaks(t)
			o := options(&recorder{}, tc.address)
			o.Web.WebSystemdSocket = &tc.systemd
			a := build(t, o)
			if err := a.Start(); err != nil {
				t.Fatalf("Start: %v", err)
			}
			if addr := a.Addr(); addr != nil {
				t.Errorf("Addr is %s, want nil", addr)
			}
			within(t, "Stop", func() {
				if err := a.Stop(); err != nil {
					t.Errorf("Stop: %v", err)
				}
			})

			a = build(t, o)
			if err := a.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Run: %v, want an error with %q", err, tc.want)
			}
			leaks()
		})
	}
}

func TestTwoAddresses(t *testing.T) {
	a := started(t, options(&recorder{}, "127.0.0.1:0", "127.0.0.1:0"))
	if len(a.servers.listeners) != 2 || a.Addr() != a.servers.listeners[0].Addr() {
		t.Fatalf("%d listeners and Addr %s, want 2 and that of the first", len(a.servers.listeners), a.Addr())
	}
	first, second := a.servers.listeners[0].Addr(), a.servers.listeners[1].Addr()
	get(t, first, "/probe?target="+first.String()+"/-/healthy")
	_, metrics := get(t, second, "/metrics")
	if want := `healthcheck_exporter_probes_total{module="http_2xx",result="success"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("the second address does not show %s", want)
	}
	if status, _ := get(t, second, "/logs?id=1"); status != http.StatusOK {
		t.Errorf("the second address answers %d for the probe of the first, want 200", status)
	}
}

// TestDrain has a probe that would last longer than the exporter waits.
func TestDrain(t *testing.T) {
	target := probetest.Silent(t)
	leaks := probetest.NoLeaks(t)
	o := options(&recorder{})
	log := &recorder{}
	o.Logger = slog.New(log)
	o.DrainTimeout = 100 * time.Millisecond
	a := build(t, o)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		_, _, err := ask(t.Context(), "http://"+a.Addr().String()+"/probe?target="+target.URL)
		cut <- err
	}()
	until(t, "the probe", func() bool { return a.inFlight() == 1 })

	begin := time.Now()
	within(t, "Stop", func() {
		if err := a.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	if took := time.Since(begin); took < o.DrainTimeout || took > 5*time.Second {
		t.Errorf("Stop took %s, want a little more than %s", took, o.DrainTimeout)
	}
	select {
	case err := <-cut:
		if err == nil {
			t.Error("the probe was answered, want it cut off")
		}
	case <-time.After(5 * time.Second): // its own timeout is longer
		t.Error("the probe goes on, want it cut off")
	}
	if n := log.count("Probes still in flight are cut off"); n != 1 {
		t.Errorf("cutting off was logged %d times, want once", n)
	}
	until(t, "the probe's end", func() bool { return a.inFlight() == 0 })
	leaks()
}

// inFlight is how many probes were admitted and have not left.
func (a *App) inFlight() int {
	a.gate.mu.Lock()
	defer a.gate.mu.Unlock()
	return a.gate.inside
}

// TestLogKeys looks at what this package logs, from start to stop: its keys are those that all packages share.
func TestLogKeys(t *testing.T) {
	target := probetest.Serve(t, http.NotFoundHandler())
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}")
	o.DrainTimeout = time.Nanosecond
	a := build(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, nil) }()
	until(t, "Serving", func() bool { return log.count("Serving") == 1 })
	get(t, a.Addr(), "/probe?target="+target.URL)
	_ = a.Reload()
	writeFile(t, o.ConfigFile, "modules: {}")
	_ = a.Reload()
	if !a.gate.enter() {
		t.Error("no probe may begin")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}

	allowed := strings.Fields("target module service reason err duration_seconds status_code component path addr")
	var messages []string
	for _, record := range log.all() {
		frame, _ := runtime.CallersFrames([]uintptr{record.PC}).Next()
		if !strings.Contains(frame.Function, "healthcheck_exporter/internal/app") {
			continue // the toolkit's
		}
		messages = append(messages, record.Message)
		if first := record.Message[:1]; first != strings.ToUpper(first) {
			t.Errorf("message %q is not capitalised", record.Message)
		}
		record.Attrs(func(attr slog.Attr) bool {
			if !slices.Contains(allowed, attr.Key) {
				t.Errorf("%q has the key %q, want one of %v", record.Message, attr.Key, allowed)
			}
			return true
		})
	}
	want := []string{
		"Serving", "Target is down", "Loaded the configuration", "Loading the configuration failed, the old one goes on serving",
		"Stopping, probes in flight may finish", "Probes still in flight are cut off",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
