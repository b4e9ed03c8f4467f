package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/loglimit"
)

// A visitor asks over a connection of its own, which stays open.
type visitor struct {
	client http.Client
	base   string
}

// visit makes a visitor of a running exporter that comes from an address. Empty: any.
func visit(t *testing.T, a *App, from string) *visitor {
	t.Helper()
	v := &visitor{base: "http://" + a.Addr().String()}
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	transport := &http.Transport{DialContext: d.DialContext}
	v.client.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return v
}

// A wire is one connection for all requests. A Transport would make another one where a busy machine keeps it from seeing in time
// that a request was written.
type wire struct {
	net.Conn
	answers *bufio.Reader
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(w); err != nil {
		return nil, err
	}
	return http.ReadResponse(w.answers, r)
}

// ask returns the status and the text of an answer.
func (v *visitor) ask(t *testing.T, method, path, body string, set func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	if set != nil {
		set(r)
	}
	w, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, string(text)
}

func password(name, text string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, text) }
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

// webConfig is a web configuration in which the password of everybody is the own name.
func webConfig(t *testing.T, names ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("basic_auth_users:\n")
	for _, name := range names {
		hash, err := bcrypt.GenerateFromPassword([]byte(name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, hash)
	}
	return b.String()
}

const orderOfMallory = `{"duration": "1h", "who": "mallory", "reason": "deploy"}`

// TestAccessBehindBasicAuth has the real basic authentication of the toolkit in front.
func TestAccessBehindBasicAuth(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, web, webConfig(t, "alice", "jo", "prometheus", "am"))
	o := options(&recorder{})
	*o.Web.WebConfigFile = web
	o.ConfigFile = configFile(t, strings.NewReplacer("{bearer_token: s3cret}", "{basic_auth: {username: am, password: am}}", "ACCESS", `
access:
  users:
    - {name: alice, role: edit}
    - {name: jo, role: operate, environments: [DEV]}`).Replace(estate))
	a := started(t, o)
	waitForServices(t, a)
	v := visit(t, a, "")
	const pause = "/api/v1/restarts/dev/pause"
	for _, tc := range []struct {
		name, method, path, body string
		set                      func(*http.Request)
		want                     int
		text                     string
	}{
		{"nobody", "GET", "/-/healthy", "", nil, 401, ""},
		{"a wrong password", "GET", "/metrics", "", password("alice", "x"), 401, ""},
		{"prometheus scrapes", "GET", "/metrics", "", password("prometheus", "prometheus"), 200, "healthcheck_exporter"},
		{"prometheus reloads", "POST", "/-/reload", "", password("prometheus", "prometheus"), 403, "prometheus has role read, and this needs credentials of role operate"},
		{"prometheus asks", "GET", "/api/v1/restarts", "", password("prometheus", "prometheus"), 403, "prometheus is not among access.users"},
		{"prometheus orders", "POST", pause, orderOfMallory, password("prometheus", "prometheus"), 403, "prometheus is not among access.users"},
		{"jo asks", "GET", "/api/v1/restarts/live/explain", "", password("jo", "jo"), 200, `"guards"`},
		{"jo elsewhere", "POST", "/api/v1/restarts/live/pause", orderOfMallory, password("jo", "jo"), 403, "jo may operate targets of DEV; live is in LIVE"},
		{"jo and what is not in the inventory", "POST", "/api/v1/restarts/url/pause", orderOfMallory, password("jo", "jo"), 403, "url is in no environment alone"},
		{"jo and nothing", "POST", "/api/v1/restarts/x/pause", orderOfMallory, password("jo", "jo"), 404, "no such service"},
		{"jo", "POST", pause, orderOfMallory, password("jo", "jo"), 200, `"who":"jo","reason":"deploy","said_by":"mallory"`},
		{"the receiver", "POST", pause, orderOfMallory, password("am", "am"), 200, `"who":"mallory","reason":"deploy"}`},
		{"alice", "POST", pause, `{"duration": "1h", "reason": "deploy"}`, password("alice", "alice"), 200, `"who":"alice","reason":"deploy"}`},
		{"two names", "POST", pause, orderOfMallory, header("Authorization", "Basic YWxpY2U6YWxpY2U=", "Bearer x"), 401, "missing or wrong"},
	} {
		code, text := v.ask(t, tc.method, tc.path, tc.body, tc.set)
		if code != tc.want || !strings.Contains(text, tc.text) {
			t.Errorf("%s: %d, want %d with %q: %s", tc.name, code, tc.want, tc.text, text)
		}
	}

	// Now the toolkit lets everybody pass, and nobody is believed for that.
	writeFile(t, web, "basic_auth_users: {}\n")
	for _, secret := range []string{"alice", "x"} {
		if code, text := v.ask(t, "POST", pause, orderOfMallory, password("alice", secret)); code != http.StatusUnauthorized {
			t.Errorf("without passwords alice is answered %d: %s", code, text)
		}
		if code, _ := v.ask(t, "GET", "/config", "", password("alice", secret)); code != http.StatusUnauthorized {
			t.Errorf("without passwords alice is shown the configuration: %d", code)
		}
	}
}

func waitForServices(t *testing.T, a *App) {
	t.Helper()
	for len(a.restarts.Services()) == 0 {
		<-time.After(time.Millisecond)
	}
}

