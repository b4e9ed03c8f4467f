package prober_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestHTTPProxy(t *testing.T) {
	ca := probetest.NewCA(t)
	secure := record(t, func(h http.Handler) *probetest.Server {
		return probetest.TLSServer(t, ca.Issue(t, probetest.Cert{}), h, "h2", "http/1.1")
	}, nil)
	open := record(t, plain(t), nil)
	securePort := portOf(t, secure.URL)
	trust := "\npreferred_ip_protocol: ip4\ntls_config: {ca_file: " + ca.File() + "}"

	t.Run("http", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newProber(t, "proxy_url: http://user:canary@"+proxy.Addr)
		res := probe(t, p, target(t, open.URL+"/x?y=1"), patient)
		wantSuccess(t, res)
		got := proxy.Requests()
		if len(got) != 1 || got[0].Target != open.URL+"/x?y=1" || got[0].Authorization != "Basic dXNlcjpjYW5hcnk=" {
			t.Errorf("the proxy saw %+v", got)
		}
		if h := open.last(t).Header.Get("Proxy-Authorization"); h != "" {
			t.Errorf("the target saw the proxy's credentials %q", h)
		}
		if text := fmt.Sprint(res.Events); strings.Contains(text, "canary") {
			t.Errorf("the events hold the proxy's password: %s", text)
		}
	})
	t.Run("https", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newProber(t, "proxy_url: http://user:canary@"+proxy.Addr+"\nproxy_connect_header: {X-Tunnel: [v]}"+trust)
		res := probe(t, p, target(t, "https://localhost:"+securePort), patient)
		wantSuccess(t, res)
		got := proxy.Requests()
		if len(got) != 1 || got[0].Method != http.MethodConnect || got[0].Target != "127.0.0.1:"+securePort ||
			got[0].Authorization == "" || got[0].Header.Get("X-Tunnel") != "v" {
			t.Errorf("the proxy saw %+v", got)
		}
		if s := secure.last(t); s.ServerName != "localhost" || s.Proto != "HTTP/2.0" || res.TLS == nil {
			t.Errorf("through the tunnel the target saw %+v", s)
		}
	})
	t.Run("the proxy resolves", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newProber(t, "skip_resolve_phase_with_proxy: true\nproxy_url: "+proxy.URL+trust)
		res := probe(t, p, target(t, "https://localhost:"+securePort), patient)
		wantSuccess(t, res)
		if got := proxy.Requests(); got[0].Target != "localhost:"+securePort || res.Resolve != nil {
			t.Errorf("the proxy saw %+v, and the result %+v", got, res.Resolve)
		}
	})
	t.Run("by TLS", func(t *testing.T) {
		// A server stands in for the proxy here: it sees the request that a proxy would see, over TLS.
		p := newProber(t, "proxy_url: "+secure.URL+trust)
		wantSuccess(t, probe(t, p, target(t, open.URL+"/abs"), patient))
		if got := secure.last(t).RequestURI; got != open.URL+"/abs" {
			t.Errorf("the proxy saw %q, want the absolute form", got)
		}
	})
	t.Run("no_proxy", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		wantSuccess(t, probe(t, newProber(t, "no_proxy: 127.0.0.1\nproxy_url: "+proxy.URL), target(t, open.URL), patient))
		if got := proxy.Requests(); len(got) != 0 {
			t.Errorf("the proxy saw %+v, want nothing", got)
		}
	})
}

func TestProxyFailures(t *testing.T) {
	refusing := probetest.Proxy(t)
	refusing.Answer(http.StatusProxyAuthRequired)
	for _, tt := range []struct{ name, proxy, text string }{
		{"refuses", refusing.URL, "answered 407 to CONNECT, want 2xx"},
		{"is down", closedPort(t), "refused"},
		{"hangs up", probetest.CloseAtOnce(t).URL, "reading its answer to CONNECT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := probe(t, newProber(t, "proxy_url: "+tt.proxy), target(t, "https://127.0.0.1:1"), patient)
			wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, tt.text)
		})
	}
	t.Run("hangs", func(t *testing.T) {
		silent := probetest.Silent(t)
		defer probetest.NoLeaks(t)()
		res := hanging(t, newProber(t, "proxy_url: "+silent.URL), target(t, "https://127.0.0.1:1"), prober.ReasonProxy, prober.PhaseConnect)
		wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, "CONNECT")
	})
}

func TestSOCKSProxy(t *testing.T) {
	s := record(t, plain(t), nil)
	port := portOf(t, s.URL)
	for scheme, want := range map[string]string{"socks5": "127.0.0.1:" + port, "socks5h": "localhost:" + port} {
		t.Run(scheme, func(t *testing.T) {
			proxy := probetest.SOCKS5(t)
			p := newProber(t, "preferred_ip_protocol: ip4\nproxy_url: "+scheme+"://user:pw@"+proxy.Addr)
			wantSuccess(t, probe(t, p, target(t, "http://localhost:"+port+"/"), patient))
			got := proxy.Requests()
			if len(got) != 1 || got[0].Target != want || got[0].Username != "user" || got[0].Password != "pw" {
				t.Errorf("the proxy saw %+v, want %s", got, want)
			}
		})
	}
	proxy := probetest.SOCKS5(t)
	proxy.Answer(5)
	res := probe(t, newProber(t, "proxy_url: "+proxy.URL), target(t, s.URL), patient)
	wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, "connecting through the proxy")
}
