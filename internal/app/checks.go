package app

import (
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
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

// maintenance returns the windows of the inventory, and those of the targets that are checks of the service. It is nil where
// there are no windows.
func maintenance(cfg *config.Config, s *config.Service) func(now time.Time) restart.Window {
	var all calendar.Calendar
	if len(cfg.Maintenance) > 0 {
		all = append(all, calendar.Windows{Name: "of all targets", Intervals: cfg.Maintenance})
	}
	for _, c := range s.Checks {
		if t := cfg.Target(c.Target); t != nil && len(t.Maintenance) > 0 {
			all = append(all, calendar.Windows{Name: fmt.Sprintf("of target %q", t.Name), Intervals: t.Maintenance})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(now time.Time) restart.Window { return restart.Window(all.At(now)) }
}
