package prober_test

import (
	"net/http"
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
		"2852039166", "0xa9fea9fe", "0XA9.0xfe.0xa9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "metadata.google.internal",
	} {
		for scheme, p := range map[string]prober.Prober{"http": newProber(t, ""), "ws": newWebSocket(t, "")} {
			start := time.Now()
			res := probe(t, p, target(t, scheme+"://"+host+"/latest/meta-data/"), patient)
			if host == "metadata.google.internal" && res.FailedPhase == prober.PhaseResolve {
				continue // nobody here knows that name
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
