package page

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"html/template"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

// A list is the body of the page with the targets that a view shows.
type list struct {
	*catalogue
	*selection

	View   *view
	Facts  *facts
	Banner notice
	Now    time.Time
	Done   string // what somebody has just done, in words; empty: nothing
	pages  *Pages
	reader string // who looks, and whether he may add targets
}

// List serves how the targets are that a query asks for.
func (p *Pages) List(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	mark := p.Live.mark(now)
	c, b := catalogueFor(r), p.Board.At(now)
	v, err := parseView(r.URL.Query(), len(b.Inventory.Entries()))
	if err != nil {
		p.refuse(w, r, http.StatusBadRequest, "./", err)
		return
	}
	l := &list{
		Done: c.done(v.done), reader: readerOf(r, p.editor(r)),
		catalogue: c, selection: v.on(b), View: v, Facts: p.factsOf(b.Inventory), Banner: notice{p.banner(b), c, b.Now}, Now: b.Now, pages: p,
	}
	if v.refresh > 0 {
		w.Header().Set("Refresh", strconv.Itoa(int(v.refresh.Seconds())))
	}
	etag := l.etag()
	if send.Has(r, etag) {
		keep(w.Header())
		sendText(w, r, etag, nil)
		return
	}
	here := viewProblems
	if v.all {
		here = viewAll
	}
	p.render(w, r, http.StatusOK, shell{
		catalogue: c, Content: "list", Title: c.headline(&l.Counts), Here: here, Root: "./", Body: l,
		Mark: mark, List: l.Facts.list,
	}, etag)
}

// readerOf is who looks at a page, and whether he may add targets: two of them do not see the same.
func readerOf(r *http.Request, mayAdd bool) string {
	id := access.From(r.Context())
	return fmt.Sprint(id.String(), mayAdd)
}

var etagSeed = maphash.MakeSeed()

// etag changes with whatever the page shows, but for how long the last probes took and how often a target was up: those it shows
// anew each minute.
func (l *list) etag() string {
	var h maphash.Hash
	h.SetSeed(etagSeed)
	fmt.Fprintf(&h, "%s %s %q %q %s%s\n", version.Version, assetVersion, l.pages.Title(), l.View.query.Encode(), l.Lang, l.Query)
	fmt.Fprintf(&h, "%q %q\n", l.reader, l.Done)
	fmt.Fprintf(&h, "%d %v %d %v %s\n", l.Now.Unix()/60, l.Counts, l.Total, l.Banner.toMinute(), l.Facts.list)
	for _, g := range l.Groups {
		fmt.Fprintf(&h, "%s %v\n", g.ID, g.Counts)
		for _, t := range g.Targets {
			maphash.WriteComparable(&h, t.Name)
			maphash.WriteComparable(&h, faceOf(t, l.pages.hintFor(t)))
		}
	}
	return `"` + idEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, h.Sum64())) + `"`
}

// bytesOfRow is about how long a row is.
const bytesOfRow = 800

// Rows are those of a group.
func (l *list) Rows(g *group) template.HTML {
	b := make([]byte, 0, len(g.Targets)*bytesOfRow)
	for _, t := range g.Targets {
		r := l.pages.row(*t, l.Facts.ids, l.Now)
		b = appendRow(b, l.catalogue, &r, l.Now)
	}
	return template.HTML(b) //nolint:gosec // a test holds a row equal to what a template makes of it
}

// StateCounts are how many targets are how, with links to the list of them.
func (l *list) StateCounts() []count {
	all := countsOf(&l.Counts)
	for i := range all {
		all[i].Link = l.View.stateLink(all[i].Key)
	}
	return all
}

// A column is a column of the table of targets.
type column struct {
	Key  string
	Link string // which sorts by it; empty: none does
	Sort string // aria-sort; empty: it is not sorted by it
}

// Columns are those of the table.
func (l *list) Columns() []column {
	all := []column{{Key: "target"}, {Key: "state"}, {Key: "why"}, {Key: "since"}, {Key: "took"}, {Key: "day"}, {Key: "hour"}}
	for i, sort := range map[int]string{0: sortName, 1: sortState, 3: sortSince, 4: sortTook} {
		all[i].Link = l.View.link("sort", sort)
		if l.View.sort == sort {
			all[i].Sort = sortOrders[sort]
		}
	}
	return all
}

