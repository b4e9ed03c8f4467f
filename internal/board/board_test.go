package board

import (
	"errors"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// shops are some targets of which those that down names are down since noon, and the others up.
func shops(t *testing.T, now time.Time, down ...string) *Source {
	t.Helper()
	c, err := config.Parse("test.yml", []byte(`
modules: {http_2xx: {prober: http}}
targets:
  - {name: db, url: 'http://db.example/', environment: LIVE, labels: {team: data}}
  - {name: cart, url: 'http://cart.example/', environment: LIVE, depends_on: [db], labels: {team: shop}}
  - {name: web, url: 'http://web.example/', environment: LIVE, depends_on: [cart], notification: "off", labels: {team: shop}}
  - {name: wiki, url: 'http://wiki.example/', environment: DEV, interval: 5m}
  - {name: new, url: 'http://new.example/', environment: DEV}
`))
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory.Merge(c, []inventory.Part{{Source: inventory.StaticSource, Reviewed: true, Targets: c.Targets}}, prober.MaskURL)
	tracker := status.NewTracker()
	for _, name := range []string{"db", "cart", "web", "wiki"} {
		r := prober.Result{Start: now, Duration: time.Second}
		tracker.Observe(status.Probe{Name: name, Result: r})
		for _, d := range down {
			if d == name {
				r.Reason, r.Err = prober.ReasonStatus, errors.New("status 503, want 2xx")
				tracker.Observe(status.Probe{Name: name, Result: r})
			}
		}
	}
	return &Source{
		Inventory: func() *inventory.Inventory { return inv }, Status: tracker,
		Restarting: func() map[string]string { return map[string]string{"db": "verifying"} },
	}
}

// What is down because of another names the one at the end of the chain.
func TestCause(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		down []string
		want map[string]string
	}{
		{[]string{"db", "cart", "web"}, map[string]string{"db": "", "cart": "db", "web": "db"}},
		{[]string{"db", "web"}, map[string]string{"db": "", "cart": "", "web": ""}},
		{[]string{"cart", "web"}, map[string]string{"cart": "", "web": "cart"}},
	} {
		b := shops(t, now, tc.down...).At(now)
		for _, e := range b.Inventory.Entries() {
			target := b.Target(e)
			if target.Cause != tc.want[target.Name] {
				t.Errorf("with %q down the cause of %s is %q, want %q", tc.down, target.Name, target.Cause, tc.want[target.Name])
			}
			if (target.Restarting == "verifying") != (target.Name == "db") {
				t.Errorf("%s is being restarted: %q", target.Name, target.Restarting)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		down      []string
		at        time.Duration
		indicator string
		text      string
	}{
		{nil, 0, IndicatorNone, "all targets that are probed are up"},
		{[]string{"wiki"}, 0, IndicatorMinor, "1 of 5 targets are down"},
		{[]string{"db"}, 0, IndicatorMajor, "1 of 3 LIVE targets are down"},
		{[]string{"db", "cart", "web"}, 0, IndicatorCritical, "3 of 3 LIVE targets are down"},
		{[]string{"db"}, 3 * time.Minute, IndicatorMinor, "3 of 5 targets were not probed for a while"},
	} {
		if got := shops(t, now, tc.down...).At(now.Add(tc.at)).Summary(); got.Indicator != tc.indicator || got.Description != tc.text {
			t.Errorf("with %q down after %s: %s, %q; want %s, %q", tc.down, tc.at, got.Indicator, got.Description, tc.indicator, tc.text)
		}
	}
}
