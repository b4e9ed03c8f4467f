package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

const levers = `
modules: {http_2xx: {prober: http}}
restart:
  mode: enforce
  receiver: {bearer_token: s3cret}
  services:
    - {name: shop, group: web, environment: LIVE, checks: [{url: 'http://127.0.0.1:1/health?key=canary'}], command: {argv: [/bin/true]}}
    - {name: a/b, checks: [{url: 'http://127.0.0.1:1/other'}], command: {argv: [/bin/false]}}
`

// watching is an App whose controller knows its services.
func watching(t *testing.T, text string) (*App, *recorder) {
	t.Helper()
	log := &recorder{}
	o := options(log)
	o.ConfigFile = configFile(t, text)
	a := started(t, o)
	for len(a.restarts.Services()) == 0 && a.current.Load().Config.Restart != nil {
		<-time.After(time.Millisecond)
	}
	return a, log
}

// A call is a request with credentials.
type call struct {
	method, path, body string
	set                func(r *http.Request) // nil: the right token
}

func (c call) do(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
	if c.set == nil {
		r.Header.Set("Authorization", "Bearer s3cret")
	} else {
		c.set(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "s3cret") {
		t.Errorf("%s %s has a secret:\n%s", c.method, c.path, w.Body)
	}
	return w
}

func TestOperatorStatuses(t *testing.T) {
	a, _ := watching(t, levers)
	h := a.routes()
	const base, pause, who = "/api/v1/restarts", "/api/v1/restarts/shop/pause", `"who": "jo", "reason": "deploy"`
	anonymous := func(*http.Request) {}
	for _, tc := range []struct {
		name string
		call
		want int
		text string // part of the answer
	}{
		{"list", call{"GET", base, "", nil}, 200, `"targets":["http://127.0.0.1:1/health?key=***"]`},
		{"one", call{"GET", base + "/shop", "", nil}, 200, `"environment":"LIVE"`},
		{"slash in the name", call{"GET", base + "/a%2Fb", "", nil}, 200, `"service":"a/b"`},
		{"explain", call{"GET", base + "/shop/explain", "", nil}, 200, `"guard":"cooldown","ok":true`},
		{"unknown", call{"GET", base + "/x", "", nil}, 404, `no such service: "x"`},
		{"unknown, explain", call{"GET", base + "/x/explain", "", nil}, 404, `no such service: "x"`},
		{"unknown, order", call{"POST", base + "/x/resume", `{"who": "jo"}`, nil}, 404, `no such service: "x"`},
		{"unknown lever", call{"POST", base + "/shop/restart", "", nil}, 404, ""},
		{"order by GET", call{"GET", pause, "", nil}, 405, ""},
		{"list by POST", call{"POST", base, "", nil}, 405, ""},
		{"parameter", call{"POST", pause + "?duration=1h", "", nil}, 400, "no parameters"},

		{"nobody lists", call{"GET", base, "", anonymous}, 401, "missing or wrong"},
		{"nobody looks", call{"GET", base + "/shop", "", anonymous}, 401, "missing or wrong"},
		{"nobody asks", call{"GET", base + "/x/explain", "", anonymous}, 401, "missing or wrong"},
		{"nobody pauses", call{"POST", pause, `{"duration": "1h", ` + who + `}`, anonymous}, 401, "missing or wrong"},
		{"wrong token", call{"POST", pause, "{}", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }}, 401, "missing or wrong"},
		{"another site", call{"POST", pause, "{}", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer s3cret")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}}, 403, ""},

		{"duration", call{"POST", pause, `{"duration": "1h30m", ` + who + `}`, nil}, 200, `"who":"jo","reason":"deploy"`},
		{"one day", call{"POST", pause, `{"duration": "1d", ` + who + `}`, nil}, 200, `"who":"jo","reason":"deploy"`},
		{"until", call{"POST", pause, fmt.Sprintf(`{"until": %q, %s}`, time.Now().Add(time.Hour).Format(time.RFC3339), who), nil}, 200, `"until":"`},
		{"too long", call{"POST", pause, `{"duration": "25h", ` + who + `}`, nil}, 400, "want at most 24h"},
		{"over", call{"POST", pause, `{"until": "2020-01-01T00:00:00Z", ` + who + `}`, nil}, 400, "over already"},
		{"zero", call{"POST", pause, `{"duration": "0s", ` + who + `}`, nil}, 400, "over already"},
		{"both", call{"POST", pause, `{"duration": "1h", "until": "2020-01-01T00:00:00Z", ` + who + `}`, nil}, 400, "want either"},
		{"neither", call{"POST", pause, `{` + who + `}`, nil}, 400, "want either"},
		{"no body", call{"POST", pause, "", nil}, 400, "want either"},
		{"negative", call{"POST", pause, `{"duration": "-1h", ` + who + `}`, nil}, 400, `got "-1h"`},
		{"no time", call{"POST", pause, `{"until": "tomorrow", ` + who + `}`, nil}, 400, `got "tomorrow", want a time such as`},
		{"nobody in the order", call{"POST", pause, `{"duration": "1h", "reason": "x"}`, nil}, 400, "want who gives the order"},
		{"no reason", call{"POST", pause, `{"duration": "1h", "who": "jo"}`, nil}, 400, "want the reason"},
		{"blank reason", call{"POST", pause, `{"duration": "1h", "who": "jo", "reason": " "}`, nil}, 400, "want the reason"},
		{"two lines", call{"POST", pause, `{"duration": "1h", "who": "jo\nroot", "reason": "x"}`, nil}, 400, "do not print"},
		{"escape sequence", call{"POST", pause, `{"duration": "1h", "who": "jo", "reason": "\u001b[2J"}`, nil}, 400, "do not print"},
		{"long reason", call{"POST", pause, `{"duration": "1h", "who": "jo", "reason": "` + strings.Repeat("x", 513) + `"}`, nil}, 400, "reason has 513 bytes"},
		{"unknown field", call{"POST", pause, `{"durations": "1h", ` + who + `}`, nil}, 400, `unknown field "durations"`},
		{"wrong type", call{"POST", pause, `{"duration": 60, ` + who + `}`, nil}, 400, `"duration" is a JSON number, want a string`},
		{"no object", call{"POST", pause, `[]`, nil}, 400, "got a JSON array"},
		{"no JSON", call{"POST", pause, `duration=1h`, nil}, 400, "want a JSON object"},
		{"truncated", call{"POST", pause, `{"duration": "1h"`, nil}, 400, "want a JSON object"},
		{"two objects", call{"POST", pause, `{} {}`, nil}, 400, "something after it"},
		{"too large", call{"POST", pause, `{"reason": "` + strings.Repeat("x", 16<<10) + `"}`, nil}, 413, "too large"},

		{"resume", call{"POST", base + "/shop/resume", `{"who": "jo"}`, nil}, 200, `"service":"shop"`},
		{"resume with a duration", call{"POST", base + "/shop/resume", `{"who": "jo", "duration": "1h"}`, nil}, 400, `unknown field "duration"`},
		{"unlock", call{"POST", base + "/shop/unlock", `{` + who + `}`, nil}, 200, `"service":"shop"`},
		{"request", call{"POST", base + "/shop/request", `{` + who + `}`, nil}, 200, `"demanded":true,"alerts":0`},
		{"request, who", call{"POST", base + "/shop/request", `{` + who + `}`, nil}, 200, `"request":{"who":"jo","reason":"deploy"}`},
		{"request, what holds it", call{"POST", base + "/shop/request", `{` + who + `}`, nil}, 200, `"guard":"warm_up"`},
		{"request by nobody", call{"POST", base + "/shop/request", `{}`, nil}, 400, "want who gives the order"},
		{"request without credentials", call{"POST", base + "/shop/request", `{` + who + `}`, anonymous}, 401, "missing or wrong"},
		{"release of what is off", call{"POST", base + "-brake/release", `{` + who + `}`, nil}, 200, `{"scope":"fleet","released":false}`},
		{"release of no scope", call{"POST", base + "-brake/release", `{"scope": "group/x", ` + who + `}`, nil}, 400, "no such scope"},
		{"release without a reason", call{"POST", base + "-brake/release", `{"who": "jo"}`, nil}, 400, "and the reason"},
		{"release without credentials", call{"POST", base + "-brake/release", `{` + who + `}`, anonymous}, 401, "missing or wrong"},
		{"unlock without a reason", call{"POST", base + "/shop/unlock", `{"who": "jo"}`, nil}, 400, "want the reason of the unlock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := tc.do(t, h)
			if w.Code != tc.want || !strings.Contains(w.Body.String(), tc.text) {
				t.Errorf("%s %s answered %d, want %d with %q:\n%s", tc.method, tc.path, w.Code, tc.want, tc.text, w.Body)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (tc.want == http.StatusUnauthorized) {
				t.Errorf("the challenge is %q with status %d", challenge, w.Code)
			}
		})
	}
	if e := a.restarts.Services()[1]; !e.Pause.Until.IsZero() {
		t.Errorf("it is paused until %s, want resumed", e.Pause.Until)
	}
	a.ready.Store(false)
	if w := (call{"GET", base, "", nil}).do(t, h); w.Code != http.StatusServiceUnavailable {
		t.Errorf("while the exporter stops the answer is %d, want 503", w.Code)
	}
}

func TestOperatorsWithoutRestarts(t *testing.T) {
	a, _ := watching(t, "modules: {http_2xx: {prober: http}}")
	for _, c := range []call{{"GET", "/api/v1/restarts", "", nil}, {"POST", "/api/v1/restarts/shop/pause", "{}", nil}} {
		if w := c.do(t, a.routes()); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no restart section") {
			t.Errorf("%s %s answered %d: %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

// The event of an attempt says what asked for it.
func TestEventOfAttempt(t *testing.T) {
	a, _ := watching(t, levers)
	want := policy.Triggers()
	for _, trigger := range want {
		a.attemptEnded(&policy.Record{
			Time: time.Now(), Service: "shop", Trigger: trigger, Decision: policy.Decision{Outcome: policy.OutcomeRecovered},
		})
	}
	var got []policy.Trigger
	events, _ := a.status.Events(status.Filter{Kind: status.KindRestart})
	for _, e := range events {
		got = append(got, policy.Trigger(e.Trigger))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the events have the triggers %q, want %q", got, want)
	}
}

// Without a receiver nobody is let in, whatever he sends.
func TestNoReceiver(t *testing.T) {
	a, _ := watching(t, `
modules: {http_2xx: {prober: http}}
restart:
  mode: enforce
  defaults: {without_alert_after: 2m}
  services: [{name: shop, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true]}}]
`)
	h := a.routes()
	const base, shop = "/api/v1/restarts", "/api/v1/restarts/shop"
	for _, path := range []string{
		"GET " + base, "GET " + shop, "GET " + shop + "/explain", "POST " + shop + "/pause", "POST " + shop + "/resume", "POST " + shop + "/unlock",
		"POST " + shop + "/request", "POST " + base + "-brake/release", "POST /webhook/alertmanager",
	} {
		method, path, _ := strings.Cut(path, " ")
		for name, set := range map[string]func(*http.Request){
			"nothing":      func(*http.Request) {},
			"a token":      func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
			"an empty one": func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
			"empty basic":  func(r *http.Request) { r.SetBasicAuth("", "") },
		} {
			body := ""
			if method == http.MethodPost {
				body = `{"who": "jo", "reason": "x"}`
			}
			w := (call{method, path, body, set}).do(t, h)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "only users of access.users may ask") {
				t.Errorf("%s %s with %s answered %d: %s", method, path, name, w.Code, w.Body)
			}
		}
	}
	if e := a.restarts.Services()[0]; e.Demanded || !e.RequestedAt.IsZero() || !e.Pause.Until.IsZero() {
		t.Errorf("somebody has reached the service: %+v", e)
	}
}

// Who does not say who it is, is who it has proved to be. Nobody proves anything to an exporter that lets everybody in.
func TestWhoOrders(t *testing.T) {
	const order = `{"duration": "1h", "reason": "deploy"}`
	for _, tc := range []struct {
		receiver, body string
		want           int
		who            string
	}{
		{"{basic_auth: {username: am, password: s3cret}}", order, 200, "am"},
		{"{basic_auth: {username: am, password: s3cret}}", strings.Replace(order, "{", `{"who": "jo", `, 1), 200, "jo"},
		{"{basic_auth: {username: am, password: s3cret}}", strings.Replace(order, "{", `{"who": "", `, 1), 400, ""},
		{"{insecure: true}", order, 400, ""},
	} {
		a, _ := watching(t, strings.Replace(levers, "{bearer_token: s3cret}", tc.receiver, 1))
		w := call{"POST", "/api/v1/restarts/shop/pause", tc.body, func(r *http.Request) { r.SetBasicAuth("am", "s3cret") }}.do(t, a.routes())
		if w.Code != tc.want {
			t.Errorf("%s: %s answered %d, want %d: %s", tc.receiver, tc.body, w.Code, tc.want, w.Body)
		}
		if e := a.restarts.Services()[1]; e.Pause.Who != tc.who {
			t.Errorf("%s: paused by %q, want %q", tc.receiver, e.Pause.Who, tc.who)
		}
	}
}

// What a list has is no more than what people need, and an explanation has every guard.
func TestExplainOverHTTP(t *testing.T) {
	a, _ := watching(t, levers)
	h := a.routes()
	var all policy.Explanations
	if err := json.Unmarshal(call{"GET", "/api/v1/restarts", "", nil}.do(t, h).Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Services) != 2 || all.Services[0].Service != "a/b" || all.Services[1].Guards != nil || all.Services[1].Phase != policy.PhaseUnarmed {
		t.Errorf("services are %+v", all)
	}
	if got := all.Services[1]; got.Budget != (policy.Budget{Hour: 3, Day: 6}) || got.Mode != policy.ModeEnforce || got.Group != "web" || got.Backend != "command" {
		t.Errorf("service is %+v", got)
	}
	w := call{"GET", "/api/v1/restarts/shop/explain", "", nil}.do(t, h)
	var e policy.Explanation
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e.Guards) != len(policy.Guards()) || e.Hold != policy.GuardWarmUp {
		t.Errorf("explanation is %v, %v", e, err)
	}
	for _, key := range []string{"definition", "identity", "state"} {
		if strings.Contains(w.Body.String(), `"`+key+`"`) {
			t.Errorf("the answer has a %s: %s", key, w.Body)
		}
	}
}

// A journal that does not work.
type badJournal struct{ load, save error }

func (j *badJournal) Load(string) (policy.State, error) { return policy.State{}, j.load }
func (j *badJournal) Save(string, policy.State) error   { return j.save }
func (*badJournal) Audit(policy.Record) error           { return nil }

// An order that holds is carried out, and the answer warns that it may not last. One that the journal will replace is refused.
func TestOrderWithoutJournal(t *testing.T) {
	for name, tc := range map[string]struct {
		journal badJournal
		want    int
		text    string
		paused  bool
	}{
		"cannot be saved":  {badJournal{save: errors.New("disk full")}, 200, `"warning":"the order holds, but could not be persisted: saving the state: disk full"`, true},
		"cannot be loaded": {badJournal{load: errors.New("corrupt")}, 503, "the state of the service is not known yet: loading the state: corrupt", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(&recorder{})
			o.ConfigFile = configFile(t, levers)
			a := build(t, o)
			a.restarts = restart.NewController(&tc.journal, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			a.operators = a.newOperators()
			a.restarts.Apply(a.current.Load().Restarts)
			a.ready.Store(true)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				a.restarts.Run(ctx)
				close(done)
			}()
			for len(a.restarts.Services()) == 0 {
				<-time.After(time.Millisecond)
			}
			w := call{"POST", "/api/v1/restarts/shop/pause", `{"duration": "1h", "who": "jo", "reason": "x"}`, nil}.do(t, a.routes())
			if w.Code != tc.want || !strings.Contains(w.Body.String(), tc.text) {
				t.Errorf("the answer is %d, want %d with %q:\n%s", w.Code, tc.want, tc.text, w.Body)
			}
			if e, err := a.restarts.Service("shop"); err != nil || (e.Pause.Who == "jo") != tc.paused {
				t.Errorf("the pause is %+v, %v", e.Pause, err)
			}
			stop()
			<-done
		})
	}
}

// An operator whose body does not come.
func TestPatientOperators(t *testing.T) {
	a, log := watching(t, levers)
	w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/restarts/shop/pause", io.NopCloser(bytes.NewReader(nil)))
	a.routes().ServeHTTP(w, r)
	if left := time.Until(w.deadline); left <= 0 || left > readTimeout {
		t.Errorf("the body may take another %s, want up to %s", left, readTimeout)
	}
	if log.count("Refused operator") != 1 {
		t.Error("it is not in the log that an operator was refused")
	}
}

// Orders that come one upon the other are refused with the time after which to try again, and the refusals fill no log.
func TestTooManyOrders(t *testing.T) {
	a, log := watching(t, levers)
	h := a.routes()
	refused := 0
	for range 100 {
		w := call{"POST", "/api/v1/restarts/shop/resume", `{"who": "jo"}`, nil}.do(t, h)
		switch w.Code {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			refused++
			if got := w.Header().Get("Retry-After"); got != "1" {
				t.Errorf("Retry-After is %q, want 1", got)
			}
		default:
			t.Fatalf("the answer is %d: %s", w.Code, w.Body)
		}
	}
	if refused == 0 {
		t.Error("100 orders at once were taken")
	}
	lines := 0
	for _, record := range log.all() {
		if record.Message == "Refused operator" {
			lines++
		}
	}
	if lines == 0 || lines > refused/10 {
		t.Errorf("%d refusals wrote %d lines, want one a second", refused, lines)
	}
}
