package restart

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// From the bytes of a WebSocket server to whether a restart may help: only who is silent or has crashed gets one.
func TestWebSocketEvidence(t *testing.T) {
	const expect = "query_response: [{expect: hello, skip_until_match: true}]"
	for name, tt := range map[string]struct {
		server *probetest.Server
		block  string
		want   policy.Evidence
		repair bool
	}{
		"silent":               {probetest.WebSocketSilent(t), expect, policy.Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101, TimedOut: true}, true},
		"no pong":              {probetest.WebSocketSilent(t), "ping: true", policy.Evidence{Reason: prober.ReasonWSPongTimeout, StatusCode: 101}, true},
		"talks, never matches": {probetest.WebSocketFrames(t, []byte("\x81\x02no"), false, true), expect, policy.Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101}, false},
		"bad frame":            {probetest.WebSocketFrames(t, []byte("\xc1\x01a"), false, false), expect, policy.Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101}, false},
		"503":                  {probetest.UpgradeAnswers(t, 503, nil), "ping: true", policy.Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 503}, true},
		"503 with Retry-After": {probetest.UpgradeAnswers(t, 503, http.Header{"Retry-After": {"5"}}), "ping: true", policy.Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 503, RetryAfter: true}, false},
		"401":                  {probetest.UpgradeAnswers(t, 401, nil), "ping: true", policy.Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 401}, false},
		"close 1006":           {probetest.WebSocketCloses(t, 1006), expect, policy.Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1006}, true},
		"close 1011":           {probetest.WebSocketCloses(t, 1011), expect, policy.Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1011}, true},
		"close 1008":           {probetest.WebSocketCloses(t, 1008), expect, policy.Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1008}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Parse("test.yml", []byte("modules: {m: {prober: websocket, websocket: {"+tt.block+"}}}"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := prober.New(c.Modules["m"], c.TargetRules)
			if err != nil {
				t.Fatal(err)
			}
			u, err := prober.ParseTarget(tt.server.URL, "websocket")
			if err != nil {
				t.Fatal(err)
			}
			var got policy.Evidence
			for _, timeout := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
				s := Service{Checks: []Check{{Prober: p, Request: prober.Request{URL: u}, Timeout: timeout}}}
				got = s.probe(t.Context())
				if got.Took, got.Failing, got.Beyond, got.Checks = 0, 0, 0, 0; got == tt.want { // a busy machine may not get as far in a second
					break
				}
			}
			if got != tt.want {
				t.Errorf("evidence is %+v, want %+v", got, tt.want)
			}
			if p := testPolicy(); p.Repairable(got) != tt.repair {
				t.Errorf("repairable is %t, want %t", !tt.repair, tt.repair)
			}
		})
	}
}

// answers is a prober of a server that answers by a status code that is not wanted.
type answers int

func (a answers) Probe(context.Context, prober.Request) prober.Result {
	return prober.Result{Reason: prober.ReasonStatus, Err: errTest, HTTP: &prober.HTTPResult{StatusCode: int(a)}}
}

// The first check that fails speaks for the service, and all that fail are counted.
func TestExtent(t *testing.T) {
	well, hanging, gone := &simulated{}, &simulated{hangs: time.Minute}, &simulated{}
	moved := answers(404)
	hanging.broken.Store(true)
	gone.broken.Store(true)
	for _, tt := range []struct {
		name   string
		checks []prober.Prober
		want   policy.Evidence
	}{
		{"none", nil, policy.Evidence{}},
		{"all well", []prober.Prober{well, well}, policy.Evidence{Healthy: true, Checks: 2}},
		{"one of three", []prober.Prober{well, gone, well}, policy.Evidence{Reason: prober.ReasonConnectRefused, Failing: 1, Checks: 3}},
		{"two of two", []prober.Prober{hanging, gone}, policy.Evidence{Reason: prober.ReasonConnectRefused, Failing: 2, Checks: 2}},
		{"one of four, and one path is wrong", []prober.Prober{gone, moved, well, well}, policy.Evidence{Reason: prober.ReasonConnectRefused, Failing: 2, Beyond: 1, Checks: 4}},
		{"the first speaks", []prober.Prober{moved, gone}, policy.Evidence{Reason: prober.ReasonStatus, StatusCode: 404, Failing: 2, Beyond: 1, Checks: 2}},
		{"a code that a restart repairs here", []prober.Prober{gone, answers(418)}, policy.Evidence{Reason: prober.ReasonConnectRefused, Failing: 2, Checks: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := Service{Policy: policy.Policy{RestartOn: []int{418}}}
				for _, c := range tt.checks {
					s.Checks = append(s.Checks, Check{Definition: "known", Prober: c, Timeout: time.Second})
				}
				got := s.probe(t.Context())
				got.Took = 0
				if got != tt.want {
					t.Errorf("evidence is %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}
