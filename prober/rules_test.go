package prober_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// withRules builds an http prober under rules for targets.
func withRules(t testing.TB, rules, block string) prober.Prober {
	t.Helper()
	return fromYAML(t, "probe: {"+rules+"}\nmodules:\n  m:\n    prober: http\n    http:\n"+indent(block, "method: GET"))
}

// The metadata service of a cloud is refused before anything is sent, however its address is written.
func TestMetadataForms(t *testing.T) {
	for _, host := range []string{
		"169.254.169.254", "169.254.169.254:80", "169.254.169.254.", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]",
		"169。254。169。254", "１６９.254.169.254", "[::169.254.169.254]", "[::ffff:0:a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fe80::1]",
		"[fd00:42::42]", "168.63.129.16", "192.0.0.192", "169.254.1.1",
		"2852039166", "0xa9fea9fe", "0XA9.0xfe.0xa9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "metadata.google.internal",
	} {
		for scheme, p := range map[string]prober.Prober{"http": newProber(t, ""), "ws": newWebSocket(t, "")} {
			start := time.Now()
			res := probe(t, p, target(t, scheme+"://"+host+"/latest/meta-data/"), patient)
			if host == "metadata.google.internal" && res.FailedPhase == prober.PhaseResolve {
				continue // that name is not known here
			}
			if res.Reason != prober.ReasonTargetForbidden {
				t.Errorf("%s by %s: reason is %q (%v), want target_forbidden", host, scheme, res.Reason, res.Err)
			}
			if took := time.Since(start); took > late {
				t.Errorf("%s by %s: the refusal took %s", host, scheme, took)
			}
		}
	}
}

// Rules hold for names, for every redirect, and for what a proxy is asked for.
func TestRules(t *testing.T) {
	there := record(t, plain(t), nil)
	port := portOf(t, there.URL)
	forbidden := "deny: [{cidr: 127.0.0.1, ports: [" + port + "]}]"
	ip4 := "preferred_ip_protocol: ip4"
	for name, url := range map[string]string{"address": there.URL, "name": "http://localhost:" + port} {
		res := probe(t, withRules(t, forbidden, ip4), target(t, url), patient)
		wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhaseConnect, "127.0.0.1:"+port+" is denied by probe.deny")
		if len(there.requests()) != 0 || there.Accepted() != 0 {
			t.Fatalf("by %s the target was contacted", name)
		}
	}
	for name, location := range map[string]string{"target": "http://localhost:" + port + "/", "metadata": "http://169.254.169.254/"} {
		here := probetest.Serve(t, redirectTo(func() string { return location }, http.StatusFound))
		res := probe(t, withRules(t, forbidden, ip4), target(t, here.URL), patient)
		if res.Reason != prober.ReasonTargetForbidden || there.Accepted() != 0 {
			t.Errorf("redirected to the %s, the reason is %q (%v)", name, res.Reason, res.Err)
		}
	}
	proxy := probetest.Proxy(t)
	for _, skip := range []string{"", "\nskip_resolve_phase_with_proxy: true"} {
		res := probe(t, withRules(t, forbidden, ip4+skip+"\nproxy_url: "+proxy.URL), target(t, there.URL), patient)
		if res.Reason != prober.ReasonTargetForbidden || len(proxy.Requests()) != 0 {
			t.Errorf("through a proxy the reason is %q (%v), and it saw %v", res.Reason, res.Err, proxy.Requests())
		}
	}
	wantSuccess(t, probe(t, withRules(t, "allow: [{cidr: 127.0.0.0/8}]", ip4), target(t, there.URL), patient))
}

// A proxy that resolves is asked for no metadata address in disguise, and for no name that is denied, however it is written.
func TestRulesByProxy(t *testing.T) {
	for _, scheme := range []string{"http", "https", "ws", "wss"} {
		for _, host := range []string{
			"2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xa9.0xfea9fe", "169。254。169。254", "0169.0254.0169.0254", "425.510.425.510",
			"metadata.google.internal", "METADATA", "bücher.example", "BÜCHER.example", "xn--bcher-kva.example.", "167772161", "127.1", "0",
		} {
			proxy := probetest.Proxy(t)
			const deny = "deny: [{host: bücher.example}, {cidr: 127.0.0.0/8}, {host: 10.0.0.1}]"
			block := "skip_resolve_phase_with_proxy: true\n"
			client := "proxy_url: " + proxy.URL
			text := "http:\n" + indent(block+client, "method: GET")
			name := "http"
			if scheme[0] == 'w' {
				name, text = "websocket", "websocket:\n      skip_resolve_phase_with_proxy: true\n      http_config: {"+client+"}\n"
			}
			p := fromYAML(t, "probe: {"+deny+"}\nmodules:\n  m:\n    prober: "+name+"\n    "+text)
			res := probe(t, p, target(t, scheme+"://"+host+"/"), patient)
			if res.Reason != prober.ReasonTargetForbidden || len(proxy.Requests()) != 0 {
				t.Errorf("%s://%s/: reason is %q (%v), and the proxy saw %v", scheme, host, res.Reason, res.Err, proxy.Requests())
			}
		}
	}
}

