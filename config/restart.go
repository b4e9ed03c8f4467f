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
	// Defaults are the limits of every service that does not say otherwise.
	Defaults Limits    `yaml:"defaults,omitempty"`
	Services []Service `yaml:"services"`
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
	// Checks say whether the service is healthy: it is when all of them succeed.
	Checks []ServiceCheck `yaml:"checks"`
	Limits `yaml:",inline"`

	// Exactly one of these restarts it.
	Command *Command `yaml:"command,omitempty"`
	PM2     *PM2     `yaml:"pm2,omitempty"`
	HTTP    *Hook    `yaml:"http,omitempty"`
}

// ServiceCheck is a URL and the module to probe it with.
type ServiceCheck struct {
	URL string `yaml:"url"`
	// Module is that of DefaultModuleFor where empty.
	Module string `yaml:"module,omitempty"`
}

// Limits are the numbers of the safety machine. Zero: that of the defaults, and at last that of DefaultLimits.
type Limits struct {
	// CheckInterval is the pause between two rounds of checks, CheckTimeout the time for one.
	CheckInterval Duration `yaml:"check_interval,omitempty"`
	CheckTimeout  Duration `yaml:"check_timeout,omitempty"`
	// ArmProbes successes in a row over ArmTime make a service one that may be restarted.
	ArmProbes int      `yaml:"arm_probes,omitempty"`
	ArmTime   Duration `yaml:"arm_time,omitempty"`
	// ConfirmProbes failures in a row, ConfirmInterval apart, confirm an alert.
	ConfirmProbes   int      `yaml:"confirm_probes,omitempty"`
	ConfirmInterval Duration `yaml:"confirm_interval,omitempty"`
	// SuspectTime is how long an alert is remembered.
	SuspectTime Duration `yaml:"suspect_time,omitempty"`
	// Cooldown is the pause after an attempt, CooldownMax its bound when it doubles.
	Cooldown    Duration `yaml:"cooldown,omitempty"`
	CooldownMax Duration `yaml:"cooldown_max,omitempty"`
	// BudgetHour and BudgetDay are how many attempts there may be.
	BudgetHour int `yaml:"budget_hour,omitempty"`
	BudgetDay  int `yaml:"budget_day,omitempty"`
	// VerifyProbes successes in a row within VerifyTimeout prove that a restart helped.
	VerifyProbes  int      `yaml:"verify_probes,omitempty"`
	VerifyTimeout Duration `yaml:"verify_timeout,omitempty"`
	// MaxUnverified attempts in a row that did not help lock the service out, until it is healthy for UnlockTime.
	MaxUnverified int      `yaml:"max_unverified,omitempty"`
	UnlockTime    Duration `yaml:"unlock_time,omitempty"`
	// ExecTimeout is the time for the back-end's work.
	ExecTimeout Duration `yaml:"exec_timeout,omitempty"`
	// RestartOn are status codes that a restart repairs, besides 500, 502, 503 and 504.
	RestartOn []int `yaml:"restart_on,omitempty"`
}

// DefaultLimits are the limits where the configuration says nothing.
var DefaultLimits = Limits{
	CheckInterval:   Duration(15 * time.Second),
	CheckTimeout:    Duration(10 * time.Second),
	ArmProbes:       5,
	ArmTime:         Duration(time.Minute),
	ConfirmProbes:   3,
	ConfirmInterval: Duration(time.Second),
	SuspectTime:     Duration(time.Hour),
	Cooldown:        Duration(5 * time.Minute),
	CooldownMax:     Duration(time.Hour),
	BudgetHour:      3,
	BudgetDay:       6,
	VerifyProbes:    3,
	VerifyTimeout:   Duration(2 * time.Minute),
	MaxUnverified:   2,
	UnlockTime:      Duration(30 * time.Minute),
	ExecTimeout:     Duration(time.Minute),
}

// LimitsOf are the limits that hold for a service.
func (r *Restart) LimitsOf(s *Service) Limits {
	return s.Limits.or(r.Defaults).or(DefaultLimits)
}

// ModeOf is the mode that holds for a service.
func (r *Restart) ModeOf(s *Service) string { return cmp.Or(s.Mode, r.Mode) }

// or takes from d what l leaves at zero.
func (l Limits) or(d Limits) Limits {
	if l.RestartOn == nil {
		l.RestartOn = d.RestartOn
	}
	return Limits{
		CheckInterval:   cmp.Or(l.CheckInterval, d.CheckInterval),
		CheckTimeout:    cmp.Or(l.CheckTimeout, d.CheckTimeout),
		ArmProbes:       cmp.Or(l.ArmProbes, d.ArmProbes),
		ArmTime:         cmp.Or(l.ArmTime, d.ArmTime),
		ConfirmProbes:   cmp.Or(l.ConfirmProbes, d.ConfirmProbes),
		ConfirmInterval: cmp.Or(l.ConfirmInterval, d.ConfirmInterval),
		SuspectTime:     cmp.Or(l.SuspectTime, d.SuspectTime),
		Cooldown:        cmp.Or(l.Cooldown, d.Cooldown),
		CooldownMax:     cmp.Or(l.CooldownMax, d.CooldownMax),
		BudgetHour:      cmp.Or(l.BudgetHour, d.BudgetHour),
		BudgetDay:       cmp.Or(l.BudgetDay, d.BudgetDay),
		VerifyProbes:    cmp.Or(l.VerifyProbes, d.VerifyProbes),
		VerifyTimeout:   cmp.Or(l.VerifyTimeout, d.VerifyTimeout),
		MaxUnverified:   cmp.Or(l.MaxUnverified, d.MaxUnverified),
		UnlockTime:      cmp.Or(l.UnlockTime, d.UnlockTime),
		ExecTimeout:     cmp.Or(l.ExecTimeout, d.ExecTimeout),
		RestartOn:       l.RestartOn,
	}
}
