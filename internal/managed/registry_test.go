package managed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// A world is a Registry with what it asks others for.
type world struct {
	*Registry
	registry *prometheus.Registry
	mu       sync.Mutex        // protects the following
	owners   map[string]string // of targets; those from a file hold
	services map[string][]string
	changes  int // how often Changed was called
	authors  int
}

// editable is the configuration of most tests.
func editable() *config.Config {
	c := *byDefault()
	c.Managed.Targets = true
	return &c
}

var byDefault = sync.OnceValue(config.Default)

func newWorld(tb testing.TB, dir string, c *config.Config) *world {
	tb.Helper()
	w := &world{registry: prometheus.NewPedanticRegistry(), owners: map[string]string{}, services: map[string][]string{}}
	w.Registry = New(Options{
		Dir: dir,
		Owner: func(name string) (string, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			source := w.owners[name]
			return source, strings.HasPrefix(source, "file:")
		},
		Services: func(name string) []string { return w.services[name] },
		Changed:  func() { w.changes++ },
		Log:      slog.New(slog.DiscardHandler),
	}, w.registry)
	w.Configure(c, 0)
	tb.Cleanup(func() {
		if err := w.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

// own makes a source that of a target; empty: there is no such target any more.
func (w *world) own(name, source string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[name] = source
}

func openWorld(tb testing.TB, dir string) *world {
	tb.Helper()
	w := newWorld(tb, dir, editable())
	if err := w.Open(); err != nil {
		tb.Fatal(err)
	}
	return w
}

// by is one of many authors who may do everything, so that none makes too many changes.
func (w *world) by(c Condition) Edit {
	w.authors++
	return Edit{By: anybody(fmt.Sprintf("author%d", w.authors%900)), If: c}
}

func anybody(name string) Author {
	return Author{Name: name, Role: "edit", Addr: "192.0.2.1:4711", May: func(...string) error { return nil }}
}

var overwrite = Condition{Any: true}

const shop = `{"url":"https://shop.example.com/health","environment":"LIVE"}`

func (w *world) put(tb testing.TB, name, definition string) Outcome {
	tb.Helper()
	c := Condition{}
	if _, ok := w.Target(name); ok {
		c = overwrite
	}
	out, err := w.Put(tb.Context(), w.by(c), name, []byte(definition))
	if err != nil {
		tb.Fatalf("Put(%q): %v", name, problems(err))
	}
	return out
}

// problems is an error with all problems of an InvalidError.
func problems(err error) string {
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return fmt.Sprintf("%s %v", e.What, e.Problems)
	}
	return fmt.Sprint(err)
}

func TestPut(t *testing.T) {
	w := openWorld(t, t.TempDir())
	out := w.put(t, "shop", ` {"url": "https://shop.example.com/health", "name": "shop", "labels": {"b": "2", "a": "1", "c": null}, "module": null} `)
	want := `{"labels":{"a":"1","b":"2"},"url":"https://shop.example.com/health"}`
	if out.Action != Created || out.Revision != 1 || out.Target.Revision != 1 || string(out.Target.Definition) != want {
		t.Errorf("got %+v, want it created with revision 1 and the definition %s", out, want)
	}
	if out.Target.Created != out.Target.Updated || out.Target.Created.By != "author1" {
		t.Errorf("created %v, updated %v", out.Target.Created, out.Target.Updated)
	}
	again, err := w.Put(t.Context(), w.by(Condition{}), "shop", []byte(want))
	if err != nil || again.Action != Unchanged || again.Revision != 1 || w.changes != 1 {
		t.Errorf("the same again: %+v, %v, %d changes", again, err, w.changes)
	}
	if now := w.put(t, "shop", shop); now.Action != Updated || now.Target.Revision != 2 || now.Target.Created != out.Target.Created {
		t.Errorf("an update: %+v", now)
	}
}

// Everything is there after a restart, and the revision goes on.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	w := openWorld(t, dir)
	w.put(t, "https://a.example/x?y=1", `{"url":"https://a.example/x?y=1&z=<2>"}`)
	w.put(t, "서버 1", shop)
	w.put(t, "gone", shop)
	if _, err := w.Delete(t.Context(), w.by(overwrite), "gone"); err != nil {
		t.Fatal(err)
	}
	before, revision, err := w.Export()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	again := openWorld(t, dir)
	after, now, err := again.Export()
	if diff := cmp.Diff(before, after); err != nil || now != revision || diff != "" {
		t.Errorf("revision %d, want %d, %v (-before +after):\n%s", now, revision, err, diff)
	}
	if out := again.put(t, "gone", shop); out.Action != Created || out.Revision != 5 {
		t.Errorf("after a restart: %+v, want revision 5", out)
	}
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		name    string
		present bool
		c       Condition
		want    any // nil: it is made
	}{
		{"new, nothing expected", false, Condition{}, nil},
		{"new, nothing may be there", false, Condition{Absent: true}, nil},
		{"new, something expected", false, overwrite, &ChangedError{}},
		{"new, a revision expected", false, Condition{Revisions: []uint64{1}}, &ChangedError{}},
		{"there, nothing expected", true, Condition{}, &RequiredError{}},
		{"there, nothing may be there", true, Condition{Absent: true}, &ChangedError{}},
		{"there, something expected", true, overwrite, nil},
		{"there, its revision expected", true, Condition{Revisions: []uint64{7, 1}}, nil},
		{"there, another one expected", true, Condition{Revisions: []uint64{2}}, &ChangedError{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openWorld(t, "")
			if tt.present {
				w.put(t, "shop", shop)
			}
			for name, edit := range map[string]func(e Edit) (Outcome, error){
				"put":         func(e Edit) (Outcome, error) { return w.Put(t.Context(), e, "shop", []byte(`{"url":"http://a"}`)) },
				"invalid put": func(e Edit) (Outcome, error) { return w.Put(t.Context(), e, "shop", []byte(`{"url":1}`)) },
				"patch": func(e Edit) (Outcome, error) {
					return w.Patch(t.Context(), e, "shop", []byte(`{"notification":"off"}`))
				},
				"delete": func(e Edit) (Outcome, error) { return w.Delete(t.Context(), e, "shop") },
			} {
				e := w.by(tt.c)
				e.DryRun = true
				_, err := edit(e)
				want := tt.want
				switch {
				case !tt.present && (name == "patch" || name == "delete"):
					want = &MissingError{}
				case want == nil && name == "invalid put":
					want = &InvalidError{}
				}
				if got := fmt.Sprintf("%T", err); got != fmt.Sprintf("%T", want) {
					t.Errorf("%s: got %s: %v, want %T", name, got, err, want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	w := openWorld(t, "")
	w.put(t, "shop", shop)
	w.owners = map[string]string{"filed": "file:a.yml", "asked": "api:servers"}
	w.services = map[string][]string{"shop": {"web"}}
	dev := Author{Name: "ci", May: func(environments ...string) error {
		for _, e := range environments {
			if e != "DEV" {
				return fmt.Errorf("ci may edit targets of DEV; this is in %s", e)
			}
		}
		return nil
	}}
	put := func(e Edit, name, text string) func() error {
		return func() error { _, err := w.Put(t.Context(), e, name, []byte(text)); return err }
	}
	del := func(e Edit, name string) func() error {
		return func() error { _, err := w.Delete(t.Context(), e, name); return err }
	}
	patch := func(e Edit, name, text string) func() error {
		return func() error { _, err := w.Patch(t.Context(), e, name, []byte(text)); return err }
	}
	always := Edit{By: anybody("a"), If: overwrite}
	for _, tt := range []struct {
		name string
		edit func() error
		want string // "": it is made
	}{
		{"of a file", put(Edit{By: anybody("a")}, "filed", shop), `target "filed" comes from file:a.yml; change it there`},
		{"of a file, removed", del(always, "filed"), `target "filed" comes from file:a.yml; change it there`},
		{"of a file, patched", patch(always, "filed", `{}`), `target "filed" comes from file:a.yml; change it there`},
		{"of an API, removed", del(always, "asked"), `target "asked" comes from api:servers`},
		{"of an API, taken over", put(Edit{By: anybody("a"), DryRun: true}, "asked", shop), ""},
		{"misspelled", del(always, "shpo"), `there is no target "shpo"; did you mean "shop"?`},
		{"in use", del(always, "shop"), `restart service "web" checks this target`},
		{"in use, by force", del(Edit{By: anybody("a"), If: overwrite, Force: true, DryRun: true}, "shop"), ""},
		{"out of an environment", put(Edit{By: dev, If: overwrite}, "shop", `{"url":"http://a","environment":"DEV"}`), "this is in LIVE"},
		{"into an environment", put(Edit{By: dev}, "new", shop), "this is in LIVE"},
		{"into none", put(Edit{By: dev}, "new", `{"url":"http://a"}`), "this is in UNKNOWN"},
		{"removed from an environment", del(Edit{By: dev, If: overwrite}, "shop"), "this is in LIVE"},
		{"nobody says what he may", put(Edit{}, "new", shop), "not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.edit()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	// A file that takes the name later holds, and what is managed can be removed.
	w.owners["shop"], w.services = "file:a.yml", nil
	if err := put(always, "shop", `{"url":"http://b"}`)(); !is[*OwnedError](err) {
		t.Errorf("a file has taken the name: %v", err)
	}
	if err := del(always, "shop")(); err != nil {
		t.Error(err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	w := openWorld(t, dir)
	w.put(t, "shop", shop)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, dir, config.Default())
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	_, err := w.Put(t.Context(), w.by(overwrite), "shop", []byte(shop))
	if targets, _, _ := w.Supplied(config.TargetReader{Modules: config.Default().Modules}); !errors.Is(err, ErrReadOnly) || len(targets) != 1 {
		t.Errorf("got %v and %d targets, want read-only and 1", err, len(targets))
	}
	if _, err := w.Set(t.Context(), w.by(Condition{}), Mute, []Subject{{Name: "shop"}}, hour()); err != nil {
		t.Errorf("a mute: %v", err)
	}
}

// Without a file, and where nobody may change anything, none is made.
func TestUnwanted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "storage")
	w := newWorld(t, dir, config.Default())
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was made")
	}
	if _, err := w.Set(t.Context(), w.by(Condition{}), Mute, []Subject{{Name: "shop"}}, hour()); !is[*StoreError](err) {
		t.Errorf("a mute: %v, want a StoreError", err)
	}
	if n := testutil.CollectAndCount(w.registry, "healthcheck_exporter_managed_store_up", "healthcheck_exporter_managed_revision"); n != 0 {
		t.Errorf("there are %d metrics of a file that is not there", n)
	}
	c := config.Default()
	c.Access = &config.Access{Users: []config.User{{Name: "alice", Role: "operate"}}}
	w.Configure(c, 0)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
}

func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, "")
		e := Edit{By: anybody("a"), DryRun: true}
		for i := range changesAtOnce {
			if _, err := w.Put(t.Context(), e, "shop", []byte(shop)); err != nil {
				t.Fatalf("change %d: %v", i, err)
			}
		}
		_, err := w.Put(t.Context(), e, "shop", []byte(shop))
		many, ok := errors.AsType[*TooManyError](err)
		if !ok || many.RetryAfter <= 0 || many.RetryAfter > time.Second {
			t.Fatalf("got %v, want a TooManyError and when to try again", err)
		}
		if _, err := w.Put(t.Context(), Edit{By: anybody("b"), DryRun: true}, "shop", []byte(shop)); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		time.Sleep(many.RetryAfter)
		if _, err := w.Put(t.Context(), e, "shop", []byte(shop)); err != nil {
			t.Errorf("later: %v", err)
		}
		for i := range 3 * maxAuthors {
			w.limiter.take(fmt.Sprint("author", i))
		}
		if n := len(w.limiter.authors); n > maxAuthors+1 {
			t.Errorf("%d authors are counted", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestMaxTargets(t *testing.T) {
	c := editable()
	c.Managed.MaxTargets = 2
	w := newWorld(t, "", c)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	w.put(t, "a", shop)
	w.put(t, "b", shop)
	_, err := w.Put(t.Context(), w.by(Condition{}), "c", []byte(shop))
	if many, ok := errors.AsType[*TooManyError](err); !ok || many.RetryAfter != 0 {
		t.Errorf("a third: %v", err)
	}
	if _, err := w.Import(t.Context(), w.by(Condition{}), Merge, documentOf(`{"name":"c","url":"http://c"}`)); !is[*TooManyError](err) {
		t.Errorf("a third by an import: %v", err)
	}
	w.put(t, "a", `{"url":"http://a"}`)
	if _, err := w.Import(t.Context(), w.by(overwrite), Replace, documentOf(`{"name":"c","url":"http://c"}`)); err != nil {
		t.Errorf("one in place of two: %v", err)
	}
}

// All that is written together is less than what can be imported.
func TestMaxSize(t *testing.T) {
	w := openWorld(t, "")
	w.published.Store(newState(emptyState.meta, map[string]*record{"big": {Target: Target{Revision: 1, Definition: make([]byte, maxSize)}}}, nil, channels{}))
	if _, err := w.Put(t.Context(), w.by(Condition{}), "a", []byte(shop)); !is[*TooManyError](err) {
		t.Errorf("one more: %v", err)
	}
	if _, err := w.Delete(t.Context(), w.by(overwrite), "big"); err != nil {
		t.Error(err)
	}
	w.put(t, "a", shop)
}

func TestPatch(t *testing.T) {
	w := openWorld(t, "")
	w.put(t, "shop", `{"url":"http://a","labels":{"team":"shop","tier":"1"},"depends_on":["a","b"]}`)
	for _, tt := range []struct{ patch, want string }{
		{`{"labels":{"tier":null,"x":"y"}}`, `{"depends_on":["a","b"],"labels":{"team":"shop","x":"y"},"url":"http://a"}`},
		{`{"depends_on":["c"],"name":"shop"}`, `{"depends_on":["c"],"labels":{"team":"shop","x":"y"},"url":"http://a"}`},
		{`{"depends_on":null,"labels":null,"nothing":null}`, `{"url":"http://a"}`},
		{`{"labels":{"a":{}}}`, `/labels/a`},
		{`[]`, `got a list, want a JSON object`},
		{`{"url":null}`, `/url`},
		{`{"name":"other"}`, `/name`},
	} {
		out, err := w.Patch(t.Context(), w.by(overwrite), "shop", []byte(tt.patch))
		if err != nil && !strings.Contains(problems(err), tt.want) || err == nil && string(out.Target.Definition) != tt.want {
			t.Errorf("%s: got %s, %s, want %s", tt.patch, out.Target.Definition, problems(err), tt.want)
		}
	}
	before, _ := w.Target("shop")
	if out, err := w.Patch(t.Context(), w.by(Condition{}), "shop", []byte(`{"url":"http://a"}`)); err != nil || out.Action != Unchanged || out.Target.Revision != before.Revision {
		t.Errorf("nothing new: %+v, %v", out, err)
	}
}

func TestDryRun(t *testing.T) {
	w := openWorld(t, t.TempDir())
	w.put(t, "shop", shop)
	e := w.by(overwrite)
	e.DryRun = true
	put, err1 := w.Put(t.Context(), e, "shop", []byte(`{"url":"http://b"}`))
	del, err2 := w.Delete(t.Context(), e, "shop")
	report, err3 := w.Import(t.Context(), e, Replace, documentOf(`{"name":"a","url":"http://a"}`))
	muted, err4 := w.Set(t.Context(), e, Mute, []Subject{{Name: "shop"}}, hour())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if put.Action != Updated || put.Revision != 1 || del.Action != Deleted || len(report.Created) != 1 || len(report.Deleted) != 1 || len(muted) != 1 {
		t.Errorf("got %+v, %+v, %+v, %v", put, del, report, muted)
	}
	now, ok := w.Target("shop")
	if !ok || string(now.Definition) != string(definitionOf(shop)) || w.changes != 1 || len(w.Edits("shop", 10)) != 1 || w.Mute("shop", time.Now()) != nil {
		t.Errorf("something has changed: %+v, %d changes", now, w.changes)
	}
}

func definitionOf(text string) json.RawMessage { return Encode(decode([]byte(text))) }

// A change that waits when whoever asked for it goes away is not made, or its answer is the truth.
func TestGivesUp(t *testing.T) {
	w := openWorld(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Put(ctx, w.by(Condition{}), "shop", []byte(shop)); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "was not made") {
		t.Errorf("got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, "")
		w.queue.turn <- struct{}{} // somebody leads, and does not end
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := w.Put(ctx, w.by(Condition{}), "shop", []byte(shop))
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, errWithdrawn) {
			t.Errorf("got %v", err)
		}
		<-w.queue.turn
		if out := w.put(t, "other", shop); out.Revision != 1 {
			t.Errorf("the change was made all the same: revision %d", out.Revision)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// failing is a file that cannot be written for a time.
type failing struct {
	file
	err error
}

func (f *failing) SaveAll(changes map[string][]byte) error {
	if f.err != nil {
		return f.err
	}
	return f.file.SaveAll(changes)
}

// Many edits of one moment share one save, one merge; if it fails, none is made.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, "")
		f := &failing{file: w.file}
		w.file = f
		for _, f.err = range []error{errors.New("disk full"), nil} {
			w.queue.turn <- struct{}{}
			errs := make(chan error)
			for i := range 50 {
				e := w.by(Condition{})
				go func() {
					_, err := w.Put(t.Context(), e, fmt.Sprint("target", i%49), []byte(shop)) // two are about the same
					errs <- err
				}()
			}
			synctest.Wait()
			before := w.changes
			<-w.queue.turn
			failed := 0
			for range 50 {
				if err := <-errs; err != nil {
					failed++
					if !is[*StoreError](err) || !strings.Contains(err.Error(), "disk full. Nothing has changed") {
						t.Errorf("got %v", err)
					}
				}
			}
			doc, revision, _ := w.Export()
			if f.err != nil && (failed != 50 || len(doc.Targets) != 0 || revision != 0 || w.changes != before) {
				t.Errorf("%d failed, %d targets, revision %d", failed, len(doc.Targets), revision)
			}
			if f.err == nil && (failed != 0 || len(doc.Targets) != 49 || revision != 49 || w.changes != before+1) {
				t.Errorf("%d failed, %d targets, revision %d, %d merges", failed, len(doc.Targets), revision, w.changes-before)
			}
			up := 1.0
			if f.err != nil {
				up = 0
			}
			if got := gauge(t, w, "healthcheck_exporter_managed_store_up"); got != up {
				t.Errorf("store_up is %v, want %v", got, up)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func gauge(t *testing.T, w *world, name string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestMetrics(t *testing.T) {
	w := openWorld(t, t.TempDir())
	w.put(t, "shop", shop)
	_, _ = w.Put(t.Context(), w.by(Condition{}), "shop", []byte(`{}`))
	_, _ = w.Delete(t.Context(), w.by(Condition{}), "none")
	lint, err := testutil.GatherAndLint(w.registry)
	if err != nil || len(lint) > 0 {
		t.Error(err, lint)
	}
	for labels, want := range map[string]float64{"condition_required": 1, "missing": 1, "invalid": 0} {
		if got := testutil.ToFloat64(w.metrics.refused.WithLabelValues(labels)); got != want {
			t.Errorf("refused %s: %v, want %v", labels, got, want)
		}
	}
	if got := testutil.ToFloat64(w.metrics.changes.WithLabelValues("target", "created")); got != 1 {
		t.Errorf("created: %v, want 1", got)
	}
	if n := testutil.CollectAndCount(w.registry); n != 3+15+13 {
		t.Errorf("there are %d series, want all from the start", n)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	openWorld(t, dir)
	second := newWorld(t, dir, editable())
	if err := second.Open(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if err := second.Broken(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("broken: %v", err)
	}
}
