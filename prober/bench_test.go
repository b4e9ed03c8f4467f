package prober_test

import (
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// BenchmarkProbe makes one probe after the other. The target is in the same process: what it costs is in the figures, and
// stays the same.
func BenchmarkProbe(b *testing.B) {
	ca := probetest.NewCA(b)
	cert := ca.Issue(b, probetest.Cert{})
	trust := "tls_config: {ca_file: " + ca.File() + "}"
	talk := "query_response: [{send: hello}, {expect: hello}]"
	for _, bb := range []struct {
		name   string
		prober prober.Prober
		url    string
	}{
		{"http", newProber(b, ""), probetest.Echo(b).URL},
		{"https_h1", newProber(b, trust), probetest.EchoTLS(b, cert, "http/1.1").URL},
		{"https_h2", newProber(b, trust), probetest.EchoTLS(b, cert, "h2").URL},
		{"ws", newWebSocket(b, talk), probetest.WebSocketEcho(b).URL},
		{"wss", newWebSocket(b, talk+"\nhttp_config: {"+trust+"}"), probetest.WebSocketEchoTLS(b, cert).URL},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := target(b, bb.url)
			b.ReportAllocs()
			for b.Loop() {
				if res := bb.prober.Probe(b.Context(), r); !res.Success() {
					b.Fatal(res.Reason, res.Err)
				}
			}
		})
	}
}
