package inventory

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of the inventory. Their number follows from the configuration: sources and targets have the names that
// somebody gave them.
var (
	targetsDesc = prometheus.NewDesc("healthcheck_exporter_inventory_targets",
		"How many targets the inventory has, by where they come from.", []string{"source"}, nil)
	problemsDesc = prometheus.NewDesc("healthcheck_exporter_inventory_source_problems",
		"How many things are wrong with single targets of a source, each of which costs that target or a part of it.", []string{"source"}, nil)
	successDesc = prometheus.NewDesc("healthcheck_exporter_inventory_source_last_success_timestamp_seconds",
		"When a source last answered, in unix time; absent until it has.", []string{"source"}, nil)
	errorsDesc = prometheus.NewDesc("healthcheck_exporter_inventory_source_errors_total",
		"How often a source did not answer, or its answer was not a list of targets.", []string{"source"}, nil)
	mutedDesc = prometheus.NewDesc("healthcheck_target_muted",
		"Whether nobody wants to be told of the target; absent for all others.", []string{"target", "environment"}, nil)
	muteEndDesc = prometheus.NewDesc("healthcheck_target_mute_end_timestamp_seconds",
		"When the mute that a person has set ends, in unix time; absent where there is none.", []string{"target", "environment"}, nil)
	maintenanceEndDesc = prometheus.NewDesc("healthcheck_target_maintenance_end_timestamp_seconds",
		"When the maintenance that a person has set ends at the latest, in unix time; absent where there is none.", []string{"target", "environment"}, nil)
	maintenanceDesc = prometheus.NewDesc("healthcheck_target_maintenance_active",
		"Whether the target is in maintenance now; absent for all others.", []string{"target", "environment"}, nil)
	dependsDesc = prometheus.NewDesc("healthcheck_target_depends_on_info",
		"A target with one of the targets that it depends on, to join by.", []string{"target", "environment", "depends_on", "depends_on_environment"}, nil)
)

// metrics collects what the Keeper knows.
type metrics struct {
	keeper *Keeper
	now    func() time.Time
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{targetsDesc, problemsDesc, successDesc, errorsDesc, mutedDesc, maintenanceDesc, muteEndDesc, maintenanceEndDesc, dependsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	inv := m.collectSources(ch)
	if inv == nil {
		return
	}
	count := map[string]int{StaticSource: 0}
	now := m.now()
	for _, e := range inv.entries {
		count[e.Source]++
		quiet := inv.Quiet(e, now)
		if quiet.Muted {
			gauge(mutedDesc, 1, e.Name, e.Environment)
		}
		if quiet.InMaintenance {
			gauge(maintenanceDesc, 1, e.Name, e.Environment)
		}
		if quiet.Mute != nil {
			gauge(muteEndDesc, float64(quiet.Mute.End.UnixMilli())/1000, e.Name, e.Environment)
		}
		if quiet.Maintenance != nil {
			gauge(maintenanceEndDesc, float64(quiet.Maintenance.End.UnixMilli())/1000, e.Name, e.Environment)
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(e.DependsOn))) {
			gauge(dependsDesc, 1, e.Name, e.Environment, name, inv.byName[name].Environment)
		}
	}
	gauge(targetsDesc, float64(count[StaticSource]), StaticSource)
	delete(count, StaticSource)
	for _, name := range inv.sources {
		gauge(targetsDesc, float64(count[name]), name)
		gauge(problemsDesc, float64(inv.wrong[name]), name)
	}
}

// collectSources collects what is known of the sources, and returns the matching inventory.
func (m *metrics) collectSources(ch chan<- prometheus.Metric) *Inventory {
	m.keeper.mu.Lock()
	defer m.keeper.mu.Unlock()
	for _, s := range m.keeper.sources {
		if s.hidden() {
			continue
		}
		ch <- prometheus.MustNewConstMetric(errorsDesc, prometheus.CounterValue, float64(s.errors), s.name)
		if !s.success.IsZero() {
			ch <- prometheus.MustNewConstMetric(successDesc, prometheus.GaugeValue, float64(s.success.UnixMilli())/1000, s.name)
		}
	}
	return m.keeper.current.Load()
}
