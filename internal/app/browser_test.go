package app

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// browsed are all routes, by whether a link of another site may lead there.
var browsed = map[string]bool{
	"GET /badge/{file}": true,
	"GET /{$}":          true, "GET /live": false, "GET /targets/{name}": true, "GET /events": true, "GET /probes": true, "GET /assets/{version}/{file}": false,
	"GET /config": true, "GET /logs": true, "GET /metrics": true, "GET /api/v1/targets": true, "GET /api/v1/targets/{name}": true, "GET /api/v1/events": true, "GET /api/v1/summary": true,
	"GET /add": true, "GET /targets/{name}/edit": true,
	"POST /targets": false, "POST /targets/{name}": false, "POST /targets/{name}/delete": false, "POST /targets/{name}/probe": false,
	"POST /targets/{name}/mute": false, "POST /targets/{name}/unmute": false, "POST /targets/{name}/maintenance": false, "POST /targets/{name}/end-maintenance": false,
	"GET /channels": true, "GET /channels/{name}": true, "GET /add-channel": true, "POST /channels": false, "POST /channels/{name}": false, "POST /channels/{name}/delete": false,
	"POST /channels/{name}/on": false, "POST /channels/{name}/off": false, "POST /channels/{name}/test": false, "POST /alertmanager/apply": false,
	"GET /-/healthy": true, "GET /-/ready": true,
	"GET /api/v1/managed": true, "GET /api/v1/managed/targets": true, "GET /api/v1/openapi.yaml": true, "GET /api/v1/mutes": true, "GET /api/v1/maintenances": true,
	"GET /api/v1/targets/{name}/mute": true, "GET /api/v1/targets/{name}/maintenance": true,

	"PUT /api/v1/targets/{name}": false, "PATCH /api/v1/targets/{name}": false, "DELETE /api/v1/targets/{name}": false, "PUT /api/v1/managed": false,
	"PUT /api/v1/targets/{name}/mute": false, "DELETE /api/v1/targets/{name}/mute": false, "PUT /api/v1/targets/{name}/maintenance": false,
	"DELETE /api/v1/targets/{name}/maintenance": false, "POST /api/v1/targets/{name}/probe": false,
	"PUT /api/v1/mutes": false, "DELETE /api/v1/mutes": false, "PUT /api/v1/maintenances": false, "DELETE /api/v1/maintenances": false,

	"GET /api/v1/channels": true, "GET /api/v1/channels/{name}": true, "GET /api/v1/channels/{name}/test": true,
	"GET /api/v1/alertmanager": true, "GET /api/v1/alertmanager/config": true, "GET /api/v1/alertmanager/bundle": false,
	"PUT /api/v1/channels/{name}": false, "PATCH /api/v1/channels/{name}": false, "DELETE /api/v1/channels/{name}": false, "POST /api/v1/channels/{name}/test": false,
	"POST /api/v1/alertmanager/apply": false, "POST /api/v1/alertmanager/bundle/result": false,

	"GET /probe": false, "GET /probe/all": false, "GET /sd": false,
	"POST /webhook/alertmanager": false, "POST /-/reload": false, "PUT /-/reload": false,
	"GET /api/v1/restarts": false, "GET /api/v1/restarts/{service}": false, "GET /api/v1/restarts/{service}/explain": false,
	"POST /api/v1/restarts/{service}/pause": false, "POST /api/v1/restarts/{service}/resume": false, "POST /api/v1/restarts/{service}/unlock": false,
	"POST /api/v1/restarts/{service}/request": false, "POST /api/v1/restarts-brake/release": false,
	"GET /debug/pprof/": false, "GET /debug/pprof/cmdline": false, "GET /debug/pprof/symbol": false,
	"GET /debug/pprof/profile": false, "GET /debug/pprof/trace": false,
}

// pictures are those of them that a page of another site may show.
var pictures = map[string]bool{"GET /badge/{file}": true}

// safeHeaders are those of every answer.
var safeHeaders = map[string]string{
	"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	"Content-Security-Policy": contentPolicy,
}

