package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

var (
	staleDesc = prometheus.NewDesc("healthcheck_exporter_targets_stale",
		"How many targets of the inventory nobody has probed for two intervals.", nil, nil)
	staleTargetDesc = prometheus.NewDesc("healthcheck_target_stale",
		"Whether nobody has probed the target through this exporter for two intervals; absent for all others.", []string{"target", "environment"}, nil)
)

// A staleCollector has the metrics of targets that nobody probes. Where several exporters have one inventory, each has those that
// the others probe.
type staleCollector struct {
	stale func() []*inventory.Entry
}

// Describe implements prometheus.Collector.
func (c staleCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- staleDesc
	ch <- staleTargetDesc
}

// Collect implements prometheus.Collector.
func (c staleCollector) Collect(ch chan<- prometheus.Metric) {
	all := c.stale()
	ch <- prometheus.MustNewConstMetric(staleDesc, prometheus.GaugeValue, float64(len(all)))
	for _, e := range all {
		ch <- prometheus.MustNewConstMetric(staleTargetDesc, prometheus.GaugeValue, 1, e.Name, e.Environment)
	}
}

// stale are the targets of the inventory that nobody has probed for two intervals. Before the exporter has run for as long there are
// none.
func (a *App) stale() (all []*inventory.Entry) {
	now := time.Now()
	for _, e := range a.currentInventory().Entries() {
		at, _, _ := a.status.Last(e.Name)
		if at.Before(a.made) {
			at = a.made
		}
		if status.Stale(at, time.Duration(e.Interval), now) {
			all = append(all, e)
		}
	}
	return all
}
