package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var (
	memoryUsed = prometheus.NewDesc("healthcheck_exporter_probe_memory_bytes",
		"How much memory bodies and messages that are not small take now, by whether it is to keep or to judge them.", []string{"use"}, nil)
	memorySize = prometheus.NewDesc("healthcheck_exporter_probe_memory_limit_bytes",
		"How much of it there is for all probes together.", []string{"use"}, nil)
	memoryWaits = prometheus.NewDesc("healthcheck_exporter_probe_memory_waits_total",
		"How often a probe had to wait for it.", []string{"use"}, nil)
	memoryRefusals = prometheus.NewDesc("healthcheck_exporter_probe_memory_refusals_total",
		"How often a probe failed because it waited too long for it, or needed more than there is.", []string{"use"}, nil)
)

// Memory collects what the bodies and messages of all probes in this process take.
type Memory struct{}

// Describe implements prometheus.Collector.
func (Memory) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{memoryUsed, memorySize, memoryWaits, memoryRefusals} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (Memory) Collect(ch chan<- prometheus.Metric) {
	for _, m := range prober.Memory() {
		ch <- prometheus.MustNewConstMetric(memoryUsed, prometheus.GaugeValue, float64(m.Used), m.Use)
		ch <- prometheus.MustNewConstMetric(memorySize, prometheus.GaugeValue, float64(m.Size), m.Use)
		ch <- prometheus.MustNewConstMetric(memoryWaits, prometheus.CounterValue, float64(m.Waited), m.Use)
		ch <- prometheus.MustNewConstMetric(memoryRefusals, prometheus.CounterValue, float64(m.Refused), m.Use)
	}
}
