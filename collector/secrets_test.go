package collector_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// canary is a part of every secret. It needs no escaping anywhere, so that it shows however a secret is printed,
// but for base64.
const canary = "canary"

// canaries are the forms in which a secret may show: as it is, and in the three alignments of base64.
var canaries = []string{
	canary,
	base64.StdEncoding.EncodeToString([]byte(canary)),
	base64.StdEncoding.EncodeToString([]byte("  " + canary))[3:10],
	base64.StdEncoding.EncodeToString([]byte(" " + canary))[2:9],
}

// secretModules have a secret wherever a module can have one. See newSecretive for the names in capitals.
const secretModules = `modules:
  basic:
    prober: http
    http:
      method: POST
      basic_auth: {username: user, password: canary-password}
      headers: {X-Header: canary-header, Cookie: session=canary-cookie, Accept: text/html}
      http_headers:
        X-Value: {values: [canary-value]}
        X-Secret: {secrets: [canary-secret]}
        X-File: {files: [$FILE]}
      body: password=canary-body
  bearer:
    prober: http
    http:
      bearer_token: canary-bearer
  authorization:
    prober: http
    http:
      authorization: {type: Token, credentials: canary-credentials}
  file:
    prober: http
    http:
      basic_auth: {username: user, password_file: $FILE}
      body_file: $FILE
  proxied:
    prober: http
    http:
      proxy_url: http://user:canary-proxy@$PROXY
      proxy_connect_header: {X-Connect: [canary-connect]}
      headers: {X-Header: canary-header}
  no_proxy:
    prober: http
    http:
      proxy_url: http://user:canary-proxy@$CLOSED
  socks:
    prober: http
    http:
      proxy_url: socks5://user:canary-proxy@$CLOSED
  oauth2:
    prober: http
    http:
      oauth2:
        client_id: probetest
        client_secret: open sesame & more canary-client
        token_url: $TOKEN?key=canary-token-url
        endpoint_params: {resource: canary-param}
        proxy_url: http://user:canary-token-proxy@$PROXY
  retried:
    prober: http
    attempts: 2
    http:
      headers: {X-Header: canary-header}
  strict:
    prober: http
    http:
      headers: {X-Header: canary-header}
      fail_if_header_not_matches: [{header: X-Echo, regexp: nothing}]
  matching:
    prober: http
    http:
      headers: {X-Header: canary-header}
      fail_if_body_matches_regexp: ['.+']
  json:
    prober: http
    http:
      headers: {X-Header: canary-header}
      fail_if_body_json_not_matches_cel: 'body.missing == 1'
  gzip:
    prober: http
    http:
      headers: {X-Header: canary-header}
      compression: gzip
  websocket:
    prober: websocket
    websocket:
      headers: {X-Header: {values: [canary-header], secrets: [canary-secret], files: [$FILE]}}
      http_config: {authorization: {credentials: canary-credentials}}
      query_response:
        - send: canary-send
        - expect: (.*)
          send: 'again $1'
        - send_binary: 63 61 6e 61 72 79 # canary
      ping: true
  websocket_mismatch:
    prober: websocket
    websocket: {query_response: [{send: canary-send}, {expect: nothing}]}
  websocket_json:
    prober: websocket
    websocket: {query_response: [{send: '"canary-send"'}, {expect_json: 'body.x == 1'}]}
  websocket_binary:
    prober: websocket
    websocket: {query_response: [{send: canary-send}, {expect_binary: 00}]}
`

