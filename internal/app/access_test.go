package app

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// needed has all routes, by what they need.
var needed = map[string]string{
	"GET /-/healthy": "nothing", "GET /-/ready": "nothing",

	"GET /{$}": "read", "GET /live": "read", "GET /targets/{name}": "read", "GET /events": "read", "GET /badge/{file}": "read", "GET /probes": "read",
	"GET /assets/{version}/{file}": "read",

	"GET /add": "edit", "GET /targets/{name}/edit": "edit", "POST /targets": "edit", "POST /targets/{name}": "edit", "POST /targets/{name}/delete": "edit",
	"POST /targets/{name}/mute": "operate", "POST /targets/{name}/unmute": "operate", "POST /targets/{name}/maintenance": "operate",
	"POST /targets/{name}/end-maintenance": "operate", "POST /targets/{name}/probe": "operate",

	"GET /channels": "read", "GET /channels/{name}": "read", "GET /add-channel": "edit", "POST /channels": "edit", "POST /channels/{name}": "edit",
	"POST /channels/{name}/delete": "edit", "POST /channels/{name}/on": "edit", "POST /channels/{name}/off": "edit", "POST /channels/{name}/test": "operate",
	"POST /alertmanager/apply": "edit on all",

	"GET /config": "read", "GET /logs": "read", "GET /metrics": "read", "GET /sd": "read", "GET /probe": "read", "GET /probe/all": "read",
	"GET /api/v1/targets": "read", "GET /api/v1/targets/{name}": "read", "GET /api/v1/events": "read", "GET /api/v1/summary": "read",
	"GET /api/v1/managed": "read", "GET /api/v1/managed/targets": "read", "GET /api/v1/openapi.yaml": "read",
	"GET /api/v1/mutes": "read", "GET /api/v1/maintenances": "read", "GET /api/v1/targets/{name}/mute": "read", "GET /api/v1/targets/{name}/maintenance": "read",

	"PUT /api/v1/targets/{name}/mute": "operate", "DELETE /api/v1/targets/{name}/mute": "operate",
	"PUT /api/v1/targets/{name}/maintenance": "operate", "DELETE /api/v1/targets/{name}/maintenance": "operate",
	"POST /api/v1/targets/{name}/probe": "operate",
	"PUT /api/v1/mutes":                 "operate", "DELETE /api/v1/mutes": "operate on all",
	"PUT /api/v1/maintenances": "operate", "DELETE /api/v1/maintenances": "operate on all",

	"PUT /api/v1/targets/{name}": "edit", "PATCH /api/v1/targets/{name}": "edit", "DELETE /api/v1/targets/{name}": "edit", "PUT /api/v1/managed": "edit",

	"GET /api/v1/channels": "read", "GET /api/v1/channels/{name}": "read", "GET /api/v1/channels/{name}/test": "read",
	"PUT /api/v1/channels/{name}": "edit", "PATCH /api/v1/channels/{name}": "edit", "DELETE /api/v1/channels/{name}": "edit",
	"POST /api/v1/channels/{name}/test": "operate",
	"GET /api/v1/alertmanager":          "read", "GET /api/v1/alertmanager/config": "read", "POST /api/v1/alertmanager/apply": "edit on all",
	"GET /api/v1/alertmanager/bundle": "sync", "POST /api/v1/alertmanager/bundle/result": "sync",

	"POST /-/reload": "maintain", "PUT /-/reload": "maintain",
	"GET /debug/pprof/": "maintain", "GET /debug/pprof/cmdline": "maintain", "GET /debug/pprof/symbol": "maintain",
	"GET /debug/pprof/profile": "maintain", "GET /debug/pprof/trace": "maintain",

	"POST /webhook/alertmanager": "deliver",
	"GET /api/v1/restarts":       "ask", "GET /api/v1/restarts/{service}": "ask", "GET /api/v1/restarts/{service}/explain": "ask",
	"POST /api/v1/restarts/{service}/pause": "order", "POST /api/v1/restarts/{service}/resume": "order", "POST /api/v1/restarts/{service}/unlock": "order",
	"POST /api/v1/restarts/{service}/request": "order", "POST /api/v1/restarts-brake/release": "order",
}

