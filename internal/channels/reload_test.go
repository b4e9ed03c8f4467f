package channels

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A reload that changes nothing about Alertmanagers does not forget how they are.
func TestReloadKeepsStandings(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	before, err := w.Alertmanager()
	if err != nil {
		t.Fatal(err)
	}
	again := *w.settings
	again.Servers = append([]alertconf.Server{}, again.Servers...)
	again.Servers = append(again.Servers, &server{name: "am-3", place: &w.settings.Place})
	if err := w.Configure(&again); err != nil {
		t.Fatal(err)
	}
	after, err := w.Alertmanager()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range before.Servers[:2] {
		if s.State != alertconf.InSync || after.Servers[i] != s {
			t.Errorf("before %v, after %v", s, after.Servers[i])
		}
	}
	if s := after.Servers[2]; s.Server != "am-3" || s.State != alertconf.Pending {
		t.Errorf("a new one is %v, want it pending", s)
	}
	w.tend(t.Context(), true)
	for i, state := range w.states(t) {
		if state != alertconf.InSync {
			t.Errorf("server %d is %s in the end", i, state)
		}
	}
}

// What is told of Alertmanagers is of one configuration, also while another one is loaded.
func TestAlertmanagerWhileReloading(t *testing.T) {
	w := newWorld(t, t.TempDir())
	other, _, err := settingsIn(t.TempDir(), "other")
	if err != nil {
		t.Fatal(err)
	}
	servers := map[string]int{w.settings.Place.ConfigFile(): 3, other.Place.ConfigFile(): 2} // with the one elsewhere
	done := make(chan struct{})
	var told atomic.Int64
	go func() {
		defer close(done)
		for i := range 50 {
			if err := w.Configure([]*Settings{other, w.settings}[i%2]); err != nil {
				t.Error(err)
			}
			for next := told.Load() + 3; told.Load() < next && !t.Failed(); {
				runtime.Gosched()
			}
		}
	}()
	for running := true; running; told.Add(1) {
		select {
		case <-done:
			running = false
		default:
		}
		a, err := w.Alertmanager()
		if err != nil || len(a.Servers) != servers[a.File] {
			t.Errorf("%s has the servers %v, %v", a.File, a.Servers, err)
			break
		}
	}
	<-done
}

// What an Alertmanager elsewhere runs is not in sync either if its revision is one that there is not yet: an older file was restored.
func TestReportOfALaterRevision(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	for _, tc := range []struct {
		revision uint64
		want     alertconf.State
	}{{0, alertconf.Pending}, {1, alertconf.InSync}, {2, alertconf.Pending}} {
		if err := w.Report("far", Result{Revision: tc.revision, Standing: alertconf.Standing{State: alertconf.InSync}}); err != nil {
			t.Fatal(err)
		}
		all, err := w.Alertmanager()
		if got := all.Servers[len(all.Servers)-1].State; err != nil || got != tc.want {
			t.Errorf("revision %d: got %s, %v, want %s", tc.revision, got, err, tc.want)
		}
	}
}

// Secrets that were lost, as with a disk, come back one after the other, and until then nobody is told that all is well.
func TestLostSecrets(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.put(t, "other", strings.Replace(live, "canary-live", "canary-other", 1))
	w.put(t, "dev", hook)
	if err := os.RemoveAll(filepath.Join(w.settings.Place.Dir, "channel-secrets")); err != nil {
		t.Fatal(err)
	}
	w.put(t, "dev", hook)
	if _, err := w.Put(t.Context(), w.by(managed.Condition{}), "more", []byte(pager)); !is[*alertconf.MissingError](err) {
		t.Errorf("a change that mends nothing: got %v", err)
	}
	if state := w.states(t)[0]; state != alertconf.Pending {
		t.Errorf("without two secrets it is %s", state)
	}
	if _, err := w.Delete(t.Context(), w.by(overwrite), "other"); err != nil {
		t.Errorf("to delete one of them: %v", err)
	}
	w.put(t, "live", live)
	w.tend(t.Context(), true)
	if state := w.states(t)[0]; state != alertconf.InSync {
		t.Errorf("with all secrets it is %s", state)
	}
}

// A file that cannot be read has no channels, which is not the same as that there are none.
func TestKnown(t *testing.T) {
	w := newWorld(t, t.TempDir())
	if err := w.Known(); err != nil {
		t.Errorf("got %v", err)
	}
	unread := New(Options{Registry: newRegistry(t.TempDir(), prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler)})
	if err := unread.Known(); err != nil {
		t.Errorf("off: got %v", err)
	}
	settings, _, err := settingsIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := unread.Configure(settings); err != nil {
		t.Fatal(err)
	}
	if err := unread.Known(); !is[*managed.StoreError](err) {
		t.Errorf("not read: got %v", err)
	}
	if err := unread.Close(); err != nil {
		t.Error(err)
	}
}

// Where the section is there and cannot be used nobody reads that it is not there.
func TestBrokenSettings(t *testing.T) {
	e := New(Options{Registry: newRegistry(t.TempDir(), prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler)})
	settings, _, err := settingsIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	settings.Place.Dir += "/gone"
	if err := e.Configure(settings); err == nil {
		t.Fatal("a directory that is not there is taken")
	}
	_, shown := e.Alertmanager()
	_, bundle := e.Bundle()
	for what, err := range map[string]error{"change": e.Writable(), "list": e.Known(), "show": shown, "bundle": bundle} {
		if !is[*managed.StoreError](err) || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := e.Configure(nil); err != nil || !errors.Is(e.Writable(), ErrOff) || e.Known() != nil {
		t.Errorf("without the section: %v, %v", err, e.Writable())
	}
}
