package collector_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// offset is the Offset of the Handler of every fixture.
const offset = 500 * time.Millisecond

// A fixture is a Handler and what it has told its owner.
type fixture struct {
	handler *collector.Handler

	mu       sync.Mutex // protects the following
	begun    int
	probes   []collector.Probe
	rejected []collector.Rejection
}

// newFixture serves the modules of a configuration file.
func newFixture(t testing.TB, yaml string) *fixture {
	t.Helper()
	c, err := config.Parse("test.yml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]collector.Module{}
	for name, m := range c.Modules {
		p, err := prober.New(m, c.TargetRules)
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = collector.Module{Name: name, Config: m, Prober: p}
	}
	return serving(modules)
}

// serving serves modules.
func serving(modules map[string]collector.Module) *fixture {
	f := &fixture{}
	f.handler = &collector.Handler{
		Module:  func(name string) (collector.Module, bool) { m, ok := modules[name]; return m, ok },
		Modules: func() []string { return slices.Sorted(maps.Keys(modules)) },
		Offset:  offset,
		Begin: func() func(collector.Probe) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.begun++
			return f.end
		},
		Reject: func(r collector.Rejection) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.rejected = append(f.rejected, r)
		},
	}
	return f
}

func (f *fixture) end(p collector.Probe) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.probes = append(f.probes, p)
}

// get asks for /probe with a raw query, as Prometheus with a scrape timeout of 10 s does.
func (f *fixture) get(t testing.TB, rawQuery string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+rawQuery, http.NoBody)
	req.Header.Set(collector.ScrapeTimeoutHeader, "10")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, req)
	return w
}

// probe probes a target by the default module and returns the exposition.
func (f *fixture) probe(t testing.TB, target string) string {
	t.Helper()
	w := f.get(t, query(target))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d, want 200: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// last returns the one probe that there was since the last call.
func (f *fixture) last(t testing.TB) collector.Probe {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.probes) != 1 || f.begun != 1 {
		t.Fatalf("%d probes began and %d ended, want 1 and 1", f.begun, len(f.probes))
	}
	p := f.probes[0]
	f.probes, f.begun = nil, 0
	return p
}

// query encodes a target as Prometheus does.
func query(target string, more ...string) string {
	values := url.Values{"target": {target}}
	for _, m := range more {
		key, value, _ := strings.Cut(m, "=")
		values.Set(key, value)
	}
	return values.Encode()
}

// A spy is a Prober that returns a canned Result and remembers what it was asked.
type spy struct {
	result prober.Result

	request prober.Request
	timeout time.Duration // until the deadline, at the start of the probe
}

// Probe implements prober.Prober.
func (s *spy) Probe(ctx context.Context, r prober.Request) prober.Result {
	s.request = r
	if deadline, ok := ctx.Deadline(); ok {
		s.timeout = time.Until(deadline)
	}
	return s.result
}
