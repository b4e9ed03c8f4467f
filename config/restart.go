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
func (r *Restart) BrakeOf() Brake {
	b, d := r.Brake, DefaultBrake
	return Brake{
		Percent: cmp.Or(b.Percent, d.Percent), Min: cmp.Or(b.Min, d.Min), Max: cmp.Or(b.Max, d.Max),
		Window:         cmp.Or(b.Window, d.Window),
		Settle:         cmp.Or(b.Settle, d.Settle),
		ReleasePercent: cmp.Or(b.ReleasePercent, d.ReleasePercent),
		ReleaseTime:    cmp.Or(b.ReleaseTime, d.ReleaseTime),
	}
}

// Limits are the numbers of the safety machine. Zero: that of the defaults, then that of the back-end, and at last that of
// DefaultLimits.
type Limits struct {
	// CheckInterval is the pause between two rounds of checks, CheckTimeout the time for one.
	CheckInterval Duration `yaml:"check_interval,omitempty"`
	CheckTimeout  Duration `yaml:"check_timeout,omitempty"`
	// WarmUp is how long nothing is restarted after the start of the exporter.
	WarmUp Duration `yaml:"warm_up,omitempty"`
	// ArmProbes successes in a row over ArmTime make a service one that may be restarted.
	ArmProbes int      `yaml:"arm_probes,omitempty"`
	ArmTime   Duration `yaml:"arm_time,omitempty"`
	// ConfirmProbes failures in a row, ConfirmInterval apart, confirm an alert.
	ConfirmProbes   int      `yaml:"confirm_probes,omitempty"`
	ConfirmInterval Duration `yaml:"confirm_interval,omitempty"`
	// ConfirmAge is how old the last of them may be.
	ConfirmAge Duration `yaml:"confirm_age,omitempty"`
	// OutagePercent is how many of the checks must fail, in percent, before anything is restarted.
	OutagePercent int `yaml:"outage_percent,omitempty"`
	// SuspectTime is how long an alert that is not resolved counts without being repeated.
	SuspectTime Duration `yaml:"suspect_time,omitempty"`
	// StartGrace is how long a unit is left alone after any start, InspectInterval the pause until a back-end that found it
	// unfit is asked again.
	StartGrace      Duration `yaml:"start_grace,omitempty"`
	InspectInterval Duration `yaml:"inspect_interval,omitempty"`
	// Cooldown is the pause after an attempt, CooldownMax its bound when it doubles.
	Cooldown    Duration `yaml:"cooldown,omitempty"`
	CooldownMax Duration `yaml:"cooldown_max,omitempty"`
	// BudgetHour and BudgetDay are how many attempts there may be.
	BudgetHour int `yaml:"budget_hour,omitempty"`
	BudgetDay  int `yaml:"budget_day,omitempty"`
	// Concurrency is how many services are restarted at a time, ConcurrencyGroup how many of one group.
	Concurrency      int `yaml:"concurrency,omitempty"`
	ConcurrencyGroup int `yaml:"concurrency_group,omitempty"`
	// FleetBudget is how many attempts there may be of all services within FleetWindow.
	FleetBudget int      `yaml:"fleet_budget,omitempty"`
	FleetWindow Duration `yaml:"fleet_window,omitempty"`
	// VerifyProbes successes in a row within VerifyTimeout prove that a restart helped.
	VerifyProbes  int      `yaml:"verify_probes,omitempty"`
	VerifyTimeout Duration `yaml:"verify_timeout,omitempty"`
	// MaxUnverified attempts in a row that did not help lock the service out, until it is healthy for UnlockTime.
	MaxUnverified int      `yaml:"max_unverified,omitempty"`
	UnlockTime    Duration `yaml:"unlock_time,omitempty"`
	// ExecTimeout is the time for the back-end's work, where the unit's own settings do not ask for more.
	ExecTimeout Duration `yaml:"exec_timeout,omitempty"`
	// RestartOn are failures that a restart repairs, besides those that are always taken for such. NeverRestartOn are failures
	// that it does not repair, whatever RestartOn says.
	RestartOn      Failures `yaml:"restart_on,omitempty"`
	NeverRestartOn Failures `yaml:"never_restart_on,omitempty"`
}

