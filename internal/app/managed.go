package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// newManaged keeps what people edit. It needs the inventory, which needs it: nobody edits before New has ended.
func (a *App) newManaged() *managed.Registry {
	return managed.New(managed.Options{
		Dir:   a.opts.StoragePath,
		Owner: a.owner,
		Environment: func(name string) string {
			if c := a.current.Load(); c != nil {
				if e := c.targets.inventory.ByName(name); e != nil {
					return e.Environment
				}
			}
			return ""
		},
		Services: func(name string) []string { return a.current.Load().checking(name) },
		Affected: func(name string) []string { return a.current.Load().affected(name) },
		Changed:  func() { a.inventory.Resupply() },
		Edited:   a.edited,
		Log:      a.limits.log,
	}, a.metrics.registry)
}

// owner is the source of a target besides what people edit, and whether it holds against that: the configuration and files do,
// and an API does not.
func (a *App) owner(name string) (source string, holds bool) {
	c := a.current.Load()
	if c == nil {
		return "", false
	}
	switch e := c.targets.inventory.ByName(name); {
	case e == nil:
		return "", false
	case e.Source == inventory.ManagedSource:
		return e.Shadows, false
	default:
		return e.Source, e.Reviewed
	}
}

// openManaged puts a configuration into force for what people edit, and opens its file. It fails only because another instance
// has the file; then nothing has changed. Anything else keeps people from editing, for as
// long as it lasts, and probing goes on.
func (a *App) openManaged(c *config.Config) error {
	a.managed.Configure(c, a.opts.TimeoutOffset)
	err := a.managed.Open()
	if errors.Is(err, store.ErrLocked) {
		a.restoreManaged()
		return fmt.Errorf("--storage.path: %w", err)
	}
	if err != nil {
		a.log.Error("Nothing can be edited: what people have edited cannot be used", "err", err)
	}
	return nil
}

// restoreManaged puts the configuration before a load that has failed into force again for what people edit.
func (a *App) restoreManaged() {
	if before := a.current.Load(); before != nil {
		a.managed.Configure(before.Config, a.opts.TimeoutOffset)
	}
}

func (a *App) closeManaged(context.Context) error { return a.managed.Close() }
