package app

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A lookup finds the target that a check names.
type lookup func(name string) (*config.Target, error)

// inFile finds the targets of the configuration file. Those of other sources are found once these have been read.
func inFile(cfg *config.Config) lookup {
	return func(name string) (*config.Target, error) {
		if t := cfg.Target(name); t != nil {
			return t, nil
		}
		return nil, fmt.Errorf("target %q is not known yet", name)
	}
}

// inInventory finds the targets of an inventory that may decide what is restarted.
func inInventory(inv *inventory.Inventory) lookup {
	return func(name string) (*config.Target, error) {
		switch e := inv.ByName(name); {
		case e == nil:
			return nil, fmt.Errorf("there is no target %q in the inventory", name)
		case !e.Reviewed:
			return nil, fmt.Errorf("target %q is from %s, and an API does not decide what is restarted", name, e.Source)
		default:
			return &e.Target, nil
		}
	}
}

// concerns reports whether a target that a service checks is another one in the inventory now than in the one before.
func (s *Snapshot) concerns(before, now *inventory.Inventory) bool {
	if s.Config.Restart == nil {
		return false
	}
	for i := range s.Config.Restart.Services {
		for _, c := range s.Config.Restart.Services[i].Checks {
			if c.Target != "" && before.ByName(c.Target) != now.ByName(c.Target) {
				return true
			}
		}
	}
	return false
}

// borrows reports whether a check of a service names a target that another source than the configuration file has.
func borrows(cfg *config.Config, s *config.Service) bool {
	return slices.ContainsFunc(s.Checks, func(c config.ServiceCheck) bool { return c.Target != "" && cfg.Target(c.Target) == nil })
}

// watching returns what is restarted, with the targets that checks name as they are in an inventory, and held while people have
// one of these in maintenance.
func (s *Snapshot) watching(inv *inventory.Inventory) restart.Configuration {
	all := s.Restarts
	if s.Config.Restart == nil {
		return all
	}
	all.Services = slices.Clone(all.Services)
	for i := range s.Config.Restart.Services {
		if configured := &s.Config.Restart.Services[i]; borrows(s.Config, configured) {
			service := &all.Services[i]
			_ = s.observe(service, configured, inInventory(inv)) // what is wrong with those of the file ended the load
			s.posts.stand(service.Checks)
		}
		if inv.Overlays != nil {
			service := &all.Services[i]
			service.Maintenance = withPeople(inv.Overlays, service.Checks, service.Maintenance)
			service.Unknown = unread(inv.Overlays, service.Checks)
		}
	}
	return all
}

// observe gives a service its checks, and what else depends on their targets. A check that cannot be made fails for want of
// something of the exporter's, which is no evidence; what is wrong with those of the file is returned as well.
func (s *Snapshot) observe(service *restart.Service, configured *config.Service, find lookup) error {
	timeout := time.Duration(s.Config.Restart.LimitsOf(configured).CheckTimeout)
	var first error
	service.Checks = nil
	for _, c := range configured.Checks {
		made, err := s.check(c, find, timeout)
		if err != nil {
			made = unmade(c, err, timeout)
			if c.Target == "" || s.Config.Target(c.Target) != nil {
				first = cmp.Or(first, err)
			}
		}
		service.Checks = append(service.Checks, made)
	}
	service.Environment = environment(find, configured)
	service.Maintenance = maintenance(s.Config, find, configured)
	return first
}

// check makes a check of a service: a URL and a module, or a target with all that it changes of its module.
func (s *Snapshot) check(c config.ServiceCheck, find lookup, timeout time.Duration) (restart.Check, error) {
	address, m := c.URL, s.Modules[c.Module]
	if c.Target != "" {
		t, err := find(c.Target)
		if err != nil {
			return restart.Check{}, err
		}
		address, m = t.URL, s.Modules[t.Module]
		m.Config = t.Overlay(m.Config)
		if t.TimeoutByDefault() {
			m.Config.Timeout = 0 // then check_timeout holds
		}
		if t.Overlaid() {
			if m.Prober, err = prober.New(m.Config, s.Config.TargetRules); err != nil {
				return restart.Check{}, err
			}
		}
	}
	u, err := prober.ParseTarget(address, m.Config.Prober)
	if err != nil {
		return restart.Check{}, err
	}
	timeout = m.Config.TimeoutOr(timeout)
	asked := m.Config
	asked.Timeout = 0 // how long is waited for an answer does not change what is asked
	definition, err := asked.YAML()
	if err != nil {
		return restart.Check{}, err
	}
	return restart.Check{
		Name:       prober.MaskURL(u),
		Inventory:  c.Target,
		Target:     address,
		Definition: fmt.Sprintf("%s\n%s", address, definition),
		Prober:     m.Prober,
		Request:    prober.Request{URL: u},
		Hint:       func(r *prober.Result) string { return hint.For(r, &m.Config) },
		Timeout:    timeout,
		Local:      config.Loopback(u),
	}, nil
}

// unmade is a check that could not be made. It has no definition: its target may come back as it was.
func unmade(c config.ServiceCheck, why error, timeout time.Duration) restart.Check {
	return restart.Check{
		Name:      fmt.Sprintf("target %q", c.Target),
		Inventory: c.Target,
		Prober:    prober.Refuse(prober.ReasonLocalResource, why),
		Request:   prober.Request{URL: &url.URL{}},
		Hint:      func(*prober.Result) string { return why.Error() },
		Timeout:   timeout,
	}
}

// environment is that of the service, or else that of the first target among its checks.
func environment(find lookup, s *config.Service) string {
	if s.Environment != "" {
		return s.Environment
	}
	for _, c := range s.Checks {
		if t, err := find(c.Target); err == nil {
			return t.Environment
		}
	}
	return ""
}

// maintenance returns the windows of the inventory, and those of the targets that are checks of the service. It is nil where
// there are no windows.
func maintenance(cfg *config.Config, find lookup, s *config.Service) func(now time.Time) policy.Window {
	var all calendar.Calendar
	if len(cfg.Maintenance) > 0 {
		all = append(all, calendar.Windows{Name: "of all targets", Intervals: cfg.Maintenance})
	}
	for _, c := range s.Checks {
		if t, err := find(c.Target); err == nil && len(t.Maintenance) > 0 {
			all = append(all, calendar.Windows{Name: fmt.Sprintf("of target %q", t.Name), Intervals: t.Maintenance})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(now time.Time) policy.Window { return policy.Window(all.At(now)) }
}
