package channels

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A change that every Alertmanager has loaded and that then cannot be kept is taken back: the file, what they run, and the secrets,
// also those that it has removed.
func TestNotKept(t *testing.T) {
	for name, edit := range map[string]func(w *world) error{
		"new": func(w *world) error {
			_, err := w.Put(t.Context(), w.by(managed.Condition{}), "new", []byte(live))
			return err
		},
		"secret": func(w *world) error {
			_, err := w.Patch(t.Context(), w.by(overwrite), "live", []byte(`{"url":"`+slackURL+`x"}`))
			return err
		},
		"removed": func(w *world) error { _, err := w.Delete(t.Context(), w.by(overwrite), "live"); return err },
		"without": func(w *world) error {
			_, err := w.Patch(t.Context(), w.by(overwrite), "dev", []byte(`{"token":""}`))
			return err
		},
		"import": func(w *world) error {
			_, err := w.Import(t.Context(), w.by(overwrite), managed.Replace, managed.Document{Targets: raws(`{"name":"a","url":"http://a"}`), Channels: raws()})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			w.put(t, "live", live)
			w.put(t, "dev", hook)
			before, list, ran := w.disk(t), w.List(), string(w.servers[1].loaded)
			file := filepath.Join(w.storage, managed.FileName)
			w.servers[0].set(func(s *server) { s.then = func() { _ = os.Rename(file, file+".away") } })
			if err := edit(w); !is[*managed.StoreError](err) {
				t.Errorf("got %v", err)
			}
			w.servers[0].set(func(s *server) { s.then = nil })
			disk := w.disk(t)
			if diff := cmp.Diff(before, disk); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(list, w.List()); diff != "" {
				t.Error(diff)
			}
			for _, s := range w.servers {
				if string(s.loaded) != ran {
					t.Errorf("%s runs %q", s.name, s.loaded)
				}
			}
			if _, ok := w.registry.Target("a"); ok {
				t.Error("half of an import was kept")
			}
			if err := os.Rename(file+".away", file); err != nil {
				t.Fatal(err)
			}
			w.tend(t.Context(), false)
			if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
				t.Error(diff)
			}
			if w, err := (memory{w.registry}).Written(); err != nil || w.Changing {
				t.Errorf("it is known that %+v, %v", w, err)
			}
			if err := edit(w); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// A store that nothing can be written to is found before anything is changed.
func TestStoreFails(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	before, loads := w.disk(t), w.servers[0].loads
	file := filepath.Join(w.storage, managed.FileName)
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Put(t.Context(), w.by(overwrite), "live", []byte(strings.Replace(live, "canary-live", "canary-x", 1))); !is[*managed.StoreError](err) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, w.disk(t)); diff != "" || w.servers[0].loads != loads {
		t.Errorf("%s or it was loaded", diff)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	w.put(t, "dev", hook)
}

// No secret gets anywhere but into its file: not into answers, errors, the log, the audit log, what is exported or shown, or the
// store.
func TestSecretsStayInTheirFiles(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var said strings.Builder
	note := func(all ...any) { fmt.Fprintf(&said, "%+v\n", all) }
	for _, refuses := range []string{"", "revision"} {
		for _, s := range w.servers {
			s.set(func(s *server) { s.refuses = refuses })
		}
		for i, body := range []string{live, hook, pager, strings.Replace(live, "https", "http", 1), strings.Replace(hook, "canary-", "canary ", 1), `{"type":"canary`, `{"type":"webhook","url":"https://u:canary@x"}`} {
			for _, c := range []managed.Condition{{}, overwrite} {
				name := fmt.Sprint("c", i, refuses)
				note(w.Put(t.Context(), w.by(c), name, []byte(body)))
				note(w.Patch(t.Context(), w.by(c), name, []byte(`{"url":"`+slackURL+`patched"}`)))
				note(w.Patch(t.Context(), w.by(c), name, []byte(`{"token":"canary-patched"}`)))
				note(w.Import(t.Context(), w.by(c), managed.Merge, managed.Document{Channels: raws(strings.Replace(body, "{", `{"name":"i`+name+`",`, 1))}))
			}
		}
		w.tend(t.Context(), true)
	}
	a, err := w.Alertmanager()
	note(a, err, w.List(), w.log.String())
	config, err := w.Config()
	note(string(config), err)
	d, _, err := w.Export()
	text, yamlErr := d.YAML()
	note(string(text), err, yamlErr)
	for _, e := range w.registry.ChannelEdits("c0", 100) {
		note(string(e.Change))
	}
	files, err := filepath.Glob(filepath.Join(w.storage, "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, w.settings.Place.ConfigFile()) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "canary-base", "") // the base has it
		note(file, strings.Contains(text, "canary"))
		if strings.Contains(text, "canary") {
			t.Errorf("%s has a secret", file)
		}
	}
	if i := strings.Index(said.String(), "canary"); i >= 0 {
		t.Errorf("a secret got out: …%s", said.String()[max(0, i-200):i+20])
	}
	if n := len(w.disk(t)); n < 5 {
		t.Errorf("there are only %d files: this says little", n)
	}
}
