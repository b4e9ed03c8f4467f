// Package channels lets people say who hears of what: it judges what they write, makes Alertmanager run it, and keeps it.
package channels

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A Channel is who hears of what, as everybody may see it.
type Channel struct {
	alertconf.Channel

	Secret   Secret        `json:"secret"`
	Revision uint64        `json:"revision"` // of the channels, when it became what it is
	Created  managed.Stamp `json:"created"`
	Updated  managed.Stamp `json:"updated"`
}

// A Secret is what may be known of one.
type Secret struct {
	Set       bool      `json:"set"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// An Outcome is what a change of one channel did, or would do.
type Outcome struct {
	Action managed.Action
	// Channel is as it is then. Of one that was deleted it is what it was.
	Channel Channel
	// Pending says that some Alertmanager has still to be told, which will be as soon as it can be reached.
	Pending  bool
	Warnings []string
}

// An Alertmanager is what is known of all of them.
type Alertmanager struct {
	// Revision is that of the channels.
	Revision uint64 `json:"revision"`
	// File is what the Alertmanagers of the configuration read.
	File    string               `json:"file"`
	Servers []alertconf.Standing `json:"servers"`
}

// A Bundle is what alertmanager-sync makes a configuration of, elsewhere. It has secrets.
type Bundle struct {
	Revision uint64 `json:"revision"`
	// Base is the text of the base file, and BaseFile where it is, for people.
	Base     string              `json:"base"`
	BaseFile string              `json:"base_file"`
	Channels []alertconf.Channel `json:"channels"`
	// Secrets are those of channels, by their name.
	Secrets map[string]string `json:"secrets"`
}

// A Result is what became of a Bundle.
type Result struct {
	// Revision is that of the Bundle which was published last. 0: none was.
	Revision uint64             `json:"revision"`
	Standing alertconf.Standing `json:"standing"`
}