// A proxy gets the very name that was judged: what net/http makes of other dots and of upper case is another name.
func TestPlainProxyGetsTheJudgedName(t *testing.T) {
	proxy := probetest.Proxy(t)
	proxy.Answer(http.StatusNoContent)
	p := withRules(t, "allow: [{host: '*.allowed.example'}]", "skip_resolve_phase_with_proxy: true\nproxy_url: "+proxy.URL)
	for _, host := range []string{"evil。allowed.example", "evil．Allowed.EXAMPLE", "ｅvil.allowed.example"} {
		wantSuccess(t, probe(t, p, target(t, "http://"+host+":81/x?y"), patient))
		all := proxy.Requests()
		if got := all[len(all)-1].Target; got != "http://evil.allowed.example:81/x?y" {
			t.Errorf("for %s the proxy was asked for %s", host, got)
		}
	}
}

// The unspecified address connects to the host itself, so that a rule for its loopback holds.
func TestThisHost(t *testing.T) {
	there := record(t, plain(t), nil)
	port := portOf(t, there.URL)
	for _, host := range []string{"0.0.0.0", "0", "0x0", "[::]", "[::ffff:0.0.0.0]", "[::ffff:127.0.0.1]"} {
		res := probe(t, withRules(t, "deny: [{cidr: 127.0.0.0/8}, {cidr: '::1'}]", "method: GET"), target(t, "http://"+host+":"+port), patient)
		wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhaseConnect, "is denied by probe.deny")
		if there.Accepted() != 0 {
			t.Fatalf("%s was contacted", host)
		}
	}
}

// With a plain request the proxy gets the name, which docs/http.md says: it resolves it once more.
func TestPlainProxyGetsTheName(t *testing.T) {
	there := record(t, plain(t), nil)
	proxy := probetest.Proxy(t)
	block := "preferred_ip_protocol: ip4\nproxy_url: " + proxy.URL
	res := probe(t, withRules(t, "allow: [{cidr: 127.0.0.0/8}]", block), target(t, "http://localhost:"+portOf(t, there.URL)+"/x"), patient)
	wantSuccess(t, res)
	if got := proxy.Requests(); len(got) != 1 || got[0].Target != "http://localhost:"+portOf(t, there.URL)+"/x" {
		t.Errorf("the proxy was asked for %v, want the name of the URL", got)
	}
}

// So does a target itself: behind an address that many share, the name in the request chooses who gets it.
func TestHostHeaderIsTheJudgedName(t *testing.T) {
	const want = "evil.bank.example"
	for _, hostname := range []string{"evil。bank.example", "EVIL．bank.example", "ｅvil.bank.example"} {
		s := record(t, plain(t), nil)
		text := "credentials_for: ['*.bank.example', 127.0.0.1]\n    "
		p := fromYAML(t, "modules:\n  m:\n    prober: http\n    "+text+"http: {method: GET}\n")
		wantSuccess(t, probe(t, p, prober.Request{URL: target(t, s.URL).URL, Hostname: hostname}, patient))
		if got := s.last(t).Host; !strings.EqualFold(got, want) {
			t.Errorf("with hostname %s the target saw the host %q, want %s", hostname, got, want)
		}
		var seen string
		refusing := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = r.Host
			w.WriteHeader(http.StatusTeapot)
		}))
		p = fromYAML(t, "modules:\n  m:\n    prober: websocket\n    "+text+"websocket: {ping: true}\n")
		_ = probe(t, p, prober.Request{URL: target(t, strings.Replace(refusing.URL, "http", "ws", 1)).URL, Hostname: hostname}, patient)
		if !strings.EqualFold(seen, want) {
			t.Errorf("with hostname %s the WebSocket target saw the host %q, want %s", hostname, seen, want)
		}
	}
}
