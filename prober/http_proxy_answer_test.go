package prober_test

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// What a proxy for plain HTTP answers itself is never the target's, not even where the module accepts its status.
func TestProxyAnswers(t *testing.T) {
	const unknown = "may have answered itself"
	for _, tt := range []struct {
		name, answer string
		reason       prober.Reason
		text         string
	}{
		{"squid, nothing listens", "503 Service Unavailable\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\nVia: 1.1 vm (squid/5.7)", prober.ReasonProxy, "it answered 503 itself (X-Squid-Error: ERR_CONNECT_FAIL)"},
		{"squid, denied", "403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0", prober.ReasonProxy, "it answered 403 itself"},
		{"squid, accepted status", "200 OK\r\nX-Squid-Error: ERR_DNS_FAIL 0", prober.ReasonProxy, "it answered 200 itself"},
		{"squid, a redirect", "302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Squid-Error: ERR_ACCESS_DENIED 0", prober.ReasonProxy, "302 itself"},
		{"squid, other words", "503 X\r\nX-Squid-Error: canary", prober.ReasonProxy, "(X-Squid-Error:)"},
		{"Proxy-Status", "504 Gateway Timeout\r\nProxy-Status: \"a, b\"; error=connection_timeout; details=\"x, y\"", prober.ReasonProxy, "(Proxy-Status: connection_timeout)"},
		{"Proxy-Status, accepted status", "200 OK\r\nProxy-Status: p; error=dns_error", prober.ReasonProxy, "dns_error"},
		{"Proxy-Status of one behind", "502 Bad Gateway\r\nVia: 1.1 p\r\nProxy-Status: cdn; error=connection_refused, p", prober.ReasonStatus, "status 502, want 2xx"},
		{"Proxy-Status, the word in a text", "502 Bad Gateway\r\nVia: 1.1 p\r\nProxy-Status: p; details=\"; error=dns_error\"", prober.ReasonStatus, "status 502"},
		{"tinyproxy", "500 Unable to connect\r\nServer: tinyproxy/1.11.1", prober.ReasonProxy, "it answered 500 itself"},
		{"tinyproxy, behind another", "500 Unable to connect\r\nServer: tinyproxy/1.11.1\r\nVia: 1.1 p", prober.ReasonStatus, "status 500"},
		{"Privoxy", "404 No such domain\r\nLast-Modified: Wed, 08 Jun 1955 12:00:00 GMT", prober.ReasonProxy, "it answered 404 itself"},
		{"407", "407 Proxy Authentication Required", prober.ReasonProxy, "want credentials in proxy_url"},
		{"passed on", "503 Service Unavailable\r\nVia: 1.1 vm (squid/5.7)", prober.ReasonStatus, "status 503, want 2xx"},
		{"not known", "502 Bad Gateway\r\nServer: nginx", prober.ReasonStatus, unknown},
		{"passed on and well", "200 OK\r\nVia: 1.1 p", "", ""},
		{"well", "200 OK", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy := probetest.Answer(t, "HTTP/1.1 "+tt.answer+"\r\nContent-Length: 0\r\n\r\n", false)
			res := probe(t, newProber(t, "proxy_url: "+proxy.URL), target(t, "http://127.0.0.1:1"), patient)
			if tt.reason == "" {
				wantSuccess(t, res)
				return
			}
			if res.Reason != tt.reason || !strings.Contains(res.Err.Error(), tt.text) || strings.Contains(res.Err.Error(), "canary") {
				t.Errorf("reason is %q (%v), want %q with %q", res.Reason, res.Err, tt.reason, tt.text)
			}
			if maybe := res.HTTP != nil && res.HTTP.MaybeProxy; maybe != (tt.text == unknown) || maybe != strings.Contains(res.Err.Error(), unknown) {
				t.Errorf("it may be the proxy's: %t (%v)", maybe, res.Err)
			}
			direct := probe(t, newProber(t, ""), target(t, proxy.URL), patient)
			if direct.Reason == prober.ReasonProxy || direct.HTTP != nil && direct.HTTP.MaybeProxy {
				t.Errorf("without a proxy the reason is %q (%v)", direct.Reason, direct.Err)
			}
		})
	}
}
