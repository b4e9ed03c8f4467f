package collector_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// leafLife is how long the certificate of the TLS targets is valid: longer than its root, so that the expiry of
// what is presented differs from that of the verified chain.
const leafLife = 48 * time.Hour

// A scene is a target and a module. A golden file has its exposition.
type scene struct {
	name   string
	http   string // the http block of the module, without braces; for a target of ws the websocket block
	module string // other keys of the module, with a comma behind
	target string
	// leaf is what the target presents; nil: none. In the verified chain it ends with its root, which is valid for a day.
	leaf     *x509.Certificate
	verified bool
	quiet    collector.Quiet // it is probed by a name if there is a reason
}

// scenes starts the targets. Every metric is in at least one of them.
func scenes(t *testing.T) []scene {
	t.Helper()
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{CommonName: "golden", DNSNames: []string{"golden.example", "www.golden.example"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(leafLife)})
	expired := ca.Issue(t, probetest.Cert{CommonName: "expired", NotAfter: time.Now().Add(-time.Hour)})
	trust := "tls_config: {ca_file: " + ca.File() + "}"
	certFile, keyFile := probetest.CertFiles(t, cert)
	health := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
		_, _ = io.WriteString(w, `{"status":"degraded"}`)
	})
	plain := probetest.Serve(t, health)
	var tried atomic.Int64
	flaky := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tried.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	streaming := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush() // so that there is no Content-Length
		_, _ = io.WriteString(w, "streamed")
	}))

	return []scene{
		{name: "http", target: plain.URL + "/health"},
		{name: "http_without_length", target: streaming.URL},
		{name: "https_http2", http: trust, target: probetest.TLSServer(t, cert, health, "h2", "http/1.1").URL, leaf: cert.Leaf, verified: true},
		{name: "https_not_verified", http: "tls_config: {insecure_skip_verify: true}", target: probetest.TLSServer(t, cert, health).URL, leaf: cert.Leaf},
		{name: "expired_certificate", http: trust, target: probetest.TLSServer(t, expired, health).URL, leaf: expired.Leaf},
		{
			name: "client_certificate", leaf: cert.Leaf, verified: true,
			http:   fmt.Sprintf("tls_config: {ca_file: %s, cert_file: %s, key_file: %s}", ca.File(), certFile, keyFile),
			target: probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}, health).URL,
		},
		{name: "connection_refused", target: closedPort(t)},
		{name: "no_address", http: "preferred_ip_protocol: ip6, ip_protocol_fallback: false", target: plain.URL},
		{name: "not_found", target: probetest.Redirects(t, 1).URL + "/none"},
		{name: "quiet", target: plain.URL + "/none", quiet: collector.Quiet{Muted: true, Maintenance: true}},
		{name: "redirects", target: probetest.Redirects(t, 3).URL + "/0"},
		{name: "redirect_loop", target: probetest.Redirects(t, 3).URL + "/loop"},
		{name: "body_regexp", http: "fail_if_body_matches_regexp: [degraded]", target: plain.URL},
		{name: "cel_success", http: "fail_if_body_json_not_matches_cel: 'body.status == \"degraded\"'", target: plain.URL},
		{name: "cel_failure", http: "fail_if_body_json_matches_cel: 'body.status == \"degraded\"'", target: plain.URL},
		{name: "two_attempts", module: "attempts: 2,", target: flaky.URL},
		{
			name: "websocket", target: probetest.WebSocketEcho(t).URL,
			http: "query_response: [{send: ping}, {expect: ping}], ping: true",
		},
		{name: "websocket_mqtt", http: mqtt, target: probetest.MQTTWebSocket(t).URL},
		{name: "websocket_step_failure", http: "query_response: [{send: ping}, {expect: pong}]", target: probetest.WebSocketEcho(t).URL},
		{name: "websocket_refused", target: "ws" + strings.TrimPrefix(plain.URL, "http")},
		{name: "websocket_closed", http: "ping: true", target: probetest.WebSocketCloses(t, 1011).URL},
		{name: "websocket_expired_certificate", http: "http_config: {" + trust + "}", target: "wss" + strings.TrimPrefix(probetest.TLSServer(t, expired, health).URL, "https"), leaf: expired.Leaf},
	}
}

// mqtt is what an MQTT client says first (MQTT 3.1.1 section 3.1), and what it hears then.
const mqtt = "subprotocols: [mqtt], query_response: [{send_binary: 10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00}, {expect_binary: 20 02 00 00}]"

// TestGolden compares whole expositions, but for the values that vary, and checks that those are plausible.
func TestGolden(t *testing.T) {
	for _, s := range scenes(t) {
		t.Run(s.name, func(t *testing.T) {
			format := "modules: {http_2xx: {prober: http, %s http: {%s}}}"
			if strings.HasPrefix(s.target, "ws") {
				format = "modules: {websocket: {prober: websocket, %s websocket: {%s}}}"
			}
			f := newFixture(t, fmt.Sprintf(format, s.module, s.http))
			text := f.scrape(t, &s)
			plausible(t, text, f.last(t))
			certificate(t, text, s)
			golden.Compare(t, filepath.Join("testdata", s.name+".prom"), normalize(text))
		})
	}
}

// scrape probes the target of a scene.
func (f *fixture) scrape(t *testing.T, s *scene) string {
	t.Helper()
	if s.quiet == (collector.Quiet{}) {
		return f.probe(t, s.target)
	}
	m, _ := f.handler.Module("http_2xx")
	u, err := url.Parse(s.target)
	if err != nil {
		t.Fatal(err)
	}
	f.handler.Target = func(name string) (collector.Target, bool) {
		return collector.Target{Name: name, Module: m, Request: prober.Request{URL: u}, Quiet: func() collector.Quiet { return s.quiet }}, true
	}
	return f.get(t, "name=shop").Body.String()
}

