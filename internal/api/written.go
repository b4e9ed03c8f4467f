package api

import (
	"cmp"
	"encoding/json"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// written is a managed target after a change. One that nothing is kept of, or that the inventory does not have, is as it is written.
func (t *Targets) written(m *managed.Target, dryRun bool, now time.Time) *Detail {
	b := t.Board.At(now)
	d := &Detail{Recent: []Sample{}, Changes: []Change{}, Minutes: [][2]int{}, Quarters: [][2]int{}, Days: [][2]int{}}
	e := b.Inventory.ByName(m.Name)
	if e != nil {
		d = t.known(b, e)
	}
	if e == nil || dryRun && e.Source == managed.Source {
		d.draft(m, b.Inventory.Config)
	}
	d.Editable = t.writable() && d.Source == managed.Source
	d.Revision, d.Shadowed, d.Definition, d.Created, d.Updated = m.Revision, d.Source != managed.Source, m.Definition, &m.Created, &m.Updated
	return d
}

// draft takes over what is written. What is not is by default.
func (d *Detail) draft(m *managed.Target, cfg *config.Config) {
	active, mute, maintenance := d.MaintenanceActive, d.Mute, d.Maintenance
	d.Description = inventory.Description{Labels: map[string]string{}, DependsOn: []string{}, Notification: "on"}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(m.Definition, &fields) // it was checked when it was written
	for key, field := range map[string]any{
		"url": &d.URL, "module": &d.Module, "environment": &d.Environment, "interval": &d.Interval, "timeout": &d.Timeout,
		"labels": &d.Labels, "depends_on": &d.DependsOn, "runbook_url": &d.RunbookURL, "notification": &d.Notification,
	} {
		if text, ok := fields[key]; ok {
			_ = json.Unmarshal(text, field) // likewise
		}
	}
	d.Name, d.Source = m.Name, managed.Source
	d.MaintenanceActive, d.Mute, d.Maintenance = active, mute, maintenance
	d.State = cmp.Or(d.State, status.StateUnknown)
	d.Environment = cmp.Or(d.Environment, config.DefaultEnvironment)
	d.Interval = cmp.Or(d.Interval, config.Duration(config.DefaultInterval).String())
	d.Module = cmp.Or(d.Module, config.DefaultModuleFor(d.URL))
	module := cfg.Modules[d.Module]
	d.Timeout = cmp.Or(d.Timeout, config.Duration(module.TimeoutOr(config.DefaultTargetTimeout)).String())
	if u, err := url.Parse(d.URL); err == nil {
		d.URL = prober.MaskURL(u)
	}
}
