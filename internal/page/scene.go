package page

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// refreshEvery is how often all targets are looked at for changes, at most, for all viewers together.
const refreshEvery = 500 * time.Millisecond

// maxRendered is how many rows are kept that viewers may ask for.
const maxRendered = 2000

// maxSums is how many sums are kept for viewers who ask for the same: most ask for one of a few.
const maxSums = 100

// maxTold is how many groups of a list have counts that viewers are told.
const maxTold = 200

// A scene is the list as all viewers see it: it looks at the targets once for all of them, and renders a row once for all of a
// language. Make it with newScene.
type scene struct {
	pages    *Pages
	rendered func()
	process  string // is part of each id: another process counts its own changes
	hub      status.Hub[face]

	mu      sync.Mutex     // protects the following
	board   *board.Board   // as of the last look; nil: there was none
	facts   *facts         // of its inventory
	targets []board.Target // as of the last look, in the order of the inventory
	rows    map[rowKey]renderedRow
	sums    map[sumKey]*sum // as of the last revision
	summed  uint64          // is that revision

	banner      banner // over the list
	bannerSince time.Time
}

// A rowKey is whose row it is, and for whom.
type rowKey struct {
	target    string
	catalogue *catalogue
}

// A renderedRow is the row of a target as it is since a revision. Nobody changes it.
type renderedRow struct {
	revision uint64
	html     []byte
}

func newScene(p *Pages, rendered func()) *scene {
	return &scene{pages: p, rendered: rendered, process: strings.ToLower(rand.Text()[:6]), rows: map[rowKey]renderedRow{}, sums: map[sumKey]*sum{}}
}

// keepFresh looks at the targets again and again until ctx is done.
func (s *scene) keepFresh(ctx context.Context) {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.look(now, refreshEvery/2) // the ticks are not quite even
		case <-ctx.Done():
			return
		}
	}
}

// refresh looks at the targets unless somebody just has. It returns what stands for the list; see listOf.
func (s *scene) refresh(now time.Time) (list string) {
	s.look(now, refreshEvery)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.list
}

// look finds what has changed, unless somebody has looked within a time. Time alone changes things, too: targets get stale, windows
// open, restarts go on.
func (s *scene) look(now time.Time, within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.board != nil && now.Sub(s.board.Now).Abs() < within {
		return
	}
	b := s.pages.Board.At(now)
	if s.board == nil || s.board.Inventory != b.Inventory {
		s.begin(b.Inventory)
	}
	s.board = b
	if fresh := s.pages.banner(b).toMinute(); fresh != s.banner {
		s.banner, s.bannerSince = fresh, now
	}
	for i, e := range b.Inventory.Entries() {
		t := b.Target(e)
		s.targets[i] = t
		s.hub.Show(e.Name, faceOf(&t, s.pages.hintFor(&t)))
	}
}

// begin begins with another inventory. The caller holds mu.
func (s *scene) begin(inv *inventory.Inventory) {
	s.hub.Keep(func(name string) bool { return inv.ByName(name) != nil })
	s.facts, s.targets = s.pages.factsOf(inv), make([]board.Target, len(inv.Entries()))
	clear(s.rows)
	clear(s.sums)
}

// enter finds out which rows of a viewer's list he has: those of the last look. What has changed since then is found by the next one,
// and told to him only if he has the row.
func (s *scene) enter(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.list == "" { // he has none yet
		v.list, v.told = s.facts.list, mark{s.hub.Revision(), s.board.Now}
	}
	if s.bannerSince.Before(v.told.seen) {
		known := s.banner
		v.banner = &known
	}
	v.shown = newBitset(len(s.targets))
	selected := v.view.of(s.board.Inventory.Entries(), func(place int) board.Target { return s.targets[place] })
	for _, g := range selected.Groups {
		for _, t := range g.Targets {
			if place, ok := s.place(t.Name); ok {
				v.shown.add(place)
			}
		}
	}
	v.whole, v.first = selected.Pages == 1, selected.Page == 1
}

// News are what a change is to a viewer.
type news struct {
	kind  string // of an event; empty: it is nothing to him
	id    string // of the row
	group string // where the row belongs if it is new; empty: nowhere
	row   []byte
}

