// Package board is the targets of the inventory with what is known of each, at one moment: filtered, and summed up. The API and the
// page show it.
package board

import (
	"cmp"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// A Source is where what is on a Board comes from.
type Source struct {
	Inventory func() *inventory.Inventory
	Status    *status.Tracker
	// Restarting returns the phases of restarts that are under way, by the name of a target.
	Restarting func() map[string]string
}

// A Board is the targets at one moment.
type Board struct {
	Inventory *inventory.Inventory
	Now       time.Time

	status   *status.Tracker
	restarts map[string]string
	down     func(name string) bool
	causes   map[string]string // of targets for which it was looked up; see cause
}

// At is the Board at a time.
func (s *Source) At(now time.Time) *Board {
	inv := s.Inventory()
	return &Board{
		Inventory: inv, Now: now, status: s.Status, restarts: s.Restarting(),
		down: s.Status.Down, causes: map[string]string{},
	}
}

// A Target is a target of the inventory as it is at the moment of a Board.
type Target struct {
	*inventory.Entry
	status.Condition
	// Cause is the target that this one depends on and that is down as well. Empty: nothing of it is.
	Cause string
	// Restarting is the phase of a restart that is under way. Empty: none is.
	Restarting string
	// Quiet is why nobody is told of it.
	Quiet inventory.Quiet
}

// Target is how a target of the inventory is.
func (b *Board) Target(e *inventory.Entry) Target {
	t := Target{
		Entry: e, Condition: b.status.Condition(e.Name, time.Duration(e.Interval), b.Now), Restarting: b.restarts[e.Name],
		Quiet: b.Inventory.Quiet(e, b.Now),
	}
	if t.State == status.StateDown {
		t.Cause = b.cause(e)
	}
	return t
}

// cause is the target at the end of a chain of those that e depends on and that are all down. Empty: none of them is. Each is
// looked up once: a chain may be as long as the inventory. It has no cycles.
func (b *Board) cause(e *inventory.Entry) string {
	if known, ok := b.causes[e.Name]; ok {
		return known
	}
	cause := ""
	for _, name := range e.DependsOn {
		if on := b.Inventory.ByName(name); on != nil && b.down(name) {
			cause = cmp.Or(b.cause(on), name)
			break
		}
	}
	b.causes[e.Name] = cause
	return cause
}
