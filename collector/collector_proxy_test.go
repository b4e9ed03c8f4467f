package collector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Where a proxy looks the name up nothing of it was measured, and nothing is there, as with blackbox_exporter.
func TestProxyResolves(t *testing.T) {
	connect := prober.Phase{Name: prober.PhaseConnect, Duration: time.Second}
	for name, tt := range map[string]struct {
		phases []prober.Phase
		want   int
	}{
		"the proxy":   {[]prober.Phase{connect}, 0},
		"here":        {[]prober.Phase{{Name: prober.PhaseResolve}, connect}, 1},
		"not reached": {nil, 1},
	} {
		for _, kind := range []string{"http", "websocket"} {
			c := &collector.Collector{Module: config.Module{Prober: kind}, Result: prober.Result{Phases: tt.phases}}
			for _, metric := range []string{"probe_dns_lookup_time_seconds", "probe_ip_protocol", "probe_ip_addr_hash"} {
				if got := testutil.CollectAndCount(c, metric); got != tt.want {
					t.Errorf("%s, %s: %s is there %d times, want %d", kind, name, metric, got, tt.want)
				}
			}
			if kind == "websocket" {
				continue
			}
			text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, "probe_http_duration_seconds")
			if got := strings.Count(string(text), `phase="resolve"`); err != nil || got != tt.want || strings.Count(string(text), `phase="connect"`) != 1 {
				t.Errorf("%s: phase resolve is there %d times, want %d (%v)", name, got, tt.want, err)
			}
		}
	}
}
