package page

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"
)

// A sumKey is what the counts of a list depend on, besides how the targets are.
type sumKey struct {
	query     [sha256.Size]byte // a query may be long
	catalogue *catalogue
}

// A sum is how many targets are how of those that a filter selects. Nobody changes it.
type sum struct {
	Title string            `json:"title"`
	Say   string            `json:"say"`
	Texts map[string]string `json:"texts"` // by the id of the element that says it
}

// since is what of a sum is not so in the one before; nil: there was none. It is false if that is nothing.
func (s *sum) since(before *sum) (*sum, bool) {
	if before == nil {
		return s, true
	}
	news := sum{s.Title, s.Say, map[string]string{}}
	for id, text := range s.Texts {
		if before.Texts[id] != text {
			news.Texts[id] = text
		}
	}
	return &news, len(news.Texts) > 0 || s.Title != before.Title
}

// event is the data of an event at a time.
func (s *sum) event(now time.Time) []byte {
	b, err := json.Marshal(struct {
		Now int64 `json:"now"` // in ms, so that the script knows how the clocks differ
		*sum
	}{now.UnixMilli(), s})
	if err != nil {
		return nil // there are only texts
	}
	return b
}

// sum is how many targets are how of those that a viewer's filter selects. It is made once for all who ask for the same, and again when
// something has changed.
func (s *scene) sum(v *viewer) *sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision := s.hub.Revision(); s.summed != revision {
		clear(s.sums)
		s.summed = revision
	}
	key := sumKey{v.query, v.c}
	known, ok := s.sums[key]
	if !ok {
		if len(s.sums) >= maxSums {
			clear(s.sums)
		}
		known = s.count(v)
		s.sums[key] = known
	}
	return known
}

// count makes a sum. The caller holds mu.
func (s *scene) count(v *viewer) *sum {
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
		if !v.view.filter.Concerns(&s.targets[i]) {
			continue // the group stays: the page may have it from before
		}
		all.Counts.Count(&s.targets[i])
		g.Counts.Count(&s.targets[i])
	}
	slices.SortFunc(all.Groups, compareGroups)
	all.Groups = all.Groups[:min(len(all.Groups), maxTold)]
	return &sum{v.c.headline(&all.Counts) + " – " + s.pages.Title(), v.c.sentence(&all.Counts), all.texts(v.c)}
}
