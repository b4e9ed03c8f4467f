package prober_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A certificate that is not accepted fails the probe with a reason of its own, and is still shown.
func TestBadCertificates(t *testing.T) {
	ca, other := probetest.NewCA(t), probetest.NewCA(t)
	now := time.Now()
	for _, tt := range []struct {
		name   string
		cert   tls.Certificate
		reason prober.Reason
		text   string
	}{
		{"expired", ca.Issue(t, probetest.Cert{CommonName: "old", NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-time.Hour)}), prober.ReasonTLSExpired, `certificate of "CN=old" expired on 20`},
		{"not yet valid", ca.Issue(t, probetest.Cert{NotBefore: now.Add(time.Hour)}), prober.ReasonTLSNotYetValid, "is valid from 20"},
		{"self-signed", ca.Issue(t, probetest.Cert{CommonName: "me", SelfSigned: true}), prober.ReasonTLSUntrusted, `signed by unknown authority "CN=me"`},
		{"other authority", other.Issue(t, probetest.Cert{}), prober.ReasonTLSUntrusted, "unknown authority"},
		{"other name", ca.Issue(t, probetest.Cert{DNSNames: []string{"a.test", "b.test"}}), prober.ReasonTLSHostname, `certificate is for "a.test", "b.test", want "localhost"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.TLSServer(t, tt.cert, http.NotFoundHandler())
			port := portOf(t, s.URL)
			r := target(t, "https://localhost:"+port)
			block := "preferred_ip_protocol: ip4\nvalid_status_codes: [404]\ntls_config: {ca_file: " + ca.File() + ", insecure_skip_verify: %t}"

			res := probe(t, newProber(t, fmt.Sprintf(block, false)), r, patient)
			wantFailure(t, res, tt.reason, prober.PhaseTLS, tt.text)
			if res.TLS == nil || !isLeaf(res.TLS, tt.cert) || res.TLS.Certificates.Verified || res.TLS.ServerName != "localhost" {
				t.Errorf("the result shows %+v, want the certificate that was refused", res.TLS)
			}
			if res.HTTP != nil {
				t.Errorf("there is a response %+v, want none", res.HTTP)
			}

			res = probe(t, newProber(t, fmt.Sprintf(block, true)), r, patient)
			wantSuccess(t, res)
			if !isLeaf(res.TLS, tt.cert) || res.TLS.Certificates.Verified {
				t.Errorf("without verification the result shows %+v", res.TLS)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{DNSNames: []string{"name.test"}})
	start := func(h http.Handler) *probetest.Server { return probetest.TLSServer(t, cert, h, "h2", "http/1.1") }
	trust := "tls_config: {ca_file: " + ca.File() + "%s}"
	for _, tt := range []struct {
		name, block, hostname string
		wantName, wantProto   string
	}{
		{"server_name", fmt.Sprintf(trust, ", server_name: name.test"), "", "name.test", "HTTP/2.0"},
		{"hostname", fmt.Sprintf(trust, ""), "name.test", "name.test", "HTTP/2.0"},
		{"hostname with port", fmt.Sprintf(trust, ""), "name.test:443", "name.test", "HTTP/2.0"},
		{"host header", "headers: {host: name.test}\n" + fmt.Sprintf(trust, ""), "", "name.test", "HTTP/2.0"},
		{"without HTTP/2", "enable_http2: false\n" + fmt.Sprintf(trust, ", server_name: name.test"), "", "name.test", "HTTP/1.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := record(t, start, nil)
			r := target(t, s.URL)
			r.Hostname = tt.hostname
			res := probe(t, newProber(t, tt.block), r, patient)
			wantSuccess(t, res)
			if got := s.last(t); got.ServerName != tt.wantName || got.Proto != tt.wantProto || res.HTTP.Proto != tt.wantProto {
				t.Errorf("server saw name %q by %s, want %q by %s", got.ServerName, got.Proto, tt.wantName, tt.wantProto)
			}
			if res.TLS.Version != tls.VersionTLS13 || !res.TLS.Certificates.Verified || res.TLS.CipherSuite == 0 {
				t.Errorf("the result shows %+v", res.TLS)
			}
		})
	}
}

func TestTLSVersions(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	s := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	res := probe(t, newProber(t, "tls_config: {ca_file: "+ca.File()+"}"), target(t, s.URL), patient)
	wantSuccess(t, res)
	if res.TLS.Version != tls.VersionTLS12 {
		t.Errorf("version is %s, want TLS 1.2", tls.VersionName(res.TLS.Version))
	}
	res = probe(t, newProber(t, "tls_config: {min_version: TLS13, ca_file: "+ca.File()+"}"), target(t, s.URL), patient)
	wantFailure(t, res, prober.ReasonTLSFailed, prober.PhaseTLS, "protocol version")
}

// A client certificate is read for every handshake: renewed, it is used at once; gone, the probe fails on our side.
func TestClientCertificate(t *testing.T) {
	ca := probetest.NewCA(t)
	cfg := &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{})},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
	}
	s := probetest.ServeTLS(t, cfg, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := target(t, s.URL)
	certFile, keyFile := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	trust := "ca_file: " + ca.File()
	p := newProber(t, "tls_config: {"+trust+", cert_file: "+certFile+", key_file: "+keyFile+"}")
	wantSuccess(t, probe(t, p, r, patient))

	wantFailure(t, probe(t, newProber(t, "tls_config: {"+trust+"}"), r, patient), prober.ReasonTLSFailed, prober.PhaseTLS, "certificate required")

	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, probe(t, p, r, patient), prober.ReasonLocalResource, prober.PhaseTLS, "client key")
}

// Anything but TLS after the TLS handshake is the target's fault, and a matter of TLS, whatever the protocol on it.
func TestNoTLS(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	trust := "tls_config: {ca_file: " + ca.File() + "}"
	for name, garbage := range map[string]string{
		"bad record":       "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32),
		"oversized record": "\x17\x03\x03\xff\xff",
		"plain text":       "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := probetest.TLSGarbage(t, cert, garbage)
			res := probe(t, newProber(t, trust), target(t, s.URL), patient)
			wantFailure(t, res, prober.ReasonTLSFailed, prober.PhaseTLS, "tls: ")
			res = probe(t, newWebSocket(t, "http_config: {"+trust+"}"), target(t, "wss"+strings.TrimPrefix(s.URL, "https")), patient)
			wantFailure(t, res, prober.ReasonTLSFailed, prober.PhaseTLS, "tls: ")
		})
	}
	t.Run("in the body", func(t *testing.T) {
		s := probetest.TLSServer(t, cert, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
			if session, ok := conn.(*tls.Conn); ok {
				_, _ = io.WriteString(session.NetConn(), "HTTP/1.1 400 Bad Request\r\n\r\n")
				_, _ = io.Copy(io.Discard, session.NetConn())
			}
		}))
		res := probe(t, newProber(t, trust), target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonTLSFailed, prober.PhaseTLS, "tls: ")
	})
	t.Run("of a proxy", func(t *testing.T) {
		s := probetest.TLSGarbage(t, cert, "\x17\x03\x03\xff\xff")
		res := probe(t, newProber(t, trust+"\nproxy_url: "+s.URL), target(t, "http://127.0.0.1:1"), patient)
		wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, "tls: ")
	})
	t.Run("HTTP/2", func(t *testing.T) {
		s := probetest.TLSGarbage(t, cert, "\x17\x03\x03\xff\xff", "h2")
		p := newProber(t, trust)
		for range 100 { // whether net/http reads it before or after the request is a matter of chance
			res := probe(t, p, target(t, s.URL), patient)
			if res.Reason != prober.ReasonTLSFailed && res.Reason != prober.ReasonHTTPVersion {
				t.Fatalf("reason is %s (%v), want %s or %s", res.Reason, res.Err, prober.ReasonTLSFailed, prober.ReasonHTTPVersion)
			}
		}
	})
	t.Run("text about TLS", func(t *testing.T) {
		s := probetest.Answer(t, "remote error: tls: canary\r\n\r\n", true)
		res := probe(t, newProber(t, ""), target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP")
		res = probe(t, newWebSocket(t, ""), target(t, "ws"+strings.TrimPrefix(s.URL, "http")), patient)
		wantFailure(t, res, prober.ReasonHTTPVersion, prober.PhaseUpgrade, "not proper HTTP")
	})
}

// isLeaf reports whether the result shows this certificate.
func isLeaf(s *prober.TLSResult, cert tls.Certificate) bool {
	return s.Certificates != nil && s.Certificates.Leaf == prober.NewCertificates([]*x509.Certificate{cert.Leaf}, nil).Leaf
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
