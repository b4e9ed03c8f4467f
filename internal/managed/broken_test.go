package managed

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// written makes a file with some of everything.
func written(t *testing.T, dir string) *world {
	t.Helper()
	w := openWorld(t, dir)
	var d Document // at once, so that few pages of the file are free
	for i := range 500 {
		d.Targets = append(d.Targets, named(fmt.Sprint("target", i), definitionOf(shop)))
	}
	if _, err := w.Import(t.Context(), w.by(Condition{}), Merge, d); err != nil {
		t.Fatal(err)
	}
	w.set(t, Mute, hour(), "target1", "target2")
	w.set(t, Maintenance, hour(), "target1")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// refuses checks that a Registry with a bad file changes nothing, and says why.
func refuses(t *testing.T, dir, say string) {
	t.Helper()
	path := filepath.Join(dir, FileName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir, editable())
	if err := w.Open(); err == nil {
		t.Fatal("it was opened")
	}
	broken := w.Broken()
	if broken == nil || !strings.Contains(broken.Error(), path) || !strings.Contains(broken.Error(), "move") || !strings.Contains(broken.Error(), say) {
		t.Errorf("broken: %v, want the path, what to do and %q", broken, say)
	}
	_, err1 := w.Put(t.Context(), w.by(Condition{}), "shop", []byte(shop))
	_, err2 := w.Set(t.Context(), w.by(Condition{}), Mute, []Subject{{Name: "a"}}, hour())
	_, _, err3 := w.Export()
	_, err4 := w.Listed(time.Now())
	for _, err := range []error{err1, err2, err3, err4, w.Writable()} {
		if !is[*StoreError](err) || !errors.Is(err, broken) {
			t.Errorf("got %v, want a StoreError", err)
		}
	}
	if _, _, err := w.Supplied(w.settings.Load().reader); err == nil {
		t.Error("targets are supplied")
	}
	if up := gauge(t, w, "healthcheck_exporter_managed_store_up"); up != 0 {
		t.Errorf("store_up is %v, want 0", up)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// A file with records that are not ours is left alone.
func TestBrokenRecords(t *testing.T) {
	for name, change := range map[string]map[string][]byte{
		"it has format 2, want 1":                {"meta": []byte(`{"format":2,"new":true}`)},
		"has no format version":                  {"meta": nil},
		`the record "meta"`:                      {"meta": []byte(`{"format":1,"unknown":1}`)},
		`the record "channel/x"`:                 {"channel/x": []byte(`{}`)},
		`the record "target"`:                    {"target": []byte(`{}`)},
		`the record "apply"`:                     {"apply": []byte(`[]`)},
		`the record "target/a"`:                  {"target/a": []byte(`{"revision":1,"definition":[]}`)},
		`the record "target/b"`:                  {"target/b": []byte(`{`)},
		`the record "target/c"`:                  {"target/c": []byte(`{"revision":1,"definition":{},"more":1}`)},
		`the record "target/d"`:                  {"target/d": []byte(`{"revision":1}`)},
		`the record "overlay/target1"`:           {"overlay/target1": []byte(`{"mute":{"start":"x"}}`)},
		`the record "overlay/target\u202e"`[:20]: {"overlay/target\u202e": []byte(`[]`)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			written(t, dir)
			s, err := store.Open(filepath.Join(dir, FileName))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.SaveAll(change), s.Close()); err != nil {
				t.Fatal(err)
			}
			refuses(t, dir, name)
		})
	}
}

// A file that was damaged anywhere is left alone, unless the damage is where nothing is.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	w := written(t, dir)
	path := filepath.Join(dir, FileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := w.state()
	n, noticed := 60, 0
	if testing.Short() {
		n = 10
	}
	for i := range n {
		rnd := rand.New(rand.NewPCG(3, uint64(i)))
		bad := bytes.Clone(good)
		switch at := rnd.IntN(len(bad)); i % 3 {
		case 0:
			bad = bad[:at]
		case 1:
			copy(bad[at:], bytes.Repeat([]byte{0xff}, 200))
		default:
			clear(bad[at/4096*4096 : at/4096*4096+4096])
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, dir, editable())
		if err := w.Open(); err == nil { // where nothing is, or the spare of the two first pages
			if got := w.state(); len(got.targets) != len(want.targets) || got.Revision < want.Revision-1 {
				t.Errorf("damage %d was not noticed: %d targets, revision %d", i, len(got.targets), got.Revision)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		noticed++
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		refuses(t, dir, "")
	}
	t.Logf("%d of %d were noticed", noticed, n)
	if noticed < n/6 { // most of a file is room for more
		t.Errorf("only %d of %d were noticed: the test damages the wrong bytes", noticed, n)
	}
}

// After the operator has moved the file away, the next Open begins anew.
func TestMovedAway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, []byte("what is this?"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir, editable())
	if err := w.Open(); err == nil {
		t.Fatal("it was opened")
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := w.Open(); err != nil || w.Broken() != nil {
		t.Fatalf("%v, broken %v", err, w.Broken())
	}
	w.put(t, "shop", shop)
}
