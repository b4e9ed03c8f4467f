package collector_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// failed is the Result of a probe that failed with everything measured, so that every metric is there.
func failed() prober.Result {
	cert := &x509.Certificate{
		Raw: []byte("raw"), SerialNumber: big.NewInt(0x1f00ff), Subject: pkix.Name{CommonName: "leaf"},
		Issuer: pkix.Name{CommonName: "root"}, DNSNames: []string{"a", "b"}, NotBefore: time.Unix(500, 0), NotAfter: time.Unix(2000, 0),
	}
	return prober.Result{
		Start: time.Unix(1000, 0), Duration: 1500 * time.Millisecond, Timeout: 9500 * time.Millisecond, Attempts: 3, Redirects: 1,
		Phases: []prober.Phase{
			{Name: prober.PhaseResolve, Duration: 64 * time.Millisecond},
			{Name: prober.PhaseConnect, Duration: 2 * time.Millisecond},
			{Name: prober.PhaseTLS, Duration: 4 * time.Millisecond},
			{Name: prober.PhaseProcessing, Duration: 8 * time.Millisecond},
			{Name: prober.PhaseConnect, Duration: 16 * time.Millisecond}, // After a redirect.
			{Name: prober.PhaseTransfer, Duration: 32 * time.Millisecond},
		},
		Reason: prober.ReasonJSON, FailedPhase: prober.PhaseCheck, Err: errors.New("want better"),
		Resolve: &prober.ResolveResult{Addr: netip.MustParseAddr("2001:db8::1")},
		TLS:     &prober.TLSResult{Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ClientCertExpiry: time.Unix(4000, 0), Certificates: prober.NewCertificates([]*x509.Certificate{cert}, nil)},
		HTTP: &prober.HTTPResult{
			StatusCode: 418, Proto: "HTTP/1.0", ContentLength: 7, BodyBytes: 9, TLS: true, LastModified: time.Unix(500, 0),
		},
	}
}

// talked is the Result of a WebSocket probe that has everything.
func talked() prober.Result {
	return prober.Result{
		Phases: []prober.Phase{{Name: prober.PhaseUpgrade, Duration: time.Second}, {Name: prober.PhaseMessages, Duration: 2 * time.Second}},
		Reason: prober.ReasonWSMessage, FailedPhase: prober.PhaseMessages, Err: errors.New("want better"),
		WebSocket: &prober.WebSocketResult{StatusCode: 101, Upgraded: true, Subprotocol: "chat", Compressed: true, Received: 3, CloseCode: 1011},
	}
}

// everyMetric is Collectors that have all metrics between them.
func everyMetric() []*collector.Collector {
	return []*collector.Collector{
		{Module: withCEL(), Result: failed()},
		{Module: config.Module{Prober: "websocket"}, Result: talked(), Quiet: collector.Quiet{Muted: true, Maintenance: true}},
	}
}

func TestCollectWebSocket(t *testing.T) {
	got := gather(t, everyMetric()[1])
	for series, want := range map[string]float64{
		`probe_websocket_status_code`:                              101,
		`probe_websocket_connection_upgraded`:                      1,
		`probe_websocket_failed_due_to_regex`:                      1,
		`probe_websocket_duration_seconds{phase="upgrade"}`:        1,
		`probe_websocket_duration_seconds{phase="messages"}`:       2,
		`probe_websocket_received_messages`:                        3,
		`probe_websocket_subprotocol_info{subprotocol="chat"}`:     1,
		`probe_websocket_compressed`:                               1,
		`probe_websocket_close_code`:                               1011,
		`probe_failure_info{phase="messages",reason="ws_message"}`: 1,
	} {
		if v, ok := got[series]; !ok || v != want {
			t.Errorf("%s is %v (there: %t), want %v", series, v, ok, want)
		}
	}
	for series := range got {
		if strings.HasPrefix(series, "probe_http_") {
			t.Errorf("a WebSocket probe has %s", series)
		}
	}
}

// withCEL is a module with a CEL expression.
func withCEL() config.Module {
	return config.Module{HTTP: config.HTTP{FailIfBodyJSONMatch: &config.CEL{}}}
}

// gather collects into a registry that checks every metric against Describe.
func gather(t testing.TB, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return samples(t, b.String())
}

