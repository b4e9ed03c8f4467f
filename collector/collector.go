package collector

import (
	"crypto/tls"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Collector renders one [prober.Result]. It only formats; the probe is over.
//
// What was not measured is absent, except for series that blackbox_exporter always has and existing rules rely on. They
// are listed in docs/metrics.md, with their placeholders.
type Collector struct {
	Module config.Module
	Result prober.Result
	Quiet  Quiet
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.samples(func(m *Metric, value float64, labels ...string) {
		for i, l := range labels {
			labels[i] = valid(l)
		}
		ch <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, value, labels...)
	})
}

// valid is a label value as a scrape may have it. Certificates may hold anything.
func valid(label string) string { return strings.ToValidUTF8(label, "\uFFFD") }

// samples emits everything there is to say about the Result.
func (c *Collector) samples(emit emitFunc) {
	r := &c.Result
	emit(probeSuccess, boolean(r.Success()))
	emit(probeDuration, r.Duration.Seconds())
	emit(probeTimeout, r.Timeout.Seconds())
	emit(probeAttempts, float64(r.Attempts))
	if c.Quiet.Muted {
		emit(targetMuted, 1)
	}
	if c.Quiet.Maintenance {
		emit(targetMaintenance, 1)
	}
	if !r.Success() {
		emit(probeFailure, 1, string(r.Reason), string(r.FailedPhase))
	}
	resolve(emit, r)
	if c.Module.Prober == "websocket" {
		webSocket(emit, r)
	} else {
		c.http(emit)
	}
	if r.TLS != nil {
		certificates(emit, r.TLS)
	}
}

// emitFunc sends one sample.
type emitFunc func(m *Metric, value float64, labels ...string)

func resolve(emit emitFunc, r *prober.Result) {
	var seconds, protocol, hash float64
	looked := func(p prober.Phase) bool { return p.Name == prober.PhaseResolve }
	if len(r.Phases) > 0 && !slices.ContainsFunc(r.Phases, looked) {
		return // a proxy did it
	}
	if i := slices.IndexFunc(r.Phases, looked); i >= 0 {
		seconds = r.Phases[i].Duration.Seconds()
	}
	if r.Resolve != nil {
		addr := r.Resolve.Addr
		h := fnv.New32a()
		h.Write(addr.AsSlice())
		hash = float64(h.Sum32())
		protocol = 6
		if addr.Is4() {
			protocol = 4
		}
	}
	emit(dnsLookupTime, seconds)
	emit(ipProtocol, protocol)
	emit(ipAddrHash, hash)
}

func (c *Collector) http(emit emitFunc) {
	phases := durations(&c.Result)
	for _, name := range []prober.PhaseName{
		prober.PhaseResolve, prober.PhaseConnect, prober.PhaseTLS, prober.PhaseProcessing, prober.PhaseTransfer,
	} {
		if _, measured := phases[name]; measured || name != prober.PhaseResolve || len(phases) == 0 {
			emit(httpDuration, phases[name].Seconds(), string(name))
		}
	}

	h := c.Result.HTTP
	if h == nil {
		h = &prober.HTTPResult{}
	}
	emit(httpContentLength, float64(h.ContentLength))
	emit(httpBodyLength, float64(h.BodyBytes))
	emit(httpRedirects, float64(c.Result.Redirects))
	emit(httpSSL, boolean(h.TLS))
	emit(httpStatusCode, float64(h.StatusCode))
	emit(httpVersion, versionNumber(h.Proto))
	if !h.LastModified.IsZero() {
		emit(httpLastModified, float64(h.LastModified.Unix()))
	}
	matched := c.Result.FailedPhase == prober.PhaseCheck
	emit(failedDueToRegex, boolean(matched && (c.Result.Reason == prober.ReasonHeader || c.Result.Reason == prober.ReasonBody)))
	if m := &c.Module.HTTP; m.FailIfBodyJSONMatch != nil || m.FailIfBodyJSONNotMatch != nil {
		emit(failedDueToCEL, boolean(matched && c.Result.Reason == prober.ReasonJSON))
	}
}

// durations adds up the phases of the same name.
func durations(r *prober.Result) map[prober.PhaseName]time.Duration {
	phases := map[prober.PhaseName]time.Duration{}
	for _, p := range r.Phases {
		phases[p.Name] += p.Duration
	}
	return phases
}

func webSocket(emit emitFunc, r *prober.Result) {
	for name, d := range durations(r) {
		emit(wsDuration, d.Seconds(), string(name))
	}
	w := r.WebSocket
	if w == nil {
		w = &prober.WebSocketResult{}
	}
	emit(wsStatusCode, float64(w.StatusCode))
	emit(wsUpgraded, boolean(w.Upgraded))
	emit(wsFailedDueToRegex, boolean(r.FailedPhase == prober.PhaseMessages))
	if !w.Upgraded {
		return
	}
	emit(wsReceived, float64(w.Received))
	emit(wsCompressed, boolean(w.Compressed))
	if w.Subprotocol != "" {
		emit(wsSubprotocol, 1, w.Subprotocol)
	}
	if w.CloseCode != 0 {
		emit(wsCloseCode, float64(w.CloseCode))
	}
}

// versionNumber is 1.1 for "HTTP/1.1" and 0 without a response.
func versionNumber(proto string) float64 {
	v, err := strconv.ParseFloat(strings.TrimPrefix(proto, "HTTP/"), 64)
	if err != nil {
		return 0
	}
	return v
}

func certificates(emit emitFunc, t *prober.TLSResult) {
	if t.Version != 0 {
		emit(tlsVersion, 1, tls.VersionName(t.Version))
		emit(tlsCipher, 1, t.CipherSuiteName())
	}
	if !t.ClientCertExpiry.IsZero() {
		emit(sslClientExpiry, float64(t.ClientCertExpiry.Unix()))
	}
	c := t.Certificates
	if c == nil {
		return
	}
	emit(sslEarliestExpiry, float64(c.First.NotAfter.Unix()))
	emit(sslLifetime, lifetime(c.First.Validity))
	emit(sslLastChainExpiry, float64(c.ChainFirst.NotAfter.Unix()))
	emit(sslChainLifetime, lifetime(c.ChainFirst.Validity))
	emit(sslLastChainInfo, 1, c.Leaf.Fingerprint, c.Leaf.Subject, c.Leaf.Issuer, c.Leaf.HostNames, c.Leaf.Serial)
}

// lifetime is in seconds, because no Duration holds more than 292 years.
func lifetime(v prober.Validity) float64 { return float64(v.NotAfter.Unix() - v.NotBefore.Unix()) }

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
