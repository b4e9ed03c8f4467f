package status

import (
	"context"
	"sync"
)

// A Hub numbers the changes of what is shown of targets. A viewer is the number of the last change that it has seen: a Hub keeps
// nothing for one, so one that is slow or gone costs nothing, and always gets to the present. F is what is shown of a target. The
// zero value is ready to use.
type Hub[F comparable] struct {
	mu       sync.Mutex // protects the following
	revision uint64     // of the last change; 0: there was none
	shown    map[string]*shown[F]
	ends     shown[F]      // of a ring of all of shown: the one that is older than it is the newest
	changed  chan struct{} // closed at the next change; nil: nobody waits for one
}

// A shown is what is shown of a target.
type shown[F comparable] struct {
	name         string
	face         F
	revision     uint64
	newer, older *shown[F]
}

// A Revised is a target and the number of its last change.
type Revised struct {
	Name     string
	Revision uint64
}

// Show has a target shown with a face. It is a change if its face is another one.
func (h *Hub[F]) Show(name string, face F) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shown == nil {
		h.shown = map[string]*shown[F]{}
		h.ends.newer, h.ends.older = &h.ends, &h.ends
	}
	s := h.shown[name]
	switch {
	case s == nil:
		s = &shown[F]{name: name}
		h.shown[name] = s
	case s.face == face:
		return
	default:
		s.leave()
	}
	h.revision++
	s.face, s.revision = face, h.revision
	s.newer, s.older = &h.ends, h.ends.older
	s.older.newer, s.newer.older = s, s
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// leave takes s out of the ring.
func (s *shown[F]) leave() { s.newer.older, s.older.newer = s.older, s.newer }

// Keep drops the targets that are not wanted. It is no change: whoever shows them has to begin anew.
func (h *Hub[F]) Keep(wanted func(name string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.shown {
		if !wanted(name) {
			s.leave()
			delete(h.shown, name)
		}
	}
}

// Revision is the number of the last change.
func (h *Hub[F]) Revision() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.revision
}

// Since returns so many of the targets that have changed since a revision, the oldest first, and the revision up to which these are
// all. It looks at no others.
func (h *Hub[F]) Since(revision uint64, most int) (changed []Revised, upTo uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shown == nil {
		return nil, 0
	}
	first := &h.ends
	for first.older != &h.ends && first.older.revision > revision {
		first = first.older
	}
	for s := first; s != &h.ends; s = s.newer {
		if len(changed) == most {
			return changed, changed[most-1].Revision
		}
		changed = append(changed, Revised{s.name, s.revision})
	}
	return changed, h.revision
}

// Wait returns when there is a change after a revision, or an error when ctx is done.
func (h *Hub[F]) Wait(ctx context.Context, revision uint64) error {
	for {
		h.mu.Lock()
		if h.revision > revision {
			h.mu.Unlock()
			return nil
		}
		if h.changed == nil {
			h.changed = make(chan struct{})
		}
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
