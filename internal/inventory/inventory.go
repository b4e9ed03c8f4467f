// Package inventory knows the targets: it gets them from where they are listed, checks them, merges them, and tells
// Prometheus about them at /sd.
//
// An error in a target costs that target alone. An error of a source costs none: its last good answer is used.
package inventory

import (
	"iter"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// The sources that are always called the same.
const (
	// StaticSource is that of the targets that the configuration file itself lists.
	StaticSource = "targets"
	// ManagedSource is that of the targets that people edit while the exporter runs.
	ManagedSource = "managed"
)

// An Entry is one target of an Inventory. It does not change.
type Entry struct {
	config.Target
	// Source is where the target comes from.
	Source string
	// Reviewed says that a person decides about it, and no API: it may be a check of what is restarted.
	Reviewed bool
	// Address is the parsed URL, without a fragment. It must not be changed.
	Address *url.URL
	// Instance is the URL as people may see it.
	Instance string
	// Shadows is the source of another target of this name, which a managed one has replaced. Empty: there is none.
	Shadows string

	written *config.Target // what it was made of
	labels  []label        // its own, sorted
}

type label struct{ name, value string }

// An Inventory is a checked set of targets. It does not change.
type Inventory struct {
	// Config is what the targets were checked against.
	Config *config.Config
	// Answered says that every source has answered at least once: a target that is missing is gone, and not only unknown for want
	// of an answer.
	Answered bool
	// Overlays are in force besides what the sources say. nil: there are none.
	Overlays Overlays

	entries []*Entry // sorted by name
	byName  map[string]*Entry
	byURL   func() map[urlAndModule][]*Entry // made when somebody asks
	// shadowed are the names of the managed targets that another one has replaced.
	shadowed map[string]bool
	// problems are conflicts between targets, by source, as many as are kept.
	problems map[string][]error
	sources  []string       // all but StaticSource, in order
	wrong    map[string]int // how many problems a source's targets have, on their own or with others
}

// Entries returns all targets, sorted by name. The caller must not change the slice.
func (inv *Inventory) Entries() []*Entry { return inv.entries }

// Names are those of all targets, sorted.
func (inv *Inventory) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range inv.entries {
			if !yield(e.Name) {
				return
			}
		}
	}
}

// ByName finds a target; nil: there is none of that name.
func (inv *Inventory) ByName(name string) *Entry { return inv.byName[name] }

// Shadowed reports whether there is a managed target of that name which is not used, since a file has one as well.
func (inv *Inventory) Shadowed(name string) bool { return inv.shadowed[name] }

// InMaintenance reports whether a maintenance window for all targets is open.
func (inv *Inventory) InMaintenance(now time.Time) bool {
	return inv.Config.Maintenance.Contain(now)
}
