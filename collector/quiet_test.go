package collector_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A shifting target fails, and its Quiet is another one at the end of each probe than at its beginning.
type shifting struct{ now, then collector.Quiet }

// Probe implements prober.Prober.
func (s *shifting) Probe(context.Context, prober.Request) prober.Result {
	s.now = s.then
	return prober.Result{Attempts: 1, Reason: prober.ReasonConnectRefused, FailedPhase: prober.PhaseConnect, Err: context.DeadlineExceeded}
}

func (s *shifting) target() collector.Target {
	return collector.Target{
		Name: "shop", Module: collector.Module{Name: config.DefaultModule, Prober: s},
		Request: prober.Request{URL: &url.URL{Scheme: "http", Host: "shop.example"}}, Labels: map[string]string{"target": "shop"},
		Quiet: func() collector.Quiet { return s.now },
	}
}

// The scrape of a target by its name says itself why nobody wants to be told, at its beginning or at its end, and what is counted
// goes by the same.
func TestMarkers(t *testing.T) {
	muted, maintained := collector.Quiet{Muted: true}, collector.Quiet{Maintenance: true}
	for _, tc := range []struct {
		name       string
		begin, end collector.Quiet
		want       collector.Quiet
	}{
		{"told", collector.Quiet{}, collector.Quiet{}, collector.Quiet{}},
		{"muted", muted, muted, muted},
		{"in maintenance", maintained, maintained, maintained},
		{"it begins meanwhile", collector.Quiet{}, maintained, maintained},
		{"it ends meanwhile", maintained, collector.Quiet{}, maintained},
		{"a mute begins meanwhile", collector.Quiet{}, muted, muted},
		{"one follows the other", muted, maintained, collector.Quiet{Muted: true, Maintenance: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range []struct {
				name, series string // series has what is between the name of a metric and its value
				ask          func(*fixture, *shifting) string
			}{
				{"by name", "", func(f *fixture, _ *shifting) string { return f.get(t, "name=shop").Body.String() }},
				{"debug", "", func(f *fixture, _ *shifting) string { return f.get(t, "name=shop&debug=true").Body.String() }},
				{"all", `{target="shop"}`, func(f *fixture, s *shifting) string {
					h := &collector.AllHandler{Max: 1, Begin: f.handler.Begin, Reject: f.handler.Reject}
					h.Targets = func(url.Values) ([]collector.Target, error) { return []collector.Target{s.target()}, nil }
					return all(t, h, "").Body.String()
				}},
			} {
				s := &shifting{now: tc.begin, then: tc.end}
				f := serving(nil)
				f.handler.Target = func(string) (collector.Target, bool) { return s.target(), true }
				text := way.ask(f, s)
				got := collector.Quiet{
					Muted:       strings.Contains(text, "\nprobe_target_muted"+way.series+" 1\n"),
					Maintenance: strings.Contains(text, "\nprobe_target_maintenance_active"+way.series+" 1\n"),
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s: the markers (-want +got):\n%s\n%s", way.name, diff, text)
				}
				if !tc.want.Muted && strings.Contains(text, "muted") || !tc.want.Maintenance && strings.Contains(text, "maintenance") {
					t.Errorf("%s: there is a marker that is not 1:\n%s", way.name, text)
				}
				if p := f.last(t); p.Quiet != tc.want {
					t.Errorf("%s: it is counted as %+v, want %+v", way.name, p.Quiet, tc.want)
				}
			}
		})
	}
}

// A target that was given by its URL has no markers, also where it turns out to be one of the inventory: its series need not have the
// name. It is counted as what it is.
func TestMarkersOfURL(t *testing.T) {
	s := &shifting{now: collector.Quiet{Muted: true, Maintenance: true}, then: collector.Quiet{Maintenance: true}}
	f := serving(map[string]collector.Module{config.DefaultModule: {Name: config.DefaultModule, Prober: s}})
	f.handler.Permit = func(collector.Target) (collector.Target, error) { return s.target(), nil }
	for _, more := range []string{"debug=false", "debug=true"} {
		if text := f.get(t, query("http://shop.example", more)).Body.String(); strings.Contains(text, "probe_target_") {
			t.Errorf("%s: there are markers:\n%s", more, text)
		}
		if p := f.last(t); p.Target != "shop" || !p.Quiet.Maintenance {
			t.Errorf("%s: it is counted as %q, %+v", more, p.Target, p.Quiet)
		}
	}
}
