package prober_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func ExampleNew() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status": "degraded"}`)
	}))
	defer service.Close()

	cfg, err := config.Parse("example.yml", []byte(`
modules:
  healthy:
    prober: http
    http:
      fail_if_body_json_not_matches_cel: body.status == "ok"
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := cfg.Modules["healthy"]
	p, err := prober.New(m, cfg.TargetRules)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := prober.ParseTarget(service.URL+"/health", m.Prober)
	if err != nil {
		fmt.Println(err)
		return
	}
	res := p.Probe(context.Background(), prober.Request{URL: u})
	fmt.Println(res.Success(), res.HTTP.StatusCode, res.Reason)
	fmt.Println(res.Err)
	// Output:
	// false 200 json
	// "body.status == \"ok\"" is false for the body, want true
}
