package channels

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

var channelsDesc = prometheus.NewDesc("healthcheck_exporter_channels",
	"How many channels there are, by whether they are on; absent where they are off, or not known.", []string{"enabled"}, nil)

// A collector has the metrics of an Editor.
type collector struct {
	editor  *Editor
	servers alertconf.Collector
}

// Collector has the metrics of channels and of the Alertmanagers that run them.
func (e *Editor) Collector() prometheus.Collector {
	return collector{e, alertconf.Collector{Standings: e.looked}}
}

// looked are the standings of those of whom something is known: not of one of Settings.Servers at which nobody has looked yet.
func (e *Editor) looked() []alertconf.Standing {
	f, unmet := e.inForce()
	revision := e.options.Registry.ChannelsRevision()
	if f == nil || f.lacks(unmet) != nil {
		return e.standings(f, unmet, revision)
	}
	known := slices.DeleteFunc(f.standings(nil), func(s alertconf.Standing) bool { return s.LookedAt.IsZero() })
	return append(known, e.elsewhere(f, revision)...)
}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	out <- channelsDesc
	c.servers.Describe(out)
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.servers.Collect(out)
	if c.editor.force() == nil || c.editor.options.Registry.Broken() != nil {
		return
	}
	count := map[bool]int{}
	for _, channel := range c.editor.view().all {
		count[channel.Enabled]++
	}
	out <- prometheus.MustNewConstMetric(channelsDesc, prometheus.GaugeValue, float64(count[true]), "true")
	out <- prometheus.MustNewConstMetric(channelsDesc, prometheus.GaugeValue, float64(count[false]), "false")
}
