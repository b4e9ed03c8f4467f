package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// two targets, each on lines of its own: a part of it may be a list, too.
const two = "- name: a\n  url: http://a/\n- name: b\n  url: http://b/\n"

// overwrite writes to the existing file, as > of a shell does.
func overwrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The module of a list is used for the targets that do not name one.
func TestModuleOfList(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.json")
	overwrite(t, name, `[{"targets": ["a:80"]}, {"targets": ["b:80"], "labels": {"__param_module": "http_2xx"}}, {"name": "c", "url": "http://c/"}, {"name": "d", "url": "http://d/", "module": "http_2xx"}]`)
	f := keeper(t)
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}, http_any: {prober: http}}\ntarget_files: [{path: '"+name+"', module: http_any}]"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Plan(c, f.changed)
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(p)
	got := map[string]string{}
	for _, e := range f.Inventory().Entries() {
		got[e.Name] = e.Module
	}
	want := map[string]string{"masked a:80": "http_any", "masked b:80": "http_2xx", "c": "http_any", "d": "http_2xx"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// A file that a program writes slowly is not read half written, even if that half is a list.
func TestHalfWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.yml")
	file := "file:" + name
	overwrite(t, name, two)
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"']")
	f.want(t, "at the start", "a "+file, "b "+file)
	for _, part := range []string{"", "- name: a\n  url: http://a/\n", two + "- name: c\n"} {
		overwrite(t, name, part)
		f.ask(t)
		f.want(t, "half written", "a "+file, "b "+file)
	}
	overwrite(t, name, two+"- name: c\n  url: http://c/\n")
	f.ask(t)
	f.want(t, "just written", "a "+file, "b "+file)
	if log := f.logged(); log != "" {
		t.Errorf("log: %s", log)
	}
	f.ask(t)
	f.want(t, "written", "a "+file, "b "+file, "c "+file)
	// And back, after which nothing of it must be left.
	overwrite(t, name, two)
	f.ask(t)
	overwrite(t, name, two+"- name: c\n  url: http://c/\n")
	f.ask(t)
	overwrite(t, name, two)
	f.ask(t)
	f.want(t, "to and fro", "a "+file, "b "+file, "c "+file)
	f.ask(t)
	f.want(t, "back", "a "+file, "b "+file)
}

// A change of a file is seen without the help of the file system, such as its times.
func TestSameSizeAndTime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.yml")
	overwrite(t, name, "- {name: a, url: 'http://a/'}")
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f := keeper(t)
	for _, target := range []string{"a", "b"} {
		overwrite(t, name, "- {name: "+target+", url: 'http://a/'}")
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		if target == "a" {
			f.apply(t, "target_files: ['"+name+"']")
		}
	}
	f.ask(t)
	f.ask(t)
	f.want(t, "changed", "b file:"+name)
}

// Kubernetes mounts a ConfigMap as links to a directory behind another link, and changes that link.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, "tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	version := func(name, text string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(dir, name, "targets.yml"), text)
	}
	version("..1", two)
	link("..1", "..data")
	link("..data/targets.yml", "targets.yml")
	file := "file:" + dir + "/*.yml"
	f := keeper(t)
	f.apply(t, "target_files: ['"+dir+"/*.yml']")
	f.want(t, "mounted", "a "+file, "b "+file)

	version("..2", "- {name: c, url: 'http://c/'}")
	link("..2", "..data")
	if err := os.RemoveAll(filepath.Join(dir, "..1")); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	f.ask(t)
	f.want(t, "updated", "c "+file)
	// The key is removed from the ConfigMap, and its link stays for a moment.
	if err := os.Mkdir(filepath.Join(dir, "..3"), 0o700); err != nil {
		t.Fatal(err)
	}
	link("..3", "..data")
	f.ask(t)
	f.want(t, "without a file behind the link", "c "+file)
	if err := os.Remove(filepath.Join(dir, "targets.yml")); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	f.ask(t)
	f.want(t, "taken out")
}

// An editor that keeps a copy renames the file and writes another.
func TestEditor(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.yml")
	overwrite(t, name, two)
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"']")
	if err := os.Rename(name, name+"~"); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	f.want(t, "between", "a file:"+name, "b file:"+name)
	overwrite(t, name, "- {name: c, url: 'http://c/'}")
	f.ask(t)
	f.ask(t)
	f.want(t, "saved", "c file:"+name)
}

// A named file that is missing, or is a directory, is a source that does not answer. That is logged, and costs no target.
func TestMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub")
	name := filepath.Join(dir, "a.yml")
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"', '"+dir+"/*.json']")
	log := f.logged()
	for _, want := range []string{`reading \"` + name + `\": no such file or directory`, `looking for \"` + dir + `/*.json\": no such file or directory`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f.ask(t)
	if log := f.logged(); strings.Count(log, "answers again") != 1 || !strings.Contains(log, "*.json") {
		t.Errorf("an empty directory may be meant; log: %s", log)
	}
	overwrite(t, name, two)
	overwrite(t, filepath.Join(dir, "b.json"), "[]")
	f.ask(t)
	f.want(t, "there", "a file:"+name, "b file:"+name)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.ask(t)
	}
	f.want(t, "gone with its directory", "a file:"+name, "b file:"+name)
	if f.sources[0].errors != 5 || f.sources[1].errors != 4 {
		t.Errorf("%d and %d errors, want 5 and 4", f.sources[0].errors, f.sources[1].errors)
	}
}
