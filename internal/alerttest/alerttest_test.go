package alerttest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// options returns options for a test of a, which logs each hop to t.
func options(t *testing.T, a *probetest.Alertmanager) Options {
	t.Helper()
	s, err := remote.Connect(remote.Options{Name: "Alertmanager", Kind: "an Alertmanager", URL: a.URL, User: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return Options{
		Alertmanager: s, Wait: time.Minute,
		Tell:    func(h Hop) { t.Logf("%t %s: %s", h.OK, h.Name, strings.Join(h.Said, "; ")) },
		Waiting: func(err error) { t.Logf("waiting: %v", err) },
	}
}

// TestRunEndsTheAlerts: the alerts end, whatever happens to them.
func TestRunEndsTheAlerts(t *testing.T) {
	const taken, routed, delivered, ended = "Alertmanager 0.0.0 at URL takes the alerts", "they are routed", "notifications are sent", "the alerts are ended again"
	for _, tc := range []struct {
		name, quirk string
		labels      map[string]string
		hops        []string // the wanted ones
		failed      string   // the first hop that fails; empty: none does
	}{
		{"no restart receiver", probetest.QuirkNone, nil, []string{taken, routed, delivered, ended}, delivered},
		{"an alert for people alone", probetest.QuirkNone, map[string]string{"alertname": "Mine"}, []string{taken, routed, delivered, ended}, ""},
		{"refused", probetest.QuirkRefuses, nil, []string{taken, ended}, taken},
		{"silenced", probetest.QuirkSilences, nil, []string{taken, routed, delivered, ended}, routed},
		{"not sent at once", probetest.QuirkRetries, map[string]string{"alertname": "Mine"}, []string{taken, routed, delivered, ended}, ""},
		{"still starting", probetest.QuirkStarting, map[string]string{"alertname": "Mine"}, []string{taken, routed, delivered, ended}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := probetest.NewAlertmanager(t)
			a.Set("", tc.quirk)
			o := options(t, a)
			o.Labels = tc.labels
			hops, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			failed := ""
			for _, h := range hops {
				name := strings.ReplaceAll(h.Name, a.URL, "URL")
				names = append(names, name)
				if !h.OK && failed == "" {
					failed = name
				}
			}
			if !slices.Equal(names, tc.hops) || failed != tc.failed {
				t.Errorf("hops %q, the first that failed is %q; want %q, %q", names, failed, tc.hops, tc.failed)
			}
			if n := a.Firing(); n != 0 {
				t.Errorf("%d alerts still fire", n)
			}
		})
	}
}

// TestRunInterrupted: an interrupt ends the test. The hop under way has no outcome, and the alerts end.
func TestRunInterrupted(t *testing.T) {
	a := probetest.NewAlertmanager(t)
	a.Set("", probetest.QuirkSlow)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	o := options(t, a)
	var told []Hop
	o.Tell = func(h Hop) {
		told = append(told, h)
		if h.Name == "they are routed" {
			interrupt()
		}
	}
	hops, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(hops) != 3 || len(told) != 3 || !hops[2].OK || hops[2].Name != "the alerts are ended again" {
		t.Errorf("hops %+v, told %+v, want three, the last of them the end of the alerts", hops, told)
	}
	if n := a.Firing(); n != 0 {
		t.Errorf("%d alerts still fire", n)
	}
}
