package app

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Whatever strangers send in a burst, the log grows by a few lines and not by what they send.
func TestStrangersFillNoLog(t *testing.T) {
	const requests = 300
	long := strings.Repeat("x", 50_000)
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\nrestart:"+oneService)
	a := started(t, o)
	until(t, "the services to be known", a.restarts.Ready)
	h := a.routes()
	before := len(log.all())
	for range requests {
		for _, request := range []string{
			"GET /api/v1/restarts/" + long, "POST /api/v1/restarts/" + long + "/pause", "POST /webhook/alertmanager",
			"GET /probe?name=" + long, "GET /probe?target=http://127.0.0.1:1/" + long + "&module=" + long, "GET /probe/all?x=" + long,
			"GET /logs?id=" + long, "GET /sd?shard=" + long, "GET /" + long, "DELETE /metrics", "GET /api/v1/targets?shard=" + long,
		} {
			method, path, _ := strings.Cut(request, " ")
			serve(h, method, path, http.Header{"Authorization": {"Basic " + long}})
		}
	}
	lines, bytes := 0, 0
	for _, r := range log.all()[before:] {
		if r.Level < slog.LevelInfo {
			continue
		}
		lines++
		bytes += len(r.Message)
		r.Attrs(func(a slog.Attr) bool {
			bytes += len(a.Key) + len(a.Value.String())
			return true
		})
	}
	t.Logf("%d lines, %d bytes", lines, bytes)
	if lines > 200 || bytes > 100_000 { // by a slow machine: two kinds, each once a second
		t.Errorf("%d requests wrote %d lines of %d bytes", 11*requests, lines, bytes)
	}
	for reason, want := range map[refusal]float64{refusedOperator: 2 * requests, refusedDelivery: requests} {
		if got := testutil.ToFloat64(a.metrics.refused.WithLabelValues(string(reason))); got != want {
			t.Errorf("%g refused for %s, want %g", got, reason, want)
		}
	}
}
