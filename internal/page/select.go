package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// A selection is what a view shows of a Board.
type selection struct {
	Groups []*group
	// Counts are of all targets that the filter selects, whatever their state is.
	Counts board.Summary
	// Total is how many targets the view has on all of its pages.
	Total int
	// Left is how many groups without a problem are left out.
	Left        int
	Page, Pages int // Page is the last one if the view asks for one after it
}

// A group is a section of the list.
type group struct {
	ID, Name string
	// Targets are those on the page.
	Targets []*board.Target
	// Total is how many the view has of the group, on all pages, and Counts are of all that the filter selects.
	Total  int
	Counts board.Summary
}

// problem reports whether somebody should look at a target: nobody waits for one in maintenance. That nobody is notified of a
// target that is muted does not make it well.
func problem(t *board.Target) bool {
	return !t.Quiet.InMaintenance && (t.State != status.StateUp || t.Stale || t.Flapping || t.Unable || t.Restarting != "")
}

// on is what the view shows of a Board.
func (v *view) on(b *board.Board) *selection {
	entries := b.Inventory.Entries()
	return v.of(entries, func(place int) board.Target { return b.Target(entries[place]) })
}

// of is what the view shows of the targets of an inventory. Target is the one at a place.
func (v *view) of(entries []*inventory.Entry, target func(place int) board.Target) *selection {
	s := &selection{}
	groups := map[string]*group{}
	all := make([]board.Target, 0, len(entries))
	for i, e := range entries {
		if !v.filter.Selects(e) {
			continue
		}
		t := target(i)
		if !v.filter.Concerns(&t) {
			continue
		}
		name := v.groupOf(e)
		g := groups[name]
		if g == nil {
			g = &group{ID: groupID(name), Name: name}
			groups[name] = g
			s.Groups = append(s.Groups, g)
		}
		s.Counts.Count(&t)
		g.Counts.Count(&t)
		if v.has(&t) {
			all = append(all, t)
			g.Targets = append(g.Targets, &all[len(all)-1])
		}
	}
	s.Total = len(all)
	s.Counts.Judge()
	slices.SortFunc(s.Groups, compareGroups)
	s.cut(v)
	return s
}

// compareGroups puts LIVE first and what belongs to no group last.
func compareGroups(a, b *group) int {
	rank := func(g *group) int {
		switch g.Name {
		case board.Live:
			return 0
		case "":
			return 2
		default:
			return 1
		}
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a.Name, b.Name))
}

// maxWell is how many groups a page shows in which there is nothing to show: there may be as many as targets.
const maxWell = 50

// cut leaves the targets of one page, in order, and the groups that have some on it. A group that has none at all is on the page
// where they would be.
func (s *selection) cut(v *view) {
	s.Pages = max((s.Total+v.limit-1)/v.limit, 1)
	s.Page = min(v.page, s.Pages)
	first := (s.Page - 1) * v.limit
	end := min(first+v.limit, s.Total)
	at, well := 0, 0
	s.Groups = slices.DeleteFunc(s.Groups, func(g *group) bool {
		from := at
		g.Total = len(g.Targets)
		at += g.Total
		if g.Total == 0 {
			if from < first || from > end || from == end && s.Page < s.Pages {
				return true
			}
			well++
			return well > maxWell
		}
		if at <= first || from >= end {
			return true
		}
		v.order(g)
		g.Targets = g.Targets[max(first-from, 0):min(end-from, g.Total)]
		return false
	})
	s.Left = max(well-maxWell, 0)
}

// order sorts the targets of a group. They come by name.
func (v *view) order(g *group) {
	switch v.sort {
	case sortState:
		slices.SortStableFunc(g.Targets, compareStates)
		g.Targets = belowCauses(g.Targets)
	case sortTook:
		slices.SortStableFunc(g.Targets, func(a, b *board.Target) int { return cmp.Compare(b.Duration, a.Duration) })
	case sortSince:
		slices.SortStableFunc(g.Targets, func(a, b *board.Target) int { return b.Since.Compare(a.Since) })
	}
}

// compareStates puts first what somebody should look at first. Of targets that are not well the one that is so for the shortest time
// is first; those that are well stay in the order of their names.
func compareStates(a, b *board.Target) int {
	ra, rb := urgency(a), urgency(b)
	if ra != rb || ra == urgencyUp {
		return ra - rb
	}
	return b.Since.Compare(a.Since)
}

// What somebody should look at first.
const (
	urgencyDown = iota
	urgencyStale
	urgencyUnknown
	urgencyOdd // it is up, and something is wrong with it
	urgencyMaintenance
	urgencyUp
)

func urgency(t *board.Target) int {
	switch {
	case t.Quiet.InMaintenance:
		return urgencyMaintenance
	case t.State == status.StateUnknown:
		return urgencyUnknown
	case t.Stale:
		return urgencyStale
	case t.State == status.StateDown:
		return urgencyDown
	case problem(t):
		return urgencyOdd
	default:
		return urgencyUp
	}
}

// belowCauses puts targets right below the one that is their cause, where that is among them.
func belowCauses(all []*board.Target) []*board.Target {
	here := make(map[string]bool, len(all))
	depends := false
	for _, t := range all {
		here[t.Name] = true
		depends = depends || t.Cause != ""
	}
	if !depends {
		return all
	}
	of := map[string][]*board.Target{}
	for _, t := range all {
		if t.Cause != "" && here[t.Cause] {
			of[t.Cause] = append(of[t.Cause], t)
		}
	}
	sorted := make([]*board.Target, 0, len(all))
	for _, t := range all {
		if t.Cause == "" || !here[t.Cause] {
			sorted = append(append(sorted, t), of[t.Name]...)
		}
	}
	return sorted
}
