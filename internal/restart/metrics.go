package restart

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

const namespace = "healthcheck_restart"

// The phases of an attempt in its duration.
const (
	phaseExecute = "execute"
	phaseVerify  = "verify"
)

// metrics are those of the services; their labels are bounded by the configuration.
type metrics struct {
	info        *prometheus.GaugeVec
	mode        *prometheus.GaugeVec
	state       *prometheus.GaugeVec
	hold        *prometheus.GaugeVec
	unfit       *prometheus.GaugeVec
	failing     *prometheus.GaugeVec
	demanded    *prometheus.GaugeVec
	armed       *prometheus.GaugeVec
	lockout     *prometheus.GaugeVec
	unverified  *prometheus.GaugeVec
	budget      *prometheus.GaugeVec
	cooldown    *prometheus.GaugeVec
	paused      *prometheus.GaugeVec
	brakes      *prometheus.GaugeVec
	decisions   *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	triggers    *prometheus.CounterVec
	lastAttempt *prometheus.GaugeVec
	duration    *prometheus.HistogramVec

	intents       prometheus.Gauge
	journalErrors prometheus.Counter

	mu     sync.Mutex      // protects the following
	scopes map[string]bool // the brakes that have series
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
		info:        gauge("info", "A service with one of its targets, to join by.", "service", "target", "environment", "backend", "group"),
		mode:        gauge("mode", "Whether the service is in this mode.", "service", "mode"),
		state:       gauge("state", "Whether the service is in this state.", "service", "state"),
		hold:        gauge("hold", "Whether this guard refused last to have the failing service restarted.", "service", "reason"),
		unfit:       gauge("unfit", "Whether the back-end found last that the unit must not be restarted, for this reason.", "service", "reason"),
		failing:     gauge("checks_failing", "Whether the last of the service's own probes failed; no series before the first one.", "service"),
		demanded:    gauge("demanded", "Whether something asks for a restart: an alert that was told as firing, and not as resolved since, an operator, or its own checks.", "service"),
		armed:       gauge("armed", "Whether the service has been seen healthy by its present checks.", "service"),
		lockout:     gauge("lockout", "Whether the service is locked out: restarts did not help.", "service"),
		unverified:  gauge("consecutive_unverified", "How many attempts in a row are not known to have helped.", "service"),
		budget:      gauge("budget_remaining", "How many attempts are left within the window.", "service", "window"),
		cooldown:    gauge("cooldown_until_timestamp_seconds", "When the pause after the last attempt ends, in unix time; 0 without an attempt.", "service"),
		paused:      gauge("paused_until_timestamp_seconds", "When the pause of an operator ends, in unix time; 0 without a pause.", "service"),
		brakes:      gauge("brake", "Whether the mass brake of the scope is on: it is released when at most one, or less than release_percent, have been failing for release_time in a way that a restart may repair.", "scope"),
		decisions:   counter("decisions_total", "How often the decision about a service changed, by the guard that held.", "service", "decision", "reason"),
		attempts:    counter("attempts_total", "How many restarts were attempted, by how they ended.", "service", "backend", "outcome"),
		triggers:    counter("triggers_total", "How many restarts were decided, by what asked for them.", "service", "trigger"),
		lastAttempt: gauge("last_attempt_timestamp_seconds", "When the last restart was attempted, in unix time.", "service"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "duration_seconds",
			Help:    "How long the back-end took to restart, and how long the exporter's own probes took to judge.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"backend", "phase"}),
	}
	m.journalErrors = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Name: "journal_errors_total", Help: "How often states or the audit could not be read or written.",
	})
	m.intents = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "open_intents", Help: "How many services are being restarted or verified.",
	})
	r.MustRegister(m.duration, m.journalErrors, m.intents)
	m.brake(map[string]bool{policy.ScopeFleet: false})
	return m
}

// infos are the values of the labels of healthcheck_restart_info, for each of a service's targets.
func infos(s *Service) (all [][]string) {
	for _, c := range s.Checks {
		all = append(all, []string{s.Name, cmp.Or(c.Inventory, c.Name), s.Environment, s.Backend.Kind(), s.Group})
	}
	return all
}

