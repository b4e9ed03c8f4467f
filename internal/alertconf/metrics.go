package alertconf

import "github.com/prometheus/client_golang/prometheus"

// A Collector has the metrics of Servers. Standings returns how they are now; those of one that nobody has looked at are absent.
type Collector struct{ Standings func() []Standing }

var (
	inSyncDesc = prometheus.NewDesc("healthcheck_exporter_alertmanager_in_sync",
		"Whether an Alertmanager runs the configuration that was written; absent if it does not say what it runs.", []string{"server"}, nil)
	loadedDesc = prometheus.NewDesc("healthcheck_exporter_alertmanager_last_reload_success_timestamp_seconds",
		"When an Alertmanager was last told to load the configuration and did so, since the exporter was started.", []string{"server"}, nil)
)

// Describe implements prometheus.Collector.
func (c Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- inSyncDesc
	ch <- loadedDesc
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.Standings() {
		if s.State != Unverified {
			value := 0.0
			if s.State == InSync {
				value = 1
			}
			ch <- prometheus.MustNewConstMetric(inSyncDesc, prometheus.GaugeValue, value, s.Server)
		}
		if !s.LoadedAt.IsZero() {
			ch <- prometheus.MustNewConstMetric(loadedDesc, prometheus.GaugeValue, float64(s.LoadedAt.UnixMilli())/1000, s.Server)
		}
	}
}