// TestAccessBehindProxy has the header from the proxy and from others.
func TestAccessBehindProxy(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		log := &recorder{}
		o := options(log, listen)
		o.ConfigFile = configFile(t, `
access:
  anonymous: none
  proxy: {user_header: X-Forwarded-User, trusted: [127.0.0.1, '::1']}
  users: [{name: alice, role: edit}, {name: ci, role: read, bearer_token: `+tokenOf("ci")+`}]
`)
		a := started(t, o)
		proxy := visit(t, a, "")
		for _, tc := range []struct {
			name string
			set  func(*http.Request)
			want int
		}{
			{"alice", header("X-Forwarded-User", "alice"), 200},
			{"alice, in another case of the header", header("x-forwarded-user", "alice"), 200},
			{"one who is not listed", header("X-Forwarded-User", "bob"), 403},
			{"nobody", nil, 401},
			{"empty", header("X-Forwarded-User", ""), 401},
			{"two", header("X-Forwarded-User", "bob", "alice"), 401},
			{"two in one", header("X-Forwarded-User", "bob, alice"), 401},
			{"a header of another name", header("X_Forwarded_User", "alice"), 401},
			{"a token through the proxy", bearer(tokenOf("ci")), 403},
		} {
			if code, text := proxy.ask(t, "PUT", "/-/reload", "", tc.set); code != tc.want {
				t.Errorf("%s: %s is answered %d, want %d: %s", listen, tc.name, code, tc.want, text)
			}
		}
		if strings.HasPrefix(listen, "[") {
			continue
		}
		stranger := visit(t, a, "127.0.0.2")
		began := time.Now()
		for range 20 {
			if code, text := stranger.ask(t, "GET", "/config", "", header("X-Forwarded-User", "alice")); code != http.StatusUnauthorized {
				t.Fatalf("a stranger is answered %d: %s", code, text)
			}
		}
		if code, _ := stranger.ask(t, "GET", "/-/healthy", "", nil); code != http.StatusOK {
			t.Errorf("a stranger cannot see that it lives: %d", code)
		}
		n, most := log.count("Ignored the user header of an address that is not trusted"), 1+int(time.Since(began)/loglimit.Interval)
		if n < 1 || n > most {
			t.Errorf("20 requests wrote %d lines, want 1 to %d", n, most)
		}
	}
}

// TestAccessAfterReload has a connection that was opened before.
func TestAccessAfterReload(t *testing.T) {
	const users = "access: {anonymous: none, users: [{name: ci, role: ROLE, bearer_token: TOKEN}]}\n"
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "")
	load := func(role, token string) {
		writeFile(t, o.ConfigFile, strings.NewReplacer("ROLE", role, "TOKEN", token).Replace(users))
	}
	load("edit", tokenOf("ci"))
	a := build(t, o)
	a.loadEvery = 0
	run(t, a)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	v := &visitor{base: "http://" + a.Addr().String(), client: http.Client{Transport: &wire{conn, bufio.NewReader(conn)}}}
	want := func(method, path string, code int) {
		t.Helper()
		if got, text := v.ask(t, method, path, "", bearer(tokenOf("ci"))); got != code {
			t.Errorf("%s %s is answered %d, want %d: %s", method, path, got, code, text)
		}
	}
	want("GET", "/config", 200)
	load("read", tokenOf("ci"))
	want("POST", "/-/reload", 200) // the last that it may do
	want("POST", "/-/reload", 403)
	want("GET", "/config", 200)
	load("read", tokenOf("other"))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	want("GET", "/config", 401)
	load("read", "short")
	if err := a.Reload(); err == nil || strings.Contains(err.Error(), `"short"`) {
		t.Errorf("a short token is loaded: %v", err)
	}
	want("GET", "/config", 401)
}

// What can never work is refused at load, all of it at once; who can never log in is warned of once.
func TestAccessAndWebConfig(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, web, webConfig(t, "alice"))
	log := &recorder{}
	o := options(log)
	*o.Web.WebConfigFile = web
	o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", "access: {users: [{name: ci, role: edit, bearer_token: "+tokenOf("ci")+"}, {name: cd, role: edit, bearer_token: "+tokenOf("cd")+"}]}", 1))
	_, err := New(o)
	for _, part := range []string{": restart.receiver: a bearer token cannot", ": access.users[0]: a bearer token cannot", ": access.users[1]: a bearer token cannot"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, want %q", err, part)
		}
	}
	if err != nil && (strings.Contains(err.Error(), tokenOf("")) || strings.Count(err.Error(), o.ConfigFile) != 3) {
		t.Errorf("the error is %v", err)
	}
	writeFile(t, o.ConfigFile, "access: {users: [{name: alice, role: edit}, {name: bob, role: edit}]}")
	a := build(t, o)
	a.loadEvery = 0
	for range 3 {
		if err := a.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	if n := log.count("A user can never log in"); n != 1 {
		t.Errorf("there are %d warnings, want 1", n)
	}
}

// The configuration that people look at has no token.
func TestConfigShowsNoToken(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "access: {users: [{name: ci, role: edit, bearer_token: "+tokenOf("ci")+"}]}")
	text := serve(build(t, o).routes(), http.MethodGet, "/config", nil).Body.String()
	if strings.Contains(text, tokenOf("ci")) || !strings.Contains(text, "name: ci") || !strings.Contains(text, "bearer_token: <secret>") {
		t.Errorf("the configuration is shown as\n%s", text)
	}
}
