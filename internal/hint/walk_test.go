package hint_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// step is what a hint must have: a key of the configuration, or something to do.
var step = regexp.MustCompile(`(?i)[a-z]+_[a-z_0-9]+|\b(check|set|look|try|renew|compare|issue|repair|configure|probe|raise|report|reload|look up|is the path|have|match|method of the module)\b|\bis the service running\b|it hangs`)

// failures are a Result of every reason with every cause that it may have, and of every status code with what may be known
// beside it. Known is whether more is known than the reason and the code.
func failures(yield func(name string, known bool, r prober.Result)) {
	err := errors.New("failed")
	for _, info := range prober.Reasons() {
		yield(string(info.Reason), false, prober.Result{Reason: info.Reason, Err: err})
	}
	for _, info := range prober.Causes() {
		for _, reason := range info.Reasons {
			yield(string(reason)+" "+string(info.Cause), true, prober.Result{Reason: reason, Cause: info.Cause, Err: err})
		}
	}
	challenges := []prober.Challenge{
		prober.ChallengeNone, prober.ChallengeBasic, prober.ChallengeBearer, prober.ChallengeDigest, prober.ChallengeNTLM, prober.ChallengeNegotiate, prober.ChallengeOther,
	}
	for code := 200; code < 600; code++ {
		for _, c := range challenges {
			for _, sent := range []bool{false, true} {
				for _, cert := range []prober.ClientCert{prober.ClientCertNotAsked, prober.ClientCertMissing, prober.ClientCertSent} {
					a := prober.Authentication{Challenge: c, Sent: sent}
					authentic := code == http.StatusUnauthorized || code == http.StatusForbidden
					refused := authentic || code == http.StatusBadRequest
					known := authentic && (sent || c != "") || refused && cert == prober.ClientCertMissing
					t := &prober.TLSResult{ClientCert: cert}
					name := fmt.Sprintf("%d %s %t %d", code, c, sent, cert)
					yield("status "+name, known, prober.Result{Reason: prober.ReasonStatus, Err: err, TLS: t, HTTP: &prober.HTTPResult{Method: "GET", StatusCode: code, TLS: true, Authentication: a}})
					yield("upgrade "+name, known, prober.Result{Reason: prober.ReasonWSHandshake, Err: err, TLS: t, WebSocket: &prober.WebSocketResult{StatusCode: code, Authentication: a}})
				}
			}
		}
	}
	yield("wants TLS", true, prober.Result{Reason: prober.ReasonStatus, Err: err, HTTP: &prober.HTTPResult{Method: "GET", StatusCode: 400, WantsTLS: true}})
	for _, code := range []int{400, 405, 426, 501} {
		yield(fmt.Sprintf("plain %d", code), true, prober.Result{Reason: prober.ReasonStatus, Err: err, HTTP: &prober.HTTPResult{Method: "GET", StatusCode: code}})
	}
	for _, reason := range []prober.Reason{prober.ReasonBody, prober.ReasonJSON} {
		yield(string(reason)+" GBK", true, prober.Result{Reason: reason, Err: err, HTTP: &prober.HTTPResult{StatusCode: 200, Charset: "gbk"}})
	}
}

// TestEveryFailureHasAHint walks all reasons and all that may be known beside them: each has a hint of one line that
// names a key or a step, and none suggests accepting a failure if a likelier cause is known.
func TestEveryFailureHasAHint(t *testing.T) {
	proxy := commonconfig.HTTPClientConfig{ProxyConfig: commonconfig.ProxyConfig{ProxyURL: commonconfig.URL{URL: &url.URL{Scheme: "http", Host: "proxy.test"}}}}
	modules := map[string]config.Module{
		"http":            {Prober: "http"},
		"http by proxy":   {Prober: "http", HTTP: config.HTTP{Client: proxy}},
		"websocket":       {Prober: "websocket"},
		"socket by proxy": {Prober: "websocket", WebSocket: config.WebSocket{Client: proxy}},
	}
	tried := 0
	for module, m := range modules {
		failures(func(name string, known bool, r prober.Result) {
			tried++
			got := hint.For(&r, &m)
			switch {
			case !step.MatchString(got):
				t.Errorf("%s, %s: the hint %q names neither a key nor a step", module, name, got)
			case strings.ContainsAny(got, "\n") || strings.TrimSpace(got) != got || len(got) > 500:
				t.Errorf("%s, %s: the hint %q is not a line of at most 500 bytes", module, name, got)
			case known && strings.Contains(got, "accepts it"):
				t.Errorf("%s, %s: the hint %q advises to accept the failure", module, name, got)
			}
		})
	}
	if tried < 1000 {
		t.Errorf("%d failures were tried, want thousands", tried)
	}
	if got := hint.For(&prober.Result{}, &config.Module{}); got != "" {
		t.Errorf("a healthy target has the hint %q, want none", got)
	}
}

