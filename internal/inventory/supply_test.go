package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A supplier is a Supplier whose targets a test chooses.
type supplier struct {
	mu       sync.Mutex // protects the following
	targets  []*config.Target
	problems []error
	err      error
	reading  func() // while it is asked; nil: nothing happens
	asked    int
	modules  int // those of the last reader
}

func (s *supplier) Supplied(reader config.TargetReader) ([]*config.Target, []error, error) {
	s.mu.Lock()
	s.asked++
	s.modules = len(reader.Modules)
	targets, problems, err := slices.Clone(s.targets), s.problems, s.err
	s.mu.Unlock()
	if s.reading != nil {
		s.reading() // what is edited from here on is not part of it
	}
	return targets, problems, err
}

// set makes the supplier have these targets.
func (s *supplier) set(targets ...config.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets, s.err = nil, nil
	for i := range targets {
		s.targets = append(s.targets, &targets[i])
	}
}

// add makes it have one more.
func (s *supplier) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = append(s.targets, new(target(name, "http://h/")))
}

func (s *supplier) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// keeperOf is a Keeper with a supplier.
func keeperOf(t testing.TB, s *supplier) *fixture {
	t.Helper()
	f := keeper(t)
	f.opts.Supplier = s
	return f
}

// applyWith is apply with one more module.
func (f *fixture) applyWith(t testing.TB, text string) {
	t.Helper()
	cfg := parse(t, text)
	cfg.Modules["second"] = config.Module{Prober: "http"}
	p, err := f.Plan(cfg, f.changed)
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(p)
}

const editable = "access: {users: [{name: alice, role: edit}]}\nmanaged: {targets: true}\n"

func TestResupply(t *testing.T) {
	s := &supplier{}
	f := keeperOf(t, s)
	f.Resupply() // before there is a configuration
	if f.Inventory() != nil {
		t.Error("there is an inventory before there is a configuration")
	}
	s.set(target("m", "http://m/"))
	f.apply(t, static+editable)
	f.want(t, "at the start", "a targets", "m managed")
	if e := f.Inventory().ByName("m"); !e.Reviewed {
		t.Error("a person has edited it, and it may be no check")
	}

	s.set(target("m", "http://m/"), target("n", "http://n/"))
	f.want(t, "before it was told", "a targets", "m managed")
	f.Resupply()
	f.want(t, "after it was told", "a targets", "m managed", "n managed")
	changes := f.changes
	f.Resupply()
	if f.changes != changes {
		t.Error("nothing has changed, and there is a new inventory")
	}

	s.set()
	s.problems = []error{errors.New(`target "n": module: "gone" is unknown`)}
	f.Resupply()
	f.want(t, "it has become wrong", "a targets")
	if log := f.logged(); !strings.Contains(log, `is unknown`) || !strings.Contains(log, "target_source=managed") {
		t.Errorf("log: %s", log)
	}
	s.problems = []error{errors.New(`target "n": module: "other" is unknown`)}
	f.Resupply()
	if f.changes != changes+2 || !strings.Contains(f.logged(), "other") {
		t.Error("another problem is not told")
	}
	s.problems = nil

	s.set(target("a", "http://other/"), target("m", "http://m/"))
	f.applyWith(t, editable)
	f.want(t, "another configuration", "a managed", "m managed")
	if s.modules != len(f.cfg.Modules) {
		t.Errorf("they were read by %d modules, want %d", s.modules, len(f.cfg.Modules))
	}
}

