package restart

import (
	"net/http"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// From the bytes of a WebSocket server to whether a restart may help: only who is silent or has crashed gets one.
func TestWebSocketEvidence(t *testing.T) {
	const expect = "query_response: [{expect: hello, skip_until_match: true}]"
	for name, tt := range map[string]struct {
		server *probetest.Server
		block  string
		want   Evidence
		repair bool
	}{
		"silent":               {probetest.WebSocketSilent(t), expect, Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101, TimedOut: true}, true},
		"no pong":              {probetest.WebSocketSilent(t), "ping: true", Evidence{Reason: prober.ReasonWSPongTimeout, StatusCode: 101}, true},
		"talks, never matches": {probetest.WebSocketFrames(t, []byte("\x81\x02no"), false, true), expect, Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101}, false},
		"bad frame":            {probetest.WebSocketFrames(t, []byte("\xc1\x01a"), false, false), expect, Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101}, false},
		"503":                  {probetest.UpgradeAnswers(t, 503, nil), "ping: true", Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 503}, true},
		"503 with Retry-After": {probetest.UpgradeAnswers(t, 503, http.Header{"Retry-After": {"5"}}), "ping: true", Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 503, RetryAfter: true}, false},
		"401":                  {probetest.UpgradeAnswers(t, 401, nil), "ping: true", Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 401}, false},
		"close 1006":           {probetest.WebSocketCloses(t, 1006), expect, Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1006}, true},
		"close 1011":           {probetest.WebSocketCloses(t, 1011), expect, Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1011}, true},
		"close 1008":           {probetest.WebSocketCloses(t, 1008), expect, Evidence{Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1008}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Parse("test.yml", []byte("modules: {m: {prober: websocket, websocket: {"+tt.block+"}}}"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := prober.New(c.Modules["m"], c.Probe)
			if err != nil {
				t.Fatal(err)
			}
			u, err := prober.ParseTarget(tt.server.URL, "websocket")
			if err != nil {
				t.Fatal(err)
			}
			s := Service{Checks: []Check{{Prober: p, Request: prober.Request{URL: u}, Timeout: time.Second}}}
			got := s.probe(t.Context())
			got.Took = 0
			if got != tt.want {
				t.Errorf("evidence is %+v, want %+v", got, tt.want)
			}
			if policy := testPolicy(); policy.repairable(got) != tt.repair {
				t.Errorf("repairable is %t, want %t", !tt.repair, tt.repair)
			}
		})
	}
}
