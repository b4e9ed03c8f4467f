// Package status knows how targets are: which are down, since when and why. It learns it from the probes that others make.
package status

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// MaxUnlisted bounds how many targets outside the inventory are known to be down.
const MaxUnlisted = 10_000

// A Key stands for a target outside the inventory: its hash, since a URL may be long and hold secrets.
type Key [sha256.Size]byte

// KeyOf is the same for every probe of a URL with one module and one Host header.
func KeyOf(module, hostname, url string) Key {
	return sha256.Sum256([]byte(module + "\x00" + hostname + "\x00" + url))
}

// A Probe is a finished probe of a target.
type Probe struct {
	// Name is that of the target in the inventory. Empty: it is not in the inventory, and Key stands for it.
	Name string
	Key  Key

	Result prober.Result
	// OwnTimeout is how long the target may take to answer. The Result says how long it was given.
	OwnTimeout time.Duration
}

// A Change is what a probe changed.
type Change int

// The changes.
const (
	None   Change = iota
	Down          // the target was up or unknown
	Up            // the target was down
	Unable        // the exporter could not probe it, and could before
)

// A Last is what the last probe of a target found.
type Last struct {
	Since  time.Time     // when the target was first seen up, or down, as it still is
	At     time.Time     // when the probe began
	Result prober.Result // duration, reason and error alone
}

// A Tracker follows targets from probe to probe. Make it with NewTracker.
type Tracker struct {
	mu       sync.Mutex      // protects the following
	listed   map[string]Last // targets of the inventory, by name
	unable   map[string]bool // targets of the inventory that could not be probed last time
	unlisted map[Key]bool    // targets outside the inventory that are down; absent: up, or never probed
}

// NewTracker makes a Tracker that knows of no target.
func NewTracker() *Tracker {
	return &Tracker{listed: map[string]Last{}, unable: map[string]bool{}, unlisted: map[Key]bool{}}
}

// Observe takes in a probe and returns what it changed.
func (t *Tracker) Observe(p Probe) Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Name == "" {
		return t.observeUnlisted(p)
	}
	unable := ours(p.Result.Reason)
	wasUnable := t.noteUnable(p.Name, unable)
	switch {
	case unable && !wasUnable:
		return Unable
	case !conclusive(p):
		return None
	default:
		return change(t.remember(p), !p.Result.Success())
	}
}

// Last returns what the last conclusive probe of a target of the inventory found. It is false for a target that was not
// probed yet.
func (t *Tracker) Last(name string) (Last, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, ok := t.listed[name]
	return last, ok
}

// Forget drops what is known of targets that are not in the inventory any more.
func (t *Tracker) Forget(inInventory func(name string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.listed, func(name string, _ Last) bool { return !inInventory(name) })
	maps.DeleteFunc(t.unable, func(name string, _ bool) bool { return !inInventory(name) })
}

func change(wasDown, isDown bool) Change {
	switch {
	case wasDown == isDown:
		return None
	case isDown:
		return Down
	default:
		return Up
	}
}

// remember keeps what a probe of a target of the inventory found and reports whether the target was down before.
func (t *Tracker) remember(p Probe) (wasDown bool) {
	r := p.Result
	last := Last{Since: r.Start, At: r.Start, Result: prober.Result{Duration: r.Duration, Reason: r.Reason, Err: r.Err}}
	before, known := t.listed[p.Name]
	if known && before.Result.Success() == r.Success() {
		last.Since = before.Since
	}
	t.listed[p.Name] = last
	return known && !before.Result.Success()
}

// noteUnable remembers whether a target of the inventory could be probed at all and reports whether it could not before.
func (t *Tracker) noteUnable(name string, unable bool) (wasUnable bool) {
	wasUnable = t.unable[name]
	if unable {
		t.unable[name] = true
	} else {
		delete(t.unable, name)
	}
	return wasUnable
}

// observeUnlisted remembers only targets that are down, and not more of them than MaxUnlisted: anybody may name any.
func (t *Tracker) observeUnlisted(p Probe) Change {
	if !conclusive(p) {
		return None
	}
	wasDown, isDown := t.unlisted[p.Key], !p.Result.Success()
	switch {
	case !isDown:
		delete(t.unlisted, p.Key)
	case !wasDown:
		t.makeRoom()
		t.unlisted[p.Key] = true
	}
	return change(wasDown, isDown)
}

// makeRoom forgets a target outside the inventory if there is no room for another. Any will do: it is found down once more.
func (t *Tracker) makeRoom() {
	if len(t.unlisted) < MaxUnlisted {
		return
	}
	for forgotten := range t.unlisted {
		delete(t.unlisted, forgotten)
		return
	}
}