// What varies from run to run. All else in an exposition is compared as it is.
var (
	varyingValue = regexp.MustCompile(`^probe_(?:duration|timeout|dns_lookup_time|http_duration|websocket_duration)_seconds|^probe_ssl_(?:earliest_cert_(?:expiry|lifetime)|last_chain_(?:expiry|lifetime)|client_cert_expiry)`)
	// The cipher suite depends on what the processor is good at.
	varyingLabel = regexp.MustCompile(`(fingerprint_sha256|serialnumber|cipher)="[^"]+"`)
)

// normalize replaces what varies by "X". A zero stays: it says that there was nothing to measure.
func normalize(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if series, value, ok := cutSample(line); ok {
			if varyingValue.MatchString(series) && value != "0" {
				value = "X"
			}
			line = varyingLabel.ReplaceAllString(series, `$1="X"`) + " " + value + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// cutSample takes a line of an exposition apart. It is false for a comment.
func cutSample(line string) (series, value string, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// samples returns the values of an exposition by series.
func samples(t testing.TB, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		series, value, ok := cutSample(line)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if _, twice := values[series]; err != nil || twice {
			t.Fatalf("bad line %q", line)
		}
		values[series] = v
	}
	return values
}

// plausible checks the values that goldens do not have against the Result and the clock.
func plausible(t *testing.T, text string, p collector.Probe) {
	t.Helper()
	got := samples(t, text)
	between := func(series string, low, high float64) {
		t.Helper()
		if v, ok := got[series]; !ok || v <= low || v > high {
			t.Errorf("%s is %v, want more than %v and at most %v", series, v, low, high)
		}
	}
	between("probe_duration_seconds", 0, 60)
	between("probe_timeout_seconds", 9, 9.5) // A scrape timeout of 10 s less the offset; the clock runs meanwhile.
	var sum float64
	phases := map[string]bool{}
	for _, phase := range p.Result.Phases {
		phases[string(phase.Name)] = true
	}
	for series, v := range got {
		series := strings.Replace(series, "websocket", "http", 1)
		if name, ok := strings.CutPrefix(series, `probe_http_duration_seconds{phase="`); ok {
			sum += v
			if measured := phases[strings.TrimSuffix(name, `"}`)]; measured != (v > 0) {
				t.Errorf("%s is %v, and the phase measured: %t", series, v, measured)
			}
		}
	}
	if sum > got["probe_duration_seconds"] {
		t.Errorf("the phases took %v s, longer than the probe: %v s", sum, got["probe_duration_seconds"])
	}
	if p.Result.Resolve == nil {
		return
	}
	between("probe_dns_lookup_time_seconds", 0, 60)
	h := fnv.New32a()
	_, _ = h.Write([]byte{127, 0, 0, 1})
	if want := float64(h.Sum32()); got["probe_ip_addr_hash"] != want {
		t.Errorf("probe_ip_addr_hash is %v, want %v", got["probe_ip_addr_hash"], want)
	}
}

// certificate checks what the exposition says about the one that the target presents.
func certificate(t *testing.T, text string, s scene) {
	t.Helper()
	got := samples(t, text)
	expiry, ok := got["probe_ssl_earliest_cert_expiry"]
	leaf := s.leaf
	if leaf == nil {
		if ok {
			t.Error("there are certificate metrics without a certificate")
		}
		return
	}
	if want := float64(leaf.NotAfter.Unix()); expiry != want {
		t.Errorf("probe_ssl_earliest_cert_expiry is %v, want %v, the certificate's", expiry, want)
	}
	fingerprint := sha256.Sum256(leaf.Raw)
	for _, label := range []string{
		fmt.Sprintf("fingerprint_sha256=%q", hex.EncodeToString(fingerprint[:])),
		fmt.Sprintf("serialnumber=%q", hex.EncodeToString(leaf.SerialNumber.Bytes())),
	} {
		if !strings.Contains(text, label) {
			t.Errorf("there is no label %s", label)
		}
	}
	want := leaf.NotAfter.Unix()
	if s.verified {
		want = time.Now().Add(24 * time.Hour).Unix()
	}
	if last := int64(got["probe_ssl_last_chain_expiry_timestamp_seconds"]); last < want-60 || last > want {
		t.Errorf("probe_ssl_last_chain_expiry_timestamp_seconds is %v, want %v", last, want)
	}
	if _, after, ok := strings.Cut(text, `cipher="`); ok {
		name, _, _ := strings.Cut(after, `"`)
		if !slices.ContainsFunc(tls.CipherSuites(), func(c *tls.CipherSuite) bool { return c.Name == name }) {
			t.Errorf("cipher is %q, want a suite of crypto/tls", name)
		}
	}
}

// goldens returns the normalized expositions by name.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.prom")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no golden files: %v", err)
	}
	all := map[string]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".prom")] = string(b)
	}
	return all
}

// TestGoldensAreUsed finds files that no scene has any more.
func TestGoldensAreUsed(t *testing.T) {
	var want []string
	for _, s := range scenes(t) {
		want = append(want, s.name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(goldens(t)))); diff != "" {
		t.Errorf("golden files (-want +got):\n%s", diff)
	}
}

// closedPort is the URL of a port on which nothing listens.
func closedPort(t testing.TB) string {
	t.Helper()
	return "http://" + probetest.ClosedPort(t)
}
