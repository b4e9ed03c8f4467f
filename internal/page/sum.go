package page

import (
	"encoding/json"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
)

// A sumKey is what the counts of a list depend on, besides how the targets are.
type sumKey struct {
	query     string
	catalogue *catalogue
}

// sum is how many targets are how of those that a viewer's filter selects, as the rest of a JSON object. It is made once for all who
// ask for the same, and again when something has changed.
func (s *scene) sum(v *viewer) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision := s.hub.Revision(); s.summed != revision {
		clear(s.sums)
		s.summed = revision
	}
	key := sumKey{v.view.query.Encode(), v.c}
	sum, ok := s.sums[key]
	if !ok {
		sum = s.count(v)
		s.sums[key] = sum
	}
	return sum
}

// count makes a sum. The caller holds mu.
func (s *scene) count(v *viewer) []byte {
	var counts board.Summary
	groups := map[string]*board.Summary{}
	for i, e := range s.board.Inventory.Entries() {
		if i >= len(s.targets) || !v.view.filter.Selects(e) {
			continue
		}
		name := v.view.groupOf(e)
		g := groups[name]
		if g == nil {
			g = &board.Summary{}
			groups[name] = g
		}
		counts.Count(&s.targets[i])
		g.Count(&s.targets[i])
	}
	counts.Judge()
	b, _ := json.Marshal(counts)
	return b[1:]
}
