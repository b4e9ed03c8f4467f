package api

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// chained are n targets that are all down. Each depends on all of the few before it.
func chained(tb testing.TB, n, few int) *Targets {
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
	return &Targets{
		Board: &board.Source{Inventory: func() *inventory.Inventory { return inv }, Status: tracker, Restarting: func() map[string]string { return nil }},
		Hint:  func(string, *prober.Result) string { return "" },
	}
}

// A query of any length says a bounded number of things.
func TestManyParameters(t *testing.T) {
	targets := chained(t, 2, 1)
	repeated := func(name string, value func(i int) string) url.Values {
		values := url.Values{}
		for i := range 5000 {
			values.Add(name, value(i))
		}
		return values
	}
	same := func(value string) func(int) string { return func(int) string { return value } }
	for name, tc := range map[string]struct {
		query url.Values
		err   string
		found int
	}{
		"states":           {repeated("state", same("up")), "", 0},
		"labels":           {repeated("label", same("team:shop")), "", 2},
		"different labels": {repeated("label", func(i int) string { return fmt.Sprintf("a%d:", i) }), "label is there 5000 times, want it 20 times at most", 0},
	} {
		list, err := targets.Select(tc.query, time.Now())
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%s: error is %v, want %q", name, err, tc.err)
			}
			continue
		}
		if err != nil || len(list.Targets) != tc.found {
			t.Errorf("%s: %d targets, %v; want %d", name, len(list.Targets), err, tc.found)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		targets := chained(b, n, 1)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := targets.Select(nil, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
