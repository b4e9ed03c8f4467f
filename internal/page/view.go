package page

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// The bounds of a view.
const (
	defaultLimit    = 200             // rows of a page
	maxLimit        = 1000            // rows of a page: a browser lays out more of them for seconds
	maxPage         = 1_000_000       // the number of a page
	manyTargets     = 50              // with more targets than that a list begins with the problems
	maxEnvironments = 20              // that may be asked for: each is compared with that of each target
	leastRefresh    = 5 * time.Second // of the Refresh header
	mostRefresh     = 24 * time.Hour  // likewise
	maxText         = 200             // characters of q
)

// The words of a query.
const (
	viewProblems = "problems"
	viewAll      = "all"

	groupEnvironment = "environment"
	groupNone        = "none"
	groupLabel       = "label:" // and its name

	sortState = "state"
	sortName  = "name"
	sortTook  = "took"
	sortSince = "since"
)

// viewParameters are those that a list takes.
var viewParameters = []string{
	"done", "environment", "group", "label", "lang", "limit", "muted", "page", "q", "refresh", "sort", "source", "stale", "state", "view",
}

// filterParameters are those of viewParameters that say which targets are asked for.
var filterParameters = []string{"q", "environment", "label", "state", "stale", "muted", "source"}

// A view is what a query asks to see of the targets. GET / and GET /live have the same.
type view struct {
	filter  board.Filter
	all     bool          // and not the problems alone
	group   string        // groupEnvironment, groupNone, or groupLabel with a name
	sort    string        // one of the words
	page    int           // from 1
	limit   int           // rows of a page
	refresh time.Duration // 0: the page does not refresh itself

	done string // an outcome; empty: none

	query url.Values // without what is empty, and without done; see link
}

// parseView reads the query of a list of an inventory of so many targets.
func parseView(values url.Values, targets int) (*view, error) {
	q := filled(values)
	p := query.Of(q)
	p.Only(viewParameters...)
	if n := utf8.RuneCountInString(p.Text("q")); n > maxText {
		p.Wrong("q has %d characters, want at most %d", n, maxText)
	}
	p.All("environment", maxEnvironments)
	p.OneOf("lang", languages...)
	v := &view{
		query: q,
		all:   p.OneOf("view", viewProblems, viewAll) == viewAll || q.Get("view") == "" && targets <= manyTargets,
		sort:  cmp.Or(p.OneOf("sort", sortState, sortName, sortTook, sortSince), sortState),
		group: cmp.Or(p.Text("group"), groupEnvironment),
		page:  int(cmp.Or(p.Number("page", maxPage), 1)),
		limit: int(cmp.Or(p.Number("limit", maxLimit), defaultLimit)),
	}
	if name, ok := v.groupedByLabel(); v.group != groupEnvironment && v.group != groupNone && (!ok || name == "") {
		p.Wrong("group is %q, want %s, %s or %sNAME", v.group, groupEnvironment, groupNone, groupLabel)
	}
	v.refresh = time.Duration(p.Number("refresh", uint64(mostRefresh/time.Second))) * time.Second
	if v.refresh > 0 && v.refresh < leastRefresh {
		p.Wrong("refresh is %q, want a number of seconds from %g to %g", q.Get("refresh"), leastRefresh.Seconds(), mostRefresh.Seconds())
	}
	v.done = p.OneOf("done", outcomes...)
	q.Del("done") // no link repeats it
	var err error
	v.filter, err = board.ParseFilter(q, p)
	return v, cmp.Or(p.Err(), err)
}

// groupedByLabel is the label that makes the groups, if one does.
func (v *view) groupedByLabel() (name string, ok bool) {
	if len(v.group) < len(groupLabel) || v.group[:len(groupLabel)] != groupLabel {
		return "", false
	}
	return v.group[len(groupLabel):], true
}

// shows reports whether a target belongs to the view, on whichever of its pages.
func (v *view) shows(t *board.Target) bool {
	return v.filter.Selects(t.Entry) && v.has(t)
}

// has is shows for a target that the filter selects.
func (v *view) has(t *board.Target) bool {
	return v.filter.Has(t) && (v.all || v.filtersStates() || problem(t))
}

// filtersStates reports whether the query says itself which states it wants to see, problems or not.
func (v *view) filtersStates() bool { return v.query.Has("state") || v.query.Has("stale") }

// groupOf is the group that a target belongs to.
func (v *view) groupOf(e *inventory.Entry) string {
	if name, ok := v.groupedByLabel(); ok {
		return e.Labels[name]
	}
	if v.group == groupNone {
		return ""
	}
	return e.Environment
}

// Group and Sort are how the targets are grouped and sorted.
func (v *view) Group() string { return v.group }

// Sort is described with Group.
func (v *view) Sort() string { return v.sort }

// Get is the first value of a parameter.
func (v *view) Get(name string) string { return v.query.Get(name) }

// Link is link for templates.
func (v *view) Link(changes ...string) string { return v.link(changes...) }

// stateLink is where the same view leads with the targets in one state alone.
func (v *view) stateLink(key string) string {
	switch key {
	case "down":
		return v.link("state", "down", "stale", "false", "view", "")
	case "up":
		return v.link("state", "up", "stale", "false", "view", "")
	case "stale":
		return v.link("stale", "true", "state", "", "view", "")
	case "unknown":
		return v.link("state", "unknown", "stale", "", "view", "")
	default:
		return ""
	}
}

// link is where the same view leads with some parameters changed, as name and value; an empty value takes one away. It begins with the
// first page.
func (v *view) link(changes ...string) string {
	q := url.Values{}
	for name, all := range v.query {
		if name != "page" {
			q[name] = all
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			q.Del(changes[i])
		} else {
			q.Set(changes[i], changes[i+1])
		}
	}
	return toQuery(q)
}

// withLabel is where the same view leads with one more label.
func (v *view) withLabel(label string) string {
	q := maps.Clone(v.query)
	q.Del("page")
	if !slices.Contains(q["label"], label) {
		q["label"] = append(slices.Clone(q["label"]), label)
	}
	return toQuery(q)
}

// without is where the same view leads without one value of a parameter.
func (v *view) without(name, value string) string {
	q := url.Values{}
	for n, all := range v.query {
		if n == name {
			all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == value })
		}
		if n != "page" && len(all) > 0 {
			q[n] = all
		}
	}
	return toQuery(q)
}

func toQuery(q url.Values) string {
	if len(q) == 0 {
		return "./"
	}
	return "./?" + q.Encode()
}

// pageLink is where a page of the view is.
func (v *view) pageLink(n int) string { return v.link("page", strconv.Itoa(n)) }
