package collector_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
)

// BenchmarkCollect renders a Result that has every metric of an HTTP probe.
func BenchmarkCollect(b *testing.B) {
	c := &collector.Collector{Module: withCEL(), Result: failed()}
	ch := make(chan prometheus.Metric, 100) // Room for all, so that sending does not wait.
	b.ReportAllocs()
	for b.Loop() {
		c.Collect(ch)
		if len(ch) == 0 {
			b.Fatal("nothing was collected")
		}
		for range len(ch) {
			<-ch
		}
	}
}

// BenchmarkHandler serves /probe without probing: what a scrape costs beside the probe.
func BenchmarkHandler(b *testing.B) {
	for _, bb := range []struct{ name, query string }{
		{"exposition", query("https://www.example/health?a=b")},
		{"debug", query("https://www.example/health?a=b", "debug=true")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			f := serving(map[string]collector.Module{"http_2xx": {Name: "http_2xx", Config: withCEL(), Prober: &spy{result: failed()}}})
			f.handler.Begin = func() func(collector.Probe) { return func(collector.Probe) {} }
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/probe?"+bb.query, http.NoBody)
			r.Header.Set(collector.ScrapeTimeoutHeader, "10")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				f.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
