package inventory

import (
	"maps"
	"slices"
	"time"
)

// The states of a target.
const (
	StateUp      = "up"
	StateDown    = "down"
	StateUnknown = "unknown" // it has not been probed yet
)

// A Status is a target with what its last probe found, as GET /api/v1/targets has it.
type Status struct {
	Name string `json:"name"`
	// URL is what people may see of it.
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

	State string `json:"state"`
	// Reason and Error say why it is down.
	Reason string `json:"reason,omitempty"`
	Error  string `json:"error,omitempty"`
	// Since is when it was first seen in this state, and LastProbe when it was last probed. nil: unknown.
	Since           *time.Time `json:"since,omitempty"`
	LastProbe       *time.Time `json:"last_probe,omitempty"`
	DurationSeconds *float64   `json:"duration_seconds,omitempty"`
}

// Statuses is the answer of GET /api/v1/targets.
type Statuses struct {
	Targets []Status `json:"targets"`
}

// Status returns the part of a Status that the inventory knows. The state is unknown.
func (inv *Inventory) Status(e *Entry, now time.Time) Status {
	s := Status{
		Name: e.Name, URL: e.Instance, Module: e.Module, Environment: e.Environment,
		Interval: string(appendDuration(nil, time.Duration(e.Interval))), Timeout: string(appendDuration(nil, time.Duration(e.Timeout))),
		Labels: maps.Clone(e.Labels), DependsOn: slices.Clone(e.DependsOn), RunbookURL: e.RunbookURL, Source: e.Source,
		Notification: "on", MaintenanceActive: e.InMaintenance(now) || inv.InMaintenance(now), State: StateUnknown,
	}
	if e.Muted() {
		s.Notification = "off"
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if s.DependsOn == nil {
		s.DependsOn = []string{}
	}
	return s
}