// A supplier that knows nothing at the start has not answered: targets may be missing, so that nobody is told of a list without
// them. One that fails later costs nothing.
func TestSupplierFails(t *testing.T) {
	s := &supplier{}
	s.fail(errors.New("opening data/managed.db: it is damaged"))
	f := keeperOf(t, s)
	f.apply(t, static)
	f.want(t, "nothing is known", "a targets")
	if err := f.Missing(); err == nil || !strings.Contains(err.Error(), "managed.db: it is damaged") || f.Inventory().Answered {
		t.Errorf("missing: %v, answered: %t", err, f.Inventory().Answered)
	}
	d := &Discovery{Inventory: f.Inventory, Missing: f.Missing}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, request(t, "/sd"))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "managed.db: it is damaged") {
		t.Errorf("/sd answers %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	f.Resupply()
	f.apply(t, static)
	if n := strings.Count(f.logged(), "Asking a target source failed"); n != 1 {
		t.Errorf("it is logged %d times, want once", n)
	}

	s.set(target("m", "http://m/"))
	f.Resupply()
	f.want(t, "it was repaired", "a targets", "m managed")
	if f.Missing() != nil || !f.Inventory().Answered {
		t.Errorf("missing: %v, answered: %t", f.Missing(), f.Inventory().Answered)
	}
	s.fail(errors.New("no"))
	f.Resupply()
	f.applyWith(t, static)
	f.want(t, "it has failed again", "a targets", "m managed")
	if f.Missing() != nil || !f.Inventory().Answered {
		t.Errorf("missing: %v, answered: %t", f.Missing(), f.Inventory().Answered)
	}
}

// Calls of one moment share a merge. Whoever returns sees what there was when he called.
func TestResupplyShares(t *testing.T) {
	const n = 50
	s := &supplier{}
	f := keeperOf(t, s)
	f.apply(t, static)
	asked := s.asked
	s.reading = func() {
		for f.resupplies.Load() < n { // until all have called
			runtime.Gosched()
		}
	}
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			name := fmt.Sprint("m", i)
			s.add(name)
			f.Resupply()
			if f.Inventory().ByName(name) == nil {
				t.Errorf("%s is not in force", name)
			}
		})
	}
	calls.Wait()
	if asked = s.asked - asked; asked > 2 {
		t.Errorf("%d calls of one moment took %d merges, want 2 at most: the first, and one for those who called during that", n, asked)
	}
}

// Nothing is said of the source as long as there is nothing managed. See the test of the metrics for all others.
func TestManagedMetrics(t *testing.T) {
	const names = "healthcheck_exporter_inventory_"
	s := &supplier{}
	for _, tt := range []struct {
		name, config string
		err          error
		targets      []config.Target
		want         []string
	}{
		{"nothing", static, nil, nil, nil},
		{"may be edited", static + editable, nil, nil, []string{`targets{source="managed"} 0`, `source_problems{source="managed"} 0`, `source_errors_total{source="managed"} 0`}},
		{"was edited", static, nil, []config.Target{target("m", "http://m/")}, []string{`targets{source="managed"} 1`, `source_problems{source="managed"} 0`, `source_errors_total{source="managed"} 0`}},
		{"nothing is known", static, errors.New("no"), nil, []string{`targets{source="managed"} 0`, `source_errors_total{source="managed"} 1`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := keeperOf(t, s)
			s.set(tt.targets...)
			s.fail(tt.err)
			f.apply(t, tt.config)
			all, err := testutil.CollectAndFormat(&metrics{keeper: f.Keeper, now: time.Now}, expfmt.TypeTextPlain, names+"targets", names+"source_problems", names+"source_errors_total", names+"source_last_success_timestamp_seconds")
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil && bytes.Contains(all, []byte(ManagedSource)) {
				t.Errorf("there is nothing managed, and the metrics name it:\n%s", all)
			}
			for _, want := range tt.want {
				if !bytes.Contains(all, []byte(names+want)) {
					t.Errorf("lacks %s:\n%s", want, all)
				}
			}
		})
	}
}

// BenchmarkResupply is what an edit of one of 10,000 targets costs until it is in force.
func BenchmarkResupply(b *testing.B) {
	all := managedTargets(10_000)
	s := &supplier{targets: all}
	f := keeperOf(b, s)
	f.apply(b, static)
	b.ReportAllocs()
	for b.Loop() {
		s.mu.Lock()
		edited := *all[5000]
		s.targets[5000] = &edited
		s.mu.Unlock()
		f.Resupply()
	}
}