func checkHeaders(t *testing.T, request string, got http.Header) {
	t.Helper()
	for name, want := range safeHeaders {
		value := got.Get(name)
		if name == "Content-Security-Policy" && strings.Contains(value, "style-src") {
			continue // see TestStyle
		}
		if name == "Referrer-Policy" && strings.Contains(got.Get("Content-Security-Policy"), "script-src") {
			want = "same-origin" // else a browser sends no Origin with a form
		}
		if name == "Cache-Control" && got.Get("ETag") != "" {
			continue // it says for how long it may be kept
		}
		if value != want {
			t.Errorf("%s: %s is %q, want %q", request, name, value, want)
		}
	}
}

// TestBrowsers has every route in its table: a new one has to be decided about.
func TestBrowsers(t *testing.T) {
	o := options(&recorder{})
	o.EnablePprof = true
	a := build(t, o)
	var patterns []string
	for _, r := range a.table() {
		patterns = append(patterns, r.pattern)
	}
	slices.Sort(patterns)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(browsed)), patterns); diff != "" {
		t.Fatalf("routes (-table +served):\n%s", diff)
	}
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	h := a.routes()
	refused := 0
	for pattern, linked := range browsed {
		method, path, _ := strings.Cut(strings.NewReplacer("{$}", "", "{service}", "shop", "{name}", "shop").Replace(pattern), " ")
		profile := strings.HasSuffix(path, "/profile") || strings.HasSuffix(path, "/trace") // it takes seconds
		methods := []string{method}
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		for _, tc := range []struct {
			name   string
			header http.Header
			ok     bool
		}{
			{"a program", nil, true},
			{"the page itself", header("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), true},
			{"typed", header("Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), true},
			{"an old browser here", header("Origin", "http://example.com"), true},
			{"an image elsewhere", header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), pictures[pattern]},
			{"a script elsewhere", header("Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"), false},
			{"a frame elsewhere", header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), false},
			{"a value of tomorrow", header("Sec-Fetch-Site", "odd"), false},
			{"an old browser elsewhere", header("Origin", "http://evil.example"), false},
			{"a page without origin", header("Origin", "null"), false},
			{"a link elsewhere", header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linked},
		} {
			if profile && tc.ok {
				continue
			}
			for _, method := range methods {
				r := serve(h, method, path, tc.header)
				if got := r.Code != http.StatusForbidden || switchedOff(r); got != tc.ok {
					t.Errorf("%s %s by %s is answered %d, want it served: %t", method, path, tc.name, r.Code, tc.ok)
				}
				if !tc.ok {
					refused++
				}
				checkHeaders(t, method+" "+path+" by "+tc.name, r.Result().Header)
			}
		}
	}
	if got := testutil.ToFloat64(a.metrics.refused.WithLabelValues(string(refusedCrossSite))); int(got) != refused {
		t.Errorf("%g requests are counted, want %d", got, refused)
	}
}

// Errors and redirects are shown by browsers, too.
func TestHeadersOfErrors(t *testing.T) {
	for _, prefix := range []string{"", "/hc"} {
		o := options(&recorder{})
		o.RoutePrefix = prefix
		h := build(t, o).routes()
		for _, request := range []string{
			"GET /", "GET /hc", "GET /hc/", "GET /nope", "GET //x", "GET /../x", "POST /metrics", "DELETE /probe", "OPTIONS /", "GET /hc/probe",
			"GET /hc/probe?name=x", "GET /hc/logs?id=x", "GET /hc/logs?id=7", "GET /hc/api/v1/targets?shard=x", "GET /hc/-/ready",
		} {
			method, path, _ := strings.Cut(request, " ")
			checkHeaders(t, request+" below "+prefix, serve(h, method, path, nil).Result().Header)
		}
	}
}

// The landing page may have its own style, and no other.
func TestStyle(t *testing.T) {
	r := serve(build(t, options(&recorder{})).routes(), http.MethodGet, "/probes", nil)
	text := r.Body.String()
	_, rest, ok := strings.Cut(text, "<style>")
	style, _, ended := strings.Cut(rest, "</style>")
	if !ok || !ended || strings.Count(text, "<style") != 1 || strings.Contains(text, " style=") || strings.Contains(text, "<script") {
		t.Fatalf("the page has something else than one style:\n%s", text)
	}
	hash := sha256.Sum256([]byte(style))
	want := "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	if got := r.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("policy is %q, want %q", got, want)
	}
}
