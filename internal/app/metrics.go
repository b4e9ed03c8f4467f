package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/page"
)

const namespace = "healthcheck_exporter"

// The results of a probe in healthcheck_exporter_probes_total.
const (
	resultSuccess   = "success"
	resultFailure   = "failure"
	resultAbandoned = "abandoned"
)

// metrics are the exporter's own. They outlive every reload.
type metrics struct {
	registry *prometheus.Registry

	reloadSuccess prometheus.Gauge
	reloadTime    prometheus.Gauge
	probes        *prometheus.CounterVec
	inFlight      prometheus.Gauge
	duration      *prometheus.HistogramVec
	rejected      *prometheus.CounterVec
	refused       *prometheus.CounterVec
	selfProbes    *prometheus.CounterVec
	selfLate      prometheus.Histogram

	connections          prometheus.Gauge
	connectionsRefused   *prometheus.CounterVec
	connectionsDisplaced prometheus.Counter

	pageViewers        prometheus.Gauge
	pageViewersRefused prometheus.Counter
	pageRenders        prometheus.Counter
	pageEvents         *prometheus.CounterVec
}

func newMetrics(r *prometheus.Registry) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:      r,
		reloadSuccess: gauge("config_last_reload_successful", "Whether the last load of the configuration succeeded."),
		reloadTime:    gauge("config_last_reload_success_timestamp_seconds", "When the configuration was last loaded successfully, in unix time."),
		probes:        counters("probes_total", "How many probes have finished, by module and result; abandoned are those whose client went away.", "module", "result"),
		inFlight:      gauge("probes_in_flight", "How many probes are under way."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "probe_duration_seconds",
			Help:                            "How long probes took.",
			Buckets:                         []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"module"}),
		rejected:   counters("probes_rejected_total", "How many queries named nothing that could be probed, by reason.", "reason"),
		refused:    counters("requests_refused_total", "How many requests were refused, by what was wrong with them.", "reason"),
		selfProbes: counters("self_probes_total", "How many probes the exporter has made by itself because nobody scraped the target, by result.", "result"),
		selfLate: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "self_probe_lateness_seconds",
			Help:    "How much later than planned the exporter's own probes began.",
			Buckets: []float64{.01, .1, 1, 5, 15, 60},
		}),
		connections:          gauge("connections", "How many connections from clients are open."),
		connectionsRefused:   counters("connections_refused_total", "How many connections were refused, by the bound that was reached.", "reason"),
		connectionsDisplaced: counter("connections_displaced_total", "How many connections were closed to make room for others."),
		pageViewers:          gauge("page_viewers", "How many browsers are told what changes on the page."),
		pageViewersRefused:   counter("page_viewers_refused_total", "How often a browser got no live updates because too many others had them."),
		pageRenders:          counter("page_renders_total", "How many rows of the page were rendered because they had changed, each once for all viewers of a language."),
		pageEvents:           counters("page_events_sent_total", "How many events were sent to the viewers of the page, by kind.", "event"),
	}
	for _, reason := range []string{refusedSource, refusedWhole} {
		m.connectionsRefused.WithLabelValues(reason)
	}
	for _, result := range []string{resultSuccess, resultFailure, resultAbandoned} {
		m.selfProbes.WithLabelValues(result)
	}
	for _, event := range page.LiveEvents() {
		m.pageEvents.WithLabelValues(event)
	}
	for _, reason := range refusals() {
		m.refused.WithLabelValues(string(reason))
	}
	for _, reason := range collector.Rejections() {
		m.rejected.WithLabelValues(string(reason))
	}
	for _, c := range []prometheus.Collector{
		m.reloadSuccess, m.reloadTime, m.probes, m.inFlight, m.duration, m.rejected, m.refused, m.selfProbes, m.selfLate,
		m.connections, m.connectionsRefused, m.connectionsDisplaced,
		m.pageViewers, m.pageViewersRefused, m.pageRenders, m.pageEvents,
		collector.Memory{},
		versioncollector.NewCollector(namespace),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		r.MustRegister(c)
	}
	return m
}

// refuse counts a request that is refused.
func (m *metrics) refuse(why refusal) { m.refused.WithLabelValues(string(why)).Inc() }

// reject counts a query that named nothing that could be probed.
func (m *metrics) reject(why collector.Rejection) { m.rejected.WithLabelValues(string(why)).Inc() }

// reloaded notes the outcome of a load.
func (m *metrics) reloaded(err error) {
	if err != nil {
		m.reloadSuccess.Set(0)
		return
	}
	m.reloadSuccess.Set(1)
	m.reloadTime.SetToCurrentTime()
}

// knowModules makes the series of every module exist before its first probe.
func (m *metrics) knowModules(modules map[string]collector.Module) {
	for name := range modules {
		for _, result := range []string{resultSuccess, resultFailure, resultAbandoned} {
			m.probes.WithLabelValues(name, result)
		}
		m.duration.WithLabelValues(name)
	}
}
