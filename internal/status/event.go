package status

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// MaxEvents is how many events are kept, of all targets together.
const MaxEvents = 1000

// A Kind is what an Event is about.
type Kind string

// The kinds of events.
const (
	KindState   Kind = "state"   // a target went up or down
	KindRestart Kind = "restart" // an attempt to restart a service ended
	KindEdit    Kind = "edit"    // somebody changed a target, or many at once
	KindMute    Kind = "mute"    // somebody muted a target or put it into maintenance, or ended that
	KindChannel Kind = "channel" // somebody changed who hears of what
)

// Kinds are the names of all kinds of events.
func Kinds() []string {
	return []string{string(KindState), string(KindRestart), string(KindEdit), string(KindMute), string(KindChannel)}
}

// What somebody did, as the Outcome of events of the last three kinds has it.
const (
	Created  = "created"
	Updated  = "updated"
	Deleted  = "deleted"
	Imported = "imported" // many targets at once, which is one event without a target

	Muted            = "muted"
	Unmuted          = "unmuted"
	Maintained       = "maintenance"
	MaintenanceEnded = "maintenance_ended"
)

// Deeds are all that somebody may do.
func Deeds() []string {
	return []string{Created, Updated, Deleted, Imported, Muted, Unmuted, Maintained, MaintenanceEnded}
}

// An Event is something that happened to a target or a service, as GET /api/v1/events has it.
type Event struct {
	// ID is greater than those of all earlier events. It goes on where the exporter is started again.
	ID   uint64    `json:"id"`
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// Target is the name in the inventory. Empty: it is about a service that no target of the inventory checks, about many targets, or
	// about a channel.
	Target string `json:"target,omitempty"`
	// Channel is the name of the channel that an event of KindChannel is about.
	Channel string `json:"channel,omitempty"`

	// State, Reason, StatusCode and Error are what the probe found. LastedSeconds is how long the state before lasted; nil: that
	// is unknown.
	State         State         `json:"state,omitempty"`
	Reason        prober.Reason `json:"reason,omitempty"`
	StatusCode    int           `json:"status_code,omitempty"`
	Error         string        `json:"error,omitempty"`
	LastedSeconds *float64      `json:"lasted_seconds,omitempty"`
	// Maintenance says that a window was open.
	Maintenance bool `json:"maintenance,omitempty"`

	// Service, Outcome and Detail are those of the attempt, Trigger what asked for it. Outcome is also what somebody did, and Detail
	// what it was or why.
	Service string `json:"service,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Trigger string `json:"trigger,omitempty"`
	Detail  string `json:"detail,omitempty"`

	// Who is who did it, and Until when it ends. Zero: it does not.
	Who   string    `json:"who,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// events are the newest ones, the oldest first.
type events struct {
	last uint64 // the ID that was given out last
	kept []Event
}

func (e *events) add(ev Event) {
	e.last++
	ev.ID = e.last
	e.kept = appendBounded(e.kept, ev, MaxEvents)
}

// A Filter says which events are asked for. The zero Filter asks for all.
type Filter struct {
	Target string    // empty: all
	Kind   Kind      // empty: all
	Since  time.Time // zero: all
	Until  time.Time // only events before it; zero: all
	Before uint64    // only events with a smaller ID; 0: all
	Limit  int       // 0: all
}

func (f *Filter) has(e *Event) bool {
	return (f.Target == "" || f.Target == e.Target) && (f.Kind == "" || f.Kind == e.Kind) &&
		!e.At.Before(f.Since) && (f.Until.IsZero() || e.At.Before(f.Until)) && (f.Before == 0 || e.ID < f.Before)
}
