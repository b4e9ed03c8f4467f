package config

import (
	"time"
)

// The default values of a target's fields.
const (
	DefaultEnvironment = "UNKNOWN"
	DefaultInterval    = 30 * time.Second
	// DefaultTargetTimeout is for a target whose module has no timeout either. It is shorter if the interval is short.
	DefaultTargetTimeout = 10 * time.Second
)

// MaxInterval is the longest interval of a target: Prometheus takes a series without a sample for 5 minutes as gone.
const MaxInterval = 5 * time.Minute

// MaxLabels is how many labels a target may have.
const MaxLabels = 64

// Target is a server with a name. Prometheus discovers it, alerts name it, and /probe?name= probes it.
type Target struct {
	// Name is unique in the whole inventory.
	Name string `yaml:"name"`
	// URL is absolute, with the scheme http, https, ws or wss.
	URL string `yaml:"url"`
	// Module is the one of DefaultModuleFor if it is empty.
	Module string `yaml:"module,omitempty"`
	// Environment is DefaultEnvironment if it is empty.
	Environment string `yaml:"environment,omitempty"`
	// Interval is how often Prometheus probes it. 0: DefaultInterval.
	Interval Duration `yaml:"interval,omitempty"`
	// Timeout bounds a probe. 0: that of the module, or DefaultTargetTimeout, or what the interval leaves.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Notification is "on" or "off". Empty: "on".
	Notification string `yaml:"notification,omitempty"`
	// Maintenance are times at which nobody is notified of the target.
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

	timeoutByDefault bool
}

// TimeoutByDefault reports whether neither the target nor its module names a timeout.
func (t *Target) TimeoutByDefault() bool { return t.timeoutByDefault }

// Muted reports whether nobody is notified of the target.
func (t *Target) Muted() bool { return t.Notification == notificationOff }

const (
	notificationOn  = "on"
	notificationOff = "off"
)

// InMaintenance reports whether one of the target's maintenance windows is open.
func (t *Target) InMaintenance(now time.Time) bool { return t.Maintenance.Contain(now) }

// Overlaid reports whether the target changes its module.
func (t *Target) Overlaid() bool {
	return t.Method != "" || len(t.Headers) > 0 || len(t.ValidStatusCodes) > 0
}
