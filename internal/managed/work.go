package managed

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// maxSize is how many bytes may be written of all targets, so that what is exported can be imported.
const maxSize = 8 << 20

// A work is a working copy of a state, on which edits are judged and made one after another.
type work struct {
	r    *Registry
	base *state
	now  time.Time

	meta
	targets  map[string]*record
	overlays map[string]*overlay
	channels channels
	size     int // bytes of the targets
	saves    map[string][]byte
	entries  []Entry
	// ownTargets, ownOverlays and ownChannels say that the maps are no longer those of base.
	ownTargets, ownOverlays, ownChannels bool
}

func newWork(r *Registry, base *state) *work {
	return &work{
		r: r, base: base, now: time.Now().Round(0).UTC(), meta: base.meta,
		targets: base.targets, overlays: base.overlays, channels: base.channels, size: base.size, saves: map[string][]byte{},
	}
}

// unsaved reports whether there is something to keep.
func (w *work) unsaved() bool { return len(w.saves) > 0 }

// state is what is published once it is kept.
func (w *work) state() *state {
	s := newState(w.meta, w.targets, w.overlays, w.channels)
	if !w.ownTargets {
		s.names = w.base.names
	}
	return s
}

// next begins a change, which has a revision of its own.
func (w *work) next() { w.Revision++ }

// targetsChanged reports whether a target differs from base.
func (w *work) targetsChanged() bool { return w.ownTargets }

// stamp is when and by whom something changes now.
func (w *work) stamp(by Author) Stamp { return Stamp{At: w.now, By: by.Name} }

// setTarget makes, changes or, if rec is nil, removes a target.
func (w *work) setTarget(name string, rec *record) {
	if !w.ownTargets {
		w.targets, w.ownTargets = maps.Clone(w.targets), true
	}
	w.Targets = w.Revision
	w.size += grown(w.targets[name], rec)
	if rec == nil {
		delete(w.targets, name)
		w.saves[keyTarget+name] = nil
		return
	}
	w.targets[name] = rec
	w.saves[keyTarget+name] = rec.text()
}

// grown is how many more bytes there are after one target became another.
func grown(before, after *record) (n int) {
	if before != nil {
		n -= before.size()
	}
	if after != nil {
		n += after.size()
	}
	return n
}

// room returns why there cannot be so many more targets and bytes. What becomes less may always be.
func (w *work) room(targets, size int) error {
	most := w.r.settings.Load().max
	switch n := len(w.targets) + targets; {
	case targets > 0 && n > most:
		return &TooManyError{Err: fmt.Errorf("these would be %d managed targets, and there may be %d: managed.max_targets", n, most)}
	case size > 0 && w.size+size > maxSize:
		return &TooManyError{Err: fmt.Errorf("what is written of all managed targets would have %d bytes, and there may be %d", w.size+size, maxSize)}
	}
	return nil
}

// setOverlay makes, changes or, if o is nil, removes the overlay of a target.
func (w *work) setOverlay(name string, o *overlay) {
	if !w.ownOverlays {
		w.overlays, w.ownOverlays = maps.Clone(w.overlays), true
	}
	if o == nil {
		delete(w.overlays, name)
		w.saves[keyOverlay+name] = nil
		return
	}
	w.overlays[name] = o
	w.saves[keyOverlay+name] = Encode(o)
}

// note keeps what an edit did for the audit log.
func (w *work) note(by Author, k EntryKind, a Action, name string, change any) {
	w.entries = append(w.entries, Entry{
		At: w.now, Who: by.Name, Role: by.Role, Addr: by.Addr, Action: a, Kind: k, Name: name, Revision: w.Revision,
		Change: json.RawMessage(Encode(change)),
	})
}
