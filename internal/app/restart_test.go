package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func restartConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http, timeout: 3s}}\nrestart:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const oneService = `
  mode: enforce
  receiver: {bearer_token: s3cret}
  services:
    - name: shop
      mode: observe
      restart_on: [404, tls_failed]
      never_restart_on: [503, request_timeout]
      without_alert_after: 2h
      checks: [{url: 'http://127.0.0.1:1/health'}]
      command: {argv: [/bin/true], env: {B: '2', A: '1'}}
`

// No limit of the configuration is lost on its way into the policy.
func TestServices(t *testing.T) {
	c := restartConfig(t, oneService)
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Restarts.Services[0]
	v := reflect.ValueOf(got.Policy)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the policy's %s is zero", v.Type().Field(i).Name)
		}
	}
	if b := reflect.ValueOf(s.Restarts.Brake); true {
		for i := range b.NumField() {
			if b.Field(i).IsZero() {
				t.Errorf("the brake's %s is zero", b.Type().Field(i).Name)
			}
		}
	}
	if got.Name != "shop" || got.Policy.Mode != "observe" || got.CheckInterval == 0 || got.ExecTimeout == 0 || got.Backend == nil {
		t.Errorf("service is %+v", got)
	}
	if check := got.Checks[0]; check.Target != "http://127.0.0.1:1/health" || check.Prober == nil || check.Timeout.Seconds() != 3 {
		t.Errorf("check is %+v, want the module's prober and timeout", check)
	}
	other, err := newSnapshot("test.yml", restartConfig(t, strings.Replace(oneService, "/health", "/other", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if other.Restarts.Services[0].Checks[0].Definition == got.Checks[0].Definition {
		t.Error("two different checks have the same definition")
	}
	patient := restartConfig(t, oneService)
	m := patient.Modules["http_2xx"]
	m.Timeout *= 2
	patient.Modules["http_2xx"] = m
	slower, err := newSnapshot("test.yml", patient)
	if err != nil {
		t.Fatal(err)
	}
	if check := slower.Restarts.Services[0].Checks[0]; check.Timeout == got.Checks[0].Timeout || check.Definition != got.Checks[0].Definition {
		t.Errorf("with another timeout the check is %+v, want the definition of %+v", check, got.Checks[0])
	}
	if d := other.Restarts.Services[0].BackendDefinition; d == "" || d != got.BackendDefinition {
		t.Errorf("the same back-end has the definitions %q and %q", got.BackendDefinition, d)
	}
}

// Another cluster by the same kubeconfig file is another back-end.
func TestBackendDefinition(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	b := config.Backends{Kubernetes: &config.Kubernetes{Kind: "Deployment", Name: "shop", KubeconfigFile: file}}
	var got []string
	for _, text := range []string{"one", "one", "two"} {
		writeFile(t, file, text)
		d, err := backendDefinition(&b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d)
	}
	if got[0] != got[1] || got[0] == got[2] {
		t.Errorf("the definitions are %q, want the last one alone to differ", got)
	}
}

// Every limit becomes the number of the same name in the policy.
func TestPolicyOfLimits(t *testing.T) {
	var l config.Limits
	limits := reflect.ValueOf(&l).Elem()
	for i := range limits.NumField() {
		switch f := limits.Field(i); {
		case f.CanInt():
			f.SetInt(int64(1000 + i))
		case f.Kind() == reflect.Pointer:
			f.Set(reflect.ValueOf(new(config.Duration(1000 + i))))
		}
	}
	l.RestartOn, l.NeverRestartOn = config.Failures{"404", "tls_failed"}, config.Failures{"503", "request_timeout"}
	p := policyOf("enforce", l)
	got := reflect.ValueOf(p)
	for i := range got.NumField() {
		name := got.Type().Field(i).Name
		switch want := reflect.Indirect(limits.FieldByName(name)); {
		case name == "Mode" || name == "ProbeGap" || strings.Contains(name, "RestartOn"):
		case !want.IsValid():
			t.Errorf("there is no limit %s", name)
		case got.Field(i).Int() != want.Int():
			t.Errorf("%s is %d, want %d", name, got.Field(i).Int(), want.Int())
		}
	}
	if p.Mode != policy.ModeEnforce || !slices.Equal(p.RestartOn, []int{404}) || !slices.Equal(p.NeverRestartOn, []int{503}) ||
		!slices.Equal(p.RestartOnReasons, []prober.Reason{"tls_failed"}) || !slices.Equal(p.NeverRestartOnReasons, []prober.Reason{"request_timeout"}) || p.ProbeGap != 3*time.Duration(l.CheckInterval+l.CheckTimeout) {
		t.Errorf("policy is %+v", p)
	}
}

// Every back-end gets what the configuration says.
func TestBackends(t *testing.T) {
	got := make(chan *http.Request, 1)
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		w.WriteHeader(http.StatusTeapot)
	}))
	defer platform.Close()
	dir := t.TempDir()
	c := restartConfig(t, fmt.Sprintf(`
  mode: enforce
  receiver: {bearer_token: s3cret}
  services:
    - name: command
      checks: [{url: 'http://127.0.0.1:1/'}]
      command: {argv: [/bin/sh, -c, 'echo $TOKEN; exit 75'], env: {TOKEN: canary}}
    - name: pm2
      checks: [{url: 'http://127.0.0.1:2/'}]
      pm2: {app: web, home: %q, program: /bin/true}
    - name: http
      checks: [{url: 'http://127.0.0.1:3/'}]
      http:
        method: PUT
        url: %q
        headers: {X-Plain: a}
        http_headers: {X-Private: {secrets: [b]}}
        basic_auth: {username: u, password: p}
        valid_status_codes: [418]
`, dir, platform.URL+"/hook?x=y"))
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"running \"/bin/sh\": exit status 75: \"<secret>\"", "no PM2 daemon answers in the home \"" + dir, ""} {
		b := s.Restarts.Services[i].Backend
		if b.Kind() != s.Restarts.Services[i].Name {
			t.Errorf("the back-end of %s is %s", s.Restarts.Services[i].Name, b.Kind())
		}
		err := b.Restart(t.Context(), restart.Attempt{ID: "attempt-1"})
		if want == "" && err != nil || want != "" && (!errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), want)) {
			t.Errorf("restarting by %s: %v, want %q", b.Kind(), err, want)
		}
	}
	r := <-got
	user, password, _ := r.BasicAuth()
	if text := strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("X-Plain"), r.Header.Get("X-Private"), user, password, r.Header.Get("Idempotency-Key")}, " "); text != "PUT /hook?x=y a b u p attempt-1" {
		t.Errorf("the request is %s", text)
	}
}

