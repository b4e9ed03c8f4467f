package collector_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// accepted are what scrapers ask for.
var accepted = map[string]string{
	"nothing":                           "",
	"Prometheus 2":                      "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	"Prometheus 3":                      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	"Prometheus with native histograms": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3",
	"underscores":                       "text/plain;version=0.0.4;escaping=underscores",
	"dots":                              "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=dots",
	"text of protobuf":                  "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
	"compact protobuf":                  "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text",
	"a browser's words":                 "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
}

// TestExposition compares the answers of the Handler with those of a registry.
func TestExposition(t *testing.T) {
	strange := failed()
	strange.TLS.Certificates.Leaf.HostNames = strings.Join([]string{"\xff\xfe", `quote " and \ and`, "a line\nbreak", strings.Repeat("long.", 1000)}, ",")
	all := append(everyMetric(), &collector.Collector{}, &collector.Collector{Module: withCEL(), Result: strange})
	for i, c := range all {
		f := serving(nil)
		f.handler.Target = func(name string) (collector.Target, bool) {
			u := &url.URL{Scheme: "https", Host: "www.example", Path: "/"}
			return collector.Target{
				Name: name, Module: collector.Module{Name: "http_2xx", Config: c.Module, Prober: &spy{result: c.Result}},
				Request: prober.Request{URL: u}, Quiet: func() collector.Quiet { return c.Quiet },
			}, true
		}
		for _, name := range []string{"", "probe_success", "probe_http_duration_seconds"} {
			for who, accept := range accepted {
				for _, encoding := range []string{"", "gzip", "gzip;q=0", "br"} {
					t.Run(fmt.Sprintf("%d %s for %s with %q", i, name, who, encoding), func(t *testing.T) {
						values := url.Values{"name": {"www"}}
						if name != "" {
							values["name[]"] = []string{name, "probe_attempts"}
						}
						req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+values.Encode(), http.NoBody)
						req.Header.Set("Accept", accept)
						req.Header.Set("Accept-Encoding", encoding)
						req.Header.Set(collector.ScrapeTimeoutHeader, "10")
						got := httptest.NewRecorder()
						f.handler.ServeHTTP(got, req)

						registry := prometheus.NewPedanticRegistry()
						like := *c
						like.Result.Timeout = f.last(t).Result.Timeout
						registry.MustRegister(&like)
						want := httptest.NewRecorder()
						promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(want, req)
						if text := body(t, want); len(text) < 4<<10 { // too short for gzip
							want.Header().Del("Content-Encoding")
							want.Body = bytes.NewBufferString(text)
						}
						compareAnswers(t, got, want)
					})
				}
			}
		}
	}
}

func compareAnswers(t *testing.T, got, want *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code != want.Code {
		t.Errorf("status %d, want %d", got.Code, want.Code)
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Vary"} {
		if diff := cmp.Diff(want.Header()[name], got.Header()[name]); diff != "" {
			t.Errorf("header %s (-want +got):\n%s", name, diff)
		}
	}
	if length := got.Header().Get("Content-Length"); length != strconv.Itoa(got.Body.Len()) {
		t.Errorf("Content-Length is %q, want %d", length, got.Body.Len())
	}
	if diff := cmp.Diff(body(t, want), body(t, got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// body is the decompressed body of an answer.
func body(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	r, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