// private is what a server may do with what it was told.
var private = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	code := map[string]int{"/301": http.StatusMovedPermanently, "/307": http.StatusTemporaryRedirect}[r.URL.Path]
	if code == 0 {
		code = http.StatusFound
	}
	switch to := r.URL.Query().Get("to"); {
	case to != "":
		w.Header().Set("Location", to)
		w.Header().Set("Set-Cookie", "session=canary-set-cookie")
		w.WriteHeader(code)
	case r.URL.Path == "/401":
		w.Header().Set("Www-Authenticate", `Basic realm="canary-realm"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("X-Echo", "canary-echo")
		_ = r.Header.Write(w)
		_, _ = io.Copy(w, r.Body)
	}
})

// indiscreet answers as a token endpoint and says more than it should.
func indiscreet(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status == http.StatusOK {
			_, _ = io.WriteString(w, `{"access_token":"canary-token","token_type":"Bearer"}`)
			return
		}
		_, _ = io.WriteString(w, `{"error":"canary-error","error_description":"canary-description"}`)
	}
}

// newSecretive serves secretModules with two addresses and the URL of the token endpoint.
func newSecretive(t *testing.T, proxy, closed, token string) *fixture {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("canary-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return newFixture(t, strings.NewReplacer("$FILE", file, "$PROXY", proxy, "$CLOSED", closed, "$TOKEN", token).Replace(secretModules))
}

// secretTargets are full of secrets, answer with secrets and fail in every phase.
func secretTargets(t *testing.T, closed string) map[string]string {
	t.Helper()
	server := probetest.Serve(t, private)
	secured := probetest.TLSServer(t, probetest.NewCA(t).Issue(t, probetest.Cert{}), private)
	at := func(address, path string) string {
		return "http://user:canary-userinfo@" + strings.TrimPrefix(address, "http://") + path + "token=canary-query&canary-bare"
	}
	to := func(path, location string) string {
		return at(server.URL, path+"?"+url.Values{"to": {location}}.Encode()+"&")
	}
	return map[string]string{
		"success":                    at(server.URL, "/?"),
		"unauthorized":               at(server.URL, "/401?"),
		"refused":                    at(closed, "/?"),
		"not resolved":               at("no..where", "/?"), // No name server needs to be asked.
		"no TLS server":              "https" + strings.TrimPrefix(at(server.URL, "/?"), "http"),
		"untrusted":                  "https" + strings.TrimPrefix(at(secured.Addr, "/?"), "http"),
		"no HTTP server":             at(probetest.NotHTTP(t).URL, "/?"),
		"truncated":                  at(probetest.Truncated(t).URL, "/?"),
		"reset":                      at(probetest.Reset(t).URL, "/?"),
		"closes at once":             at(probetest.CloseAtOnce(t).URL, "/?"),
		"redirect":                   to("/302", "/?token=canary-location#canary-fragment"),
		"permanent redirect":         to("/301", "/?canary-location"),
		"redirect with body":         to("/307", "/?token=canary-location"),
		"redirect with user":         to("/302", at(server.URL, "/?")),
		"redirect to a closed port":  to("/302", at(closed, "/?")),
		"redirect to nowhere":        to("/302", at("no..where", "/?")),
		"redirect to another scheme": to("/302", "ftp://user:canary@h/?token=canary-location"),
		"redirect to no URL":         to("/302", "http://user:canary@h:canary/?token=canary-location"),
		"redirect to a bad escape":   to("/302", "/%zz?token=canary-location"),
		"redirect to no host":        to("/302", "http:///?token=canary-location"),
		"redirect loop":              at(probetest.Redirects(t, 1).URL, "/loop?"),
		"echo":                       at(probetest.WebSocketEcho(t).Addr, "/?"),
		"closes with a reason": at(probetest.WebSocket(t, nil, func(_ context.Context, c *websocket.Conn) {
			_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4401, "canary-reason"))
			_, _, _ = c.ReadMessage()
		}).Addr, "/?"),
	}
}

// TestSecrets probes by modules that are full of secrets, and looks for them in everything that can be seen.
func TestSecrets(t *testing.T) {
	proxy, closed := probetest.Proxy(t), strings.TrimPrefix(closedPort(t), "http://")
	targets := secretTargets(t, closed)
	f := newSecretive(t, proxy.Addr, closed, "http://"+closed)
	for _, module := range []string{
		"basic", "bearer", "authorization", "file", "proxied", "no_proxy", "socks", "retried", "strict", "matching", "json", "gzip", "oauth2",
		"websocket", "websocket_mismatch", "websocket_json", "websocket_binary",
	} {
		for name, target := range targets {
			t.Run(module+" "+name, func(t *testing.T) { wantNoSecrets(t, f, module, target) })
		}
	}
	proxy.Answer(http.StatusProxyAuthRequired)
	for _, name := range []string{"success", "untrusted"} {
		t.Run("proxy refuses "+name, func(t *testing.T) { wantNoSecrets(t, f, "proxied", targets[name]) })
	}
}

func TestSecretsOfOAuth2(t *testing.T) {
	proxy, target := probetest.Proxy(t), "http://"+probetest.Echo(t).Addr+"/?k=canary-query"
	for name, endpoint := range map[string]*probetest.Server{
		"grants":    probetest.Serve(t, indiscreet(http.StatusOK)),
		"refuses":   probetest.Serve(t, indiscreet(http.StatusUnauthorized)),
		"truncates": probetest.Truncated(t),
		"resets":    probetest.Reset(t),
		"is no JSON": probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "canary-token")
		})),
		"redirects": probetest.Serve(t, http.RedirectHandler("/?canary-location", http.StatusTemporaryRedirect)),
	} {
		t.Run(name, func(t *testing.T) {
			wantNoSecrets(t, newSecretive(t, proxy.Addr, "localhost:1", endpoint.URL), "oauth2", target)
		})
	}
}

// TestSecretsOfBadTargets looks for secrets in the answers to targets that cannot be probed.
func TestSecretsOfBadTargets(t *testing.T) {
	f := newFixture(t, hosted)
	for _, target := range []string{
		"http://user:canary@h:canary/?canary", "http://user:canary@/?canary", "gopher://user:canary@h/?canary", "http://user:canary@h/%zz?canary",
		"http://user:canary canary@h/", "http://user:canary@h h/", "http://user:canary@h/\x01", "http://user:%zzcanary@h/", "user:canary@h:canary",
	} {
		for _, q := range []string{query(target), query(target, "debug=true"), query(strings.ReplaceAll(target, "://", "%3A%2F%2F"))} {
			w := f.get(t, strings.ReplaceAll(q, "+", "%20"))
			if w.Code != http.StatusOK {
				t.Errorf("%s: status %d, want 200", q, w.Code)
			}
			wantClean(t, "the history", fmt.Sprintf("%+v", f.last(t)))
			wantClean(t, "answer", w.Body.String())
		}
	}
}

// wantNoSecrets probes with and without debug=true and fails the test if a secret shows.
func wantNoSecrets(t *testing.T, f *fixture, module, target string) {
	t.Helper()
	wantClean(t, "debug output", f.get(t, query(target, "module="+module, "debug=true")).Body.String())
	f.last(t)
	wantClean(t, "exposition", f.get(t, query(target, "module="+module)).Body.String())
	p := f.last(t)
	m, ok := f.handler.Module(module)
	if !ok {
		t.Fatalf("there is no module %q", module)
	}
	var b strings.Builder
	collector.WriteReport(&b, collector.Report{Target: prober.MaskURL(p.Request.URL), Module: &m, Result: p.Result})
	wantInOrder(t, b.String(), "Probe of "+p.Request.URL.Scheme, "Probe ", "probe_success ", "prober: "+m.Config.Prober)
	wantClean(t, "report", b.String())
	if p.Result.Err != nil {
		wantClean(t, "error", p.Result.Err.Error())
		for err := p.Result.Err; err != nil; err = errors.Unwrap(err) {
			wantClean(t, "wrapped error", fmt.Sprintf("%v %+v", err, err))
		}
	}
	wantClean(t, "events", fmt.Sprintf("%v", p.Result.Events))
	if h := p.Result.HTTP; h != nil {
		wantClean(t, "HTTP result", fmt.Sprintf("%+v", *h))
	}
}

func wantClean(t *testing.T, what, text string) {
	t.Helper()
	for _, c := range canaries {
		if i := strings.Index(text, c); i >= 0 {
			t.Errorf("%s has a secret: …%s", what, text[max(0, i-200):min(len(text), i+40)])
			return
		}
	}
}

// TestSecretsAreSent checks that the tests above have something to hide: who is to know the secrets gets them.
func TestSecretsAreSent(t *testing.T) {
	var (
		mu  sync.Mutex // protects the following
		got strings.Builder
	)
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, password, _ := r.BasicAuth()
		fmt.Fprintf(&got, "%s\n%s:%s\n", r.URL, user, password)
		_ = r.Header.Write(&got)
		_, _ = io.Copy(&got, r.Body)
		if r.URL.Path == "/token" {
			indiscreet(http.StatusOK)(w, r)
		}
	}))
	proxy := probetest.Proxy(t)
	f := newSecretive(t, proxy.Addr, "localhost:1", s.URL+"/token")
	for module, secrets := range map[string][]string{
		"basic":         {"user:canary-password", "canary-header", "canary-cookie", "canary-value", "canary-secret", "canary-file", "canary-body", "canary-query"},
		"bearer":        {"Bearer canary-bearer"},
		"authorization": {"Token canary-credentials"},
		"file":          {"user:canary-file", "\ncanary-file"},
		"oauth2":        {"canary-client", "canary-token-url", "canary-param", "Bearer canary-token"},
		"retried":       {"canary-header", "user:canary-userinfo"},
	} {
		t.Run(module, func(t *testing.T) {
			mu.Lock()
			got.Reset()
			mu.Unlock()
			f.get(t, query("http://user:canary-userinfo@"+s.Addr+"/?token=canary-query", "module="+module))
			f.last(t)
			mu.Lock()
			defer mu.Unlock()
			for _, secret := range secrets {
				if !strings.Contains(got.String(), secret) {
					t.Errorf("%q was not sent:\n%s", secret, got.String())
				}
			}
		})
	}
	wantProxySecrets(t, f, proxy)
}

func wantProxySecrets(t *testing.T, f *fixture, proxy *probetest.ProxyServer) {
	t.Helper()
	before := len(proxy.Requests())
	f.get(t, query(closedPort(t), "module=proxied"))
	f.last(t)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:canary-proxy"))
	if all := proxy.Requests()[before:]; len(all) != 1 || all[0].Authorization != want {
		t.Errorf("the proxy was asked %+v, want one request with Proxy-Authorization %s", all, want)
	}
}

// TestSecretsOfTimeouts lets secrets run into deadlines, which have error texts of their own.
func TestSecretsOfTimeouts(t *testing.T) {
	tokens := probetest.OAuth2(t)
	tokens.Hang()
	f := newFixture(t, `modules:
  silent: {prober: http, timeout: 50ms, http: {headers: {X-Header: canary}, body: canary}}
  oauth2: {prober: http, timeout: 50ms, http: {oauth2: {client_id: a, client_secret: canary, token_url: "`+tokens.URL+`?key=canary"}}}
`)
	for module, targets := range map[string][]string{
		"silent": {probetest.Silent(t).URL, probetest.StallMidBody(t).URL, probetest.DripHeaders(t, 10*time.Millisecond).URL, "https://" + probetest.TLSStall(t).Addr},
		"oauth2": {closedPort(t)},
	} {
		for _, target := range targets {
			scheme, rest, _ := strings.Cut(target, "://")
			t.Run(module+" "+scheme, func(t *testing.T) { wantNoSecrets(t, f, module, scheme+"://user:canary@"+rest+"/?k=canary") })
		}
	}
}
