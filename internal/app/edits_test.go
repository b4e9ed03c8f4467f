package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// put sends JSON.
func put(set func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		set(r)
	}
}

// The names of targets arrive whole, below a prefix as well, and what is refused is a problem there, too.
func TestNamesBelowPrefix(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	names := []string{"https://a.example/x?y=1", "서버 1", "a%b", "a/../b", "a+b;c&d"}
	for _, prefix := range []string{"", "/hc"} {
		var b strings.Builder
		b.WriteString("modules: {http_2xx: {prober: http}}\n" + accessSection("read") + "targets:\n")
		for _, name := range names {
			b.WriteString("  - {name: '" + name + "', url: '" + target.URL + "', environment: DEV}\n")
		}
		o := options(&recorder{})
		o.ConfigFile, o.RoutePrefix = configFile(t, b.String()), prefix
		h := build(t, o).routes()
		for _, name := range names {
			path := prefix + "/api/v1/targets/" + url.PathEscape(name)
			for _, tc := range []struct {
				method, path, body, who string
				want                    int
				text                    string
			}{
				{"GET", path, "", "reader", 200, `"editable":false`},
				{"GET", path + "/mute", "", "reader", 404, "has no mute"},
				{"PUT", path + "/mute", `{"duration":"2h"}`, "reader", 403, "docs/api.md#forbidden"},
				{"PUT", path, `{"url":"http://x.example/"}`, "operator", 403, "docs/api.md#forbidden"},
				{"PUT", path, `{"url":"http://x.example/"}`, "nobody", 401, "docs/api.md#unauthenticated"},
				{"PUT", path + "/mute", `{"duration":"soon"}`, "devop", 422, "/duration"},
				{"PUT", path + "/nothing", `{}`, "devop", 404, ""},
				{"POST", path, `{}`, "devop", 405, ""},
			} {
				w := (call{tc.method, tc.path, tc.body, put(bearer(tokenOf(tc.who)))}).do(t, h)
				if w.Code != tc.want || !strings.Contains(w.Body.String(), tc.text) {
					t.Errorf("%s %s: %d, want %d with %q: %s", tc.method, tc.path, w.Code, tc.want, tc.text, w.Body)
				}
				if allow := w.Header().Get("Allow"); tc.want == 405 && allow != "DELETE, GET, HEAD, PATCH, PUT" {
					t.Errorf("%s %s: Allow is %q", tc.method, tc.path, allow)
				}
			}
		}
		if w := (call{"POST", prefix + "/api/v1/targets/" + url.PathEscape(names[0]) + "/probe", "", bearer(tokenOf("devop"))}).do(t, h); w.Code != 200 || !strings.Contains(w.Body.String(), `"success":true`) {
			t.Errorf("a probe below %q is answered %d: %s", prefix, w.Code, w.Body)
		}
	}
}

// Whoever is limited to DEV operates there alone, and many at once are refused as a whole.
func TestOperateInEnvironments(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection("read"), 1))
	h := build(t, o).routes()
	for _, tc := range []struct {
		method, path, body string
		refused            string
	}{
		{"PUT", "/api/v1/targets/shop/mute", `{"duration":"2h"}`, ""},
		{"PUT", "/api/v1/targets/bank/mute", `{"duration":"2h"}`, "bank is in LIVE"},
		{"PUT", "/api/v1/targets/attic/maintenance", `{"duration":"2h"}`, "attic is in UNKNOWN"},
		{"DELETE", "/api/v1/targets/shop/mute", "", ""},
		{"DELETE", "/api/v1/targets/bank/maintenance", "", "bank is in LIVE"},
		{"POST", "/api/v1/targets/shop/probe", "", ""},
		{"POST", "/api/v1/targets/bank/probe", "", "bank is in LIVE"},
		{"PUT", "/api/v1/mutes?environment=DEV", `{"duration":"2h","expect":3}`, ""},
		{"PUT", "/api/v1/mutes?q=shop", `{"duration":"2h","expect":3}`, ""},
		{"PUT", "/api/v1/mutes?environment=DEV&environment=LIVE", `{"duration":"2h","expect":4}`, "bank is in LIVE"},
		{"PUT", "/api/v1/maintenances", `{"duration":"2h","expect":5}`, "attic is in UNKNOWN"},
		{"DELETE", "/api/v1/mutes?environment=DEV&expect=3", "", ""},
		{"DELETE", "/api/v1/mutes?name=shop&name=bank&expect=2", "", "bank is in LIVE"},
	} {
		for _, who := range []string{"devop", "deved"} {
			w := (call{tc.method, tc.path, tc.body, put(bearer(tokenOf(who)))}).do(t, h)
			if refused := w.Code == http.StatusForbidden; refused != (tc.refused != "") || !strings.Contains(w.Body.String(), tc.refused) {
				t.Errorf("%s %s by %s is answered %d, want it refused: %q: %s", tc.method, tc.path, who, w.Code, tc.refused, w.Body)
			}
		}
	}
}

