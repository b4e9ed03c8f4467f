package importer

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// An answer is what the target of a test answers.
type answer struct {
	status int
	body   string
	header string // X-State; empty: it has none
}

// request is what the target of a test was asked.
type request struct {
	method, body string
	header       http.Header
	host         string
}

// A subject is the target of a test.
type subject struct {
	answer  atomic.Pointer[answer]
	request atomic.Pointer[request]
}

func (s *subject) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		s.converse(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.request.Store(&request{r.Method, string(body), r.Header, r.Host})
	a := s.answer.Load()
	if r.URL.Path == "/redirect" {
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusFound)
		return
	}
	if a.header != "" {
		w.Header().Set("X-State", a.header)
	}
	if r.URL.Path == "/token" {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "for %s", "token_type": "Bearer"}`, form.Get("audience"))
		return
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// converse answers a message, or says hello, by what the answer has.
func (s *subject) converse(w http.ResponseWriter, r *http.Request) {
	u := websocket.Upgrader{Subprotocols: []string{"v1"}, CheckOrigin: func(*http.Request) bool { return true }}
	c, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	a := s.answer.Load()
	if a.status != 0 { // it says nothing unasked
		_, said, err := c.ReadMessage()
		if err != nil {
			return
		}
		s.request.Store(&request{body: string(said), header: r.Header})
	}
	_ = c.WriteMessage(websocket.TextMessage, []byte(a.body))
	_, _, _ = c.ReadMessage()
}

// importText imports a text of a format.
func importText(t *testing.T, im *Importer, format, text string) {
	t.Helper()
	if err := takers(im)[format](format, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// probeOnly probes the one target that was imported.
func probeOnly(t *testing.T, im *Importer) prober.Result {
	t.Helper()
	c := imported(t, im)
	if len(c.Targets) != 1 {
		t.Fatalf("got %d targets, want 1; dropped %q", len(c.Targets), im.Dropped())
	}
	target := &c.Targets[0]
	m := c.Modules[target.Module]
	p, err := prober.New(target.Overlay(m), c.TargetRules)
	if err != nil {
		t.Fatal(err)
	}
	u, err := prober.ParseTarget(target.URL, m.Prober)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), min(time.Duration(target.Timeout), 5*time.Second))
	defer cancel()
	return p.Probe(ctx, prober.Request{URL: u})
}

// oneEndpoint is a configuration of Gatus with one endpoint, which has more keys. The next two are the same for the others.
func oneEndpoint(address, more string) string {
	return "endpoints:\n  - {name: a, url: '" + address + "', " + more + "}\n"
}

func oneMonitor(address, more string) string {
	return `{"monitorList": [{"id": 1, "name": "a", "interval": 60, "url": "` + address + `", ` + more + `}]}`
}

func oneSite(address, more string) string {
	return "sites:\n  - {name: a, url: '" + address + "', " + more + "}\n"
}

// What was imported is up and down as it was where it comes from.
func TestMonitorsMeanTheSame(t *testing.T) {
	s := &subject{}
	server := httptest.NewServer(s)
	defer server.Close()
	secure := httptest.NewUnstartedServer(s)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	defer secure.Close()
	conditions := func(all string) string { return oneEndpoint(server.URL, "conditions: ["+all+"]") }
	ws := "ws" + strings.TrimPrefix(server.URL, "http")
	ok := answer{status: 200}
	for _, tt := range []struct {
		name, format, text string
		up, down           []answer
	}{
		{"a status", "gatus", conditions(`"[STATUS] == 200"`), []answer{ok}, []answer{{status: 201}, {status: 404}}},
		{"a status from right to left", "gatus", conditions(`"300 > [STATUS]"`), []answer{ok, {status: 299}}, []answer{{status: 300}, {status: 500}}},
		{"several status codes", "gatus", conditions(`"[STATUS] == any(200, 429)"`), []answer{ok, {status: 429}}, []answer{{status: 204}}},
		{"not a status", "gatus", conditions(`"[STATUS] != 500"`), []answer{ok, {status: 404}}, []answer{{status: 500}}},
		{"a pattern of status codes", "gatus", conditions(`"[STATUS] == pat(2*)"`), []answer{ok, {status: 226}}, []answer{{status: 302}}},
		{"two conditions on the status", "gatus", conditions(`"[STATUS] >= 200", "[STATUS] < 400"`), []answer{ok, {status: 399}}, []answer{{status: 400}}},
		{"any answer", "gatus", conditions(`"[CONNECTED] == true"`), []answer{ok, {status: 500}, {status: 999}}, nil},
		{"a pattern of the body", "gatus", conditions(`"[BODY] == pat(*all is well*)"`), []answer{{200, "so: all is well\n", ""}}, []answer{{200, "all was well", ""}}},
		{"a pattern in Korean", "gatus", conditions(`"[BODY] == pat(*\\정상?작동*)"`), []answer{{200, "서버 정상 작동 중", ""}}, []answer{{200, "서버 정상작동", ""}, {200, "down", ""}}},
		{"the whole body", "gatus", conditions(`"[BODY] == OK"`), []answer{{200, " OK\n", ""}}, []answer{{200, "NOT OK", ""}, {200, "OK?", ""}}},
		{"not the body", "gatus", conditions(`"[BODY] != pat(*error*)"`), []answer{{200, "fine", ""}, ok}, []answer{{200, "an error", ""}}},
		{"a body at all", "gatus", conditions(`"has([BODY]) == true"`), []answer{{200, "x", ""}}, []answer{{200, " \n", ""}}},
		{"one of two bodies", "gatus", conditions(`"[BODY] == any(UP, OK)"`), []answer{{200, "UP", ""}, {200, "OK", ""}}, []answer{{200, "DOWN", ""}}},
		{"a value", "gatus", conditions(`"[BODY].status == UP"`), []answer{{200, `{"status": "UP"}`, ""}}, []answer{{200, `{"status": "DOWN"}`, ""}, {200, `{}`, ""}, {200, `UP`, ""}}},
		{"a number", "gatus", conditions(`"[BODY].n == 5"`), []answer{{200, `{"n": 5}`, ""}, {200, `{"n": "5"}`, ""}}, []answer{{200, `{"n": 6}`, ""}}},
		{"a bool", "gatus", conditions(`"[BODY].ok == true"`), []answer{{200, `{"ok": true}`, ""}}, []answer{{200, `{"ok": false}`, ""}}},
		{"a number to compare with", "gatus", conditions(`"[BODY].lag < 10"`), []answer{{200, `{"lag": 9.5}`, ""}}, []answer{{200, `{"lag": 10}`, ""}}},
		{"an index", "gatus", conditions(`"[BODY].data[1].id == x"`), []answer{{200, `{"data": [{}, {"id": "x"}]}`, ""}}, []answer{{200, `{"data": [{"id": "x"}]}`, ""}}},
		{"an index of the body", "gatus", conditions(`"[BODY][0].id == 1"`), []answer{{200, `[{"id": 1}]`, ""}}, []answer{{200, `[]`, ""}}},
		{"not a value", "gatus", conditions(`"[BODY].state != down"`), []answer{{200, `{"state": "up"}`, ""}, {200, `{}`, ""}}, []answer{{200, `{"state": "down"}`, ""}}},
		{"a pattern of a value", "gatus", conditions(`"[BODY].name == pat(jo*n)"`), []answer{{200, `{"name": "john"}`, ""}}, []answer{{200, `{"name": "jo"}`, ""}}},
		{"one of two values", "gatus", conditions(`"[BODY].s == any(a, 5)"`), []answer{{200, `{"s": "a"}`, ""}, {200, `{"s": 5}`, ""}}, []answer{{200, `{"s": "b"}`, ""}}},
		{"an empty list", "gatus", conditions(`"[BODY].errors == []"`), []answer{{200, `{"errors": []}`, ""}}, []answer{{200, `{"errors": ["x"]}`, ""}, {200, `{}`, ""}}},
		{"not an empty object", "gatus", conditions(`"[BODY].a != {}"`), []answer{{200, `{"a": {"b": 1}}`, ""}}, []answer{{200, `{"a": {}}`, ""}}},
		{"how many", "gatus", conditions(`"len([BODY].users) > 1"`), []answer{{200, `{"users": [1, 2]}`, ""}}, []answer{{200, `{"users": [1]}`, ""}}},
		{"that something is there", "gatus", conditions(`"has([BODY].errors) == false"`), []answer{{200, `{}`, ""}}, []answer{{200, `{"errors": [1]}`, ""}}},
		{"a key that is not a word", "gatus", conditions(`"[BODY].a-b.in == x"`), []answer{{200, `{"a-b": {"in": "x"}}`, ""}}, []answer{{200, `{"a-b": {}}`, ""}}},
		{"a number in a key that is not a word", "gatus", conditions(`"[BODY].a-b < 10", "[BODY].a-b == pat(9*)"`), []answer{{200, `{"a-b": 9}`, ""}, {200, `{"a-b": "9"}`, ""}}, []answer{{200, `{"a-b": 99}`, ""}, {200, `{"a-b": 8}`, ""}}},
		{"a header", "gatus", conditions(`"[HEADER].X-State == up"`), []answer{{200, "", "up"}}, []answer{{200, "", "upper"}, ok}},
		{"not a header", "gatus", conditions(`"[HEADER].X-State != down"`), []answer{{200, "", "up"}, ok}, []answer{{200, "", "down"}}},
		{"redirects", "gatus", oneEndpoint(server.URL+"/redirect", `conditions: ["[STATUS] == 200"]`), []answer{ok}, []answer{{status: 500}}},
		{"no redirects", "gatus", oneEndpoint(server.URL+"/redirect", `client: {ignore-redirect: true}, conditions: ["[STATUS] == 302"]`), []answer{ok, {status: 500}}, nil},
		{"an unknown certificate", "gatus", oneEndpoint(secure.URL, `conditions: ["[STATUS] == 200"]`), nil, []answer{ok}},
		{"an unknown certificate that is accepted", "gatus", oneEndpoint(secure.URL, `client: {insecure: true}, conditions: ["[STATUS] == 200"]`), []answer{ok}, nil},
		{
			"a token by an unknown certificate that is accepted", "gatus",
			oneEndpoint(server.URL, `client: {insecure: true, oauth2: {client-id: i, client-secret: s, scopes: [x], token-url: '`+secure.URL+`/token'}}, conditions: ["[STATUS] == 200"]`),
			[]answer{ok},
			nil,
		},
		{
			"a token by an unknown certificate", "gatus",
			oneEndpoint(server.URL, `client: {oauth2: {client-id: i, client-secret: s, scopes: [x], token-url: '`+secure.URL+`/token'}}, conditions: ["[STATUS] == 200"]`),
			nil,
			[]answer{ok},
		},
		{"a message", "gatus", oneEndpoint(ws, `body: hi, conditions: ["[CONNECTED] == true", "[BODY] == pat(hello*)"]`), []answer{{1, "hello you", ""}}, []answer{{1, "go away", ""}}},
		{"JSON in a message", "gatus", oneEndpoint(ws, `body: hi, conditions: ["[BODY].ok == true"]`), []answer{{1, `{"ok": true}`, ""}}, []answer{{1, `{"ok": false}`, ""}}},
		{"any message", "gatus", oneEndpoint(ws, `conditions: ["[CONNECTED] == true"]`), []answer{{0, "", ""}, {0, "x\ny", ""}}, nil},

		{"accepted codes", "kuma", oneMonitor(server.URL, `"type": "http", "accepted_statuscodes": ["200-299", "404"]`), []answer{ok, {status: 299}, {status: 404}}, []answer{{status: 403}, {status: 500}}},
		{"a keyword", "kuma", oneMonitor(server.URL, `"type": "keyword", "accepted_statuscodes": ["200-299"], "keyword": "all (is) well."`), []answer{{200, "yes: all (is) well.", ""}}, []answer{{200, "all is well", ""}, {500, "all (is) well.", ""}}},
		{"a keyword that must be missing", "kuma", oneMonitor(server.URL, `"type": "keyword", "accepted_statuscodes": ["200-299"], "keyword": "error", "invertKeyword": true`), []answer{{200, "fine", ""}, ok}, []answer{{200, "an error", ""}}},
		{"a keyword of JSON", "kuma", oneMonitor(server.URL, `"type": "keyword", "accepted_statuscodes": ["200-299"], "keyword": "\"a\":{\"b\":[1,2]}"`), []answer{{200, `{"a":{"b":[1,2]}}`, ""}, {200, "{ \"a\": {\n\"b\": [ 1, 2 ] } }", ""}}, []answer{{200, `{"a":{"b":[1,3]}}`, ""}}},
		{"a JSON query", "kuma", oneMonitor(server.URL, `"type": "json-query", "accepted_statuscodes": ["200-299"], "jsonPath": "$.a[0].state", "expectedValue": "up"`), []answer{{200, `{"a": [{"state": "up"}]}`, ""}}, []answer{{200, `{"a": [{"state": "down"}]}`, ""}, {200, `{}`, ""}}},
		{"a JSON query of a number", "kuma", oneMonitor(server.URL, `"type": "json-query", "accepted_statuscodes": ["200-299"], "jsonPath": "load", "jsonPathOperator": "<", "expectedValue": "2.5"`), []answer{{200, `{"load": 2}`, ""}}, []answer{{200, `{"load": 2.5}`, ""}}},
		{"a JSON query of another value", "kuma", oneMonitor(server.URL, "\"type\": \"json-query\", \"accepted_statuscodes\": [\"200-299\"], \"jsonPath\": \"`a-b`\", \"jsonPathOperator\": \"!=\", \"expectedValue\": \"1\""), []answer{{200, `{"a-b": 2}`, ""}, {200, `{"a-b": "x"}`, ""}, {200, `{"a-b": false}`, ""}}, []answer{{200, `{"a-b": 1}`, ""}, {200, `{}`, ""}, {200, `{"a-b": null}`, ""}, {200, `{"a-b": {}}`, ""}, {200, `{"a-b": []}`, ""}}},
		{"a JSON query of a part of a number", "kuma", oneMonitor(server.URL, "\"type\": \"json-query\", \"accepted_statuscodes\": [\"200-299\"], \"jsonPath\": \"`a-b`\", \"jsonPathOperator\": \"contains\", \"expectedValue\": \"1.\""), []answer{{200, `{"a-b": 1.5}`, ""}}, []answer{{200, `{"a-b": 2.5}`, ""}}},
		{"a JSON query of a part", "kuma", oneMonitor(server.URL, `"type": "json-query", "accepted_statuscodes": ["200-299"], "jsonPath": "$.v", "jsonPathOperator": "contains", "expectedValue": "1."`), []answer{{200, `{"v": "v1.2"}`, ""}}, []answer{{200, `{"v": "v2"}`, ""}}},
		{"no redirects there", "kuma", oneMonitor(server.URL+"/redirect", `"type": "http", "accepted_statuscodes": ["200-299"], "maxredirects": 0`), nil, []answer{ok}},
		{"redirects there", "kuma", oneMonitor(server.URL+"/redirect", `"type": "http", "accepted_statuscodes": ["200-299"], "maxredirects": 10`), []answer{ok}, []answer{{status: 500}}},
		{"any certificate", "kuma", oneMonitor(secure.URL, `"type": "http", "accepted_statuscodes": ["200-299"], "ignoreTls": true`), []answer{ok}, nil},
		{"a good certificate", "kuma", oneMonitor(secure.URL, `"type": "http", "accepted_statuscodes": ["200-299"], "ignoreTls": false`), nil, []answer{ok}},
		{"a WebSocket", "kuma", oneMonitor(ws, `"type": "websocket-upgrade", "accepted_statuscodes": ["1000"], "wsSubprotocol": "v1"`), []answer{{0, "", ""}}, nil},
		{"a WebSocket with another subprotocol", "kuma", oneMonitor(ws, `"type": "websocket-upgrade", "accepted_statuscodes": ["1000"], "wsSubprotocol": "v2"`), nil, []answer{{0, "", ""}}},

		{"the codes of Upptime", "upptime", oneSite(server.URL, "method: GET"), []answer{ok, {status: 208}, {status: 226}, {status: 308}}, []answer{{status: 209}, {status: 404}, {status: 500}}},
		{"codes of a site", "upptime", oneSite(server.URL, "expectedStatusCodes: [200, 418]"), []answer{ok, {status: 418}}, []answer{{status: 201}}},
		{"a text that must be missing", "upptime", oneSite(server.URL, "__dangerous__body_down: 'a (bad) day'"), []answer{{200, "a good day", ""}}, []answer{{200, "it is a (bad) day", ""}}},
		{"a text that must be there", "upptime", oneSite(server.URL, "__dangerous__body_down_if_text_missing: good"), []answer{{200, "a good day", ""}}, []answer{ok}},
		{"a text with a dollar", "upptime", oneSite(server.URL, "__dangerous__body_down_if_text_missing: costs $API_PRICE"), []answer{{200, "it costs $API_PRICE", ""}}, []answer{{200, "it costs hunter2", ""}}},
		{"a certificate", "upptime", oneSite(secure.URL, "method: GET"), nil, []answer{ok}},
		{"an insecure site", "upptime", oneSite(secure.URL, "__dangerous__insecure: true"), []answer{ok}, nil},
		{"no redirects of a site", "upptime", oneSite(server.URL+"/redirect", "maxRedirects: 0, expectedStatusCodes: [302]"), []answer{ok}, nil},
		{"a WebSocket of a site", "upptime", oneSite(ws, "check: ws, body: hi"), []answer{{1, "", ""}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL, Env: secrets})
			importText(t, im, tt.format, tt.text)
			for want, answers := range map[bool][]answer{true: tt.up, false: tt.down} {
				for _, a := range answers {
					s.answer.Store(&a)
					if r := probeOnly(t, im); r.Success() != want {
						t.Errorf("%+v: up %t, want %t: %v", a, r.Success(), want, r.Err)
					}
				}
			}
		})
	}
}

// What was imported asks as it was asked where it comes from.
func TestMonitorsAskTheSame(t *testing.T) {
	s := &subject{}
	s.answer.Store(&answer{status: 200})
	server := httptest.NewServer(s)
	defer server.Close()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:canary"))
	for _, tt := range []struct {
		name, format, text string
		method, body, host string
		headers            map[string]string
	}{
		{
			"a body", "gatus", oneEndpoint(server.URL, `method: put, body: "[ENDPOINT_NAME] of [ENDPOINT_GROUP]", group: g, headers: {X-A: b, Host: h.example.com}, conditions: ["[STATUS] == 200"]`),
			"PUT", "a of g", "h.example.com",
			map[string]string{"X-A": "b"},
		},
		{
			"GraphQL", "gatus", oneEndpoint(server.URL, `method: POST, graphql: true, body: '{ a(b: "c") }', conditions: ["[STATUS] == 200"]`),
			"POST", `{"query":"{ a(b: \"c\") }"}`, "",
			map[string]string{"Content-Type": "application/json"},
		},
		{
			"a variable", "gatus", oneEndpoint(server.URL, `headers: {X-A: "${NAME} costs 5$$", Authorization: "Bearer ${TOKEN}"}, conditions: ["[STATUS] == 200"]`),
			"GET", "", "",
			map[string]string{"X-A": "value costs 5$", "Authorization": "Bearer canary-token"},
		},
		{
			"variables between braces", "gatus", oneEndpoint(server.URL, `headers: {X-A: ${NAME}, X-B: $${NAME}}, conditions: ["[STATUS] == 200"]`),
			"GET", "", "",
			map[string]string{"X-A": "value", "X-B": "${NAME}"},
		},
		{
			"JSON", "kuma", oneMonitor(server.URL, `"type": "http", "method": "POST", "body": "{\"a\": 1}", "headers": "{\"X-A\": \"b\", \"X-N\": 7}", "accepted_statuscodes": ["200-299"]`),
			"POST", `{"a": 1}`, "",
			map[string]string{"X-A": "b", "X-N": "7", "Content-Type": "application/json"},
		},
		{
			"a form", "kuma", oneMonitor(server.URL, `"type": "http", "method": "POST", "body": "a=b&c=d", "httpBodyEncoding": "form", "accepted_statuscodes": ["200-299"]`),
			"POST", "a=b&c=d", "",
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		{
			"XML with another content type", "kuma", oneMonitor(server.URL, `"type": "http", "method": "POST", "body": "<a/>", "httpBodyEncoding": "xml", "headers": "{\"content-type\": \"application/soap+xml\"}", "accepted_statuscodes": ["200-299"]`),
			"POST", "<a/>", "",
			map[string]string{"Content-Type": "application/soap+xml"},
		},
		{
			"a password", "kuma", oneMonitor(server.URL, `"type": "http", "authMethod": "basic", "basic_auth_user": "u", "basic_auth_pass": "canary", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": basic},
		},
		{
			"a password before there were methods", "kuma", oneMonitor(server.URL, `"type": "http", "basic_auth_user": "u", "basic_auth_pass": "canary", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": basic},
		},
		{
			"a password that is not in use", "kuma", oneMonitor(server.URL, `"type": "http", "authMethod": null, "basic_auth_user": "u", "basic_auth_pass": "canary", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": ""},
		},
		{
			"a token", "kuma", oneMonitor(server.URL, `"type": "http", "authMethod": "bearer", "bearer_token": "canary-token", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": "Bearer canary-token"},
		},
		{
			"a token for an audience", "kuma", oneMonitor(server.URL, `"type": "http", "authMethod": "oauth2-cc", "oauth_client_id": "i", "oauth_client_secret": "canary", "oauth_token_url": "`+server.URL+`/token", "oauth_audience": "https://api", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": "Bearer for https://api"},
		},
		{
			"a header with a password", "kuma", oneMonitor(server.URL, `"type": "http", "headers": "{\"authorization\": \"`+basic+`\"}", "accepted_statuscodes": ["200-299"]`),
			"GET", "", "",
			map[string]string{"Authorization": basic},
		},
		{
			"a site", "upptime", oneSite(server.URL, `method: post, body: 'k=$NAME', headers: ["X-A: b: c", "Authorization: token $TOKEN"]`),
			"POST", "k=value", "",
			map[string]string{"X-A": "b: c", "Content-Type": "application/x-www-form-urlencoded", "Authorization": "token canary-token"},
		},
		{
			"several headers of one name", "upptime", oneSite(server.URL, `headers: ["X-A: 1", "Cookie: a=b", "x-a: 2", "cookie: c=d", "X-B:"]`),
			"GET", "", "",
			map[string]string{"X-A": "1, 2", "Cookie": "a=b; c=d", "X-B": ""},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, files := range []bool{false, true} {
				dir, kept := t.TempDir(), 0
				o := Options{Mask: prober.MaskURL, Env: func(name string) (string, bool) {
					v, ok := map[string]string{"NAME": "value", "TOKEN": "canary-token"}[name]
					return v, ok
				}}
				if files {
					o.Keep = func(name, secret string) (string, error) {
						kept++
						path := filepath.Join(dir, name)
						return path, os.WriteFile(path, []byte(secret), 0o600)
					}
				}
				im := New(o)
				importText(t, im, tt.format, tt.text)
				if r := probeOnly(t, im); !r.Success() {
					t.Fatal(r.Err)
				}
				got := s.request.Load()
				if got.method != tt.method || got.body != tt.body || tt.host != "" && got.host != tt.host {
					t.Errorf("got %s %q to %s, want %s %q to %s", got.method, got.body, got.host, tt.method, tt.body, tt.host)
				}
				for name, want := range tt.headers {
					if v := got.header.Get(name); v != want || want == "" && got.header.Values(name) != nil {
						t.Errorf("%s: got %q, want %q", name, got.header.Values(name), want)
					}
				}
				said := strings.Join(append(im.Dropped(), im.Changed()...), "\n")
				out, _ := im.YAML()
				if strings.Contains(said, "canary") || files && strings.Contains(string(out), "canary") {
					t.Errorf("a secret is shown: %s\n%s", said, out)
				}
				if secret := strings.Contains(tt.headers["Authorization"], " "); files && secret != (kept == 1) {
					t.Errorf("%d secrets have a file", kept)
				}
			}
		})
	}
}