func TestCollect(t *testing.T) {
	got := gather(t, &collector.Collector{Module: withCEL(), Result: failed()})
	want := map[string]float64{
		`probe_success`:          0,
		`probe_duration_seconds`: 1.5,
		`probe_timeout_seconds`:  9.5,
		`probe_attempts`:         3,
		`probe_failure_info{phase="check",reason="json"}`: 1,
		`probe_dns_lookup_time_seconds`:                   0.064,
		`probe_ip_protocol`:                               6,
		`probe_ip_addr_hash`:                              1851458804, // FNV-1a of the 16 bytes.
		`probe_http_duration_seconds{phase="resolve"}`:    0.064,
		`probe_http_duration_seconds{phase="connect"}`:    0.018,
		`probe_http_duration_seconds{phase="tls"}`:        0.004,
		`probe_http_duration_seconds{phase="processing"}`: 0.008,
		`probe_http_duration_seconds{phase="transfer"}`:   0.032,
		`probe_http_content_length`:                       7,
		`probe_http_uncompressed_body_length`:             9,
		`probe_http_redirects`:                            1,
		`probe_http_ssl`:                                  1,
		`probe_http_status_code`:                          418,
		`probe_http_version`:                              1,
		`probe_http_last_modified_timestamp_seconds`:      500,
		`probe_failed_due_to_regex`:                       0,
		`probe_failed_due_to_cel`:                         1,
		`probe_ssl_earliest_cert_expiry`:                  2000,
		`probe_ssl_earliest_cert_lifetime_seconds`:        1500,
		`probe_ssl_last_chain_lifetime_seconds`:           1500,
		`probe_ssl_client_cert_expiry_timestamp_seconds`:  4000,
		`probe_ssl_last_chain_expiry_timestamp_seconds`:   2000,
		`probe_ssl_last_chain_info{fingerprint_sha256="` + rawSHA256 + `",issuer="CN=root",serialnumber="1f00ff",subject="CN=leaf",subjectalternative="a,b"}`: 1,
		`probe_tls_version_info{version="TLS 1.2"}`:                             1,
		`probe_tls_cipher_info{cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}`: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// rawSHA256 is what "printf raw | sha256sum" prints.
const rawSHA256 = "d7439bee24773bcbfa2d0a97947ee36227b10d1022b1a55847e928965bb6bfde"

// TestCollectFailures checks the metrics that are derived from reason and phase.
func TestCollectFailures(t *testing.T) {
	for _, tt := range []struct {
		reason     prober.Reason
		phase      prober.PhaseName
		regex, cel float64
	}{
		{prober.ReasonNone, "", 0, 0},
		{prober.ReasonBody, prober.PhaseCheck, 1, 0},
		{prober.ReasonHeader, prober.PhaseCheck, 1, 0},
		{prober.ReasonJSON, prober.PhaseCheck, 0, 1},
		{prober.ReasonStatus, prober.PhaseCheck, 0, 0},
		{prober.ReasonBody, prober.PhaseTransfer, 0, 0},     // not decompressed
		{prober.ReasonHeader, prober.PhaseProcessing, 0, 0}, // a bad Location
		{prober.ReasonConnectRefused, prober.PhaseConnect, 0, 0},
	} {
		t.Run(string(tt.reason)+" in "+string(tt.phase), func(t *testing.T) {
			r := prober.Result{Reason: tt.reason, FailedPhase: tt.phase}
			if tt.reason != prober.ReasonNone {
				r.Err = errors.New("failed")
			}
			got := gather(t, &collector.Collector{Module: withCEL(), Result: r})
			if got["probe_failed_due_to_regex"] != tt.regex || got["probe_failed_due_to_cel"] != tt.cel {
				t.Errorf("regex is %v and cel %v, want %v and %v", got["probe_failed_due_to_regex"], got["probe_failed_due_to_cel"], tt.regex, tt.cel)
			}
			info, ok := got[`probe_failure_info{phase="`+string(tt.phase)+`",reason="`+string(tt.reason)+`"}`]
			if ok == r.Success() || ok && info != 1 {
				t.Errorf("probe_failure_info is %v (present: %t) and success %t", info, ok, r.Success())
			}
		})
	}
}

// TestFailedDueToCEL checks that the metric is there if and only if the module has an expression of either kind.
func TestFailedDueToCEL(t *testing.T) {
	for _, tt := range []struct {
		name string
		http config.HTTP
		want bool
	}{
		{"none", config.HTTP{}, false},
		{"forbidden", config.HTTP{FailIfBodyJSONMatch: &config.CEL{}}, true},
		{"wanted", config.HTTP{FailIfBodyJSONNotMatch: &config.CEL{}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := gather(t, &collector.Collector{Module: config.Module{HTTP: tt.http}})
			if _, ok := got["probe_failed_due_to_cel"]; ok != tt.want {
				t.Errorf("present: %t, want %t", ok, tt.want)
			}
		})
	}
}

func TestHTTPVersion(t *testing.T) {
	for proto, want := range map[string]float64{"HTTP/1.0": 1, "HTTP/1.1": 1.1, "HTTP/2.0": 2, "HTTP/3.0": 3, "": 0, "ICY": 0} {
		got := gather(t, &collector.Collector{Result: prober.Result{HTTP: &prober.HTTPResult{Proto: proto}}})
		if got["probe_http_version"] != want {
			t.Errorf("version of %q is %v, want %v", proto, got["probe_http_version"], want)
		}
	}
}

// TestCertificates checks which of several expiry dates is the one.
func TestCertificates(t *testing.T) {
	expiring := func(unix int64) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(unix/2, 0), NotAfter: time.Unix(unix, 0)}
	}
	type certs = []*x509.Certificate
	leaf := expiring(300)
	for _, tt := range []struct {
		name           string
		presented      certs
		verified       []certs
		earliest, last float64
	}{
		{"leaf alone", certs{leaf}, []certs{{leaf, expiring(400)}}, 300, 300},
		{"root expires first", certs{leaf}, []certs{{leaf, expiring(200)}}, 300, 200},
		{"presented intermediate expires first", certs{leaf, expiring(100)}, []certs{{leaf, expiring(250), expiring(400)}}, 100, 250},
		{"two chains", certs{leaf}, []certs{{leaf, expiring(200)}, {leaf, expiring(250)}, {leaf, expiring(220)}}, 300, 250},
		{"none verified", certs{leaf, expiring(350), expiring(150)}, nil, 150, 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := gather(t, &collector.Collector{Result: prober.Result{TLS: &prober.TLSResult{Certificates: prober.NewCertificates(tt.presented, tt.verified)}}})
			if v := got["probe_ssl_earliest_cert_expiry"]; v != tt.earliest {
				t.Errorf("probe_ssl_earliest_cert_expiry is %v, want %v", v, tt.earliest)
			}
			if v := got["probe_ssl_earliest_cert_lifetime_seconds"]; v != tt.earliest/2 {
				t.Errorf("probe_ssl_earliest_cert_lifetime_seconds is %v, want %v", v, tt.earliest/2)
			}
			if v := got["probe_ssl_last_chain_expiry_timestamp_seconds"]; v != tt.last {
				t.Errorf("probe_ssl_last_chain_expiry_timestamp_seconds is %v, want %v", v, tt.last)
			}
			if v := got["probe_ssl_last_chain_lifetime_seconds"]; v != tt.last/2 {
				t.Errorf("probe_ssl_last_chain_lifetime_seconds is %v, want %v", v, tt.last/2)
			}
			if _, ok := got[`probe_tls_version_info{version="TLS 1.3"}`]; ok {
				t.Error("there is a TLS version without a handshake")
			}
		})
	}
	t.Run("none presented", func(t *testing.T) {
		got := gather(t, &collector.Collector{Result: prober.Result{TLS: &prober.TLSResult{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}}})
		if _, ok := got["probe_ssl_earliest_cert_expiry"]; ok {
			t.Error("there is an expiry date without a certificate")
		}
		if got[`probe_tls_version_info{version="TLS 1.3"}`] != 1 || got[`probe_tls_cipher_info{cipher="TLS_AES_128_GCM_SHA256"}`] != 1 {
			t.Errorf("the session is not described: %v", got)
		}
	})
}

