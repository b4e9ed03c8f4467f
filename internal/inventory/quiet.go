package inventory

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// Overlays are what people have said of single targets for a time, wherever the targets come from. They change while an
// Inventory does not.
type Overlays interface {
	// Mute returns the period at a time for which a target is muted. nil: there is none.
	Mute(target string, at time.Time) *calendar.Period
	// Maintenance returns the period at a time for which a target is in maintenance. nil: there is none.
	Maintenance(target string, at time.Time) *calendar.Period
}

// Quiet is why nobody is told of a target. The zero Quiet: people are told.
type Quiet struct {
	// Muted says that the inventory or a person has muted it. Mute is the period of the person; nil: there is none.
	Muted bool
	Mute  *calendar.Period
	// InMaintenance says that a window of the inventory or a period of a person is open. Maintenance is the period; nil: there
	// is none.
	InMaintenance bool
	Maintenance   *calendar.Period
}

// Quiet returns why nobody is told of a target at a time.
func (inv *Inventory) Quiet(e *Entry, at time.Time) Quiet {
	q := Quiet{Muted: e.Muted(), InMaintenance: e.InMaintenance(at) || inv.InMaintenance(at)}
	if inv.Overlays == nil {
		return q
	}
	if q.Mute = inv.Overlays.Mute(e.Name, at); q.Mute != nil {
		q.Muted = true
	}
	if q.Maintenance = inv.Overlays.Maintenance(e.Name, at); q.Maintenance != nil {
		q.InMaintenance = true
	}
	return q
}
