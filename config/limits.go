package config

import (
	"reflect"
	"strings"
	"time"
)

// Limits are the numbers of the safety machine. A field that is zero is taken from the defaults of the section, then from
// those of the back-end, and at last from DefaultLimits.
type Limits struct {
	// CheckInterval is the pause between two rounds of checks, and CheckTimeout the time for one round.
	CheckInterval Duration `yaml:"check_interval,omitempty"`
	CheckTimeout  Duration `yaml:"check_timeout,omitempty"`
	// WarmUp is how long nothing is restarted after the start of the exporter.
	WarmUp Duration `yaml:"warm_up,omitempty"`
	// ArmProbes successes in a row, over ArmTime, arm a service: from then on it may be restarted.
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
	// WithoutAlertAfter is for how long the service's own checks must fail to ask for a restart without an alert. 0: they never do,
	// whatever the defaults of the section say.
	WithoutAlertAfter *Duration `yaml:"without_alert_after,omitempty"`
	// StartGrace is how long a unit is left alone after any start. InspectInterval is the pause before a back-end that found
	// the unit unfit is asked again.
	StartGrace      Duration `yaml:"start_grace,omitempty"`
	InspectInterval Duration `yaml:"inspect_interval,omitempty"`
	// Cooldown is the pause after an attempt, and CooldownMax the longest pause that it doubles to.
	Cooldown    Duration `yaml:"cooldown,omitempty"`
	CooldownMax Duration `yaml:"cooldown_max,omitempty"`
	// BudgetHour and BudgetDay are how many attempts there may be in an hour and in a day.
	BudgetHour int `yaml:"budget_hour,omitempty"`
	BudgetDay  int `yaml:"budget_day,omitempty"`
	// Concurrency is how many services are restarted at a time, and ConcurrencyGroup how many of one group.
	Concurrency      int `yaml:"concurrency,omitempty"`
	ConcurrencyGroup int `yaml:"concurrency_group,omitempty"`
	// FleetBudget is how many attempts all services together may make within FleetWindow.
	FleetBudget int      `yaml:"fleet_budget,omitempty"`
	FleetWindow Duration `yaml:"fleet_window,omitempty"`
	// VerifyProbes successes in a row within VerifyTimeout prove that a restart helped.
	VerifyProbes  int      `yaml:"verify_probes,omitempty"`
	VerifyTimeout Duration `yaml:"verify_timeout,omitempty"`
	// MaxUnverified attempts in a row that did not help lock the service out, until it is healthy for UnlockTime.
	MaxUnverified int      `yaml:"max_unverified,omitempty"`
	UnlockTime    Duration `yaml:"unlock_time,omitempty"`
	// ExecTimeout is the time for the back-end's work, unless the unit's own settings ask for more.
	ExecTimeout Duration `yaml:"exec_timeout,omitempty"`
	// RestartOn are failures that a restart repairs, besides those that are always restarted for. NeverRestartOn are failures
	// that a restart does not repair, whatever RestartOn says.
	RestartOn      Failures `yaml:"restart_on,omitempty"`
	NeverRestartOn Failures `yaml:"never_restart_on,omitempty"`
}

// DefaultLimits are the limits if the configuration does not say otherwise. Without an alert nothing is restarted.
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

// AsksWithoutAlert is for how long the service's own checks must fail to ask for a restart without an alert. 0: they never do.
func (l *Limits) AsksWithoutAlert() Duration {
	if l.WithoutAlertAfter == nil {
		return 0
	}
	return *l.WithoutAlertAfter
}

// LimitsOf returns the limits that apply to a service.
func (r *Restart) LimitsOf(s *Service) Limits {
	return or(s.Limits, r.Defaults, s.limits(), DefaultLimits)
}

// or returns first, with each field that is zero taken from the first of the others that has it.
func or[T any](first T, others ...T) T {
	v := reflect.ValueOf(&first).Elem()
	for _, other := range others {
		o := reflect.ValueOf(other)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				v.Field(i).Set(o.Field(i))
			}
		}
	}
	return first
}

// counts returns the fields of a struct that are whole numbers, by key. A Duration is not one.
func counts(of any) map[string]int {
	all := map[string]int{}
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if n, ok := reflect.TypeAssert[int](v.Field(i)); ok {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			all[key] = n
		}
	}
	return all
}
