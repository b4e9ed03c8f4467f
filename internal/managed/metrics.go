package managed

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "healthcheck_exporter"

// The reasons of a refusal.
const (
	reasonReadOnly  = "read_only"
	reasonForbidden = "forbidden"
	reasonInvalid   = "invalid"
	reasonMissing   = "missing"
	reasonOwned     = "owned"
	reasonInUse     = "in_use"
	reasonRequired  = "condition_required"
	reasonChanged   = "changed"
	reasonTooMany   = "too_many"
	reasonStore     = "store"
	reasonGaveUp    = "gave_up"
)

// The reasons of a refusal that RefuseFor is given, besides those of errors of this package.
const (
	RefusedReadOnly     = reasonReadOnly
	RefusedMissing      = reasonMissing
	RefusedGaveUp       = reasonGaveUp
	RefusedAlertmanager = "alertmanager_refused" // Alertmanager does not load it
	RefusedFileChanged  = "file_changed"         // the configuration of Alertmanager was changed by somebody else
)

// metrics are those of the registry.
type metrics struct {
	changes *prometheus.CounterVec
	refused *prometheus.CounterVec
}

func newMetrics(reg *Registry, r prometheus.Registerer) *metrics {
	m := &metrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "managed_changes_total",
			Help: "How many changes of managed targets, mutes, maintenance and channels were kept, by what they changed and how; an import counts each target and channel that it changes.",
		}, []string{"kind", "action"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "managed_refused_total",
			Help: "How many changes were refused, by the reason.",
		}, []string{"reason"}),
	}
	for _, kind := range []EntryKind{KindTarget, KindImport, KindMute, KindMaintenance, KindChannel} {
		for _, action := range []Action{Created, Updated, Deleted} {
			m.changes.WithLabelValues(string(kind), string(action))
		}
	}
	for _, reason := range []string{
		reasonReadOnly, reasonForbidden, reasonInvalid, reasonMissing, reasonOwned, reasonInUse, reasonRequired, reasonChanged,
		reasonTooMany, reasonStore, reasonGaveUp, RefusedAlertmanager, RefusedFileChanged,
	} {
		m.refused.WithLabelValues(reason)
	}
	r.MustRegister(m.changes, m.refused, collector{reg})
	return m
}

// changed counts what was kept.
func (m *metrics) changed(entries []Entry) {
	for _, e := range entries {
		m.changes.WithLabelValues(string(e.Kind), string(e.Action)).Inc()
	}
}

// refuse counts a refusal, and returns its error.
func (m *metrics) refuse(err error) error {
	m.refused.WithLabelValues(reasonOf(err)).Inc()
	return err
}

func reasonOf(err error) string {
	for _, r := range []struct {
		reason string
		is     bool
	}{
		{reasonReadOnly, errors.Is(err, ErrReadOnly)},
		{reasonStore, is[*StoreError](err)},
		{reasonInvalid, is[*InvalidError](err)},
		{reasonMissing, is[*MissingError](err)},
		{reasonOwned, is[*OwnedError](err)},
		{reasonInUse, is[*InUseError](err)},
		{reasonRequired, is[*RequiredError](err)},
		{reasonChanged, is[*ChangedError](err)},
		{reasonTooMany, is[*TooManyError](err)},
		{reasonGaveUp, errors.Is(err, errWithdrawn)},
	} {
		if r.is {
			return r.reason
		}
	}
	return reasonForbidden // the only one that is not ours
}

// is reports whether err is of a type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A collector has what is absent as long as nothing is known.
type collector struct{ r *Registry }

var (
	descUp = prometheus.NewDesc(namespace+"_managed_store_up",
		"Whether the file of what people edit is open and the last change could be kept; absent if there is no such file and nobody may change anything.", nil, nil)
	descTargets  = prometheus.NewDesc(namespace+"_managed_targets", "How many targets people have made; absent while that is not known.", nil, nil)
	descRevision = prometheus.NewDesc(namespace+"_managed_revision",
		"How many changes of managed targets, mutes, maintenance and channels there were; absent while that is not known.", nil, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(c chan<- *prometheus.Desc) {
	c <- descUp
	c <- descTargets
	c <- descRevision
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v)
	}
	switch h := c.r.health.Load(); {
	case h.broken != nil:
		gauge(descUp, 0)
	case h.open:
		up := 1.0
		if h.failed != nil {
			up = 0
		}
		s := c.r.state()
		gauge(descUp, up)
		gauge(descTargets, float64(len(s.targets)))
		gauge(descRevision, float64(s.Revision))
	}
}
