package channels

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// Off, everything says so; what was made stays, and the directory is free.
func TestOff(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	if err := w.Configure(nil); err != nil {
		t.Fatal(err)
	}
	_, err1 := w.Put(t.Context(), w.by(overwrite), "live", []byte(live))
	_, err2 := w.Alertmanager()
	_, err3 := w.Config()
	_, err4 := w.Bundle()
	_, err5 := w.Apply(t.Context(), anybody("alice"), false)
	for _, err := range []error{err1, err2, err3, err4, err5, w.Writable(), w.Report("far", Result{})} {
		if !errors.Is(err, ErrOff) {
			t.Errorf("got %v", err)
		}
	}
	if len(w.List()) > 0 || w.Told(nil) != nil {
		t.Error("there are channels")
	}
	lock, err := w.settings.Place.Lock()
	if err != nil {
		t.Fatal(err)
	}
	locked := (*alertconf.LockedError)(nil)
	if err := w.Configure(w.settings); !errors.As(err, &locked) || locked.Dir != w.settings.Place.Dir {
		t.Errorf("got %v", err)
	}
	if !errors.Is(w.Writable(), ErrOff) {
		t.Error("the settings that cannot be are in force")
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Configure(w.settings); err != nil {
		t.Fatal(err)
	}
	if len(w.List()) != 1 {
		t.Errorf("there are %+v", w.List())
	}
}

// Two Editors never write to one directory.
func TestTwoEditors(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	other := New(w.options)
	err := other.Configure(w.settings)
	if locked, ok := errors.AsType[*alertconf.LockedError](err); !ok || !strings.Contains(err.Error(), w.settings.Place.Dir) {
		t.Errorf("got %v, %+v", err, locked)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

// A load that changes the base publishes it; one that Alertmanager refuses is told once, shown, and tried again.
func TestBaseChanges(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	change := func(text string) {
		t.Helper()
		if err := os.WriteFile(w.settings.Base, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.Configure(w.settings); err != nil {
			t.Fatal(err)
		}
		w.tend(t.Context(), false)
	}
	loads := w.servers[0].loads
	change(baseFile)
	if w.servers[0].loads != loads {
		t.Error("a base that is the same is loaded again")
	}
	change(strings.ReplaceAll(baseFile, "pager", "beeper"))
	if !strings.Contains(string(w.servers[0].loaded), "beeper") {
		t.Error("the new base is not loaded")
	}
	w.servers[1].set(func(s *server) { s.refuses = "horn" })
	change(strings.ReplaceAll(baseFile, "pager", "horn"))
	for range 3 {
		w.current.next = time.Time{}
		w.tend(t.Context(), true)
	}
	if n := strings.Count(w.log.String(), "it does not like"); n != 1 {
		t.Errorf("it is logged %d times: %s", n, w.log)
	}
	a, err := w.Alertmanager()
	if err != nil || a.Servers[1].State != alertconf.ReloadFailed || !strings.Contains(a.Servers[0].Detail, "am-2: it does not like <secret>") {
		t.Errorf("got %+v, %v", a, err)
	}
	if strings.Contains(string(w.servers[0].loaded), "horn") || !strings.Contains(w.disk(t)["alertmanager.yml"], "beeper") {
		t.Error("what was there before does not go on")
	}
	change(strings.ReplaceAll(baseFile, "pager", "bell"))
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" || !strings.Contains(string(w.servers[1].loaded), "bell") {
		t.Error(diff)
	}
	if err := os.WriteFile(w.settings.Base, []byte("canary: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Configure(w.settings); err == nil || w.Writable() != nil {
		t.Errorf("a file that is not a base: %v", err)
	}
}

// A receiver that the base has no more keeps the base before in force, and whoever edits the channel repairs it.
func TestReceiverGoes(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "all", pager)
	if err := os.WriteFile(w.settings.Base, []byte(strings.ReplaceAll(baseFile, "pager", "horn")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Configure(w.settings); err != nil {
		t.Fatal(err)
	}
	w.tend(t.Context(), false)
	if a, err := w.Alertmanager(); err != nil || a.Servers[0].State != alertconf.Pending || !strings.Contains(a.Servers[0].Detail, `has no receiver "pager"`) {
		t.Errorf("got %+v, %v", a, err)
	}
	w.put(t, "all", `{"type":"receiver","receiver":"horn"}`)
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
		t.Error(diff)
	}
}

// Another directory gets everything but the secrets, which are told to be missing; the first is free.
func TestOtherDirectory(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "all", pager)
	before := w.settings.Place
	other := *w.settings
	other.Place.Dir = t.TempDir()
	w.settings = &other
	for _, s := range w.servers {
		s.set(func(s *server) { s.place = &other.Place })
	}
	if err := w.Configure(&other); err != nil {
		t.Fatal(err)
	}
	w.tend(t.Context(), false)
	if !strings.Contains(w.disk(t)["alertmanager.yml"], "receiver: pager") {
		t.Errorf("there is %q", w.disk(t))
	}
	lock, err := before.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}

// Settings that cannot be put into force are known to nobody: that is a drift, until they are, or channels are off.
func TestSettingsUnmet(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	inSync := func(when string, want float64) {
		t.Helper()
		for _, server := range []string{"am-1", "am-2"} {
			if got := gauge(t, w, "healthcheck_exporter_alertmanager_in_sync", server); got != want {
				t.Errorf("%s: %s is %v, want %v", when, server, got, want)
			}
		}
		for _, s := range w.Standings() {
			if s.Server != "far" && want == 0 && (s.State != alertconf.Pending || !strings.Contains(s.Detail, ".healthcheck_exporter.lock")) {
				t.Errorf("%s: %+v", when, s)
			}
		}
	}
	unmet := *w.settings
	unmet.Place.Dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(unmet.Place.Dir, ".healthcheck_exporter.lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	configure := func(s *Settings, works bool) {
		t.Helper()
		if err := w.Configure(s); (err == nil) != works {
			t.Fatalf("got %v", err)
		}
	}
	inSync("before", 1)
	configure(&unmet, false)
	inSync("in a load", 0)
	w.put(t, "dev", hook) // with the settings before
	inSync("after a change", 0)
	configure(w.settings, true)
	inSync("after another load", 1)
	configure(nil, true)
	configure(&unmet, false)
	inSync("in the first load", 0)
	if got := gauge(t, w, "healthcheck_exporter_alertmanager_in_sync", "far"); got != 0 {
		t.Errorf("far is %v", got)
	}
	if _, err := w.Alertmanager(); !is[*managed.StoreError](err) {
		t.Errorf("got %v", err)
	}
	configure(nil, true)
	inSync("off", -1)
}

// Without the file of what people edit nothing is published, and nothing is changed.
func TestStoreUnread(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.put(t, "live", live)
	w.close(t)
	before := w.disk(t)
	path := filepath.Join(w.storage, managed.FileName)
	if err := os.WriteFile(path, []byte("what is this?"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.registry = newRegistry(w.storage, prometheus.NewPedanticRegistry())
	if err := w.registry.Open(); err == nil {
		t.Fatal("it was opened")
	}
	w.Editor = New(Options{Registry: w.registry, Log: w.options.Log})
	if err := w.Configure(w.settings); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.tend(t.Context(), true)
	}
	_, err1 := w.Put(t.Context(), w.by(overwrite), "live", []byte(live))
	_, err2 := w.Bundle()
	_, err3 := w.Apply(t.Context(), anybody("alice"), true)
	for _, err := range []error{err1, err2, err3, w.Writable()} {
		if !is[*managed.StoreError](err) {
			t.Errorf("got %v", err)
		}
	}
	if diff := cmp.Diff(before, w.disk(t)); diff != "" {
		t.Error(diff)
	}
}

// Run publishes what there is, looks every 30 s, and goes on with what Alertmanager refuses after 5 s, 10 s and so on.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first := newWorld(t, dir)
	first.put(t, "live", live)
	first.close(t)
	if err := os.Remove(first.settings.Place.ConfigFile()); err != nil {
		t.Fatal(err)
	}
	registry := newRegistry(first.storage, prometheus.NewPedanticRegistry())
	if err := registry.Open(); err != nil {
		t.Fatal(err)
	}
	settings, servers, err := settingsIn(dir, "am-1")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{Registry: registry, Log: first.options.Log})
		if err := e.Configure(settings); err != nil {
			t.Fatal(err)
		}
		servers[0].refuses = "hc-live"
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		time.Sleep(20 * time.Second)
		servers[0].set(func(s *server) { s.refuses = "" })
		time.Sleep(16 * time.Second) // 5 s, 15 s, 35 s
		if servers[0].told() != 1 {
			t.Errorf("it was loaded %d times, want once", servers[0].told())
		}
		servers[0].set(func(s *server) { s.loaded = []byte("drift") })
		time.Sleep(alertconf.LookInterval)
		if servers[0].told() != 2 {
			t.Errorf("it was loaded %d times, want twice", servers[0].told())
		}
		cancel()
		<-done
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := registry.Close(); err != nil {
		t.Error(err)
	}
}

// A Bundle is what is kept: not what is refused, and not what is being tried.
func TestBundle(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.servers[0].set(func(s *server) { s.refuses = "revision 2." })
	if _, err := w.Patch(t.Context(), w.by(overwrite), "live", []byte(`{"url":"`+slackURL+`two","enabled":false}`)); err == nil {
		t.Fatal("it is not refused")
	}
	b, err := w.Bundle()
	if err != nil || b.Revision != 1 || b.Base != baseFile || b.BaseFile != w.settings.Base || len(b.Channels) != 1 || !b.Channels[0].Enabled || b.Secrets["live"] != slackURL+"live" {
		t.Errorf("got %+v, %v", b, err)
	}
	w.servers[0].set(func(s *server) { s.refuses = "" })
	w.put(t, "all", pager)
	if b, err := w.Bundle(); err != nil || b.Revision != 2 || len(b.Channels) != 2 {
		t.Errorf("got %+v, %v", b, err)
	}
}

// Who syncs is as he says, unless he runs what was there before, or says nothing for two minutes.
func TestReport(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	far := func() alertconf.Standing {
		a, err := w.Alertmanager()
		if err != nil || len(a.Servers) != 3 {
			t.Fatalf("got %+v, %v", a, err)
		}
		return a.Servers[2]
	}
	if s := far(); s.Server != "far" || s.State != alertconf.Unreachable {
		t.Errorf("got %+v", s)
	}
	report := func(revision uint64, s alertconf.State) {
		t.Helper()
		err := w.Report("far", Result{Revision: revision, Standing: alertconf.Standing{Server: "x", State: s, Detail: "a\x1bb", InSyncAt: time.Now().Add(time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	report(1, alertconf.InSync)
	if s := far(); s.Server != "far" || s.State != alertconf.InSync || s.Detail != "a\ufffdb" || s.InSyncAt.After(time.Now()) {
		t.Errorf("got %+v", s)
	}
	report(0, alertconf.InSync)
	if s := far(); s.State != alertconf.Pending {
		t.Errorf("got %+v", s)
	}
	report(1, alertconf.ReloadFailed)
	w.reports["far"] = earlier(w.reports["far"], silentFor)
	if s := far(); s.State != alertconf.Unreachable || !strings.Contains(s.Detail, "reported last at") {
		t.Errorf("got %+v", s)
	}
	if err := w.Report("far", Result{Standing: alertconf.Standing{State: "fine"}}); !is[*managed.InvalidError](err) {
		t.Errorf("got %v", err)
	}
	if err := w.Report("stranger", Result{Standing: alertconf.Standing{State: alertconf.InSync}}); err == nil {
		t.Error("a stranger may report")
	}
}

func earlier(r report, ago time.Duration) report {
	r.at = r.at.Add(-ago)
	return r
}
