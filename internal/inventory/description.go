package inventory

import (
	"maps"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// A Description is a target as GET /api/v1/targets has it, without what is known of it.
type Description struct {
	Name string `json:"name"`
	// URL is as people may see it.
	URL         string            `json:"url"`
	Module      string            `json:"module"`
	Environment string            `json:"environment"`
	Interval    string            `json:"interval"`
	Timeout     string            `json:"timeout"`
	Labels      map[string]string `json:"labels"`
	DependsOn   []string          `json:"depends_on"`
	RunbookURL  string            `json:"runbook_url,omitempty"`
	Source      string            `json:"source"`

	Notification      string `json:"notification"` // "on" or "off"
	MaintenanceActive bool   `json:"maintenance_active"`
	// Mute and Maintenance are the periods that a person has set and that are under way. nil: there is none.
	Mute        *calendar.Period `json:"mute,omitempty"`
	Maintenance *calendar.Period `json:"maintenance,omitempty"`
}

// Describe describes a target as it is at a time.
func (inv *Inventory) Describe(e *Entry, now time.Time) Description {
	quiet := inv.Quiet(e, now)
	d := Description{
		Name: e.Name, URL: e.Instance, Module: e.Module, Environment: e.Environment,
		Interval: string(appendDuration(nil, time.Duration(e.Interval))), Timeout: string(appendDuration(nil, time.Duration(e.Timeout))),
		Labels: maps.Clone(e.Labels), DependsOn: slices.Clone(e.DependsOn), RunbookURL: e.RunbookURL, Source: e.Source,
		Notification: "on", MaintenanceActive: quiet.InMaintenance,
		Mute: quiet.Mute, Maintenance: quiet.Maintenance,
	}
	if quiet.Muted {
		d.Notification = "off"
	}
	if d.Labels == nil {
		d.Labels = map[string]string{}
	}
	if d.DependsOn == nil {
		d.DependsOn = []string{}
	}
	return d
}
