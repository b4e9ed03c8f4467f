package alerttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

// expected returns the number of requests that Alertmanager should make, by kind.
func (t *test) expected(routed []*alertconf.KnownAlert) map[string]float64 {
	want := map[string]float64{}
	for _, a := range routed {
		for _, r := range a.Receivers {
			for kind, n := range t.setup.Integrations[r.Name] {
				want[kind] += float64(n)
			}
		}
	}
	return want
}

// otherReceivers returns the receivers of other alerts that are active meanwhile, by kind. Alertmanager counts what it sends to them
// together with what it sends for this test.
func (t *test) otherReceivers(all []alertconf.KnownAlert) map[string][]string {
	others := map[string][]string{}
	for i := range all {
		if all[i].Labels[testID] == t.sent[0].Labels[testID] || all[i].Status.State != "active" {
			continue
		}
		for _, r := range all[i].Receivers {
			for kind := range t.setup.Integrations[r.Name] {
				if !slices.Contains(others[kind], r.Name) {
					others[kind] = append(others[kind], r.Name)
				}
			}
		}
	}
	return others
}

// deliver is the third hop: Alertmanager sends notifications. It counts them by kind, not by alert. A kind is ok when as many
// arrived as expected, even if other requests failed.
func (t *test) deliver(ctx context.Context, want map[string]float64) {
	h := Hop{Name: "notifications are sent", OK: true}
	if len(want) == 0 {
		h.OK, h.Said = t.Receiver == "", []string{"none: these receivers notify nobody"}
		t.told(ctx, h)
		return
	}
	kinds := slices.Sorted(maps.Keys(want))
	var got tally
	lost := func(kind string) bool { return got.givenUp[kind] > 0 && len(t.others[kind]) == 0 }
	done, err := t.until(ctx, func(ctx context.Context) (bool, error) {
		now, err := tallyOf(ctx, t.Alertmanager)
		if err != nil {
			return false, err
		}
		got = now.since(t.tally)
		return !slices.ContainsFunc(kinds, func(kind string) bool { return got.arrived(kind) < want[kind] && !lost(kind) }), nil
	})
	for _, kind := range kinds {
		came, failed := max(0, min(got.arrived(kind), want[kind])), got.failed[kind]
		line := fmt.Sprintf("%s: %g of %g", kind, came, want[kind])
		switch {
		case failed > 0 && came < want[kind]:
			h.OK, line = false, line+fmt.Sprintf(", %g failed: the log of Alertmanager says why", failed)
		case failed > 0:
			line += fmt.Sprintf("; warning: %g failed%s: the log of Alertmanager says why", failed, t.whose(kind))
		}
		h.Said = append(h.Said, line)
	}
	if !done {
		h.OK = false
		h.Said = append(append(h.Said, linesOf(err)...), fmt.Sprintf("not all within %s: the group_wait of the route may be longer (--wait), or a time interval mutes it", t.Wait))
	}
	t.told(ctx, h)
}

// whose says whose requests of a kind may have failed if all that were expected arrived.
func (t *test) whose(kind string) string {
	if len(t.others[kind]) == 0 {
		return " before"
	}
	return ", which may be those to " + strings.Join(t.others[kind], ", ")
}
