package prober_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// What is not proper HTTP is told by its kind, without a word of what the target said.
func TestMalformedAnswers(t *testing.T) {
	const canary = "canary"
	for _, tt := range []struct {
		name, answer string
		cause        prober.Cause
		text         string
	}{
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\nX: canary\r\n\r\nok", prober.CauseContentLengths, "two different Content-Length"},
		{"no colon", "HTTP/1.1 200 OK\r\ncanary\r\n\r\n", prober.CauseHeaderLine, "no colon"},
		{"NUL", "HTTP/1.1 200 OK\r\nX: canary\x00\r\n\r\n", prober.CauseHeaderLine, "characters that are not allowed"},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\ncanary", prober.CauseContentLength, "not a number"},
		{"identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\ncanary", prober.CauseTransferEncoding, "not chunked"},
		{"an empty line", "\r\nHTTP/1.1 200 OK\r\n\r\ncanary", prober.CauseEmptyLine, "empty line"},
		{"ICY", "ICY 200 OK\r\nicy-name: canary\r\n\r\n", prober.CauseICY, "ICY"},
		{"SMTP", "220 canary ESMTP\r\n", prober.CauseGreeting, "another protocol"},
		{"SSH", "SSH-2.0-canary\r\n", prober.CauseGreeting, "another protocol"},
		{"a code", "HTTP/1.1 canary\r\n\r\n", prober.CauseStatusLine, "not a status line"},
		{"a version", "HTTP/canary 200 OK\r\n\r\n", prober.CauseStatusLine, "not a status line"},
		{"words of a parser", "bad Content-Length canary\r\n\r\n", prober.CauseStatusLine, "not a status line"},
		{"TLS", "\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", prober.CauseSpeaksTLS, "TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.Answer(t, tt.answer, true)
			res := probe(t, newProber(t, ""), target(t, s.URL), patient)
			wantFailure(t, res, prober.ReasonHTTPVersion, prober.PhaseProcessing, tt.text)
			if res.Cause != tt.cause || strings.Contains(res.Err.Error(), canary) {
				t.Errorf("cause is %q (%v), want %q and nothing that the target said", res.Cause, res.Err, tt.cause)
			}
		})
	}
	for name, answer := range map[string]string{
		"TLS":    "\x15\x03\x01\x00\x02\x02\x46",
		"HTTP/2": "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
	} {
		t.Run(name+" that ends", func(t *testing.T) {
			s := probetest.Answer(t, answer, false)
			want := map[string]prober.Cause{"TLS": prober.CauseSpeaksTLS, "HTTP/2": prober.CauseSpeaksHTTP2}[name]
			if res := probe(t, newProber(t, ""), target(t, s.URL), patient); res.Cause != want {
				t.Errorf("the cause is %q (%v), want %q", res.Cause, res.Err, want)
			}
			if res := probe(t, newWebSocket(t, ""), target(t, "ws"+strings.TrimPrefix(s.URL, "http")), patient); res.Cause != want {
				t.Errorf("by WebSocket the cause is %q (%v), want %q", res.Cause, res.Err, want)
			}
		})
	}
}

