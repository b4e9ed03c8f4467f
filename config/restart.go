package config

import (
	"cmp"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// Restart is the part of the configuration that lets the exporter restart services.
type Restart struct {
	// Mode is "off", "observe" or "enforce", for every service that does not say otherwise. Required.
	Mode string `yaml:"mode"`
	// Receiver says who may send alerts.
	Receiver Receiver `yaml:"receiver"`
	// LeaderElection is for several exporters with the same services. nil: this one is the only one.
	LeaderElection *LeaderElection `yaml:"leader_election,omitempty"`
	// Defaults are the limits of every service that does not say otherwise.
	Defaults Limits `yaml:"defaults,omitempty"`
	// Brake is what keeps everything from being restarted because of one cause.
	Brake Brake `yaml:"brake,omitempty"`
	// Sentinels show whether the exporter's own network is there. Empty: nothing does.
	Sentinels []Sentinel `yaml:"sentinels,omitempty"`
	Services  []Service  `yaml:"services"`
}

// Receiver is who may call the webhook: exactly one of the first three, or Insecure.
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
	// Mode is that of the restart section where empty.
	Mode string `yaml:"mode,omitempty"`
	// Group is whose members are restarted one after the other, and not if all of them fail.
	Group string `yaml:"group,omitempty"`
	// Environment is for people and for routing. Empty: that of the first target among the checks.
	Environment string `yaml:"environment,omitempty"`
	// DependsOn are the names of services that must be healthy.
	DependsOn []string `yaml:"depends_on,omitempty"`
	// Match are the labels that an alert about this service has. Where empty it names one of the checks.
	Match map[string]string `yaml:"match,omitempty"`
	// Checks say whether the service is healthy: it is when all of them succeed.
	Checks   []ServiceCheck `yaml:"checks"`
	Limits   `yaml:",inline"`
	Backends `yaml:",inline"`
}

// ServiceCheck is a URL and the module to probe it with, or a target of the configuration.
type ServiceCheck struct {
	// Target is the name of one of Config.Targets, of which the check has everything. Empty: URL and Module say it.
	Target string `yaml:"target,omitempty"`
	URL    string `yaml:"url,omitempty"`
	// Module is that of DefaultModuleFor where empty.
	Module string `yaml:"module,omitempty"`
}

// Brake is the mass brake: while many services fail at once nothing is restarted. Zero: that of DefaultBrake.
type Brake struct {
	// Percent of the services, but at least Min and at most Max, that begin to fail within Window.
	Percent int      `yaml:"percent,omitempty"`
	Min     int      `yaml:"min,omitempty"`
	Max     int      `yaml:"max,omitempty"`
	Window  Duration `yaml:"window,omitempty"`
	// Settle is how long a service that fails waits for the others to be probed.
	Settle Duration `yaml:"settle,omitempty"`
	// ReleasePercent is how many may fail for ReleaseTime until the brake is released.
	ReleasePercent int      `yaml:"release_percent,omitempty"`
	ReleaseTime    Duration `yaml:"release_time,omitempty"`
}

// DefaultBrake is the mass brake where the configuration says nothing.
var DefaultBrake = Brake{
	Percent: 40, Min: 3, Max: 10,
	Window:         Duration(5 * time.Minute),
	Settle:         Duration(30 * time.Second),
	ReleasePercent: 20,
	ReleaseTime:    Duration(5 * time.Minute),
}

// BrakeOf is the mass brake that holds.
func (r *Restart) BrakeOf() Brake { return or(r.Brake, DefaultBrake) }

// ModeOf is the mode that holds for a service.
func (r *Restart) ModeOf(s *Service) string { return cmp.Or(s.Mode, r.Mode) }
