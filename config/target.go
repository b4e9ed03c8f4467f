package config

import (
	"time"
)

// The values of a target's fields where it says nothing.
const (
	DefaultEnvironment = "UNKNOWN"
	DefaultInterval    = 30 * time.Second
	// DefaultTargetTimeout is for a target whose module has no timeout either; less where the interval is short.
	DefaultTargetTimeout = 10 * time.Second
)

// MaxInterval is the longest interval of a target: Prometheus takes a series for gone that has no sample for 5 minutes.
const MaxInterval = 5 * time.Minute

// MaxLabels is how many labels a target may have.
const MaxLabels = 64

// Target is a server with a name: what Prometheus discovers, alerts name and /probe?name= probes.
type Target struct {
	// Name is unique in the whole inventory.
	Name string `yaml:"name"`
	// URL is absolute, with the scheme http, https, ws or wss.
	URL string `yaml:"url"`
	// Module is that of DefaultModuleFor where empty.
	Module string `yaml:"module,omitempty"`
	// Environment is DefaultEnvironment where empty.
	Environment string `yaml:"environment,omitempty"`
	// Interval is how often Prometheus probes it. 0: DefaultInterval.
	Interval Duration `yaml:"interval,omitempty"`
	// Timeout bounds a probe. 0: that of the module, or DefaultTargetTimeout, or what the interval leaves.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Notification is "on" or "off". Empty: "on".
	Notification string `yaml:"notification,omitempty"`
	// Maintenance are the times of which nobody needs to be told.
	Maintenance TimeIntervals `yaml:"maintenance,omitempty"`
	// Labels are put on every series of the target.
	Labels map[string]string `yaml:"labels,omitempty"`
	// DependsOn names the targets without which this one cannot be healthy.
	DependsOn []string `yaml:"depends_on,omitempty"`
	// RunbookURL tells people what to do.
	RunbookURL string `yaml:"runbook_url,omitempty"`

	// Method, Headers and ValidStatusCodes overlay the module; see Overlay.
	Method           string            `yaml:"method,omitempty"`
	Headers          map[string]string `yaml:"headers,omitempty"`
	ValidStatusCodes StatusRanges      `yaml:"valid_status_codes,omitempty"`
}

// Target finds a target of the configuration file by its name; nil: it has none of that name.
func (c *Config) Target(name string) *Target {
	for i := range c.Targets {
		if name != "" && c.Targets[i].Name == name {
			return &c.Targets[i]
		}
	}
	return nil
}

// Muted tells whether nobody wants to hear of the target.
func (t *Target) Muted() bool { return t.Notification == notificationOff }

const (
	notificationOn  = "on"
	notificationOff = "off"
)

// InMaintenance tells whether one of the intervals holds now.
func (t *Target) InMaintenance(now time.Time) bool { return t.Maintenance.Contain(now) }

// Overlaid tells whether the target changes its module.
func (t *Target) Overlaid() bool {
	return t.Method != "" || len(t.Headers) > 0 || len(t.ValidStatusCodes) > 0
}