// DefaultLimits are the limits where the configuration says nothing.
var DefaultLimits = Limits{
	CheckInterval:   Duration(15 * time.Second),
	CheckTimeout:    Duration(10 * time.Second),
	WarmUp:          Duration(2 * time.Minute),
	ArmProbes:       5,
	ArmTime:         Duration(time.Minute),
	ConfirmProbes:   3,
	ConfirmInterval: Duration(time.Second),
	ConfirmAge:      Duration(10 * time.Second),
	OutagePercent:   1,
	SuspectTime:     Duration(5 * time.Hour), // more than the 4h after which Alertmanager repeats an alert by default
	StartGrace:      Duration(2 * time.Minute),
	InspectInterval: Duration(15 * time.Second),
	Cooldown:        Duration(5 * time.Minute),
	CooldownMax:     Duration(time.Hour),
	BudgetHour:      3,
	BudgetDay:       6,
	Concurrency:     1, ConcurrencyGroup: 1,
	FleetBudget: 5, FleetWindow: Duration(15 * time.Minute),
	VerifyProbes:  3,
	VerifyTimeout: Duration(2 * time.Minute),
	MaxUnverified: 2,
	UnlockTime:    Duration(30 * time.Minute),
	ExecTimeout:   Duration(time.Minute),
}

// LimitsOf are the limits that hold for a service.
func (r *Restart) LimitsOf(s *Service) Limits {
	return s.Limits.or(r.Defaults).or(s.Backends.limits()).or(DefaultLimits)
}

// ModeOf is the mode that holds for a service.
func (r *Restart) ModeOf(s *Service) string { return cmp.Or(s.Mode, r.Mode) }

// or takes from d what l leaves at zero.
func (l Limits) or(d Limits) Limits {
	if l.RestartOn == nil {
		l.RestartOn = d.RestartOn
	}
	if l.NeverRestartOn == nil {
		l.NeverRestartOn = d.NeverRestartOn
	}
	return Limits{
		CheckInterval:    cmp.Or(l.CheckInterval, d.CheckInterval),
		CheckTimeout:     cmp.Or(l.CheckTimeout, d.CheckTimeout),
		WarmUp:           cmp.Or(l.WarmUp, d.WarmUp),
		ArmProbes:        cmp.Or(l.ArmProbes, d.ArmProbes),
		ArmTime:          cmp.Or(l.ArmTime, d.ArmTime),
		ConfirmProbes:    cmp.Or(l.ConfirmProbes, d.ConfirmProbes),
		ConfirmInterval:  cmp.Or(l.ConfirmInterval, d.ConfirmInterval),
		ConfirmAge:       cmp.Or(l.ConfirmAge, d.ConfirmAge),
		OutagePercent:    cmp.Or(l.OutagePercent, d.OutagePercent),
		SuspectTime:      cmp.Or(l.SuspectTime, d.SuspectTime),
		StartGrace:       cmp.Or(l.StartGrace, d.StartGrace),
		InspectInterval:  cmp.Or(l.InspectInterval, d.InspectInterval),
		Cooldown:         cmp.Or(l.Cooldown, d.Cooldown),
		CooldownMax:      cmp.Or(l.CooldownMax, d.CooldownMax),
		BudgetHour:       cmp.Or(l.BudgetHour, d.BudgetHour),
		BudgetDay:        cmp.Or(l.BudgetDay, d.BudgetDay),
		Concurrency:      cmp.Or(l.Concurrency, d.Concurrency),
		ConcurrencyGroup: cmp.Or(l.ConcurrencyGroup, d.ConcurrencyGroup),
		FleetBudget:      cmp.Or(l.FleetBudget, d.FleetBudget),
		FleetWindow:      cmp.Or(l.FleetWindow, d.FleetWindow),
		VerifyProbes:     cmp.Or(l.VerifyProbes, d.VerifyProbes),
		VerifyTimeout:    cmp.Or(l.VerifyTimeout, d.VerifyTimeout),
		MaxUnverified:    cmp.Or(l.MaxUnverified, d.MaxUnverified),
		UnlockTime:       cmp.Or(l.UnlockTime, d.UnlockTime),
		ExecTimeout:      cmp.Or(l.ExecTimeout, d.ExecTimeout),
		RestartOn:        l.RestartOn,
		NeverRestartOn:   l.NeverRestartOn,
	}
}
