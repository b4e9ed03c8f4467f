// Package status knows how targets are: which are down, since when, why, and how often. It learns it from probes.
package status

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Probe is a finished probe of a target.
type Probe struct {
	// Name is that of the target in the inventory. Empty: it is not in the inventory, and Key stands for it.
	Name string
	Key  Key

	Result prober.Result
	// OwnTimeout is how long the target may take to answer. The Result says how long it was given.
	OwnTimeout time.Duration
	// Maintenance says that a window was open: the probe is not counted.
	Maintenance bool
	// Own says that the exporter made the probe by itself, since nobody scraped.
	Own bool
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

// A Tracker follows targets from probe to probe. Make it with NewTracker.
type Tracker struct {
	mu       sync.Mutex // protects the following
	listed   map[string]*track
	unlisted unlisted
	failures failures
	events   events
	changes  uint64 // counts what a snapshot would not have
}

// NewTracker makes a Tracker that knows of no target.
func NewTracker() *Tracker {
	return &Tracker{listed: map[string]*track{}, unlisted: unlisted{}, failures: newFailures()}
}

// Observe takes in a probe and returns what it changed.
func (t *Tracker) Observe(p Probe) Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Name == "" {
		return t.unlisted.observe(&p)
	}
	known := t.listed[p.Name]
	if known == nil {
		known = &track{}
		t.listed[p.Name] = known
	}
	wasUnable := known.unable
	known.unable = ours(p.Result.Reason)
	switch {
	case known.unable && !wasUnable:
		return Unable
	case !p.Conclusive():
		return None
	}
	if !p.Result.Success() {
		t.failures.keep(p.Name, p.Result)
	}
	wasKnown, before := known.known, time.UnixMicro(known.since)
	c := changeOf(known.observe(&p), !p.Result.Success())
	if c != None {
		t.note(&p, wasKnown, before)
	}
	return c
}

func changeOf(wasDown, isDown bool) Change {
	switch {
	case wasDown == isDown:
		return None
	case isDown:
		return Down
	default:
		return Up
	}
}

// note makes an event of a change. Before is since when the target was as it was, if that is known.
func (t *Tracker) note(p *Probe, known bool, before time.Time) {
	r := &p.Result
	ev := Event{
		At: r.Start.UTC(), Kind: KindState, Target: p.Name, State: StateUp, Reason: r.Reason, StatusCode: code(r), Maintenance: p.Maintenance,
	}
	if !r.Success() {
		ev.State, ev.Error = StateDown, r.Err.Error()
	}
	if lasted := r.Start.Sub(before).Seconds(); known && lasted >= 0 { // or else the clock was set back
		ev.LastedSeconds = &lasted
	}
	t.events.add(ev)
	t.changes++
}

// Condition returns how a target is that is probed at an interval.
func (t *Tracker) Condition(name string, interval time.Duration, now time.Time) Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.track(name).condition(interval, now)
}

// Uptime returns how often a target was found up.
func (t *Tracker) Uptime(name string, now time.Time) Uptime {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.track(name).uptime(now)
}

// Glance returns the counts of a target that a row of a table has room for.
func (t *Tracker) Glance(name string, now time.Time) Glance {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.track(name).glance(now)
}

// Details returns what else is known of a target.
func (t *Tracker) Details(name string, now time.Time) Details {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.track(name).details(now)
	if r, ok := t.failures.get(name); ok {
		d.Failure = &r
	}
	return d
}

// Failure returns the last probe of a target that failed, as far as it is kept.
func (t *Tracker) Failure(name string) (prober.Result, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failures.get(name)
}

// Last is when the last conclusive probe of a target began, how long it took, and whether the exporter made it by itself. Zero:
// there was none.
func (t *Tracker) Last(name string) (at time.Time, took time.Duration, own bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.track(name)
	if !known.known {
		return time.Time{}, 0, false
	}
	return time.UnixMicro(known.last.at), time.Duration(known.last.took) * time.Microsecond, known.own
}

// Down reports whether the last conclusive probe of a target failed.
func (t *Tracker) Down(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.track(name).down
}

// track returns the track of a target, or one that knows nothing.
func (t *Tracker) track(name string) *track {
	if known := t.listed[name]; known != nil {
		return known
	}
	return &unseen
}

// unseen is the track of targets of which nothing is known. Nobody changes it.
var unseen track

// Record adds an event that is not about the state of a target. What is written freely is cut: all events are kept in memory, and in
// the snapshot. Many targets that somebody changes at once are to be one event, or they would take the place of all others.
func (t *Tracker) Record(ev Event) {
	ev.Who, ev.Detail = printable.Text(ev.Who, printable.MaxLog), printable.Text(ev.Detail, printable.MaxError)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events.add(ev)
	t.changes++
}

// Events returns the events that a Filter asks for, the newest first, and whether there are more.
func (t *Tracker) Events(f Filter) (found []Event, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range slices.Backward(t.events.kept) {
		if !f.has(&e) {
			continue
		}
		if f.Limit > 0 && len(found) == f.Limit {
			return found, true
		}
		found = append(found, e)
	}
	return found, false
}

// Forget drops what is known of targets that are not in the inventory any more.
func (t *Tracker) Forget(inInventory func(name string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.listed, func(name string, _ *track) bool {
		gone := !inInventory(name)
		if gone {
			t.failures.drop(name)
		}
		return gone
	})
}