// TestRefusedBody looks for the beginning of a refusal's body, which is kept where it is asked for, and nowhere else.
func TestRefusedBody(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Digest realm="canary", NTLM`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("\x1b[31m" + strings.Repeat("é", 5000)))
	})
	s := probetest.Serve(t, handler)
	want := ("\x1b[31m" + strings.Repeat("é", 5000))[:100]
	for _, asked := range []bool{true, false} {
		r := target(t, s.URL)
		r.Excerpt = asked
		res := probe(t, newProber(t, ""), r, patient)
		wantFailure(t, res, prober.ReasonStatus, prober.PhaseCheck, "401")
		if got := res.HTTP.Excerpt; asked && got != want || !asked && got != "" {
			t.Errorf("asked %t: the excerpt is %q", asked, got)
		}
		if a := res.HTTP.Authentication; a.Challenge != prober.ChallengeDigest || a.Sent {
			t.Errorf("the authentication is %+v, want Digest without credentials", a)
		}
		r = target(t, "ws"+strings.TrimPrefix(s.URL, "http"))
		r.Excerpt = asked
		res = probe(t, newWebSocket(t, "http_config: {basic_auth: {username: u, password: p}}"), r, patient)
		wantFailure(t, res, prober.ReasonWSHandshake, prober.PhaseUpgrade, "401")
		if got := res.WebSocket.Excerpt; asked && got != want || !asked && got != "" {
			t.Errorf("by WebSocket, asked %t: the excerpt is %q", asked, got)
		}
		if a := res.WebSocket.Authentication; a.Challenge != prober.ChallengeDigest || !a.Sent {
			t.Errorf("the authentication is %+v, want Digest with credentials", a)
		}
	}
}

// A proxy's 407 names the scheme, and whether credentials were there.
func TestProxyAuthentication(t *testing.T) {
	for _, tt := range []struct {
		name, scheme, user, text string
		cause                    prober.Cause
	}{
		{"NTLM", "NTLM", "u:p@", "wants NTLM, and proxy_url sends Basic", prober.CauseProxyScheme},
		{"not accepted", "Basic realm=canary", "u:p@", "did not accept the credentials", prober.CauseProxyCredentials},
		{"none", "Basic realm=canary", "", "want credentials in proxy_url", prober.CauseProxyCredentials},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Proxy-Authenticate", tt.scheme)
				w.WriteHeader(http.StatusProxyAuthRequired)
			}))
			via := "proxy_url: http://" + tt.user + strings.TrimPrefix(s.URL, "http://")
			for _, u := range []string{"http://127.0.0.1:1", "https://127.0.0.1:1"} {
				res := probe(t, newProber(t, via), target(t, u), patient)
				if res.Reason != prober.ReasonProxy || res.Cause != tt.cause || !strings.Contains(res.Err.Error(), tt.text) || strings.Contains(res.Err.Error(), "canary") {
					t.Errorf("%s failed by %s, %q: %v; want %s, %q", u, res.Reason, res.Cause, res.Err, tt.cause, tt.text)
				}
			}
		})
	}
}

// Causes of a handshake are seen on the wire.
func TestHandshakeCauses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server *probetest.Server
		reason prober.Reason
		cause  prober.Cause
	}{
		{"silence", probetest.Silent(t), prober.ReasonConnectTimeout, prober.CauseTLSSilent},
		{"stops in the middle", probetest.TLSStallMid(t), prober.ReasonConnectTimeout, prober.CauseNone},
		{"HTTP", probetest.Says(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), prober.ReasonTLSFailed, prober.CausePlainHTTP},
		{"SMTP", probetest.Says(t, "220 mail.test ESMTP ready\r\n"), prober.ReasonTLSFailed, prober.CauseNotTLS},
		{"no cipher suite", probetest.Says(t, "\x15\x03\x01\x00\x02\x02\x28\r\n\r\n"), prober.ReasonTLSFailed, prober.CauseNoCommonCipher},
		{"no version", probetest.Says(t, "\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), prober.ReasonTLSFailed, prober.CauseTLSVersion},
		{"no name", probetest.Says(t, "\x15\x03\x01\x00\x02\x02\x70\r\n\r\n"), prober.ReasonTLSFailed, prober.CauseServerName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := "https://127.0.0.1:" + portOf(t, tt.server.URL)
			wanted := func(res prober.Result) bool { return res.Reason == tt.reason && res.Cause == tt.cause }
			var res prober.Result
			if tt.reason == prober.ReasonConnectTimeout {
				res = hangingUntil(t, newProber(t, ""), target(t, u), wanted)
			} else {
				res = probe(t, newProber(t, ""), target(t, u), patient)
			}
			if !wanted(res) {
				t.Errorf("failed by %s, %q (%v), want %s, %q", res.Reason, res.Cause, res.Err, tt.reason, tt.cause)
			}
		})
	}
}
