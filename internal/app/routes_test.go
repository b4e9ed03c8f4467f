package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestRoutePrefix(t *testing.T) {
	for _, tc := range []struct{ name, externalURL, prefix, want, err string }{
		{"nothing", "", "", "", ""},
		{"root", "", "/", "", ""},
		{"path", "", "/hc", "/hc", ""},
		{"without slash", "", "hc", "/hc", ""},
		{"slash at the end", "", "/hc/", "/hc", ""},
		{"deep", "", "/a/b", "/a/b", ""},
		{"dots", "", "/a/../b", "/b", ""},
		{"above the root", "", "/../..", "", ""},
		{"double slashes", "", "//a//b//", "/a/b", ""},
		{"external URL", "https://example.com/tools/hc/", "", "/tools/hc", ""},
		{"external URL without path", "https://example.com", "", "", ""},
		{"both", "https://example.com/tools", "/x", "/x", ""},
		{"external URL behind a proxy that strips", "https://example.com/tools", "/", "", ""},
		{"no URL", "example.com", "", "", `external URL is "example.com", want http://host/path or https://host/path`},
		{"no host", "http:///hc", "", "", "external URL is"},
		{"another scheme", "ftp://example.com", "", "", "external URL is"},
		{"not parsable", "http://[", "/x", "", "external URL is"},
		{"pattern", "", "/{x}", "", `route prefix is "/{x}", want a path`},
		{"query", "", "/x?y", "", "route prefix is"},
		{"fragment", "", "/x#y", "", "route prefix is"},
		{"space", "", "/x y", "", "route prefix is"},
		{"escape", "", "/x%20y", "", "route prefix is"},
		{"space in the external URL", "http://example.com/x%20y", "", "", `route prefix is "/x y"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := routePrefix(tc.externalURL, tc.prefix)
			if got != tc.want {
				t.Errorf("prefix is %q, want %q", got, tc.want)
			}
			switch {
			case tc.err == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tc.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.err)):
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

// TestRoutes asks for everything that is served, below every kind of prefix, and for some things that are not.
func TestRoutes(t *testing.T) {
	for _, prefix := range []string{"", "/hc", "/a/b"} {
		o := options(&recorder{})
		o.RoutePrefix = prefix
		a := build(t, o)
		a.ready.Store(true)
		plain := a.routes()
		o.EnablePprof = true
		withPprof := build(t, o).routes()
		got, want := map[string]int{}, map[string]int{
			"GET /": 200, "HEAD /": 200, "GET /metrics": 200, "GET /config": 200, "GET /-/healthy": 200, "GET /-/ready": 200,
			"POST /-/reload": 200, "PUT /-/reload": 200, "GET /-/reload": 405, "DELETE /-/reload": 405, "POST /": 405,
			"GET /logs": 400, "GET /logs?id=1": 404, "GET /probe": 400, "POST /probe": 405, "GET /nope": 404, "GET /metrics/": 404,
			"GET /debug/pprof/": 404, "GET /debug/pprof/heap": 404, "GET /debug/pprof/cmdline": 404,
			"pprof GET /debug/pprof/": 200, "pprof GET /debug/pprof/heap": 200, "pprof GET /debug/pprof/cmdline": 200,
			"pprof GET /debug/pprof/symbol": 200,
		}
		for request := range want {
			h := plain
			method, path, _ := strings.Cut(strings.TrimPrefix(request, "pprof "), " ")
			if strings.HasPrefix(request, "pprof ") {
				h = withPprof
			}
			got[request] = serve(h, method, prefix+path, nil).Code
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("status below %q (-want +got):\n%s", prefix, diff)
		}
		if prefix == "" {
			continue
		}
		for path, status := range map[string]int{"/": 302, "/metrics": 404, "/-/healthy": 404, prefix: 307} {
			if r := serve(plain, http.MethodGet, path, nil); r.Code != status {
				t.Errorf("GET %s outside of the prefix %s is %d, want %d", path, prefix, r.Code, status)
			}
		}
		if got := serve(plain, http.MethodGet, "/", nil).Header().Get("Location"); got != prefix+"/" {
			t.Errorf("the root redirects to %q, want %q", got, prefix+"/")
		}
	}
}

func serve(h http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, http.NoBody)
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestCrossOrigin(t *testing.T) {
	for _, tc := range []struct {
		name          string
		header, value string
		want          int
	}{
		{"not a browser", "X-Nothing", "x", http.StatusOK},
		{"this page", "Sec-Fetch-Site", "same-origin", http.StatusOK},
		{"typed by the user", "Sec-Fetch-Site", "none", http.StatusOK},
		{"another site", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"another host of the site", "Sec-Fetch-Site", "same-site", http.StatusForbidden},
		{"an old browser on another site", "Origin", "http://evil.example", http.StatusForbidden},
		{"an old browser here", "Origin", "http://example.com", http.StatusOK}, // the host of httptest
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := &recorder{}
			h := build(t, options(log)).routes()
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				if r := serve(h, method, "/-/reload", http.Header{tc.header: {tc.value}}); r.Code != tc.want {
					t.Errorf("%s is %d, want %d", method, r.Code, tc.want)
				}
			}
			if n := log.count("Loaded the configuration"); (n > 0) != (tc.want == http.StatusOK) {
				t.Errorf("%d loads for status %d", n, tc.want)
			}
		})
	}
}

// A proxy may change the Host and speak plain http to us: the origin of the external URL is ours all the same.
func TestFormsBehindProxy(t *testing.T) {
	for _, tc := range []struct {
		name, external string
		header         http.Header
		want           int
	}{
		{"a form of ours", "https://hc.example/hc", http.Header{"Origin": {"https://hc.example"}}, http.StatusOK},
		{"and a browser that says so", "https://hc.example/hc", http.Header{"Origin": {"https://hc.example"}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusOK},
		{"a program", "https://hc.example/hc", nil, http.StatusOK},
		{"as browsers write it", "HTTPS://HC.example:443/", http.Header{"Origin": {"https://hc.example"}}, http.StatusOK},
		{"another port", "https://hc.example:8443/", http.Header{"Origin": {"https://hc.example:8443"}}, http.StatusOK},
		{"the Host that the proxy sends", "https://hc.example/hc", http.Header{"Origin": {"http://example.com"}}, http.StatusOK},
		{"without TLS", "https://hc.example/hc", http.Header{"Origin": {"http://hc.example"}}, http.StatusForbidden},
		{"another port than ours", "https://hc.example/hc", http.Header{"Origin": {"https://hc.example:8443"}}, http.StatusForbidden},
		{"another site", "https://hc.example/hc", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		{"a page without origin", "https://hc.example/hc", http.Header{"Origin": {"null"}}, http.StatusForbidden},
		{"another site that claims to be ours", "https://hc.example/hc", http.Header{"Origin": {"https://hc.example"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		{"no external URL", "", http.Header{"Origin": {"https://hc.example"}}, http.StatusForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(&recorder{})
			o.ExternalURL, o.RoutePrefix = tc.external, "/"
			if r := serve(build(t, o).routes(), http.MethodPost, "/-/reload", tc.header); r.Code != tc.want {
				t.Errorf("status %d, want %d: %s", r.Code, tc.want, r.Body)
			}
		})
	}
}

// Who may not do something and looks at it with a browser gets a page that says why.
func TestRefusedByPage(t *testing.T) {
	h := build(t, options(&recorder{})).routes()
	r := serve(h, http.MethodPost, "/targets/a%2Fb/mute", http.Header{"Accept": {"text/html,application/xhtml+xml"}})
	for _, want := range []string{"<!doctype html>", "this needs credentials of role operate", `href="../../assets/`} {
		if !strings.Contains(r.Body.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, r.Body)
		}
	}
	if r.Code != http.StatusUnauthorized || r.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("status %d, %v", r.Code, r.Header())
	}
	if r := serve(h, http.MethodPost, "/targets/shop/mute", nil); !strings.HasPrefix(r.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("a program is answered with %q", r.Header().Get("Content-Type"))
	}
}

