package prober_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

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