// A page of another site changes nothing, whoever looks at it; a program does.
func TestCrossSiteEdits(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection("read"), 1))
	h := build(t, o).routes()
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		for _, site := range []string{"cross-site", "same-site", "", "same-origin"} {
			w := (call{method, "/api/v1/targets/shop", "", func(r *http.Request) {
				bearer(tokenOf("deved"))(r)
				if site != "" {
					r.Header.Set("Sec-Fetch-Site", site)
				}
			}}).do(t, h)
			if refused := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "another site"); refused != strings.HasSuffix(site, "-site") {
				t.Errorf("%s from %q is answered %d: %s", method, site, w.Code, w.Body)
			}
		}
	}
}

// A running exporter is edited: whoever is limited to DEV edits there alone, as a target is before and after, and names arrive whole.
func TestEditInEnvironments(t *testing.T) {
	const live, dev = `{"url":"http://127.0.0.1:1/x","environment":"LIVE"}`, `{"url":"http://127.0.0.1:1/x","environment":"DEV"}`
	for _, prefix := range []string{"", "/hc"} {
		o := options(&recorder{})
		o.RoutePrefix = prefix
		o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection("read"), 1))
		h := build(t, o).routes()
		deved := put(bearer(tokenOf("deved")))
		editor := put(func(r *http.Request) { r.Header.Set("Remote-User", "editor"); r.RemoteAddr = "127.0.0.9:1" })
		whatever := func(set func(*http.Request)) func(*http.Request) {
			return func(r *http.Request) { set(r); r.Header.Set("If-Match", "*") }
		}
		name := "/api/v1/targets/" + url.PathEscape("https://a.example/서버 1?x=a%b")
		for _, tc := range []struct {
			name, method, path, body string
			set                      func(*http.Request)
			want                     int
			text                     string
		}{
			{"a new one there", "PUT", name, live, deved, 403, "deved may edit targets of DEV"},
			{"a new one nowhere", "PUT", name, `{"url":"http://127.0.0.1:1/x"}`, deved, 403, "is in UNKNOWN"},
			{"a new one here", "PUT", name, dev, deved, 201, `"environment":"DEV"`},
			{"it is shown", "GET", name, "", deved, 200, `"name":"https://a.example/서버 1?x=a%b"`},
			{"away from here", "PATCH", name, `{"environment":"LIVE"}`, whatever(deved), 403, "is in LIVE"},
			{"away from here by another", "PATCH", name, `{"environment":"LIVE"}`, whatever(editor), 200, `"environment":"LIVE"`},
			{"back again", "PUT", name, dev, whatever(deved), 403, "is in LIVE"},
			{"removed there", "DELETE", name, "", whatever(deved), 403, "is in LIVE"},
			{"many", "PUT", "/api/v1/managed", `{"targets":[{"name":"a","url":"http://127.0.0.1:1/","environment":"DEV"},{"name":"b","url":"http://127.0.0.1:1/","environment":"LIVE"}]}`, deved, 403, "forbidden"},
			{"none of them is kept", "GET", "/api/v1/targets/a", "", deved, 404, ""},
			{"of the configuration", "PUT", "/api/v1/targets/shop", dev, whatever(editor), 409, "owned_elsewhere"},
			{"removed by another", "DELETE", name, "", whatever(editor), 204, ""},
		} {
			w := (call{tc.method, prefix + tc.path, tc.body, tc.set}).do(t, h)
			if w.Code != tc.want || !strings.Contains(w.Body.String(), tc.text) {
				t.Errorf("%s below %q: %d, want %d with %q: %s", tc.name, prefix, w.Code, tc.want, tc.text, w.Body)
			}
			if location := w.Header().Get("Location"); w.Code == http.StatusCreated && location != prefix+name {
				t.Errorf("Location is %q, want %q", location, prefix+name)
			}
		}
	}
}

