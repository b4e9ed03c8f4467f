package prober

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// On a busy machine net/http may close a connection as idle before it was used. That is not a failure of the target.
func TestHTTP2Lost(t *testing.T) {
	c, err := config.Parse("test.yml", []byte("modules: {m: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newHTTP(c.Modules["m"].HTTP, c.TargetRules, nil)
	if err != nil {
		t.Fatal(err)
	}
	handshakes := 0
	s := probetest.ServeTLS(t, &tls.Config{
		Certificates: []tls.Certificate{probetest.NewCA(t).Issue(t, probetest.Cert{})},
		NextProtos:   []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			handshakes++
			if handshakes == 2 {
				p.http2.IdleConnTimeout = time.Minute
			}
			return nil, nil //nolint:nilnil // the configuration as it is
		},
	}, http.NotFoundHandler())
	u, err := ParseTarget(s.URL, "http")
	if err != nil {
		t.Fatal(err)
	}
	for range 30 { // it is a matter of chance
		p.http2.IdleConnTimeout, handshakes = 1, 0 // idle at once
		res := p.Probe(t.Context(), Request{URL: u})
		if res.Reason != ReasonStatus || res.HTTP.Proto != "HTTP/2.0" || handshakes > 2 {
			t.Fatalf("reason is %q (%v) after %d connections, want the answer, by the second one at the latest", res.Reason, res.Err, handshakes)
		}
	}
}
