package page

import (
	"maps"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// maxChoices is how many environments, and how many labels, a form lets one choose from. A link may name the others.
const maxChoices = 50

// facts are what a list needs to know of an inventory, whatever its targets do.
type facts struct {
	inventory *inventory.Inventory
	ids       rowIDs
	list      string // see listOf
	// Environments and Labels are the names that some targets have, sorted.
	Environments, Labels []string
}

// factsOf are the facts of an inventory. They are found once for all.
func (p *Pages) factsOf(inv *inventory.Inventory) *facts {
	if f := p.facts.Load(); f != nil && f.inventory == inv {
		return f
	}
	environments, labels := map[string]bool{}, map[string]bool{}
	for _, e := range inv.Entries() {
		environments[e.Environment] = true
		for name := range e.Labels {
			labels[name] = true
		}
	}
	f := &facts{inventory: inv, ids: newRowIDs(inv), list: listOf(inv), Environments: choices(environments), Labels: choices(labels)}
	p.facts.Store(f)
	return f
}

func choices(of map[string]bool) []string {
	all := slices.Sorted(maps.Keys(of))
	return all[:min(len(all), maxChoices)]
}
