package alertconf

import "time"

// A State is what is known of a Server's configuration.
type State string

// The states.
const (
	InSync       State = "in_sync"       // it runs what is shown
	Pending      State = "pending"       // it has not been told yet
	NotLoaded    State = "not_loaded"    // it runs something else
	ReloadFailed State = "reload_failed" // it refuses what is in the file
	FileChanged  State = "file_changed"  // the file is not what was written
	Unreachable  State = "unreachable"   // it does not answer
	Unverified   State = "unverified"    // it was told, and does not say what it runs
)

// States are all states.
func States() []State {
	return []State{InSync, Pending, NotLoaded, ReloadFailed, FileChanged, Unreachable, Unverified}
}

// A Standing is how a Server is.
type Standing struct {
	Server string `json:"server"`
	State  State  `json:"state"`
	// Detail is what it says, for people. It may be empty.
	Detail string `json:"detail,omitempty"`
	// LookedAt is when that was found out, and InSyncAt when it last ran what is shown. Zero: never.
	LookedAt time.Time `json:"looked_at,omitzero"`
	InSyncAt time.Time `json:"in_sync_at,omitzero"`
	// LoadedAt is when it was last told to load a configuration and did so. Zero: not since the exporter was started.
	LoadedAt time.Time `json:"loaded_at,omitzero"`
}
