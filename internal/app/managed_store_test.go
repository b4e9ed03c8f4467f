package app

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// mayEdit lets alice edit.
const mayEdit = "modules: {http_2xx: {prober: http}}\naccess: {users: [{name: alice, role: edit, bearer_token: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]}\nmanaged: {targets: true}\n"

// put makes a target of this URL, and returns why it could not.
func (a *App) put(t testing.TB, name, url string) error {
	t.Helper()
	e := managed.Edit{By: managed.Author{Name: "alice", Role: "edit", May: func(...string) error { return nil }}, If: managed.Condition{Absent: true}}
	_, err := a.managed.Put(t.Context(), e, name, fmt.Appendf(nil, `{"url":%q}`, url))
	return err
}

// stopped stops an exporter in the middle of a test.
func stopped(t *testing.T, a *App) {
	t.Helper()
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
}

// What people have edited outlives the exporter. A file that is damaged is kept as it is: until it is mended and read again nobody
// edits, /sd answers 503, and the page says so.
func TestEditsAreKept(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile, o.StoragePath = configFile(t, mayEdit+"targets: [{name: file, url: 'http://127.0.0.1:1/'}]"), t.TempDir()
	a := build(t, o)
	if err := a.put(t, "shop", "http://127.0.0.1:1/shop"); err != nil {
		t.Fatal(err)
	}
	if a.currentInventory().ByName("shop") == nil {
		t.Error("it is not in force")
	}
	if owned := new(managed.OwnedError); !errors.As(a.put(t, "file", "http://127.0.0.1:1/"), &owned) || owned.Source != "targets" {
		t.Errorf("one of the configuration: %v, want that it holds", owned)
	}
	stopped(t, a)

	file := filepath.Join(o.StoragePath, managed.FileName)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), good...)
	for i := range damaged {
		damaged[i] ^= 0x5a
	}
	writeFile(t, file, string(damaged))
	a = started(t, o)
	a.loadEvery = 0
	if storing := new(managed.StoreError); !errors.As(a.put(t, "more", "http://127.0.0.1:1/"), &storing) {
		t.Error("it could be edited")
	}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/sd":      {http.StatusServiceUnavailable, managed.FileName},
		"/-/ready": {http.StatusOK, ""},
		"/":        {http.StatusOK, "The targets that people have edited are missing here"},
		"/metrics": {http.StatusOK, "\nhealthcheck_exporter_managed_store_up 0\n"},
	} {
		if status, body := get(t, a.Addr(), path); status != want.status || !strings.Contains(body, want.text) {
			t.Errorf("%s: status %d, want %d with %q: %s", path, status, want.status, want.text, body)
		}
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, damaged) {
		t.Errorf("the damaged file was changed: %v", err)
	}

	writeFile(t, file, string(good))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, a.Addr(), "/sd"); status != http.StatusOK || !strings.Contains(body, `"target":"shop"`) {
		t.Errorf("/sd after the file was mended and read: status %d: %s", status, body)
	}
	if _, body := get(t, a.Addr(), "/"); strings.Contains(body, "are missing here") {
		t.Error("the page says that they are missing")
	}
	if err := a.put(t, "more", "http://127.0.0.1:1/"); err != nil {
		t.Error(err)
	}
}

// Two exporters do not share what people edit. A load that finds the file taken changes nothing.
func TestEditsAreLocked(t *testing.T) {
	o := options(&recorder{})
	o.StoragePath = t.TempDir()
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: old, url: 'http://127.0.0.1:1/'}]")
	reader := started(t, o) // it has no need of the file
	reader.loadEvery = 0
	other := o
	other.ConfigFile = configFile(t, mayEdit)
	started(t, other)
	if _, err := New(other); err == nil || !strings.Contains(err.Error(), "--storage.path") {
		t.Errorf("another exporter: %v, want an error that names --storage.path", err)
	}
	writeFile(t, o.ConfigFile, mayEdit+"targets: [{name: new, url: 'http://127.0.0.1:1/'}]")
	if err := reader.Reload(); err == nil || !strings.Contains(err.Error(), "--storage.path") {
		t.Errorf("a reload: %v, want an error that names --storage.path", err)
	}
	if reader.currentInventory().ByName("old") == nil || reader.currentInventory().ByName("new") != nil {
		t.Error("a load that failed has changed the targets")
	}
	if err := reader.managed.Writable(); !errors.Is(err, managed.ErrReadOnly) {
		t.Errorf("after a load that failed: %v, want that targets are read-only as before", err)
	}
}

// Edits at the same time are all in force when they return, beside loads.
func TestEditsAtOnce(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile, o.StoragePath = configFile(t, mayEdit), t.TempDir()
	a := started(t, o)
	a.loadEvery = 0
	var edits sync.WaitGroup
	for i := range 10 { // as many as one user may make at once
		edits.Go(func() {
			name := fmt.Sprint("shop-", i)
			if err := a.put(t, name, "http://127.0.0.1:1/"); err != nil {
				t.Error(err)
			}
			if a.currentInventory().ByName(name) == nil {
				t.Errorf("%s is not in force", name)
			}
		})
		edits.Go(func() {
			if i%3 == 0 {
				if err := a.Reload(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	edits.Wait()
	if n := len(a.currentInventory().Entries()); n != 10 {
		t.Errorf("there are %d targets, want 10", n)
	}
}

// Where it cannot be read whom people have in maintenance, no service is restarted that checks a target. That is no maintenance,
// whose end would end a lock-out.
func TestUnreadEditsHoldRestarts(t *testing.T) {
	o := options(&recorder{})
	o.StoragePath = t.TempDir()
	o.ConfigFile = configFile(t, mayEdit+`targets: [{name: shop, url: 'http://127.0.0.1:1/'}]
restart:
  mode: observe
  receiver: {bearer_token: s3cret}
  services:
    - {name: shop, checks: [{target: shop}], command: {argv: [/bin/true]}}
    - {name: url, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true, url]}}
`)
	file := filepath.Join(o.StoragePath, managed.FileName)
	writeFile(t, file, "damaged")
	a := started(t, o)
	a.loadEvery = 0
	h := a.routes()
	until(t, "the services to be watched", func() bool { return len(a.restarts.Services()) == 2 })
	want := func(service string, guard policy.Guard, ok bool) {
		t.Helper()
		if g := guardOf(t, h, service, guard); g.OK != ok {
			t.Errorf("%s: the guard is %+v, want it %t", service, g, ok)
		}
	}
	want("shop", policy.GuardJournal, false)
	want("shop", policy.GuardMaintenance, true)
	want("url", policy.GuardJournal, true)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	want("shop", policy.GuardJournal, true)
}