// What comes over besides the request: times, labels, the environment, names.
func TestMonitorsAreTargets(t *testing.T) {
	for _, tt := range []struct {
		name, format, text string
		want               []config.Target
	}{
		{
			"Gatus", "gatus",
			"endpoints:\n- &a {name: web, group: one, url: 'http://a/', interval: 15s, client: {timeout: 20s}, extra-labels: {environment: LIVE, team: x}, conditions: ['[STATUS] == 200']}\n" +
				"- {<<: *a, group: two, url: 'http://b/', conditions: ['[RESPONSE_TIME] < 300']}\n- {<<: *a, group: '', url: 'http://c/', interval: 10m}\n",
			[]config.Target{
				{Name: "web", URL: "http://a/", Module: "http_200", Environment: "LIVE", Interval: sec(15), Timeout: sec(14.5), Labels: map[string]string{"group": "one", "team": "x"}},
				{Name: "two/web", URL: "http://b/", Module: "http_any", Environment: "LIVE", Interval: sec(15), Timeout: sec(0.3), Labels: map[string]string{"group": "two", "team": "x"}},
				{Name: "web 2", URL: "http://c/", Module: "http_200", Environment: "LIVE", Interval: sec(300), Timeout: sec(20), Labels: map[string]string{"team": "x"}},
			},
		},
		{
			"Uptime Kuma", "kuma",
			"\ufeff" + `{"monitorList": {"10": {"id": 10, "name": "web", "type": "http", "url": "http://b/", "interval": 20, "timeout": 16, "parent": 3, "accepted_statuscodes": ["200-299"]},
			"2": {"id": 2, "name": " web\u0007 ", "type": "http", "url": "http://a/", "interval": 60, "accepted_statuscodes": ["200-299"], "active": 1,
				"tags": [{"name": "environment", "value": "LIVE"}, {"name": "Team Name", "value": "x"}, {"name": "b"}, {"name": "a", "value": ""}, {"name": "job", "value": "y"}]},
			"3": {"id": 3, "name": "inner", "type": "group", "parent": "4", "active": true}, "4": {"id": 4, "name": "outer", "type": "group", "parent": 3},
			"5": {"id": 5, "name": "off", "type": "group", "active": false}, "6": {"id": 6, "name": "in off", "type": "http", "url": "http://c/", "parent": 5, "accepted_statuscodes": ["200-299"]}}}`,
			[]config.Target{
				{Name: "web", URL: "http://a/", Module: "http_2xx", Environment: "LIVE", Interval: sec(60), Timeout: sec(48), Labels: map[string]string{"Team_Name": "x", "tags": "a,b", "tag_job": "y"}},
				{Name: "web 2", URL: "http://b/", Module: "http_2xx", Environment: "UNKNOWN", Interval: sec(20), Timeout: sec(16), Labels: map[string]string{"group": "outer / inner"}},
			},
		},
		{
			"an interval of 0, which is 1s there", "kuma", `[{"id": 1, "name": "a", "type": "http", "url": "http://a/", "interval": 0}]`,
			[]config.Target{{Name: "a", URL: "http://a/", Module: "http_2xx", Environment: "UNKNOWN", Interval: sec(1), Timeout: sec(0.8)}},
		},
		{
			"Upptime", "upptime", "workflowSchedule: {uptime: '*/2 * * * *'}\nsites: [{name: a, url: a.example.com, tags: [x, y]}, {url: 'https://u:canary@b/?k=canary'}]",
			[]config.Target{
				{Name: "a", URL: "http://a.example.com", Module: "http_codes", Environment: "UNKNOWN", Interval: sec(120), Timeout: sec(30), Labels: map[string]string{"tags": "x,y"}},
				{Name: "https://b/?k=***", URL: "https://u:canary@b/?k=canary", Module: "http_codes", Environment: "UNKNOWN", Interval: sec(120), Timeout: sec(30)},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL})
			importText(t, im, tt.format, tt.text)
			var got []config.Target
			for _, one := range imported(t, im).Targets {
				got = append(got, config.Target{Name: one.Name, URL: one.URL, Module: one.Module, Environment: one.Environment, Interval: one.Interval, Timeout: one.Timeout, Labels: one.Labels})
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b config.Target) bool { return cmp.Equal(flat(a), flat(b)) })); diff != "" {
				t.Errorf("targets (-want +got):\n%s\ndropped %q", diff, im.Dropped())
			}
		})
	}
}

func sec(n float64) config.Duration { return config.Duration(n * float64(time.Second)) }

// flat is a target as a text, because it has fields that cannot be compared.
func flat(t config.Target) string { return fmt.Sprintf("%+v", t) }
