package board

import (
	"net/url"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// maxLabels is how many labels a Filter may have: each is looked at for each target.
const maxLabels = 20

// A Filter says which targets are asked for. The zero Filter asks for all.
type Filter struct {
	selection inventory.Selection

	states       []string // empty: all
	source       string   // empty: all
	labels       [][2]string
	text         string // in the name or the URL, in lower case
	muted, stale string // "true", "false"; empty: both
}

// FilterParameters are the parameters of a query that ParseFilter reads.
func FilterParameters() []string {
	return []string{"environment", "label", "muted", "name", "q", "shard", "source", "stale", "state"}
}

// ParseFilter reads the part of a query that says which targets are asked for. Parameters that are about the inventory alone are
// the same as those of /sd. What is wrong with the others is in the error of p.
func ParseFilter(values url.Values, p *query.Parameters) (Filter, error) {
	f := Filter{
		source: p.Text("source"), text: strings.ToLower(p.Text("q")),
		muted: p.OneOf("muted", "true", "false"), stale: p.OneOf("stale", "true", "false"),
		states: p.AllOf("state", string(status.StateUp), string(status.StateDown), string(status.StateUnknown)),
	}
	for _, l := range p.All("label", maxLabels) {
		name, value, ok := strings.Cut(l, ":")
		if !ok || name == "" {
			p.Wrong("label is %q, want name:value", l)
		}
		f.labels = append(f.labels, [2]string{name, value})
	}
	selected := url.Values{}
	for _, name := range []string{"environment", "name", "shard"} {
		if v, ok := values[name]; ok {
			selected[name] = v
		}
	}
	var err error
	f.selection, err = inventory.ParseSelection(selected)
	return f, err
}

// Selects reports whether a target may be asked for, as far as that depends on the inventory alone.
func (f *Filter) Selects(e *inventory.Entry) bool {
	if f.source != "" && f.source != e.Source || !f.selection.Has(e) {
		return false
	}
	for _, l := range f.labels {
		if e.Labels[l[0]] != l[1] {
			return false
		}
	}
	return f.text == "" || strings.Contains(strings.ToLower(e.Name+"\n"+e.Instance), f.text)
}

// Concerns reports whether a target that the Filter selects is asked about: how it is counts, also where its state is not one that is
// asked for.
func (f *Filter) Concerns(t *Target) bool { return matches(f.muted, t.Quiet.Muted) }

// Has reports whether a target is asked for that the Filter selects.
func (f *Filter) Has(t *Target) bool {
	return f.Concerns(t) && (len(f.states) == 0 || slices.Contains(f.states, string(t.State))) && matches(f.stale, t.Stale)
}

func matches(want string, is bool) bool { return want == "" || (want == "true") == is }
