package restart

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "healthcheck_restart"

// metrics are those of the services; their labels are bounded by the configuration.
type metrics struct {
	info        *prometheus.GaugeVec
	mode        *prometheus.GaugeVec
	state       *prometheus.GaugeVec
	armed       *prometheus.GaugeVec
	decisions   *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	lastAttempt *prometheus.GaugeVec
	duration    *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	m := &metrics{
		info:        gauge("info", "A service with one of its targets and its back-end, to join by.", "service", "target", "backend"),
		mode:        gauge("mode", "Whether the service is in this mode.", "service", "mode"),
		state:       gauge("state", "Whether the service is in this state.", "service", "state"),
		armed:       gauge("armed", "Whether the service has been seen healthy by its present checks.", "service"),
		decisions:   counter("decisions_total", "How often the decision about a service changed, by the guard that held.", "service", "decision", "reason"),
		attempts:    counter("attempts_total", "How many restarts were attempted, by how they ended.", "service", "backend", "outcome"),
		lastAttempt: gauge("last_attempt_timestamp_seconds", "When the last restart was attempted, in unix time.", "service"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "duration_seconds", Help: "How long the back-end took.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"backend", "phase"}),
	}
	r.MustRegister(m.duration)
	return m
}

// know makes every series of a service exist before anything has happened to it.
func (m *metrics) know(s *Service) {
	m.info.DeletePartialMatch(prometheus.Labels{"service": s.Name})
	for _, c := range s.Checks {
		m.info.WithLabelValues(s.Name, c.Name, s.Backend.Kind()).Set(1)
	}
	for _, mode := range []Mode{ModeOff, ModeObserve, ModeEnforce} {
		m.mode.WithLabelValues(s.Name, string(mode)).Set(boolean(mode == s.Policy.Mode))
	}
	for _, d := range []string{"restart", "would_restart"} {
		m.decisions.WithLabelValues(s.Name, d, "")
	}
	for _, g := range Guards() {
		m.decisions.WithLabelValues(s.Name, "hold", string(g))
	}
	for _, o := range Outcomes() {
		m.attempts.WithLabelValues(s.Name, s.Backend.Kind(), string(o))
	}
	m.duration.WithLabelValues(s.Backend.Kind(), "execute")
}

// forget removes the series of a service that is no longer configured.
func (m *metrics) forget(service string) {
	for _, v := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{m.info, m.mode, m.state, m.armed, m.decisions, m.attempts, m.lastAttempt} {
		v.DeletePartialMatch(prometheus.Labels{"service": service})
	}
}

func (m *metrics) phase(s *Service, state *State) {
	now := state.Phase()
	for _, p := range Phases() {
		m.state.WithLabelValues(s.Name, string(p)).Set(boolean(p == now))
	}
	m.armed.WithLabelValues(s.Name).Set(boolean(state.Armed))
}

func (m *metrics) decision(service, decision string, hold Guard) {
	m.decisions.WithLabelValues(service, decision, string(hold)).Inc()
	if decision == "restart" {
		m.lastAttempt.WithLabelValues(service).Set(float64(time.Now().UnixMilli()) / 1e3)
	}
}

func (m *metrics) attempt(s *Service, o Outcome) {
	m.attempts.WithLabelValues(s.Name, s.Backend.Kind(), string(o)).Inc()
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
