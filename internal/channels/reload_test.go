package channels

import (
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
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
