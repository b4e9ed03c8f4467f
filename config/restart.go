package config

import (
	"cmp"
	"slices"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// Restart is the part of the configuration that lets the exporter restart services.
type Restart struct {
	// Mode is "off", "observe" or "enforce", for every service that does not say otherwise. Required.
	Mode string `yaml:"mode"`
	// Receiver says who may send alerts and give orders. Zero: nobody may; that needs a service with WithoutAlertAfter.
	Receiver Receiver `yaml:"receiver,omitempty"`
	// LeaderElection is for several exporters with the same services. nil: this one is the only one.
	LeaderElection *LeaderElection `yaml:"leader_election,omitempty"`
	// Defaults are the limits of every service that does not say otherwise.
	Defaults Limits `yaml:"defaults,omitempty"`
	// Brake keeps everything from being restarted because of a single cause.
	Brake Brake `yaml:"brake,omitempty"`
	// Sentinels show whether the exporter's own network works. Empty: nothing does.
	Sentinels []Sentinel `yaml:"sentinels,omitempty"`
	Services  []Service  `yaml:"services"`
}

// Receiver is who may call the webhook and the API of restarts: exactly one of the first three, or Insecure.
type Receiver struct {
	BearerToken     commonconfig.Secret     `yaml:"bearer_token,omitempty"`
	BearerTokenFile string                  `yaml:"bearer_token_file,omitempty"`
	BasicAuth       *commonconfig.BasicAuth `yaml:"basic_auth,omitempty"`
	// Insecure lets anybody who reaches the exporter ask for restarts.
	Insecure bool `yaml:"insecure,omitempty"`
}

// Service is something that can be restarted.
type Service struct {
	Name string `yaml:"name"`
	// Mode is that of the restart section if it is empty.
	Mode string `yaml:"mode,omitempty"`
	// Group is the group of the service. Its members are restarted one after the other, and not if all of them fail.
	Group string `yaml:"group,omitempty"`
	// Environment is for people and for routing. Empty: that of the first target among the checks.
	Environment string `yaml:"environment,omitempty"`
	// DependsOn are the names of services that must be healthy.
	DependsOn []string `yaml:"depends_on,omitempty"`
	// Match are the labels that an alert about this service has. If it is empty, an alert has to name one of the checks.
	Match map[string]string `yaml:"match,omitempty"`
	// Checks say whether the service is healthy: it is when all of them succeed.
	Checks   []ServiceCheck `yaml:"checks"`
	Limits   `yaml:",inline"`
	Backends `yaml:",inline"`
}

// ServiceCheck is a URL and the module to probe it with, or a target of the inventory.
type ServiceCheck struct {
	// Target is the name of a target, which the check uses with all of its settings. Empty: URL and Module say what to probe.
	Target string `yaml:"target,omitempty"`
	URL    string `yaml:"url,omitempty"`
	// Module is the one of DefaultModuleFor if it is empty.
	Module string `yaml:"module,omitempty"`
}

// Brake is the mass brake: while many services fail at once, nothing is restarted. A field that is zero is taken from
// DefaultBrake.
type Brake struct {
	// Percent of the services, but at least Min and at most Max, that begin to fail within Window.
	Percent int      `yaml:"percent,omitempty"`
	Min     int      `yaml:"min,omitempty"`
	Max     int      `yaml:"max,omitempty"`
	Window  Duration `yaml:"window,omitempty"`
	// Settle is how long a failing service waits until the others have been probed.
	Settle Duration `yaml:"settle,omitempty"`
	// ReleasePercent is how many may still fail for the brake to be released after ReleaseTime.
	ReleasePercent int      `yaml:"release_percent,omitempty"`
	ReleaseTime    Duration `yaml:"release_time,omitempty"`
}

// DefaultBrake is the mass brake if the configuration does not say otherwise.
var DefaultBrake = Brake{
	Percent: 40, Min: 3, Max: 10,
	Window:         Duration(5 * time.Minute),
	Settle:         Duration(30 * time.Second),
	ReleasePercent: 20,
	ReleaseTime:    Duration(5 * time.Minute),
}

// BrakeOf returns the mass brake that applies.
func (r *Restart) BrakeOf() Brake { return or(r.Brake, DefaultBrake) }

// withoutAlert reports whether there is a service that needs no alert to be restarted.
func (r *Restart) withoutAlert() bool {
	return slices.ContainsFunc(r.Services, func(s Service) bool {
		limits := r.LimitsOf(&s)
		return limits.AsksWithoutAlert() > 0
	})
}

// ModeOf returns the mode that applies to a service.
func (r *Restart) ModeOf(s *Service) string { return cmp.Or(s.Mode, r.Mode) }
