package hint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestTLSHints asks for the hints of a port that speaks TLS, and of a target that wants a client certificate. None may
// advise to accept the refusal.
func TestTLSHints(t *testing.T) {
	session := func(c prober.ClientCert) *prober.TLSResult { return &prober.TLSResult{ClientCert: c} }
	http := func(code int) *prober.HTTPResult {
		return &prober.HTTPResult{StatusCode: code, Method: "GET", Path: "/health"}
	}
	plain := http(400)
	plain.WantsTLS = true
	const missing = "asked for a client certificate, and the module has none: tls_config.cert_file and key_file"
	for name, tt := range map[string]struct {
		result prober.Result
		want   string
	}{
		"http on a port for https":       {prober.Result{Reason: prober.ReasonStatus, HTTP: plain}, "GET /health answered 400, want 2xx: that port speaks TLS: probe https:// instead of http://"},
		"400 without the certificate":    {prober.Result{Reason: prober.ReasonStatus, HTTP: http(400), TLS: session(prober.ClientCertMissing)}, missing},
		"403 without the certificate":    {prober.Result{Reason: prober.ReasonStatus, HTTP: http(403), TLS: session(prober.ClientCertMissing)}, missing},
		"handshake without it":           {prober.Result{Reason: prober.ReasonTLSFailed, TLS: session(prober.ClientCertMissing)}, missing},
		"closed without it":              {prober.Result{Reason: prober.ReasonConnectionClosed, TLS: session(prober.ClientCertMissing)}, missing},
		"upgrade without it":             {prober.Result{Reason: prober.ReasonWSHandshake, WebSocket: &prober.WebSocketResult{StatusCode: 400}, TLS: session(prober.ClientCertMissing)}, missing},
		"the certificate is refused":     {prober.Result{Reason: prober.ReasonTLSFailed, TLS: session(prober.ClientCertSent)}, "may not accept the one of tls_config.cert_file"},
		"ws on a port for wss":           {prober.Result{Reason: prober.ReasonWSHandshake, WebSocket: &prober.WebSocketResult{StatusCode: 400, WantsTLS: true}}, "that port speaks TLS: probe wss:// instead of ws://"},
		"ws that may be on such a port":  {prober.Result{Reason: prober.ReasonWSHandshake, WebSocket: &prober.WebSocketResult{StatusCode: 400}}, "is that the path of the WebSocket? Check its query, too: socket.io wants EIO and transport. A proxy in front of it has to pass on Upgrade and Connection; some servers refuse clients that offer no subprotocol: subprotocols of the module names one. If that port speaks TLS: probe wss://"},
		"closed without TLS":             {prober.Result{Reason: prober.ReasonConnectionClosed}, "http on an https port, or ws on a wss port"},
		"closed by TLS":                  {prober.Result{Reason: prober.ReasonConnectionClosed, TLS: session(prober.ClientCertNotAsked)}, "look for a crash at this time in its log, and in the log of a proxy"},
		"404 is not for the certificate": {prober.Result{Reason: prober.ReasonStatus, HTTP: http(404), TLS: session(prober.ClientCertMissing)}, "is /health the health path?"},
		"400 with the certificate":       {prober.Result{Reason: prober.ReasonStatus, HTTP: http(400), TLS: session(prober.ClientCertSent)}, "another Host header"},
		"not asked":                      {prober.Result{Reason: prober.ReasonTLSFailed, TLS: session(prober.ClientCertNotAsked)}, "is it really https on that port?"},
		"a body is not for it":           {prober.Result{Reason: prober.ReasonBody, HTTP: http(400), TLS: session(prober.ClientCertMissing)}, "look at the body"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.result.Err = errors.New("failed")
			got := hint.For(&tt.result, &config.Module{})
			if !strings.Contains(got, tt.want) {
				t.Errorf("hint is %q, want %q", got, tt.want)
			}
			if refusal := strings.Contains(tt.want, "TLS") || strings.Contains(tt.want, "tls_config"); refusal && strings.Contains(got, "accepts it") {
				t.Errorf("hint %q advises to accept the refusal", got)
			}
		})
	}
}
