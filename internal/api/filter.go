package api

import (
	"net/url"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// maxTargets is how many targets a list may be asked for at once. Without a limit it has all of them.
const maxTargets = 10_000

// maxLabels is how many labels a list may be asked for: each is looked at for each target.
const maxLabels = 20

// A filter says which targets a list has.
type filter struct {
	selection inventory.Selection

	states       []string // empty: all
	source       string   // empty: all
	labels       [][2]string
	text         string // in the name or the URL, in lower case
	muted, stale string // "true", "false"; empty: both

	after string // names up to this one are left out
	limit int    // 0: all
}

// parseFilter reads a query. Parameters that are about the inventory alone are the same as those of /sd.
func parseFilter(query url.Values) (filter, error) {
	p, rest := parameters{query: query}, url.Values{}
	p.only("after", "environment", "label", "limit", "muted", "name", "q", "shard", "source", "stale", "state")
	for _, name := range []string{"environment", "name", "shard"} {
		if values, ok := query[name]; ok {
			rest[name] = values
		}
	}
	f := filter{
		states: distinct(query["state"]), source: p.text("source"), text: strings.ToLower(p.text("q")), after: p.text("after"),
		muted: p.oneOf("muted", "true", "false"), stale: p.oneOf("stale", "true", "false"), limit: int(p.number("limit", maxTargets)),
	}
	for _, s := range f.states {
		if !slices.Contains(status.States(), status.State(s)) {
			p.wrong("state is %q, want one of %q", s, status.States())
		}
	}
	labels := distinct(query["label"])
	if len(labels) > maxLabels {
		p.wrong("label is there %d times, want it %d times at most", len(labels), maxLabels)
		labels = nil
	}
	for _, l := range labels {
		name, value, ok := strings.Cut(l, ":")
		if !ok || name == "" {
			p.wrong("label is %q, want name:value", l)
		}
		f.labels = append(f.labels, [2]string{name, value})
	}
	var err error
	if f.selection, err = inventory.ParseSelection(rest); err != nil {
		return filter{}, err
	}
	return f, p.err
}

// distinct are the values without those that are there twice.
func distinct(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }

func (f *filter) has(t *Target) bool {
	if len(f.states) > 0 && !slices.Contains(f.states, string(t.State)) || f.source != "" && f.source != t.Source {
		return false
	}
	for _, l := range f.labels {
		if t.Labels[l[0]] != l[1] {
			return false
		}
	}
	return matches(f.muted, t.Notification == "off") && matches(f.stale, t.Stale) &&
		(f.text == "" || strings.Contains(strings.ToLower(t.Name+"\n"+t.URL), f.text))
}

func matches(want string, is bool) bool { return want == "" || (want == "true") == is }
