package app

import (
	"net/http"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/page"
)

// channelPages are the pages about channels, and what their forms ask for.
func (a *App) channelPages() []route {
	pages := a.pages
	return []route{
		{"GET /channels", linked, reading, http.HandlerFunc(pages.ListChannels)},
		{"GET /channels/{name}", linked, reading, http.HandlerFunc(pages.ShowChannel)},
		{"GET /add-channel", linked, editing, http.HandlerFunc(pages.AddChannel)},
		{"POST /channels", sameSite, editing, http.HandlerFunc(pages.CreateChannel)},
		{"POST /channels/{name}", sameSite, editing, http.HandlerFunc(pages.ChangeChannel)},
		{"POST /channels/{name}/delete", sameSite, editing, http.HandlerFunc(pages.DeleteChannel)},
		{"POST /channels/{name}/on", sameSite, editing, pages.SwitchChannel(true)},
		{"POST /channels/{name}/off", sameSite, editing, pages.SwitchChannel(false)},
		{"POST /channels/{name}/test", sameSite, operating, http.HandlerFunc(pages.TestChannel)},
		{"POST /alertmanager/apply", sameSite, editing, http.HandlerFunc(pages.ApplyChannels)},
	}
}

// pageChannels is what the page shows of channels, and what people may do to them there.
func (a *App) pageChannels() *page.Channels {
	return &page.Channels{
		Editor: a.channels, Tests: a.channelTests, Author: a.watched, Labels: alertLabels, Receivers: a.baseReceivers,
		Told:     func(e *inventory.Entry) []channels.Channel { return a.channels.Told(alertLabels(e)) },
		Silences: func(e *inventory.Entry) []channels.Silence { return a.silences.For(alertLabels(e)) },
	}
}

// baseReceivers are the names of the receivers in Alertmanager's base file that a channel may send to. There are none if it cannot be read.
func (a *App) baseReceivers() (names []string) {
	section := a.current.Load().Config.Alertmanager
	if section == nil {
		return nil
	}
	text, err := os.ReadFile(section.Base)
	if err != nil {
		return nil
	}
	var base struct {
		Receivers []struct {
			Name string `yaml:"name"`
		} `yaml:"receivers"`
	}
	if yaml.Unmarshal(text, &base) != nil {
		return nil
	}
	for _, r := range base.Receivers {
		if r.Name != alertconf.MarkedReceiver {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}
