package board

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// chained are n targets that are all down. Each depends on all of the few before it.
func chained(tb testing.TB, n, few int) *Source {
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
	return &Source{
		Inventory: func() *inventory.Inventory { return inv }, Status: tracker,
		Restarting: func() map[string]string { return nil },
	}
}

// Whoever depends on whom, a list costs in proportion to the targets and what they depend on.
func TestCauseIsFoundOnce(t *testing.T) {
	const targets = 300
	for _, few := range []int{1, 10} {
		b := chained(t, targets, few).At(time.Now())
		looked := 0
		b.down = func(name string) bool { looked++; return b.status.Down(name) }
		for _, e := range b.Inventory.Entries() {
			want := "target-00000"
			if e.Name == want {
				want = ""
			}
			if got := b.Target(e).Cause; got != want {
				t.Fatalf("the cause of %s is %q, want %q", e.Name, got, want)
			}
		}
		if looked > targets*few {
			t.Errorf("of %d targets that depend on %d each, %d were looked at", targets, few, looked)
		}
	}
}
