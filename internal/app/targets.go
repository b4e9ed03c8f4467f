package app

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// targets are an inventory with what it takes to probe it. They do not change.
type targets struct {
	inventory *inventory.Inventory
	byName    map[string]func() collector.Target
}

// newTargets makes the targets of an inventory that was checked against the configuration of s. Quiet is asked by their names. What
// was made for an entry before, with the same configuration, is kept with its connections. Nil: there is nothing to keep.
func newTargets(inv *inventory.Inventory, s *Snapshot, quiet func(target string) collector.Quiet, before *targets) *targets {
	t := &targets{inventory: inv, byName: make(map[string]func() collector.Target, len(inv.Entries()))}
	for _, e := range inv.Entries() {
		if before != nil && before.inventory.ByName(e.Name) == e {
			t.byName[e.Name] = before.byName[e.Name]
			continue
		}
		// With the first probe: most of them need nothing of their own, and there may be thousands.
		t.byName[e.Name] = sync.OnceValue(func() collector.Target {
			made := newTarget(e, s)
			made.Quiet = func() collector.Quiet { return quiet(e.Name) }
			return made
		})
	}
	return t
}

// newTarget makes a target ready to be probed. What it overlays needs a prober of its own.
func newTarget(e *inventory.Entry, s *Snapshot) collector.Target {
	m, ok := s.Modules[e.Module]
	t := collector.Target{Name: e.Name, Request: prober.Request{URL: e.Address}, Labels: maps.Clone(e.Labels)}
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels["target"], t.Labels["instance"], t.Labels["environment"] = e.Name, e.Instance, e.Environment
	if !ok { // it was checked before
		t.Module = refused(e, fmt.Errorf("there is no module %q", e.Module))
		return t
	}
	if u, err := prober.ParseTarget(e.URL, m.Config.Prober); err == nil { // https is wss to a module of WebSockets
		t.Request.URL = u
	}
	t.Module = m
	t.Module.Config = e.Overlay(m.Config)
	if !e.Overlaid() {
		return t
	}
	p, err := prober.New(t.Module.Config, s.Config.TargetRules)
	if err != nil { // such as a file that is gone since the module was made
		t.Module = refused(e, err)
		return t
	}
	t.Module.Prober = p
	return t
}

func refused(e *inventory.Entry, err error) collector.Module {
	err = fmt.Errorf("making the prober of target %q: %w", e.Name, err)
	return collector.Module{Name: e.Module, Config: config.Module{}, Prober: prober.Refuse(prober.ReasonLocalResource, err)}
}

// A current is what requests are answered by: a configuration, and an inventory that was checked against it.
type current struct {
	*Snapshot
	targets *targets
}

// inventoryChanged takes over an inventory that was checked against a configuration.
func (a *App) inventoryChanged(s *Snapshot, inv *inventory.Inventory) {
	var kept *targets
	before := a.current.Load() // one inventory at a time
	if before != nil && before.Snapshot == s {
		kept = before.targets
	}
	now := &current{s, newTargets(inv, s, a.quiet, kept)}
	a.current.Store(now)
	if kept == nil {
		a.stays.judge(now)
	}
	a.selfProber.Give(subjects(s.Config, inv))
	a.forgetGone(inv)
	if kept == nil || s.concerns(kept.inventory, inv) {
		a.restarts.Apply(s.watching(inv))
	}
}

// forgetGone forgets what is known of targets that are not in the inventory any more. Those of a source that has not answered
// yet may still come.
func (a *App) forgetGone(inv *inventory.Inventory) {
	if inv.Answered {
		a.status.Forget(func(name string) bool { return inv.ByName(name) != nil })
	}
}

// quiet is why nobody wants to be told of a target of the inventory now, whichever inventory a probe of it began with.
func (a *App) quiet(target string) collector.Quiet {
	inv := a.currentInventory()
	e := inv.ByName(target)
	if e == nil {
		return collector.Quiet{}
	}
	q := inv.Quiet(e, time.Now())
	return collector.Quiet{Muted: q.Muted, Maintenance: q.InMaintenance}
}

// named finds a target of the inventory by its name.
func (t *targets) named(name string) (collector.Target, bool) {
	found, ok := t.byName[name]
	if !ok {
		return collector.Target{}, false
	}
	return found(), true
}

// selected finds the targets that a query of /probe/all asks for.
func (t *targets) selected(query url.Values) ([]collector.Target, error) {
	selection, err := inventory.ParseSelection(query)
	if err != nil {
		return nil, err
	}
	var found []collector.Target
	for _, e := range t.inventory.Entries() {
		if selection.Has(e) {
			found = append(found, t.byName[e.Name]())
		}
	}
	return found, nil
}

// permit finds the target of the inventory for one that somebody gave by its URL and module, or says why it must not be
// probed. Without probe.inventory_only everything is probed as it is asked for.
func (t *targets) permit(asked collector.Target) (collector.Target, error) {
	if !t.inventory.Config.TargetRules.InventoryOnly {
		return asked, nil
	}
	if asked.Request.Hostname != "" {
		return asked, errors.New("a hostname leads past the inventory, and probe.inventory_only is set")
	}
	e, err := t.inventory.ByURL(asked.Request.URL, asked.Module.Name)
	switch {
	case err != nil:
		return asked, fmt.Errorf("%w, and probe.inventory_only is set", err)
	case e.Name == "": // a check, by the module as it is
		return asked, nil
	default:
		return t.byName[e.Name](), nil
	}
}
