package app

import (
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// check makes a check of a service: a URL and a module, or a target of the configuration with all that it changes of its
// module.
func check(cfg *config.Config, c config.ServiceCheck, modules map[string]collector.Module, timeout time.Duration) (restart.Check, error) {
	address, m := c.URL, modules[c.Module]
	if t := cfg.Target(c.Target); t != nil {
		address, m = t.URL, modules[t.Module]
		m.Config = t.Overlay(m.Config)
		if t.Overlaid() {
			var err error
			if m.Prober, err = prober.New(m.Config, cfg.Probe); err != nil {
				return restart.Check{}, err
			}
		}
	}
	u, err := prober.ParseTarget(address, m.Config.Prober)
	if err != nil {
		return restart.Check{}, err
	}
	definition, err := m.Config.YAML()
	if err != nil {
		return restart.Check{}, err
	}
	timeout = m.Config.TimeoutOr(timeout)
	return restart.Check{
		Name:       prober.MaskURL(u),
		Inventory:  c.Target,
		Target:     address,
		Definition: fmt.Sprintf("%s\n%s\n%s", address, timeout, definition),
		Prober:     m.Prober,
		Request:    prober.Request{URL: u},
		Timeout:    timeout,
	}, nil
}

// environment is that of the service, or else that of the first target among its checks.
func environment(cfg *config.Config, s *config.Service) string {
	if s.Environment != "" {
		return s.Environment
	}
	for _, c := range s.Checks {
		if t := cfg.Target(c.Target); t != nil {
			return t.Environment
		}
	}
	return ""
}

// maintenance tells whether a window is open of the inventory, or of a target that is a check of the service. It is nil
// where there are no windows.
func maintenance(cfg *config.Config, s *config.Service) func(now time.Time) restart.Window {
	type windows struct {
		name      string
		intervals config.TimeIntervals
	}
	var all []windows
	if len(cfg.Maintenance) > 0 {
		all = append(all, windows{"of all targets", cfg.Maintenance})
	}
	for _, c := range s.Checks {
		if t := cfg.Target(c.Target); t != nil && len(t.Maintenance) > 0 {
			all = append(all, windows{fmt.Sprintf("of target %q", t.Name), t.Maintenance})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(now time.Time) restart.Window {
		for _, w := range all {
			if w.intervals.Contain(now) {
				return restart.Window{Name: w.name}
			}
		}
		return restart.Window{}
	}
}