// Whoever changes a target that a restart service checks changes what is restarted, and so has to be let into the environments of
// that service as well.
func TestEditWhatServicesCheck(t *testing.T) {
	const dev = `{"url":"http://127.0.0.1:1/x","environment":"DEV"}`
	o := options(&recorder{})
	inventory, _, _ := strings.Cut(estate, "ACCESS")
	o.ConfigFile = configFile(t, inventory+accessSection("read")+`
restart:
  mode: observe
  receiver: {bearer_token: s3cret}
  services:
    - {name: nowhere, checks: [{target: lost}], command: {argv: [/bin/true, 1]}}
    - {name: live, environment: LIVE, checks: [{target: probed}], command: {argv: [/bin/true, 2]}}
    - {name: dev, environment: DEV, checks: [{target: own}], command: {argv: [/bin/true, 3]}}
    - {name: both, checks: [{target: bank}, {target: helper}], command: {argv: [/bin/true, 4]}}
    - {name: derived, checks: [{target: derived}], command: {argv: [/bin/true, 5]}}
`)
	h := build(t, o).routes()
	deved := put(bearer(tokenOf("deved")))
	editor := put(func(r *http.Request) { r.Header.Set("Remote-User", "editor"); r.RemoteAddr = "127.0.0.9:1" })
	for _, tc := range []struct {
		name, method, path, body string
		set                      func(*http.Request)
		want                     int
	}{
		{"of a service that is nowhere", "PUT", "targets/lost", dev, deved, 403},
		{"of a service elsewhere", "PUT", "targets/probed", dev, deved, 403},
		{"of a service here", "PUT", "targets/own", dev, deved, 201},
		{"of one that checks others elsewhere", "PUT", "targets/helper", dev, deved, 403},
		{"with others", "PUT", "managed", `{"targets":[{"name":"probed","url":"http://127.0.0.1:1/","environment":"DEV"}]}`, deved, 403},
		{"by another", "PUT", "targets/probed", dev, editor, 201},
		{"by another, beside one elsewhere", "PUT", "targets/helper", dev, editor, 201},
		{"by another, for one that is where its target is", "PUT", "targets/derived", dev, editor, 201},
		{"changed", "PATCH", "targets/probed", `{"url":"http://127.0.0.1:1/y"}`, deved, 403},
		{"changed beside one elsewhere", "PATCH", "targets/helper", `{"url":"http://127.0.0.1:1/y"}`, deved, 403},
		{"changed where the service is", "PATCH", "targets/derived", `{"url":"http://127.0.0.1:1/y"}`, deved, 200},
		{"removed", "DELETE", "targets/probed?force=true", "", deved, 403},
		{"removed where the service is", "DELETE", "targets/derived?force=true", "", deved, 204},
	} {
		w := (call{tc.method, "/api/v1/" + tc.path, tc.body, func(r *http.Request) {
			tc.set(r)
			if tc.method != "PUT" {
				r.Header.Set("If-Match", "*")
			}
		}}).do(t, h)
		if w.Code != tc.want {
			t.Errorf("%s: %d, want %d: %s", tc.name, w.Code, tc.want, w.Body)
		}
	}
}

// A maintenance holds the services that check the target, and ends their lock-outs: whoever begins or ends it has to be let into
// their environments as well. A mute does nothing to them.
func TestMaintainWhatServicesCheck(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection("read"), 1))
	h := build(t, o).routes()
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", "targets/shop/maintenance", `{"duration":"2h"}`, 200},
		{"DELETE", "targets/shop/maintenance", "", 204},
		{"PUT", "targets/shop3/maintenance", `{"duration":"2h"}`, 403},
		{"DELETE", "targets/shop3/maintenance", "", 403},
		{"PUT", "maintenances?environment=DEV", `{"duration":"2h","expect":3}`, 403},
		{"PUT", "targets/shop3/mute", `{"duration":"2h"}`, 200},
	} {
		if w := (call{tc.method, "/api/v1/" + tc.path, tc.body, put(bearer(tokenOf("devop")))}).do(t, h); w.Code != tc.want {
			t.Errorf("%s %s: %d, want %d: %s", tc.method, tc.path, w.Code, tc.want, w.Body)
		}
	}
}