// TestLabelsAreUTF8 feeds a certificate with texts that no label may have.
func TestLabelsAreUTF8(t *testing.T) {
	r := failed()
	r.TLS.Certificates.Leaf.Subject = "\xff\xfe\n\"}"
	r.TLS.Certificates.Leaf.HostNames = "ok,\x80"
	for series := range gather(t, &collector.Collector{Result: r}) {
		if strings.HasPrefix(series, "probe_ssl_last_chain_info") && !strings.Contains(series, `subjectalternative="ok,`+"\uFFFD"+`"`) {
			t.Errorf("series is %s, want a replacement character", series)
		}
	}
}

// TestDescribe checks that all metrics are described and no other ones are there.
func TestDescribe(t *testing.T) {
	ch := make(chan *prometheus.Desc, 100)
	(&collector.Collector{}).Describe(ch)
	close(ch)
	if got, want := len(ch), len(collector.Metrics()); got != want {
		t.Errorf("%d metrics are described, want %d", got, want)
	}
	got := map[string]bool{}
	for _, c := range everyMetric() {
		for series := range gather(t, c) {
			name, _, _ := strings.Cut(series, "{")
			got[name] = true
		}
	}
	want := map[string]bool{}
	for _, m := range collector.Metrics() {
		want[m.Name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-described +collected):\n%s", diff)
	}
}

// TestLint checks names and help texts against the conventions. None of blackbox_exporter's names is against them.
func TestLint(t *testing.T) {
	for _, c := range everyMetric() {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(c)
		problems, err := testutil.GatherAndLint(registry)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, m := range collector.Metrics() {
		if strings.Index(m.Help, ".") != len(m.Help)-1 {
			t.Errorf("help of %s is %q, want one sentence with a full stop", m.Name, m.Help)
		}
	}
}
