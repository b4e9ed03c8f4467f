package app

import (
	"errors"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// channelRoutes are those by which the API tells of channels, and lets people change them.
func (a *App) channelRoutes() []route {
	edits := &api.ChannelEdits{Channels: a.channels, Tests: a.channelTests, Author: a.watched, Prefix: a.prefix}
	managers := &api.Alertmanagers{Channels: a.channels, Author: a.watched}
	return []route{
		{"GET /api/v1/channels", linked, reading, http.HandlerFunc(edits.List)},
		{"GET /api/v1/channels/{name}", linked, reading, http.HandlerFunc(edits.Show)},
		{"PUT /api/v1/channels/{name}", sameSite, editing, http.HandlerFunc(edits.Put)},
		{"PATCH /api/v1/channels/{name}", sameSite, editing, http.HandlerFunc(edits.Patch)},
		{"DELETE /api/v1/channels/{name}", sameSite, editing, http.HandlerFunc(edits.Delete)},
		{"GET /api/v1/channels/{name}/test", linked, reading, http.HandlerFunc(edits.LastTest)},
		{"POST /api/v1/channels/{name}/test", sameSite, operating, http.HandlerFunc(edits.Test)},
		{"GET /api/v1/alertmanager", linked, reading, http.HandlerFunc(managers.Show)},
		{"GET /api/v1/alertmanager/config", linked, reading, http.HandlerFunc(managers.Config)},
		{"POST /api/v1/alertmanager/apply", sameSite, editing, http.HandlerFunc(managers.Apply)},
		{"GET /api/v1/alertmanager/bundle", sameSite, syncing, http.HandlerFunc(managers.Bundle)},
		{"POST /api/v1/alertmanager/bundle/result", sameSite, syncing, http.HandlerFunc(managers.Result)},
	}
}

// told are the channels that hear that a target is down. It is nil if nobody makes channels here.
func (a *App) told(e *inventory.Entry) []channels.Channel {
	if errors.Is(a.channels.Writable(), channels.ErrOff) {
		return nil
	}
	return append([]channels.Channel{}, a.channels.Told(alertLabels(e))...)
}

// silencesFor are the silences of Alertmanager for the alert that a target is down.
func (a *App) silencesFor(e *inventory.Entry) []channels.Silence {
	return a.silences.For(alertLabels(e))
}
