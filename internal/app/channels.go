package app

import (
	"context"
	"errors"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// newChannels makes who lets people say who hears of what.
func (a *App) newChannels() {
	a.channels = channels.New(channels.Options{Registry: a.managed, Log: a.log.With("component", "channels")})
	a.channelTests = channels.NewTests(a.channels, func(context.Context, map[string]string, func(channels.Hop)) error {
		return errors.New("no Alertmanager is known")
	})
	a.silences = channels.NewSilences(func(context.Context) ([]alertconf.Silence, error) { return nil, nil })
}

// alertLabels are the labels of the alert that a target is down.
func alertLabels(e *inventory.Entry) map[string]string {
	return map[string]string{"alertname": "HealthcheckTargetDown", "target": e.Name, "environment": e.Environment}
}
