package app

import (
	"fmt"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// withPeople is the maintenance of a service: its windows, and while people have any of its targets in maintenance. They are asked
// each time, so that what they say holds the very next decision. Windows may be nil.
func withPeople(people inventory.Overlays, checks []restart.Check, windows func(time.Time) policy.Window) func(time.Time) policy.Window {
	at := func(t time.Time) policy.Window {
		for i := range checks {
			name := checks[i].Inventory
			if name == "" {
				continue
			}
			if p := people.Maintenance(name, t); p != nil {
				return policy.Window{Name: nameOf(name, p), Until: p.End.UTC()}
			}
		}
		if windows == nil {
			return policy.Window{}
		}
		return windows(t)
	}
	return func(now time.Time) policy.Window {
		open := at(now)
		for next := open; next.Name != "" && !open.Until.IsZero(); {
			if next = at(open.Until); next.Name != "" {
				open.Until = next.Until // one follows the other
			}
		}
		return open
	}
}

// unread returns the Unknown of a service. What it is about is in the log: where the file is concerns nobody who asks.
func unread(people inventory.Overlays, checks []restart.Check) func() string {
	kept, ok := people.(interface{ Broken() error })
	if !ok || !slices.ContainsFunc(checks, func(c restart.Check) bool { return c.Inventory != "" }) {
		return nil
	}
	return func() string {
		if kept.Broken() != nil {
			return "it cannot be read whom people have in maintenance, see the log"
		}
		return ""
	}
}

// nameOf says whose maintenance it is, and why.
func nameOf(target string, p *calendar.Period) string {
	name := fmt.Sprintf("of target %q", target)
	if p.By != "" {
		name += ", by " + p.By
	}
	if p.Reason != "" {
		name += ": " + p.Reason
	}
	if p.UntilHealthy {
		name += " (until it is healthy)"
	}
	return printable.Text(name, printable.MaxLog)
}
