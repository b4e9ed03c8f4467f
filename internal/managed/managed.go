// Package managed keeps what people edit while the exporter runs: targets, for how long others are muted or in maintenance, and
// channels, which package channels judges. It is durable before it is answered.
package managed

import (
	"encoding/json"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// Source is the name of these targets' source in the inventory.
const Source = "managed"

// A Target is one that people have written.
type Target struct {
	Name string
	// Revision is that of the change which made it what it is.
	Revision uint64
	// Definition is what was written: a JSON object with the keys of config.Target without the name, compact and sorted.
	Definition       json.RawMessage
	Created, Updated Stamp
}

// A Stamp says when somebody changed something.
type Stamp struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// An Author is who edits.
type Author struct {
	Name, Role, Addr string
	// Environments are where the author may do anything. Empty: everywhere.
	Environments []string
	// May returns why the author may not do this to targets of these environments. nil: he may.
	May func(environments ...string) error
}

// An Edit is who changes something, and on what condition.
type Edit struct {
	By Author
	If Condition
	// DryRun checks everything and answers as always, and keeps nothing.
	DryRun bool
	// Force removes a target that a restart service checks.
	Force bool
}

// A Condition is what an Edit expects to find (RFC 9110 section 13.1). The zero Condition expects nothing: it may make what
// does not exist, and does not change what does.
type Condition struct {
	// Absent expects that there is nothing (If-None-Match: *).
	Absent bool
	// Any expects that there is something (If-Match: *).
	Any bool
	// Revisions expects that it has one of them (If-Match: "17").
	Revisions []uint64
}

// An Action is what an Edit did.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Deleted   Action = "deleted"
	Unchanged Action = "unchanged"
)

// An Outcome is what an Edit of one target did, or would do.
type Outcome struct {
	Action Action
	// Target is as it is then. Of one that was deleted it is what it was.
	Target Target
	// Warnings are what was accepted and may not be meant, such as a URL that probe.deny denies.
	Warnings []string
	// Revision is that of everything then.
	Revision uint64
}

// A Kind is what an overlay does.
type Kind string

// The kinds of overlays.
const (
	Mute        Kind = "mute"
	Maintenance Kind = "maintenance"
)

// MaxPeriod is how far ahead the end of a mute or a maintenance may be.
const MaxPeriod = 30 * 24 * time.Hour

// A Subject is a target that an overlay is about, wherever it comes from.
type Subject struct{ Name, Environment string }

// An Overlay is one that is in force, or will be.
type Overlay struct {
	Target string
	Kind   Kind
	calendar.Period
}

// A Mode says what an import does with targets that it does not have.
type Mode string

// The modes of an import.
const (
	Merge   Mode = "merge"   // they stay
	Replace Mode = "replace" // they are deleted
)

// A Document is all managed targets and channels, as they are exported and imported. As JSON and as YAML it is
// {"targets": [...], "channels": [...]}, each with its name and what was written. One of them may be nil: an import leaves its kind
// alone. If both are, there are no targets.
type Document struct {
	Targets []json.RawMessage `json:"targets"`
	// Channels have no secrets when they are exported.
	Channels []json.RawMessage `json:"channels,omitempty"`
}

// A Report is what an import did, or would do. Names are sorted.
type Report struct {
	Created   []string     `json:"created"`
	Updated   []Difference `json:"updated"`
	Deleted   []string     `json:"deleted"`
	Unchanged int          `json:"unchanged"`
	// Channels are what became of channels. nil: the document has none.
	Channels *ChannelReport `json:"channels,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Revision uint64         `json:"revision"`
}

// A ChannelReport is what an import did with channels. A secret that changes is SecretChanged in it.
type ChannelReport struct {
	Created   []string     `json:"created"`
	Updated   []Difference `json:"updated"`
	Deleted   []string     `json:"deleted"`
	Unchanged int          `json:"unchanged"`
}

// A Difference is how a target differs: for each key what was written before and what now. A key that was left out is nil.
type Difference struct {
	Name    string                        `json:"name"`
	Changes map[string][2]json.RawMessage `json:"changes"`
}