// news are what a change is to a viewer. They are false if his list is not the present one.
func (s *scene) news(v *viewer, changed status.Revised) (n news, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, ok := s.place(changed.Name)
	if !ok || s.facts.list != v.list {
		return news{}, false
	}
	t := &s.targets[place]
	n = news{kind: v.judge(place, t), id: s.facts.ids.of(t.Name)}
	if n.kind == eventRow {
		n.row = s.row(t, changed.Revision, v.c)
		if v.grows() {
			n.group = groupID(v.view.groupOf(t.Entry))
		}
	}
	return n, true
}

// row is the row of a target that has changed with a revision. The caller holds mu.
func (s *scene) row(t *board.Target, revision uint64, c *catalogue) []byte {
	key := rowKey{t.Name, c}
	if r, ok := s.rows[key]; ok && r.revision >= revision {
		return r.html
	}
	if len(s.rows) >= maxRendered {
		clear(s.rows)
	}
	r := s.pages.row(*t, s.facts.ids, s.board.Now)
	html := appendRow(nil, c, &r, s.board.Now)
	s.rows[key] = renderedRow{revision, html}
	s.rendered()
	return html
}

// notice is the banner over a viewer's list, unless he knows it.
func (s *scene) notice(v *viewer) (html []byte, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.banner != nil && *v.banner == s.banner {
		return nil, false
	}
	known := s.banner
	v.banner = &known
	var b bytes.Buffer
	if err := templates[v.c.Lang].ExecuteTemplate(&b, "banner", notice{known, v.c, s.board.Now}); err != nil {
		return nil, false // a test renders every banner
	}
	return b.Bytes(), true
}

// place is that of a target in the inventory. The caller holds mu.
func (s *scene) place(name string) (int, bool) {
	return slices.BinarySearchFunc(s.board.Inventory.Entries(), name, func(e *inventory.Entry, name string) int { return strings.Compare(e.Name, name) })
}

// seen is which of the targets of a viewer's rows were probed since a time, as JSON: the id of the row, how many seconds ago, and how
// long it took. It is empty if none was.
func (s *scene) seen(v *viewer, since time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts.list != v.list {
		return nil
	}
	var b []byte
	v.shown.each(func(place int) {
		t := &s.targets[place]
		if !t.LastProbe.Add(t.Duration).After(since) {
			return
		}
		b = append(b, `,["`...)
		b = append(b, s.facts.ids.of(t.Name)...)
		b = append(b, `",`...)
		b = strconv.AppendInt(b, max(int64(s.board.Now.Sub(t.LastProbe)/time.Second), 0), 10)
		b = append(b, `,"`...)
		b = appendDuration(b, t.Duration)
		b = append(b, `"]`...)
	})
	if len(b) > 0 {
		b[0] = '['
		b = append(b, ']')
	}
	return b
}

// listOf stands for all that the rows of an inventory have besides what is known of its targets. It is the same in every process.
func listOf(inv *inventory.Inventory) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", version.Version, assetVersion)
	for _, e := range inv.Entries() {
		fmt.Fprintf(h, "%q %q %q %q %q %q %d\n", e.Name, e.Instance, e.Environment, e.Source, e.Module, e.DependsOn, e.Interval)
		for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
			fmt.Fprintf(h, "\t%q %q\n", name, e.Labels[name])
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// A mark is how far a viewer has been told: of changes, and of when targets were probed. The id of an event is one.
type mark struct {
	revision uint64
	seen     time.Time
}

// id is the id of a mark.
func (s *scene) id(m mark) string {
	return s.process + "." + strconv.FormatUint(m.revision, 36) + "." + strconv.FormatInt(m.seen.Unix(), 36)
}

// mark is the mark of an id. If that is of another process, or of none, everything may have changed since.
func (s *scene) mark(id string) mark {
	parts := strings.Split(id, ".")
	if len(parts) != 3 || parts[0] != s.process {
		return mark{}
	}
	revision, err := strconv.ParseUint(parts[1], 36, 64)
	seen, err2 := strconv.ParseInt(parts[2], 36, 64)
	if err != nil || err2 != nil || revision > s.hub.Revision() {
		return mark{}
	}
	return mark{revision, time.Unix(seen, 0)}
}
