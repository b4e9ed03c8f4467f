package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Snapshot is everything that comes from one state of the configuration. It does not change; a probe that
// began with it ends with it.
type Snapshot struct {
	Config  *config.Config
	Modules map[string]collector.Module
	// Restarts are what may be restarted, and how; see watching.
	Restarts restart.Configuration

	posts posts
	who   *access.Identifier // finds out who requests are from
}

// newSnapshot turns a configuration into objects. This is the only place that does. The error has a line for
// every module that cannot be built; file is where it comes from.
func newSnapshot(file string, c *config.Config) (*Snapshot, error) {
	s := &Snapshot{Config: c, Modules: make(map[string]collector.Module, len(c.Modules))}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		m := c.Modules[name]
		p, err := prober.New(m, c.TargetRules)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: modules.%s: %w", file, name, err))
			continue
		}
		s.Modules[name] = collector.Module{Name: name, Config: m, Prober: p}
	}
	if c.Restart != nil && len(errs) == 0 {
		if err := s.buildRestarts(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// module finds a module by its name.
func (s *Snapshot) module(name string) (collector.Module, bool) {
	m, ok := s.Modules[name]
	return m, ok
}

// moduleNames are sorted.
func (s *Snapshot) moduleNames() []string { return slices.Sorted(maps.Keys(s.Modules)) }

// hint says what to do about a failed probe of the history, by the module of that name as it is now.
func (s *Snapshot) hint(e *history.Entry) string {
	m := s.Modules[e.Module]
	return hint.For(&e.Result, &m.Config)
}

// report writes what a probe of the history did.
func (s *Snapshot) report(w io.Writer, e *history.Entry) {
	r := collector.Report{Target: e.Target, Result: e.Result, Hint: s.hint(e)}
	if m, ok := s.Modules[e.Module]; ok {
		r.Module = &m
	}
	collector.WriteReport(w, r)
}

// tellLoad logs the outcome of a reload.
func (a *App) tellLoad(err error) {
	if err != nil {
		for line := range strings.Lines(err.Error()) { // a line for each mistake
			a.log.Error("Loading the configuration failed, the old one goes on serving", "path", a.configName(), "err", strings.TrimSpace(line))
		}
		return
	}
	a.log.Info("Loaded the configuration", "path", a.configName())
}

// apply builds everything that the configuration asks for and then swaps it in. The caller holds mu.
func (a *App) apply() error {
	a.loaded = time.Now()
	s, err := a.load()
	var plan *inventory.Plan
	if err == nil {
		plan, err = a.inventory.Plan(s.Config, func(inv *inventory.Inventory) { a.inventoryChanged(s, inv) })
		if err != nil {
			err = fmt.Errorf("%s: %w", a.configName(), err)
		}
	}
	if err == nil {
		if err = a.open(s.Config); err != nil {
			plan.Discard()
		}
	}
	a.broken.Store(&err)
	a.metrics.reloaded(err)
	if err != nil {
		return err
	}
	a.metrics.knowModules(s.Modules)
	a.inventory.Apply(plan)
	a.warnOfAddress(s.Config)
	if foreign := s.Config.Foreign(); len(foreign) > 0 {
		a.log.Warn("Left out modules of probers that this exporter does not have", "path", a.configName(), "modules", strings.Join(slices.Sorted(maps.Keys(foreign)), ", "))
	}
	return nil
}

// open opens what a configuration needs and others may have. After an error all is as it was.
func (a *App) open(c *config.Config) error {
	if err := a.openJournal(c); err != nil {
		return err
	}
	if err := a.openManaged(c); err != nil {
		return err
	}
	if err := a.openChannels(c); err != nil {
		a.restoreManaged()
		return fmt.Errorf("%s: %w", a.configName(), err)
	}
	return nil
}

func (a *App) load() (*Snapshot, error) {
	file := a.opts.ConfigFile
	if file == "" {
		return a.snapshot(a.configName(), config.Default())
	}
	// Each before it is read: what changes from then on shows at the next look. While the file is broken it is loaded
	// at every look; see reloadChanged.
	a.seen = fingerprint{}
	a.seen.add(file)
	c, err := config.Options{TimeoutOffset: a.opts.TimeoutOffset, IgnoreForeignModules: a.opts.IgnoreForeignModules}.Load(file)
	if err != nil {
		return nil, err
	}
	a.seen.add(c.Files()...)
	if err := CheckTokens(file, c, *a.opts.Web.WebConfigFile); err != nil {
		return nil, err
	}
	if err := a.checkPermissions(file, c); err != nil {
		return nil, err
	}
	if err := alertconf.CheckConfig(file, c); err != nil {
		return nil, err
	}
	a.warnStranded(file, c)
	return a.snapshot(file, c)
}

// snapshot is newSnapshot with who may see it.
func (a *App) snapshot(file string, c *config.Config) (*Snapshot, error) {
	s, err := newSnapshot(file, c)
	if err == nil {
		s.who = a.identifier(c)
	}
	return s, err
}

func (a *App) configName() string {
	if a.opts.ConfigFile == "" {
		return "embedded default"
	}
	return a.opts.ConfigFile
}