// TestCausesHaveHintsOfTheirOwn wants more than the hint of the reason where the cause is known.
func TestCausesHaveHintsOfTheirOwn(t *testing.T) {
	for _, info := range prober.Causes() {
		for _, reason := range info.Reasons {
			r := prober.Result{Reason: reason, Err: errors.New("failed")}
			plain := hint.For(&r, &config.Module{})
			r.Cause = info.Cause
			if got := hint.For(&r, &config.Module{}); got == plain {
				t.Errorf("%s has no more than the hint of %s: %q", info.Cause, reason, got)
			}
		}
	}
}

// TestWords has the hints that must have a certain word.
func TestWords(t *testing.T) {
	proxy := commonconfig.HTTPClientConfig{ProxyConfig: commonconfig.ProxyConfig{ProxyFromEnvironment: true}}
	err := errors.New("failed")
	upgrade := func(code int, a prober.Authentication) prober.Result {
		return prober.Result{Reason: prober.ReasonWSHandshake, Err: err, WebSocket: &prober.WebSocketResult{StatusCode: code, Authentication: a}}
	}
	status := func(code int, a prober.Authentication) prober.Result {
		return prober.Result{Reason: prober.ReasonStatus, Err: err, HTTP: &prober.HTTPResult{StatusCode: code, Authentication: a}}
	}
	for name, tt := range map[string]struct {
		r    prober.Result
		m    config.Module
		want string
	}{
		"Digest":                      {status(401, prober.Authentication{Challenge: prober.ChallengeDigest}), config.Module{}, "it wants Digest authentication, which this exporter does not support"},
		"NTLM with credentials":       {status(401, prober.Authentication{Challenge: prober.ChallengeNTLM, Sent: true}), config.Module{}, "it wants NTLM"},
		"Basic that is not accepted":  {status(401, prober.Authentication{Challenge: prober.ChallengeBasic, Sent: true}), config.Module{}, "the credentials were not accepted"},
		"403 with credentials":        {status(403, prober.Authentication{Sent: true}), config.Module{}, "the credentials were not accepted"},
		"Bearer is wanted":            {status(401, prober.Authentication{Challenge: prober.ChallengeBearer}), config.Module{}, "it wants credentials (Bearer)"},
		"a WebSocket wants Digest":    {upgrade(401, prober.Authentication{Challenge: prober.ChallengeDigest}), config.Module{}, "it wants Digest"},
		"a WebSocket by another path": {upgrade(400, prober.Authentication{}), config.Module{}, "EIO and transport"},
		"no subprotocol":              {upgrade(400, prober.Authentication{}), config.Module{}, "subprotocols"},
		"501":                         {status(501, prober.Authentication{}), config.Module{}, "another method"},
		"426":                         {status(426, prober.Authentication{}), config.Module{}, "ws://"},
		"resolved here":               {prober.Result{Reason: prober.ReasonResolveNotFound, Err: err}, config.Module{HTTP: config.HTTP{Client: proxy}}, "skip_resolve_phase_with_proxy"},
		"names alone":                 {prober.Result{Reason: prober.ReasonProxy, Cause: prober.CauseProxyForbids, Err: err}, config.Module{HTTP: config.HTTP{Client: proxy}}, "skip_resolve_phase_with_proxy"},
		"names are sent":              {prober.Result{Reason: prober.ReasonProxy, Cause: prober.CauseProxyForbids, Err: err}, config.Module{HTTP: config.HTTP{Client: proxy, SkipResolvePhaseWithProxy: true}}, "rules of the proxy"},
		"silence":                     {prober.Result{Reason: prober.ReasonConnectTimeout, Cause: prober.CauseTLSSilent, Err: err}, config.Module{}, "accepted the connection"},
		"RSA key exchange":            {prober.Result{Reason: prober.ReasonTLSFailed, Cause: prober.CauseNoCommonCipher, Err: err}, config.Module{}, "GODEBUG=tlsrsakex=1"},
		"suites that Go never offers": {prober.Result{Reason: prober.ReasonTLSFailed, Cause: prober.CauseNoCommonCipher, Err: err}, config.Module{}, "CBC with SHA-256"},
	} {
		if got := hint.For(&tt.r, &tt.m); !strings.Contains(got, tt.want) {
			t.Errorf("%s: the hint is %q, want %q", name, got, tt.want)
		}
	}
}