// estate has a service for every way to be in environments.
const estate = `
modules: {http_2xx: {prober: http}}
managed: {targets: true}
targets:
  - {name: shop, url: 'http://127.0.0.1:1/shop', environment: DEV}
  - {name: shop2, url: 'http://127.0.0.1:1/shop2', environment: DEV}
  - {name: bank, url: 'http://127.0.0.1:1/bank', environment: LIVE}
  - {name: shop3, url: 'http://127.0.0.1:1/shop3', environment: DEV}
  - {name: attic, url: 'http://127.0.0.1:1/attic'}
ACCESS
restart:
  mode: observe
  receiver: {bearer_token: s3cret}
  services:
    - {name: dev, checks: [{target: shop}], command: {argv: [/bin/true, dev]}}
    - {name: live, checks: [{target: bank}], command: {argv: [/bin/true, live]}}
    - {name: both, environment: DEV, checks: [{target: shop2}, {url: 'http://127.0.0.1:1/other'}], command: {argv: [/bin/true, both]}}
    - {name: lies, environment: LIVE, checks: [{target: shop3}], command: {argv: [/bin/true, lies]}}
    - {name: homeless, checks: [{target: attic}], command: {argv: [/bin/true, homeless]}}
    - {name: url, environment: DEV, checks: [{url: 'http://127.0.0.1:1/url'}], command: {argv: [/bin/true, url]}}
`

// inDEV is what who is limited to DEV may order.
var inDEV = map[string]bool{"dev": true, "live": false, "both": false, "lies": false, "homeless": false, "url": false, "none": true}

func tokenOf(name string) string { return name + "-6d1f0a93c27be85440f9b3d7a1e6c852" }