// post delivers an alert about oneService and returns the status of the answer.
func post(t *testing.T, a *App, token string) int {
	t.Helper()
	const delivery = `{"version":"4","alerts":[{"status":"firing","labels":{"instance":"http://127.0.0.1:1/health"}}]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr().String()+"/webhook/alertmanager", strings.NewReader(delivery))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestReceive(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "healthcheck.yml")
	write := func(restart string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("modules: {http_2xx: {prober: http}}\n"+restart), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	defer probetest.NoLeaks(t)()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	write("")
	o := options(&recorder{}, "127.0.0.1:0")
	o.ConfigFile = file
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if code := post(t, a, "s3cret"); code != http.StatusNotFound {
		t.Errorf("without a restart section the answer is %d, want 404", code)
	}
	until(t, "the controller to begin", a.restarts.Ready)
	write("restart:" + oneService)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{"s3cret": 200, "wrong": 401, "": 401} {
		if code := post(t, a, token); code != want {
			t.Errorf("with token %q the answer is %d, want %d", token, code, want)
		}
	}
	a.ready.Store(false)
	if code := post(t, a, "s3cret"); code != http.StatusServiceUnavailable {
		t.Errorf("while the exporter stops the answer is %d, want 503", code)
	}
	want := slices.DeleteFunc(restartRows(t), func(row string) bool {
		return strings.HasPrefix(row, "healthcheck_restart_last_attempt_timestamp_seconds ") // there was no attempt
	})
	diff := "never compared"
	for deadline := time.Now().Add(10 * time.Second); diff != "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		diff = cmp.Diff(want, restartFamilies(t, a)) // the controller takes a configuration over when it gets to it
	}
	if diff != "" {
		t.Errorf("restart metrics (-docs/metrics.md +code):\n%s", diff)
	}
}

// restartFamilies are the restart metrics that an exporter has, written as the rows of docs/metrics.md are.
func restartFamilies(t *testing.T, a *App) []string {
	t.Helper()
	families, err := a.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "healthcheck_restart_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		rows = append(rows, fmt.Sprintf("%s %s %v: %s", f.GetName(), strings.ToLower(f.GetType().String()), labels, f.GetHelp()))
	}
	return rows
}

// What is delivered before the services are known has to come again: nobody would hear of it.
func TestReceiveTooEarly(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\nrestart:"+oneService)
	a := build(t, o)
	a.ready.Store(true)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/alertmanager", strings.NewReader(`{"version":"4","alerts":[]}`))
	r.Header.Set("Authorization", "Bearer s3cret")
	a.webhook.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("the answer is %d, want 503", w.Code)
	}
}

// A deadlineRecorder remembers the deadline for reading.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (d *deadlineRecorder) SetReadDeadline(t time.Time) error {
	d.deadline = t
	return nil
}

// Whoever sends a delivery, or a refused one, has some seconds for it.
func TestReceiveDeadline(t *testing.T) {
	a, err := New(options(&recorder{}, "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	a.webhook.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/alertmanager", nil))
	if left := time.Until(w.deadline); left <= 0 || left > readTimeout {
		t.Errorf("the body may take another %s, want up to %s", left, readTimeout)
	}
}

// restartRows are the rows of the restart metrics in docs/metrics.md.
func restartRows(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(healthcheck_restart_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) ?\\| ([^|]*) \\|$")
	var rows []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		labels := regexp.MustCompile("[a-z_]+").FindAllString(m[3], -1)
		slices.Sort(labels)
		rows = append(rows, fmt.Sprintf("%s %s %v: %s", m[1], m[2], labels, m[4]))
	}
	slices.Sort(rows)
	return rows
}

// Behind the basic authentication of the toolkit no bearer token would ever arrive.
func TestTokensBehindBasicAuth(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	write := func(text string) {
		if err := os.WriteFile(web, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bearer := restartConfig(t, oneService)
	basic := restartConfig(t, strings.Replace(oneService, "{bearer_token: s3cret}", "{basic_auth: {username: am, password: s3cret}}", 1))
	write("basic_auth_users: {am: $2y$10$x}")
	if err := CheckTokens("x.yml", bearer, web); err == nil || !strings.Contains(err.Error(), "bearer token cannot be used") {
		t.Errorf("a bearer token behind basic authentication: error %v", err)
	}
	if err := CheckTokens("x.yml", basic, web); err != nil {
		t.Errorf("basic authentication twice: %v", err)
	}
	write("tls_server_config: {}")
	if err := CheckTokens("x.yml", bearer, web); err != nil {
		t.Errorf("a bearer token without basic authentication: %v", err)
	}
	if err := CheckTokens("x.yml", config.Default(), web); err != nil {
		t.Errorf("no restart section: %v", err)
	}
}