// know makes every series of a service exist before anything has happened to it. Those by which the service, as it was
// configured before, is joined no longer are removed; the others are never away, since alerts that join by them would end.
func (m *metrics) know(s, before *Service) {
	now := infos(s)
	for _, labels := range now {
		m.info.WithLabelValues(labels...).Set(1)
	}
	for _, labels := range infos(before) {
		if !slices.ContainsFunc(now, func(n []string) bool { return slices.Equal(n, labels) }) {
			m.info.DeleteLabelValues(labels...)
		}
	}
	for _, mode := range []policy.Mode{policy.ModeOff, policy.ModeObserve, policy.ModeEnforce} {
		m.mode.WithLabelValues(s.Name, string(mode)).Set(boolean(mode == s.Policy.Mode))
	}
	for _, d := range []string{"restart", "would_restart"} {
		m.decisions.WithLabelValues(s.Name, d, "")
	}
	for _, g := range policy.Guards() {
		m.decisions.WithLabelValues(s.Name, "hold", string(g))
	}
	for _, o := range policy.Outcomes() {
		m.attempts.WithLabelValues(s.Name, s.Backend.Kind(), string(o))
	}
	for _, t := range policy.Triggers() {
		m.triggers.WithLabelValues(s.Name, string(t))
	}
	for _, phase := range []string{phaseExecute, phaseVerify} {
		m.duration.WithLabelValues(s.Backend.Kind(), phase)
	}
}

// forget removes the series of a service that is no longer configured.
func (m *metrics) forget(service string) {
	for _, v := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{
		m.info, m.mode, m.state, m.hold, m.unfit, m.failing, m.demanded, m.armed, m.lockout, m.unverified, m.budget, m.cooldown, m.paused, m.decisions, m.attempts, m.triggers, m.lastAttempt,
	} {
		v.DeletePartialMatch(prometheus.Labels{"service": service})
	}
}

// show shows a state.
func (m *metrics) show(s *Service, state *policy.State, now time.Time) {
	phase := state.Phase()
	for _, p := range policy.Phases() {
		m.state.WithLabelValues(s.Name, string(p)).Set(boolean(p == phase))
	}
	for _, g := range policy.Guards() {
		m.hold.WithLabelValues(s.Name, string(g)).Set(boolean(g == state.Hold))
	}
	reason, _, _ := strings.Cut(state.Preflight.Unfit, ":") // the rest is for people
	for _, u := range Unfits() {
		m.unfit.WithLabelValues(s.Name, string(u)).Set(boolean(string(u) == reason))
	}
	if state.LastProbe.IsZero() {
		m.failing.DeleteLabelValues(s.Name)
	} else {
		m.failing.WithLabelValues(s.Name).Set(boolean(!state.Last.Healthy))
	}
	m.demanded.WithLabelValues(s.Name).Set(boolean(state.Demanded()))
	m.armed.WithLabelValues(s.Name).Set(boolean(state.Armed))
	m.lockout.WithLabelValues(s.Name).Set(boolean(state.LockedOut))
	m.unverified.WithLabelValues(s.Name).Set(float64(state.Unverified))
	hour, day := state.Spent(now)
	m.budget.WithLabelValues(s.Name, "hour").Set(float64(max(0, s.Policy.BudgetHour-hour)))
	m.budget.WithLabelValues(s.Name, "day").Set(float64(max(0, s.Policy.BudgetDay-day)))
	m.cooldown.WithLabelValues(s.Name).Set(unix(state.CooldownUntil))
	m.paused.WithLabelValues(s.Name).Set(unix(state.Pause.Until))
	if last := state.LastAttempt(); !last.IsZero() {
		m.lastAttempt.WithLabelValues(s.Name).Set(unix(last))
	}
}

// brake shows which scopes are braked. One that is gone keeps no series.
func (m *metrics) brake(on map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for scope := range m.scopes {
		if _, ok := on[scope]; !ok {
			m.brakes.DeleteLabelValues(scope)
		}
	}
	m.scopes = on
	for scope, braked := range on {
		m.brakes.WithLabelValues(scope).Set(boolean(braked))
	}
}

// unix is 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

func (m *metrics) decision(service, decision string, hold policy.Guard) {
	m.decisions.WithLabelValues(service, decision, string(hold)).Inc()
}

func (m *metrics) triggered(service string, t policy.Trigger) {
	m.triggers.WithLabelValues(service, string(t)).Inc()
}

func (m *metrics) took(s *Service, phase string, d time.Duration) {
	m.duration.WithLabelValues(s.Backend.Kind(), phase).Observe(d.Seconds())
}

func (m *metrics) attempt(s *Service, o policy.Outcome) {
	m.attempts.WithLabelValues(s.Name, s.Backend.Kind(), string(o)).Inc()
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
