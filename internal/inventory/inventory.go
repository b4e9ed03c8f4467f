// Package inventory knows the targets: it gets them from where they are listed, checks them, merges them, and tells
// Prometheus about them at /sd.
//
// An error in a target costs that target alone. An error of a source costs none: its last good answer is used.
package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// StaticSource is the source of the targets that the configuration file itself lists.
const StaticSource = "targets"

// An Entry is one target of an Inventory. It does not change.
type Entry struct {
	config.Target
	// Source is where the target comes from.
	Source string
	// Reviewed says that a person decides about it, and no API: it may be a check of what is restarted.
	Reviewed bool
	// Address is the parsed URL, without a fragment. It must not be changed.
	Address *url.URL
	// Instance is the URL as people may see it.
	Instance string

	labels []label // its own, sorted
}

type label struct{ name, value string }

// An Inventory is a checked set of targets. It does not change.
type Inventory struct {
	// Config is what the targets were checked against.
	Config *config.Config
	// Answered says that every source has answered at least once: a target that is missing is gone, and not only unknown for want
	// of an answer.
	Answered bool
	// Overlays are in force besides what the sources say. nil: there are none.
	Overlays Overlays

	entries []*Entry // sorted by name
	byName  map[string]*Entry
	byURL   map[urlAndModule][]*Entry
	// problems are conflicts between targets, by source, as many as are kept.
	problems map[string][]error
	sources  []string       // all but StaticSource, in order
	wrong    map[string]int // how many problems a source's targets have, on their own or with others
}

// A Part is what one source has.
type Part struct {
	Source   string
	Reviewed bool            // see Entry
	Targets  []config.Target // checked, each on its own
	// Problems is how many problems these checks found.
	Problems int
}

// Merge makes an inventory of the parts. Of two targets with the same name the first one is taken. Mask returns what people
// may see of a URL.
func Merge(cfg *config.Config, parts []Part, mask func(*url.URL) string) *Inventory {
	inv := &Inventory{Config: cfg, byName: map[string]*Entry{}, byURL: map[urlAndModule][]*Entry{}, problems: map[string][]error{}, wrong: map[string]int{}}
	var lists labelLists
	for _, part := range parts {
		if part.Source != StaticSource {
			inv.sources = append(inv.sources, part.Source)
		}
		for i := range part.Targets {
			inv.add(&part, part.Targets[i], mask, &lists)
		}
	}
	inv.entries = slices.SortedFunc(maps.Values(inv.byName), func(a, b *Entry) int { return cmp.Compare(a.Name, b.Name) })
	inv.dependencies()
	for _, part := range parts {
		inv.wrong[part.Source] += part.Problems
	}
	if cfg.Restart != nil {
		for _, s := range cfg.Restart.Services {
			for _, c := range s.Checks {
				if u, err := config.ParseTargetURL(c.URL); err == nil {
					q := urlAndModule{config.CanonicalURL(u), c.Module}
					inv.byURL[q] = append(inv.byURL[q], &Entry{Target: config.Target{URL: c.URL, Module: c.Module}, Address: u})
				}
			}
		}
	}
	return inv
}

func (inv *Inventory) add(from *Part, t config.Target, mask func(*url.URL) string, lists *labelLists) {
	if first, ok := inv.byName[t.Name]; ok {
		inv.problem(from.Source, "target %q is already in %s, which is used; this one is from %s", t.Name, first.Source, from.Source)
		return
	}
	u, err := config.ParseTargetURL(t.URL)
	if err != nil {
		inv.problem(from.Source, "target %q: url: %w", t.Name, err) // it was checked before
		return
	}
	q := urlAndModule{config.CanonicalURL(u), t.Module}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // as for the target of a query
	e := &Entry{Target: t, Source: from.Source, Reviewed: from.Reviewed, Address: u, Instance: mask(u), labels: lists.of(t.Labels)}
	inv.byName[t.Name] = e
	inv.byURL[q] = append(inv.byURL[q], e)
}

// labelLists makes lists of labels. Targets that share their labels, as those of a group do, also share the list.
type labelLists struct {
	last uintptr // the address of the labels of the last target
	list []label
}

func (l *labelLists) of(labels map[string]string) []label {
	if at := reflect.ValueOf(labels).Pointer(); l.last != at || at == 0 {
		l.last, l.list = at, make([]label, 0, len(labels))
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			l.list = append(l.list, label{name, labels[name]})
		}
	}
	return l.list
}

// dependencies removes dependencies that do not exist or are part of a cycle. Those within the configuration file were checked
// at load.
func (inv *Inventory) dependencies() {
	var order []string
	deps := map[string][]string{}
	for _, e := range inv.entries {
		known := make([]string, 0, len(e.DependsOn))
		for _, name := range e.DependsOn {
			if _, ok := inv.byName[name]; ok {
				known = append(known, name)
				continue
			}
			inv.problem(e.Source, "target %q: depends_on: there is no target %q", e.Name, name)
		}
		order, deps[e.Name] = append(order, e.Name), known
	}
	for _, cycle := range config.Cycles(order, deps) {
		from, to := cycle[len(cycle)-2], cycle[len(cycle)-1]
		deps[from] = slices.DeleteFunc(slices.Clone(deps[from]), func(name string) bool { return name == to })
		inv.problem(inv.byName[from].Source, "target %q: depends_on: is a cycle: %s", from, strings.Join(cycle, " → "))
	}
	for _, e := range inv.entries {
		e.DependsOn = deps[e.Name]
	}
}

func (inv *Inventory) problem(source, format string, args ...any) {
	inv.wrong[source]++
	if len(inv.problems[source]) < maxProblems {
		inv.problems[source] = append(inv.problems[source], errors.New(printable.Text(fmt.Errorf(format, args...).Error(), printable.MaxError)))
	}
}

// Entries returns all targets, sorted by name. The caller must not change the slice.
func (inv *Inventory) Entries() []*Entry { return inv.entries }

// Names are those of all targets, sorted.
func (inv *Inventory) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range inv.entries {
			if !yield(e.Name) {
				return
			}
		}
	}
}

// ByName finds a target; nil: there is none of that name.
func (inv *Inventory) ByName(name string) *Entry { return inv.byName[name] }

// InMaintenance reports whether a maintenance window for all targets is open.
func (inv *Inventory) InMaintenance(now time.Time) bool {
	return inv.Config.Maintenance.Contain(now)
}
