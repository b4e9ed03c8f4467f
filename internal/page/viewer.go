package page

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// maxChanged is how many changes are looked at at a time: a viewer who does not read holds them.
const maxChanged = 100

// seenMargin is how much earlier than it was looked at a probe may have ended that was not known then.
const seenMargin = time.Second

// A viewer is who looks at a list, and how far he has been told what changes.
type viewer struct {
	view  *view
	query [sha256.Size]byte // a hash of that of the view
	c     *catalogue

	list  string // what his page was made of; empty: he has none, and only listens
	told  mark
	again bool   // he may have rows from before that are not in shown
	shown bitset // the targets whose rows he has, by their place in the inventory
	whole bool   // they are all that the view shows
	first bool   // they are the first that the view shows
	full  bool   // there was no room for a row any more: his page has to be loaded anew

	sum    *sum    // what he was told last; nil: nothing
	banner *banner // likewise; nil: it is not known what his page has
}

// newViewer is the viewer that a request is of. It names the list and the mark of his page; where a browser has connected again by
// itself, the last event that it got counts.
func (l *Live) newViewer(r *http.Request) (*viewer, error) {
	q := r.URL.Query()
	v := &viewer{c: catalogueFor(r), list: q.Get("list"), told: l.scene.mark(cmp.Or(r.Header.Get("Last-Event-ID"), q.Get("after"))), again: true}
	q.Del("list")
	q.Del("after")
	var err error
	if v.view, err = parseView(q, len(l.scene.pages.Board.Inventory().Entries())); err != nil {
		return nil, err
	}
	v.query = sha256.Sum256([]byte(v.view.query.Encode()))
	return v, nil
}

// judge is the kind of event that a change of the target at a place is to the viewer; empty: it is nothing to him.
func (v *viewer) judge(place int, t *board.Target) (kind string) {
	had, loose := v.shown.has(place), v.loose()
	switch {
	case v.view.shows(t) && !had && v.grows() && v.shown.len() >= maxLimit:
		v.full = true
		return ""
	case v.view.shows(t) && (had || loose || v.grows()):
		v.shown.add(place)
		return eventRow
	case !v.view.shows(t) && (had || loose || v.again):
		v.shown.remove(place)
		return eventGone
	default:
		return ""
	}
}

// grows reports whether rows that are new go to the viewer. What was cut off from his page stays so, but for problems.
func (v *viewer) grows() bool { return v.whole || v.first && !v.view.all }

// loose reports whether it is not known which rows the viewer has: his page is a part, and time alone changes which.
func (v *viewer) loose() bool {
	fixed := v.view.all && !v.view.filtersStates() && v.view.sort == sortName
	return !v.whole && !fixed
}

// tell tells a viewer what changes until ctx is done, or something ends his stream.
func (l *Live) tell(ctx context.Context, v *viewer, s *stream) error {
	l.scene.refresh(time.Now())
	l.scene.enter(v)
	for {
		now := time.Now()
		if l.scene.refresh(now) != v.list || v.full {
			if err := s.event(ctx, eventReload, ""); err != nil {
				return err
			}
			return s.flush(ctx)
		}
		if err := l.tellAll(ctx, v, s, now); err != nil {
			return err
		}
		if err := s.flush(ctx); err != nil {
			return err
		}
		if err := l.pause(ctx, v, s.last); err != nil {
			return err
		}
	}
}

// tellAll tells a viewer what he does not know.
func (l *Live) tellAll(ctx context.Context, v *viewer, s *stream, now time.Time) error {
	for now := l.scene.hub.Revision(); v.told.revision < now; {
		changed, upTo := l.scene.hub.Since(v.told.revision, maxChanged)
		if err := l.tellRows(ctx, v, s, changed); err != nil {
			return err
		}
		v.told.revision = upTo
	}
	v.again = false
	sum := l.scene.sum(v)
	if news, changed := sum.since(v.sum); changed {
		if err := s.event(ctx, eventSum, l.scene.id(v.told), news.event(now)); err != nil {
			return err
		}
	}
	v.sum = sum
	if html, news := l.scene.notice(v); news {
		if err := s.event(ctx, eventBanner, "", html); err != nil {
			return err
		}
	}
	if now.Sub(v.told.seen).Abs() >= seenEvery {
		seen := l.scene.seen(v, v.told.seen.Add(-seenMargin))
		v.told.seen = now
		if len(seen) > 0 {
			if err := s.event(ctx, eventSeen, l.scene.id(v.told), seen); err != nil {
				return err
			}
		}
	}
	if now.Sub(s.last) >= commentEvery {
		s.comment()
	}
	return nil
}

// tellRows tells a viewer of changes, the oldest first: who has got one has all before it. Rows that are gone share an event.
func (l *Live) tellRows(ctx context.Context, v *viewer, s *stream, changed []status.Revised) error {
	var gone []string
	goneBy := mark{seen: v.told.seen}
	takeAway := func() error {
		if len(gone) == 0 {
			return nil
		}
		ids := []byte(strings.Join(gone, " "))
		gone = gone[:0]
		return s.event(ctx, eventGone, l.scene.id(goneBy), ids)
	}
	for _, c := range changed {
		n, ok := l.scene.news(v, c)
		if !ok {
			break // of another list, of which the viewer is told next
		}
		if n.kind == eventGone {
			gone, goneBy.revision = append(gone, n.id), c.Revision
		}
		if n.kind == eventRow {
			if err := takeAway(); err != nil {
				return err
			}
			if err := s.event(ctx, eventRow, l.scene.id(mark{c.Revision, v.told.seen}), []byte(n.group), n.row); err != nil {
				return err
			}
		}
	}
	return takeAway()
}

// pause waits until there may be something to tell.
func (l *Live) pause(ctx context.Context, v *viewer, last time.Time) error {
	due, cancel := context.WithDeadline(ctx, v.told.seen.Add(seenEvery))
	defer cancel()
	_ = l.scene.hub.Wait(due, v.told.revision) // either way
	timer := time.NewTimer(time.Until(last.Add(tellEvery)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