// A person is one of those who come.
type person struct {
	name, role string
	limited    bool
	set        func(*http.Request)
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func people() []person {
	all := []person{
		{"anonymous", "", false, func(*http.Request) {}},
		{"a wrong token", "wrong", false, bearer("wrong")},
		{"a wrong password", "wrong", false, func(r *http.Request) { r.SetBasicAuth("reader", "x") }},
		{"another scheme", "wrong", false, func(r *http.Request) { r.Header.Set("Authorization", "Negotiate x") }},
		{"receiver", "receiver", false, bearer("s3cret")},
		{"visitor", "visitor", false, func(r *http.Request) { r.Header.Set("Remote-User", "visitor"); r.RemoteAddr = "127.0.0.9:1" }},
		{"spoofer", "", false, func(r *http.Request) { r.Header.Set("Remote-User", "editor"); r.RemoteAddr = "127.0.0.8:1" }},
		{"editor by proxy", "edit", false, func(r *http.Request) { r.Header.Set("Remote-User", "editor"); r.RemoteAddr = "127.0.0.9:1" }},
	}
	for _, u := range []person{{name: "reader", role: "read"}, {name: "operator", role: "operate"}, {name: "devop", role: "operate", limited: true}, {name: "deved", role: "edit", limited: true}, {name: "syncer", role: "sync"}} {
		u.set = bearer(tokenOf(u.name))
		all = append(all, u)
	}
	return all
}

func accessSection(anonymous string) string {
	var b strings.Builder
	b.WriteString("access:\n  anonymous: " + anonymous + "\n  proxy: {user_header: Remote-User, trusted: [127.0.0.9]}\n  users:\n    - {name: editor, role: edit}\n")
	for _, p := range people() {
		r := &http.Request{Header: http.Header{}}
		p.set(r)
		if r.Header.Get("Authorization") != "Bearer "+tokenOf(p.name) {
			continue // known by something else
		}
		b.WriteString("    - {name: " + p.name + ", role: " + p.role + ", bearer_token: " + tokenOf(p.name))
		if p.limited {
			b.WriteString(", environments: [DEV]")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// allowed is 0 if a person may use a route, or else the status that refuses it.
func allowed(p person, need, service, anonymous string) int {
	refuse := http.StatusForbidden
	if p.role == "" || p.role == "wrong" || p.role == "receiver" {
		refuse = http.StatusUnauthorized
	}
	reads := slices.Contains([]string{"read", "operate", "edit", "visitor"}, p.role) || anonymous == "read" && (p.role == "" || p.role == "receiver")
	operates := p.role == "operate" || p.role == "edit"
	ok := false
	switch need {
	case "nothing":
		ok = true
	case "read":
		ok = reads
	case "maintain", "operate":
		ok = operates
	case "operate on all": // what the request is about is in every environment
		ok = operates && !p.limited
	case "edit":
		ok = p.role == "edit"
	case "edit on all":
		ok = p.role == "edit" && !p.limited
	case "sync":
		ok = p.role == "sync"
	case "deliver": // whoever does not have the receiver's credentials is told so
		ok, refuse = p.role == "receiver", http.StatusUnauthorized
	case "ask":
		ok = p.role == "read" || operates || p.role == "receiver"
	case "order":
		ok = operates && (!p.limited || service != "" && inDEV[service]) || p.role == "receiver"
	}
	if ok {
		return 0
	}
	return refuse
}

// TestAccess tries every route that there is as everybody, for services in every environment.
func TestAccess(t *testing.T) {
	for _, anonymous := range []string{"read", "none"} {
		t.Run(anonymous, func(t *testing.T) {
			o := options(&recorder{})
			o.EnablePprof = true
			o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection(anonymous), 1))
			a := build(t, o)
			a.loadEvery = 0
			run(t, a)
			patterns := map[string]bool{}
			h := a.routes()
			refused := 0
			for _, r := range a.table() {
				patterns[r.pattern] = true
				method, path, _ := strings.Cut(strings.NewReplacer("{$}", "", "{name}", "shop").Replace(r.pattern), " ")
				services := []string{""}
				if strings.Contains(path, "{service}") {
					services = slices.Sorted(maps.Keys(inDEV))
				}
				for _, service := range services {
					for _, p := range people() {
						want := allowed(p, needed[r.pattern], service, anonymous)
						if want == 0 && (strings.HasSuffix(path, "/profile") || strings.HasSuffix(path, "/trace") || path == "/live") {
							continue // it takes seconds, or goes on for ever
						}
						w := (call{method, strings.Replace(path, "{service}", service, 1), "", p.set}).do(t, h)
						checkAnswer(t, p, method+" "+path+" "+service, want, w)
						if want != 0 && !strings.Contains(path, "restarts") && !strings.Contains(path, "webhook") {
							refused++
						}
					}
				}
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(needed)), slices.Sorted(maps.Keys(patterns))); diff != "" {
				t.Errorf("routes (-table +served):\n%s", diff)
			}
			if got := testutil.ToFloat64(a.metrics.refused.WithLabelValues(string(refusedAccess))); int(got) != refused {
				t.Errorf("%g requests are counted, want %d", got, refused)
			}
		})
	}
}

// switchedOff reports whether an answer says that the configuration does not allow something, to whoever asks.
func switchedOff(w *httptest.ResponseRecorder) bool {
	return strings.Contains(w.Body.String(), "#read_only")
}

func checkAnswer(t *testing.T, p person, request string, want int, w *httptest.ResponseRecorder) {
	t.Helper()
	refused := w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden && !switchedOff(w)
	if refused != (want != 0) || refused && w.Code != want {
		t.Errorf("%s by %s is answered %d, want %d (0: let in): %s", request, p.name, w.Code, want, w.Body)
	}
	if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (w.Code == http.StatusUnauthorized) {
		t.Errorf("%s by %s is answered %d with the challenge %q", request, p.name, w.Code, w.Header().Get("WWW-Authenticate"))
	}
	kind := w.Header().Get("Content-Type")
	if problem := strings.Contains(request, " /api/v1/") && !strings.Contains(request, "restarts"); refused && (kind == "application/problem+json") != problem {
		t.Errorf("%s by %s is refused as %q: %s", request, p.name, kind, w.Body)
	}
	if strings.Contains(w.Body.String(), tokenOf("")) {
		t.Errorf("%s by %s has a token:\n%s", request, p.name, w.Body)
	}
}
