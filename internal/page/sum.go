package page

import (
	"encoding/json"
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
	all, groups := selection{}, map[string]*group{}
	for i, e := range s.board.Inventory.Entries() {
		if !v.view.filter.Selects(e) {
			continue
		}
		name := v.view.groupOf(e)
		g := groups[name]
		if g == nil {
			g = &group{ID: groupID(name)}
			groups[name] = g
			all.Groups = append(all.Groups, g)
		}
		all.Counts.Count(&s.targets[i])
		g.Counts.Count(&s.targets[i])
	}
	b, err := json.Marshal(struct {
		Title string            `json:"title"`
		Say   string            `json:"say"`
		Texts map[string]string `json:"texts"`
	}{v.c.headline(&all.Counts) + " – " + s.pages.Title(), v.c.sentence(&all.Counts), all.texts(v.c)})
	if err != nil {
		return nil // there are only texts
	}
	return b[1:]
}
