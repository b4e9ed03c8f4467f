// Package boardtest has targets for tests of those who show them.
package boardtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Shops are some targets of which those that down names are down since noon, and the others up.
func Shops(t *testing.T, now time.Time, down ...string) *board.Source {
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
	return &board.Source{
		Inventory: func() *inventory.Inventory { return inv }, Status: tracker,
		Restarting: func() map[string]string { return map[string]string{"db": "verifying"} },
	}
}

// Chained are n targets that are all down. Each depends on all of the few before it.
func Chained(tb testing.TB, n, few int) *board.Source {
	tb.Helper()
	var text strings.Builder
	text.WriteString("modules: {http_2xx: {prober: http}}\ntargets:\n")
	now, tracker := time.Now(), status.NewTracker()
	for i := range n {
		var on []string
		for j := max(0, i-few); j < i; j++ {
			on = append(on, fmt.Sprintf("target-%05d", j))
		}
		name := fmt.Sprintf("target-%05d", i)
		fmt.Fprintf(&text, "  - {name: %s, url: 'http://a.example/%d', labels: {team: shop}, depends_on: [%s]}\n", name, i, strings.Join(on, ", "))
		tracker.Observe(status.Probe{Name: name, Result: prober.Result{Start: now, Duration: time.Second, Reason: prober.ReasonStatus, Err: errors.New("status 503, want 2xx")}})
	}
	c, err := config.Parse("test.yml", []byte(text.String()))
	if err != nil {
		tb.Fatal(err)
	}
	inv := inventory.Merge(c, []inventory.Part{{Source: inventory.StaticSource, Reviewed: true, Targets: c.Targets}}, prober.MaskURL)
	return &board.Source{
		Inventory: func() *inventory.Inventory { return inv }, Status: tracker,
		Restarting: func() map[string]string { return nil },
	}
}
