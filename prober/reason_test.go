package prober_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Every way in which a target misbehaves has its own reason, and the probe returns at its deadline.
func TestReasons(t *testing.T) {
	const drip = 200 * time.Millisecond // a head takes longer than the first tries of a probe that hangs
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	trust := "tls_config: {ca_file: " + ca.File() + "}\n"
	hello := func(t *testing.T) *probetest.Server {
		return probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Version", "7")
			w.Write([]byte(`{"status":"degraded"}`))
		}))
	}
	over := func(s *probetest.Server) string { return s.URL }

	for _, tt := range []struct {
		name   string
		url    func(*testing.T) string
		block  string
		reason prober.Reason
		phase  prober.PhaseName
		text   string
		hangs  bool // until the deadline
	}{
		{"nothing listens", closedPort, "", prober.ReasonConnectRefused, prober.PhaseConnect, "refused", false},
		{"never accepts", func(t *testing.T) string { return over(probetest.Blackhole(t)) }, "", prober.ReasonConnectTimeout, prober.PhaseConnect, "connecting to 127.", true},
		{"accepts and never answers", func(t *testing.T) string { return over(probetest.Silent(t)) }, "", prober.ReasonRequestTimeout, prober.PhaseProcessing, "no byte", true},
		{"headers byte by byte", func(t *testing.T) string { return over(probetest.DripHeaders(t, drip)) }, "", prober.ReasonTransferTimeout, prober.PhaseTransfer, "headers", true},
		{"body byte by byte", func(t *testing.T) string { return over(probetest.Drip(t, drip)) }, "", prober.ReasonTransferTimeout, prober.PhaseTransfer, "not complete in time", true},
		{"stops mid-body", func(t *testing.T) string { return over(probetest.StallMidBody(t)) }, "", prober.ReasonTransferTimeout, prober.PhaseTransfer, "got 10 bytes", true},
		{"stops before the TLS handshake", func(t *testing.T) string { return over(probetest.TLSStall(t)) }, "", prober.ReasonConnectTimeout, prober.PhaseTLS, "in time", true},
		{"stops mid-TLS-handshake", func(t *testing.T) string { return over(probetest.TLSStallMid(t)) }, "", prober.ReasonConnectTimeout, prober.PhaseTLS, "in time", true},
		{"truncated body", func(t *testing.T) string { return over(probetest.Truncated(t)) }, "", prober.ReasonConnectionClosed, prober.PhaseTransfer, "10 of 1000 bytes", false},
		{"reset", func(t *testing.T) string { return over(probetest.Reset(t)) }, "", prober.ReasonConnectionClosed, prober.PhaseProcessing, "closed", false},
		{"closes at once", func(t *testing.T) string { return over(probetest.CloseAtOnce(t)) }, "", prober.ReasonConnectionClosed, prober.PhaseProcessing, "closed", false},
		{"is no HTTP server", func(t *testing.T) string { return over(probetest.NotHTTP(t)) }, "", prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP", false},
		{"speaks first", func(t *testing.T) string { return over(probetest.Greeter(t)) }, "", prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP", false},
		{"is no TLS server", func(t *testing.T) string { return "https" + over(hello(t))[4:] }, "", prober.ReasonTLSFailed, prober.PhaseTLS, "does not speak TLS", false},
		{"headers for ever", func(t *testing.T) string { return over(probetest.EndlessHeaders(t)) }, "", prober.ReasonTooLarge, prober.PhaseProcessing, "65536 bytes", false},
		{"body for ever", func(t *testing.T) string { return over(probetest.Endless(t)) }, "", prober.ReasonTooLarge, prober.PhaseTransfer, "10485760 bytes", false},
		{"body over the limit", func(t *testing.T) string { return over(hello(t)) }, "body_size_limit: 20", prober.ReasonTooLarge, prober.PhaseTransfer, "20 bytes", false},
		{"redirect loop", func(t *testing.T) string { return over(probetest.Redirects(t, 1)) + "/loop" }, "", prober.ReasonRedirectLimit, prober.PhaseProcessing, "10 times", false},
		{"not found", func(t *testing.T) string { return over(probetest.Redirects(t, 1)) + "/none" }, "", prober.ReasonStatus, prober.PhaseCheck, "status 404, want 2xx", false},
		{"forbidden header", func(t *testing.T) string { return over(hello(t)) }, "fail_if_header_matches: [{header: x-version, regexp: '^7$'}]", prober.ReasonHeader, prober.PhaseCheck, "want no match", false},
		{"wrong header", func(t *testing.T) string { return over(hello(t)) }, "fail_if_header_not_matches: [{header: X-Version, regexp: '^8$'}]", prober.ReasonHeader, prober.PhaseCheck, "does not match", false},
		{"missing header", func(t *testing.T) string { return over(hello(t)) }, "fail_if_header_not_matches: [{header: X-Other, regexp: '.'}]", prober.ReasonHeader, prober.PhaseCheck, "missing", false},
		{"forbidden body", func(t *testing.T) string { return over(hello(t)) }, "fail_if_body_matches_regexp: [degraded]", prober.ReasonBody, prober.PhaseCheck, "want no match", false},
		{"wrong body", func(t *testing.T) string { return over(hello(t)) }, "fail_if_body_not_matches_regexp: [healthy]", prober.ReasonBody, prober.PhaseCheck, "does not match", false},
		{"forbidden JSON", func(t *testing.T) string { return over(hello(t)) }, "fail_if_body_json_matches_cel: body.status == 'degraded'", prober.ReasonJSON, prober.PhaseCheck, "want false", false},
		{"wrong JSON", func(t *testing.T) string { return over(hello(t)) }, "fail_if_body_json_not_matches_cel: body.status == 'ok'", prober.ReasonJSON, prober.PhaseCheck, "want true", false},
		{"JSON without the field", func(t *testing.T) string { return over(hello(t)) }, "fail_if_body_json_not_matches_cel: body.missing == 'ok'", prober.ReasonJSON, prober.PhaseCheck, "a key is missing", false},
		{"no JSON", func(t *testing.T) string { return over(probetest.Redirects(t, 0)) + "/0" }, "fail_if_body_json_not_matches_cel: 'true'", prober.ReasonJSON, prober.PhaseCheck, "not JSON", false},
		{"no TLS where it is wanted", func(t *testing.T) string { return over(hello(t)) }, "fail_if_not_ssl: true", prober.ReasonSSLRequired, prober.PhaseCheck, "want it over TLS", false},
		{"TLS where it is forbidden", func(t *testing.T) string { return over(probetest.EchoTLS(t, cert)) }, trust + "fail_if_ssl: true", prober.ReasonSSLForbidden, prober.PhaseCheck, "want it without", false},
		{"old HTTP version", func(t *testing.T) string { return over(hello(t)) }, "valid_http_versions: [HTTP/2.0]", prober.ReasonHTTPVersion, prober.PhaseCheck, "version HTTP/1.1, want HTTP/2.0", false},
		{"body is not compressed", func(t *testing.T) string { return over(hello(t)) }, "compression: gzip", prober.ReasonBody, prober.PhaseTransfer, "decompressing the body as gzip", false},
		{"no such family", func(t *testing.T) string { return over(hello(t)) }, "preferred_ip_protocol: ip6\nip_protocol_fallback: false", prober.ReasonResolveNotFound, prober.PhaseResolve, "no ip6 address", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, r := newProber(t, tt.block), target(t, tt.url(t))
			wantFailure(t, failing(tt.hangs)(t, p, r, tt.reason, tt.phase), tt.reason, tt.phase, tt.text)
		})
	}
}

// The list of reasons is closed: every constant is described once, as docs and tables rely on.
func TestReasonsAreDescribed(t *testing.T) {
	seen := map[prober.Reason]bool{}
	for _, info := range prober.Reasons() {
		if seen[info.Reason] || info.Description == "" || info.Description[len(info.Description)-1] != '.' {
			t.Errorf("reason %q is described twice or not by a sentence", info.Reason)
		}
		seen[info.Reason] = true
	}
	constants := reasonConstants(t)
	for _, r := range constants {
		if !seen[r] {
			t.Errorf("reason %q is not described", r)
		}
	}
	for r := range seen {
		if !slices.Contains(constants, r) {
			t.Errorf("reason %q is described and does not exist", r)
		}
	}
}

// closedPort is the URL of a port on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	return "http://" + probetest.ClosedPort(t)
}
