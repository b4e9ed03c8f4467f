package app

import (
	"fmt"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
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

// maintenance tells whether a window is open of the inventory, or of a target that is a check of the service, and until when
// as far as that is known. It is nil where there are no windows.
func maintenance(cfg *config.Config, s *config.Service) func(now time.Time) policy.Window {
	var all calendar
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
	return (&ends{calendar: all}).window
}

// A calendar is all the windows that concern a service.
type calendar []windows

type windows struct {
	name      string
	intervals config.TimeIntervals
}

// open is the name of the first window that is open; empty: none is.
func (c calendar) open(now time.Time) string {
	for _, w := range c {
		if w.intervals.Contain(now) {
			return w.name
		}
	}
	return ""
}

// farthest is how far ahead the end of a window is looked for.
const farthest = 7 * 24 * time.Hour

// end is when no window is open any more; zero: not within farthest. Windows begin and end with a minute.
func (c calendar) end(now time.Time) time.Time {
	first := now.Truncate(time.Minute)
	for t := first; t.Before(first.Add(farthest)); t = t.Add(time.Minute) {
		if c.open(t) == "" {
			return t.UTC()
		}
	}
	return time.Time{}
}

// ends remembers when the open window ends: to find that out takes thousands of looks into the calendar.
type ends struct {
	calendar

	mu     sync.Mutex // protects the following
	looked time.Time  // when it was found out
	until  time.Time  // zero: not within farthest
}

// window is the one that is open.
func (e *ends) window(now time.Time) policy.Window {
	name := e.open(now)
	if name == "" {
		return policy.Window{}
	}
	now = now.Round(0) // a calendar knows the wall clock alone
	e.mu.Lock()
	defer e.mu.Unlock()
	old := !now.Before(e.until)
	if e.until.IsZero() {
		old = now.Sub(e.looked) >= 24*time.Hour
	}
	if old || now.Before(e.looked) { // it may have been set back
		e.looked, e.until = now, e.end(now)
	}
	return policy.Window{Name: name, Until: e.until}
}
