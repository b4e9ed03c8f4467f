package inventory

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A Part is what one source has.
type Part struct {
	Source   string
	Reviewed bool             // see Entry
	Targets  []config.Target  // checked, each on its own
	More     []*config.Target // likewise
	// Problems is how many problems these checks found.
	Problems int
}

// all are its targets.
func (p *Part) all() iter.Seq[*config.Target] {
	return func(yield func(*config.Target) bool) {
		for i := range p.Targets {
			if !yield(&p.Targets[i]) {
				return
			}
		}
		for _, t := range p.More {
			if !yield(t) {
				return
			}
		}
	}
}

// Merge makes an inventory of the parts. Of two targets with the same name the first one is taken. Mask returns what people
// may see of a URL.
func Merge(cfg *config.Config, parts []Part, mask func(*url.URL) string) *Inventory {
	return mergeAfter(nil, cfg, parts, mask)
}

// mergeAfter is Merge with the inventory before. Its entries are used again where the configuration and the target they were
// made of are the same ones, so that a change of one target costs little, and whoever has an entry sees that it is the same.
func mergeAfter(before *Inventory, cfg *config.Config, parts []Part, mask func(*url.URL) string) *Inventory {
	size := 0
	for _, part := range parts {
		size += len(part.Targets) + len(part.More)
	}
	m := &merger{
		Inventory: &Inventory{
			Config: cfg, entries: make([]*Entry, 0, size), byName: make(map[string]*Entry, size),
			problems: map[string][]error{}, wrong: map[string]int{}, shadowed: map[string]bool{},
		},
		mask: mask, shadows: map[string]string{},
	}
	if before != nil && before.Config == cfg {
		m.before = before.byName
	}
	for _, part := range parts {
		if part.Source != StaticSource {
			m.sources = append(m.sources, part.Source)
		}
		for t := range part.all() {
			m.add(&part, t)
		}
	}
	slices.SortFunc(m.entries, func(a, b *Entry) int { return strings.Compare(a.Name, b.Name) })
	m.relate(m.dependencies())
	for _, part := range parts {
		m.wrong[part.Source] += part.Problems
	}
	m.byURL = sync.OnceValue(m.indexByURL)
	return m.Inventory
}

// A merger makes an Inventory.
type merger struct {
	*Inventory
	mask    func(*url.URL) string
	before  map[string]*Entry // those that may be used again
	shadows map[string]string // see Entry.Shadows
	lists   labelLists
}

// add takes a target, unless there is one of its name.
func (m *merger) add(from *Part, t *config.Target) {
	if first, ok := m.byName[t.Name]; ok {
		m.duplicate(first, from.Source)
		return
	}
	e := m.before[t.Name]
	if e == nil || e.written != t || e.Source != from.Source || e.Reviewed != from.Reviewed {
		var err error
		if e, err = m.entry(from, t); err != nil {
			m.problem(from.Source, "target %q: url: %w", t.Name, err) // it was checked before
			return
		}
	}
	m.byName[t.Name] = e
	m.entries = append(m.entries, e)
}

// duplicate notes a target that has the name of the first one. To replace one of an API is what people edit targets for.
func (m *merger) duplicate(first *Entry, source string) {
	switch {
	case first.Source == ManagedSource && source != ManagedSource:
		if m.shadows[first.Name] == "" {
			m.shadows[first.Name] = source
		}
		return
	case source == ManagedSource:
		m.shadowed[first.Name] = true
	}
	m.problem(source, "target %q is already in %s, which is used; this one is from %s", first.Name, first.Source, source)
}

// entry makes an entry of a target.
func (m *merger) entry(from *Part, t *config.Target) (*Entry, error) {
	u, err := config.ParseTargetURL(t.URL)
	if err != nil {
		return nil, err
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // as for the target of a query
	e := &Entry{Target: *t, Source: from.Source, Reviewed: from.Reviewed, Address: u, Instance: m.mask(u), written: t, labels: m.lists.of(t.Labels)}
	return e, nil
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

// dependencies returns those of the targets that have any, without those that do not exist or are part of a cycle. Those within
// the configuration file were checked at load.
func (m *merger) dependencies() map[string][]string {
	var order []string
	deps := map[string][]string{}
	for _, e := range m.entries {
		if len(e.written.DependsOn) == 0 {
			continue
		}
		known := make([]string, 0, len(e.written.DependsOn))
		for _, name := range e.written.DependsOn {
			if _, ok := m.byName[name]; ok {
				known = append(known, name)
				continue
			}
			m.problem(e.Source, "target %q: depends_on: there is no target %q", e.Name, name)
		}
		order, deps[e.Name] = append(order, e.Name), known
	}
	for _, cycle := range config.Cycles(order, deps) {
		from, to := cycle[len(cycle)-2], cycle[len(cycle)-1]
		deps[from] = slices.DeleteFunc(slices.Clone(deps[from]), func(name string) bool { return name == to })
		m.problem(m.byName[from].Source, "target %q: depends_on: is a cycle: %s", from, strings.Join(cycle, " → "))
	}
	return deps
}

// relate gives the entries what depends on others. One that had something else gets a successor: it may be in use.
func (m *merger) relate(deps map[string][]string) {
	for i, e := range m.entries {
		shadows := m.shadows[e.Name]
		if e.Shadows == shadows && (len(e.written.DependsOn) == 0 || slices.Equal(e.DependsOn, deps[e.Name])) {
			continue
		}
		other := *e
		other.Shadows, other.DependsOn = shadows, deps[e.Name]
		m.entries[i], m.byName[e.Name] = &other, &other
	}
}

// problem notes what is wrong with a target. Of many, only the first are kept.
func (m *merger) problem(source, format string, args ...any) {
	m.wrong[source]++
	if len(m.problems[source]) < maxProblems {
		m.problems[source] = append(m.problems[source], errors.New(printable.Text(fmt.Errorf(format, args...).Error(), printable.MaxError)))
	}
}
