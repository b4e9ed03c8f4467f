package app

import (
	"log/slog"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// newManaged keeps what people edit.
func (a *App) newManaged() *managed.Registry {
	return managed.New(managed.Options{Log: slog.New(slog.DiscardHandler)}, a.metrics.registry)
}
