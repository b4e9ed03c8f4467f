package collector_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A handler probes the target of a query, and answers with metrics.
func ExampleHandler() {
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()

	cfg, err := config.Parse("example.yml", []byte("modules: {http_2xx: {prober: http}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := cfg.Modules["http_2xx"]
	p, err := prober.New(m, cfg.TargetRules)
	if err != nil {
		fmt.Println(err)
		return
	}
	h := &collector.Handler{
		Module: func(name string) (collector.Module, bool) {
			return collector.Module{Name: name, Config: m, Prober: p}, name == "http_2xx"
		},
		Begin: func() func(collector.Probe) {
			return func(done collector.Probe) { fmt.Println("probed by", done.Module+":", done.Result.Err) }
		},
		Reject: func(collector.Rejection) {},
	}
	answer := httptest.NewRecorder()
	query := url.Values{"module": {"http_2xx"}, "target": {service.URL}}
	h.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/probe?"+query.Encode(), http.NoBody))
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "probe_success") || strings.HasPrefix(line, "probe_failure_info") {
			fmt.Println(line)
		}
	}
	// Output:
	// probed by http_2xx: status 404, want 2xx
	// probe_failure_info{phase="check",reason="status"} 1
	// probe_success 0
}
