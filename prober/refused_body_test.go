package prober_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A body that is not compressed as the module says fails with what the answer says of itself.
func TestNotCompressed(t *testing.T) {
	for _, tt := range []struct{ algorithm, encoding, body, want string }{
		{"gzip", "", "short", "decompressing the body as gzip: unexpected EOF; the answer has no Content-Encoding"},
		{"gzip", "", "", "decompressing the body as gzip: EOF; the answer has no Content-Encoding"},
		{"gzip", "", "a body that is long enough", "decompressing the body as gzip: gzip: invalid header; the answer has no Content-Encoding"},
		{"gzip", "br", "a body that is long enough", `gzip: invalid header; its Content-Encoding is "br"`},
		{"gzip", "gzip", "a body that is long enough", `gzip: invalid header; its Content-Encoding is "gzip"`},
		{"gzip", "\u202e", "a body that is long enough", `; its Content-Encoding is "\u202e"`},
		{"br", "", "a body that is long enough", "; the answer has no Content-Encoding"},
		{"br", "gzip", "", `decompressing the body as br: unexpected EOF; its Content-Encoding is "gzip"`},
		{"deflate", "", "", "decompressing the body as deflate: EOF; the answer has no Content-Encoding"},
		{"deflate", "identity", "\xff\xff\xff", `; its Content-Encoding is "identity"`},
		{"deflate", "", "\x78\x9c\xff\xff\xff", "; the answer has no Content-Encoding"},
	} {
		t.Run(fmt.Sprintf("%s, %q is %q", tt.algorithm, tt.body, tt.encoding), func(t *testing.T) {
			s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				fmt.Fprint(w, tt.body)
			}))
			res := probe(t, newProber(t, "compression: "+tt.algorithm), target(t, s.URL), patient)
			wantFailure(t, res, prober.ReasonBody, prober.PhaseTransfer, tt.want)
		})
	}
}

// TestWantsTLS reads what servers say to plain HTTP on a port for TLS. Only they can say so, and of it no text is kept.
func TestWantsTLS(t *testing.T) {
	const nginx = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	says := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	https := probetest.TLSServer(t, cert, says(400, nginx)).URL
	for name, tt := range map[string]struct {
		url  string
		want bool
	}{
		"nginx":                {probetest.Serve(t, says(400, nginx)).URL, true},
		"Apache httpd":         {probetest.Serve(t, says(400, "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />")).URL, true},
		"Apache Tomcat":        {probetest.Serve(t, says(400, "Bad Request\r\nThis combination of host and port requires TLS.\r\n")).URL, true},
		"net/http":             {"http" + https[len("https"):], true},
		"another 400":          {probetest.Serve(t, says(400, "the parameter id is missing")).URL, false},
		"another status":       {probetest.Serve(t, says(403, nginx)).URL, false},
		"no body":              {probetest.Serve(t, says(400, "")).URL, false},
		"far down in the body": {probetest.Serve(t, says(400, fmt.Sprintf("%2000s", nginx))).URL, false},
		"over TLS":             {https, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, block := range []string{"", "compression: gzip", "fail_if_body_matches_regexp: [x]"} {
				res := probe(t, newProber(t, "tls_config: {insecure_skip_verify: true}\n"+block), target(t, tt.url), patient)
				wantFailure(t, res, prober.ReasonStatus, prober.PhaseCheck, "want 2xx")
				if res.HTTP.WantsTLS != tt.want {
					t.Errorf("with %q it wants TLS: %t, want %t", block, res.HTTP.WantsTLS, tt.want)
				}
			}
			ws := "ws" + tt.url[len("http"):]
			res := probe(t, newWebSocket(t, "http_config: {tls_config: {insecure_skip_verify: true}}"), target(t, ws), patient)
			wantFailure(t, res, prober.ReasonWSHandshake, prober.PhaseUpgrade, "want 101")
			if res.WebSocket.WantsTLS != tt.want {
				t.Errorf("by WebSocket it wants TLS: %t, want %t", res.WebSocket.WantsTLS, tt.want)
			}
		})
	}
}

// TestClientCert asks for a client certificate in every way.
func TestClientCert(t *testing.T) {
	ca := probetest.NewCA(t)
	certFile, keyFile := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	own := ", cert_file: " + certFile + ", key_file: " + keyFile
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range []struct {
			name   string
			asks   tls.ClientAuthType
			config string
			want   prober.ClientCert
			reason prober.Reason
		}{
			{"not asked", tls.NoClientCert, "", prober.ClientCertNotAsked, prober.ReasonStatus},
			{"not asked, although there is one", tls.NoClientCert, own, prober.ClientCertNotAsked, prober.ReasonStatus},
			{"asked, none sent, answered", tls.RequestClientCert, "", prober.ClientCertMissing, prober.ReasonStatus},
			{"asked, none sent, refused", tls.RequireAnyClientCert, "", prober.ClientCertMissing, prober.ReasonTLSFailed},
			{"asked and sent", tls.RequireAnyClientCert, own, prober.ClientCertSent, prober.ReasonStatus},
			{"sent and refused", tls.RequireAndVerifyClientCert, own, prober.ClientCertSent, prober.ReasonTLSFailed},
		} {
			t.Run(tls.VersionName(version)+", "+tt.name, func(t *testing.T) {
				cfg := &tls.Config{
					Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{})}, MaxVersion: version,
					ClientAuth: tt.asks, ClientCAs: probetest.NewCA(t).Pool(),
				}
				s := probetest.ServeTLS(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, "No required SSL certificate was sent", http.StatusBadRequest)
				}))
				res := probe(t, newProber(t, "tls_config: {ca_file: "+ca.File()+tt.config+"}"), target(t, s.URL), patient)
				if res.Reason != tt.reason {
					t.Fatalf("reason is %s (%v), want %s", res.Reason, res.Err, tt.reason)
				}
				if res.TLS == nil || res.TLS.ClientCert != tt.want {
					t.Errorf("TLS result is %+v, want client certificate %d", res.TLS, tt.want)
				}
			})
		}
	}
}
