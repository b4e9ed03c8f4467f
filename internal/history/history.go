// Package history remembers the latest probe results in bounded memory, and failures longer than successes.
package history

import (
	"cmp"
	"slices"
	"sync"
	"unsafe"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// An Entry is one probe in a [History].
type Entry struct {
	// ID is unique in its History, at least 1, and greater than those of all earlier probes.
	ID uint64
	// Module names the module that the probe was made with.
	Module string
	// Target is the target with its secrets masked.
	Target string
	Result prober.Result
}

// size is roughly how many bytes of memory the entry takes.
func (e *Entry) size() int {
	return int(unsafe.Sizeof(e)+unsafe.Sizeof(*e)-unsafe.Sizeof(e.Result)) + len(e.Module) + len(e.Target) + e.Result.Size()
}

// Budget bounds the memory of a History, in bytes.
const Budget = 8 << 20

// A History remembers probe results. It is made by New and safe for concurrent use.
//
// What goes in and what comes out is copied, so that no caller sees another's changes. Only what never changes is
// shared: errors and the values of event attributes.
type History struct {
	mu sync.RWMutex // protects the following
	// id is the last ID that was given out.
	id uint64
	// recent are the newest entries; failures are the newest failures of those that recent has dropped, so each of them
	// is older than all of recent. An entry in either is never changed.
	recent, failures queue
}

// New returns an empty history that keeps the newest limit results and, beyond these, the newest limit failures. It
// keeps fewer if they would take more than [Budget]; the oldest successes go first. With a limit below 1 it keeps
// nothing but still gives out IDs.
func New(limit int) *History {
	limit = max(limit, 0)
	return &History{recent: queue{limit: limit}, failures: queue{limit: limit}}
}

// Add remembers the result of a probe of target, which must be masked already, and returns its ID.
func (h *History) Add(module, target string, r prober.Result) uint64 {
	e := &Entry{Module: module, Target: target, Result: clone(r)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	e.ID = h.id
	if dropped := h.recent.push(e); dropped != nil && !dropped.Result.Success() {
		h.failures.push(dropped)
	}
	for h.recent.bytes+h.failures.bytes > Budget && h.dropOne() {
	}
	return h.id
}

// dropOne drops the oldest success or, if there is none, the oldest failure. It never drops the newest entry, and
// reports whether there was another one.
func (h *History) dropOne() bool {
	older := h.recent.entries[:max(len(h.recent.entries)-1, 0)]
	i := slices.IndexFunc(older, func(e *Entry) bool { return e.Result.Success() })
	switch {
	case i >= 0:
		h.recent.remove(i)
	case len(h.failures.entries) > 0:
		h.failures.remove(0)
	case len(older) > 0:
		h.recent.remove(0)
	default:
		return false
	}
	return true
}

// Get returns the entry with this ID, or false if it is not, or no longer, remembered.
func (h *History) Get(id uint64) (Entry, bool) {
	e, ok := h.find(id)
	if ok {
		e.Result = clone(e.Result)
	}
	return e, ok
}

func (h *History) find(id uint64) (Entry, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if e, ok := h.recent.find(id); ok {
		return e, true
	}
	return h.failures.find(id)
}

// List returns all entries, the newest first.
func (h *History) List() []Entry {
	h.mu.RLock()
	list := make([]Entry, 0, len(h.recent.entries)+len(h.failures.entries))
	list = h.failures.appendTo(h.recent.appendTo(list))
	h.mu.RUnlock()
	for i := range list {
		list[i].Result = clone(list[i].Result)
	}
	return list
}

// A queue holds the last limit entries that were pushed, in the order of their IDs.
type queue struct {
	limit   int
	entries []*Entry // the oldest first
	bytes   int      // of memory that the entries take
}

// push adds e. It returns the entry that had to go for it, which is e itself if there is no room at all, or nil.
func (q *queue) push(e *Entry) (dropped *Entry) {
	q.entries = append(q.entries, e)
	q.bytes += e.size()
	if len(q.entries) <= q.limit {
		return nil
	}
	return q.remove(0)
}

// remove takes out the i-th entry.
func (q *queue) remove(i int) *Entry {
	e := q.entries[i]
	q.bytes -= e.size()
	copy(q.entries[1:i+1], q.entries[:i])
	q.entries[0] = nil
	q.entries = q.entries[1:]
	return e
}

// find returns the entry with this ID, if there is one.
func (q *queue) find(id uint64) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(q.entries, id, func(e *Entry, id uint64) int { return cmp.Compare(e.ID, id) })
	if !ok {
		return Entry{}, false
	}
	return *q.entries[i], true
}

// appendTo appends the entries to list, the newest first.
func (q *queue) appendTo(list []Entry) []Entry {
	for _, e := range slices.Backward(q.entries) {
		list = append(list, *e)
	}
	return list
}
