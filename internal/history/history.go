// Package history remembers the latest probe results in bounded memory, and failures longer than successes.
package history

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// An Entry is one remembered probe.
type Entry struct {
	// ID is unique in its History, at least 1, and greater than those of all earlier probes.
	ID uint64
	// Module names the module that the probe was made with.
	Module string
	// Target is the target as people may see it: its secrets are masked.
	Target string
	Result prober.Result
}

// A History remembers probe results. It is made by New and safe for concurrent use.
//
// What goes in and what comes out is copied, so that nobody's change is seen by anybody else. Only what no one
// changes is shared: errors, certificates and the values of event attributes.
type History struct {
	mu sync.RWMutex // protects the following
	// id is the last one that was given out.
	id uint64
	// recent are the newest entries; failures are the newest failures of those that recent has dropped, so that
	// each of them is older than all of recent. An entry in either is never changed.
	recent, failures ring
}

// New returns an empty history that keeps the newest limit results and, beyond these, the newest limit
// failures. With a limit below 1 it keeps nothing but still gives out IDs.
func New(limit int) *History {
	limit = max(limit, 0)
	return &History{recent: ring{limit: limit}, failures: ring{limit: limit}}
}

// Add remembers the result of a probe of target, which must be masked already, and returns its ID.
func (h *History) Add(module, target string, r prober.Result) uint64 {
	r = clone(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	dropped := h.recent.push(Entry{ID: h.id, Module: module, Target: target, Result: r})
	if dropped.ID != 0 && !dropped.Result.Success() {
		h.failures.push(dropped)
	}
	return h.id
}

// Get returns the entry with this ID, and false if it is not remembered, or no longer.
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

// A ring holds the last limit entries that were pushed, in the order of their IDs.
type ring struct {
	limit   int
	entries []Entry // grows up to limit
	oldest  int     // index in entries
}

// push adds e and returns the entry that had to go for it, e itself if there is no room at all, or the zero
// Entry.
func (r *ring) push(e Entry) (dropped Entry) {
	switch {
	case r.limit == 0:
		return e
	case len(r.entries) < r.limit:
		r.entries = append(r.entries, e)
		return Entry{}
	}
	dropped, r.entries[r.oldest] = r.entries[r.oldest], e
	r.oldest = (r.oldest + 1) % r.limit
	return dropped
}

// at returns the i-th entry, counted from the oldest.
func (r *ring) at(i int) *Entry { return &r.entries[(r.oldest+i)%len(r.entries)] }

// find returns the entry with this ID, if there is one.
func (r *ring) find(id uint64) (Entry, bool) {
	i, ok := sort.Find(len(r.entries), func(i int) int { return cmp.Compare(id, r.at(i).ID) })
	if !ok {
		return Entry{}, false
	}
	return *r.at(i), true
}

// appendTo appends the entries to list, the newest first.
func (r *ring) appendTo(list []Entry) []Entry {
	start := len(list)
	list = append(append(list, r.entries[r.oldest:]...), r.entries[:r.oldest]...)
	slices.Reverse(list[start:])
	return list
}