// sortOrders are which way each order goes.
var sortOrders = map[string]string{sortName: "ascending", sortState: "other", sortSince: "descending", sortTook: "descending"}

// Filters are the filters in force, each with the link that takes it away.
func (l *list) Filters() (all []filter) {
	for _, name := range filterParameters {
		for _, value := range l.View.query[name] {
			all = append(all, filter{name, value, l.View.without(name, value)})
		}
	}
	return all
}

// A filter is one in force.
type filter struct{ Name, Value, Without string }

// Hidden are the parameters that the form passes on.
func (l *list) Hidden() (all []filter) {
	for _, name := range []string{"view", "lang", "limit", "refresh", "state", "stale", "muted", "source", "label"} {
		for _, value := range l.View.query[name] {
			all = append(all, filter{Name: name, Value: value})
		}
	}
	if chosen := l.View.query["environment"]; len(chosen) > 1 {
		for _, value := range chosen {
			all = append(all, filter{Name: "environment", Value: value})
		}
	}
	return all
}

// OneEnvironment reports whether the form has a field for the environment.
func (l *list) OneEnvironment() bool { return len(l.View.query["environment"]) <= 1 }

// Environment is the one that is chosen in that field. Empty: all.
func (l *list) Environment() string { return l.View.Get("environment") }

// Sorts are the orders.
func (l *list) Sorts() []string { return []string{sortState, sortName, sortSince, sortTook} }

// OfAll says of how many targets the counts are.
func (l *list) OfAll() string {
	selected, all := l.Counts.Targets, len(l.Facts.inventory.Entries())
	if selected == all {
		return l.say("list.of", string(appendCount(nil, all)))
	}
	return l.say("list.of_selected", string(appendCount(nil, selected)), string(appendCount(nil, all)))
}

// Clock is when the list was made.
func (l *list) Clock() template.HTML {
	return template.HTML(appendClock(nil, l.Now)) //nolint:gosec // it is escaped
}

// Sentence says how the targets of a group are.
func (l *list) Sentence(g *group) string { return l.sentence(&g.Counts) }

// GroupName is what people call a group.
func (l *list) GroupName(g *group) string {
	name, byLabel := l.View.groupedByLabel()
	switch {
	case l.View.group == groupNone:
		return l.say("group.all")
	case byLabel && g.Name == "":
		return l.say("group.without", printable.Text(name, printable.MaxLog))
	default:
		return printable.Text(g.Name, printable.MaxLog)
	}
}

// Well says why a group has no targets in the list.
func (l *list) Well() string {
	if l.View.filtersStates() {
		return l.say("group.empty")
	}
	return l.say("group.well")
}

// GroupLink leads to the targets of a group alone; empty: nothing does.
func (l *list) GroupLink(g *group) string {
	name, byLabel := l.View.groupedByLabel()
	switch {
	case l.View.group == groupNone, g.Name == "":
		return ""
	case byLabel:
		return l.View.withLabel(name + ":" + g.Name)
	default:
		return l.View.link("environment", g.Name)
	}
}

// ShowLink leads to all targets of a group that has no problem.
func (l *list) ShowLink(g *group) string {
	shown := *l.View
	shown.query = maps.Clone(l.View.query)
	shown.query.Set("view", viewAll)
	shown.query.Del("state")
	shown.query.Del("stale")
	that := *l
	that.View = &shown
	return that.GroupLink(g)
}

// Previous and Next lead to the pages beside this one; empty at either end.
func (l *list) Previous() string {
	if l.Page == 1 {
		return ""
	}
	return l.View.pageLink(l.Page - 1)
}

// Next is described with Previous.
func (l *list) Next() string {
	if l.Page == l.Pages {
		return ""
	}
	return l.View.pageLink(l.Page + 1)
}

// example is the least that an inventory needs.
const example = `targets:
  - name: shop
    url: https://shop.example.com/health
    environment: LIVE
    interval: 15s
    labels: {team: shop}
`

// Example is what somebody may copy who has no target yet.
func (l *list) Example() string { return example }