func TestNotReadyBeforeStart(t *testing.T) {
	h := build(t, options(&recorder{})).routes()
	if r := serve(h, http.MethodGet, "/-/ready", nil); r.Code != http.StatusServiceUnavailable {
		t.Errorf("/-/ready is %d before Start, want 503", r.Code)
	}
	if r := serve(h, http.MethodGet, "/-/healthy", nil); r.Code != http.StatusOK {
		t.Errorf("/-/healthy is %d before Start, want 200", r.Code)
	}
}

// TestLandingIsEscaped has markup in everything that comes from outside.
func TestLandingIsEscaped(t *testing.T) {
	const evil = `<script>alert("x")</script>`
	a := build(t, options(&recorder{}))
	a.history.Add(evil, "http://app.example/"+evil, prober.Result{Reason: evil, Err: errors.New(evil)})
	page := serve(a.routes(), http.MethodGet, "/probes", nil).Body.String()
	if strings.Contains(page, "<script") {
		t.Errorf("the page has a script:\n%s", page)
	}
	if n := strings.Count(page, "&lt;script&gt;"); n != 4 {
		t.Errorf("the page shows %d of 4 texts", n)
	}
}

// TestLogsAfterReload asks for a probe of a module that is gone.
func TestLogsAfterReload(t *testing.T) {
	o := options(&recorder{})
	o.ProbeLogger = slog.New(slog.DiscardHandler)
	a := build(t, o)
	id := a.history.Add("gone", "http://app.example/", prober.Result{Events: []prober.Event{{Message: "Resolved"}}})
	if id != 1 {
		t.Fatalf("id is %d, want 1", id)
	}
	r := serve(a.routes(), http.MethodGet, "/logs?id=1", nil)
	if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), "Resolved") || strings.Contains(r.Body.String(), "Module ") {
		t.Errorf("/logs is %d, want 200 with the events and no module:\n%s", r.Code, r.Body)
	}
}
