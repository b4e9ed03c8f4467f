package page

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A site is a stage with its routes.
type site struct {
	*stage
	tracker *status.Tracker
	mux     *http.ServeMux
}

// siteOf has the targets, those of an API besides. They are not checked, so that their names may be anything.
func siteOf(tb testing.TB, text string, others ...config.Target) *site {
	tb.Helper()
	s := &site{stage: newStage(tb, text), mux: http.NewServeMux()}
	s.tracker = s.Board.Status
	c := s.inventory.Config
	s.inventory = inventory.Merge(c, []inventory.Part{
		{Source: inventory.StaticSource, Reviewed: true, Targets: c.Targets}, {Source: "cmdb", Targets: others},
	}, prober.MaskURL)
	s.Title, s.Links = c.Status.TitleOr, func() config.StatusLinks { return c.Status.Links }
	s.HintOf = func(_ string, r *prober.Result) string { return "look at " + r.Err.Error() }
	s.Services = func(string) []string { return nil }
	s.Standing = func(*http.Request, string) *Standing { return nil }
	s.Address, s.ConfigFile = func(r *http.Request) string { return "http://" + r.Host + "/" }, "/etc/hc/it's mine.yml"
	s.mux.HandleFunc("GET /targets/{name}", s.Detail)
	s.mux.HandleFunc("GET /events", s.Events)
	return s
}

// probed has the tracker see a probe at a time. No error: it succeeded.
func (s *site) probed(name string, at time.Time, err error) {
	r := prober.Result{Start: at, Duration: 12 * time.Millisecond, Timeout: time.Second, Attempts: 1, Err: err, HTTP: &prober.HTTPResult{Proto: "HTTP/1.1", StatusCode: 200}}
	if err != nil {
		r.Reason, r.FailedPhase, r.HTTP.StatusCode = prober.ReasonStatus, prober.PhaseCheck, 503
		r.Phases = []prober.Phase{{Name: prober.PhaseResolve, Duration: time.Millisecond}, {Name: prober.PhaseProcessing, Start: time.Millisecond, Duration: 11 * time.Millisecond}}
		r.Events = []prober.Event{{Message: "Resolved target address"}}
	}
	s.tracker.Observe(status.Probe{Name: name, Result: r})
}

// probeOf is a probe that has just failed.
func probeOf(name string, reason prober.Reason) status.Probe {
	return status.Probe{Name: name, Result: prober.Result{Start: time.Now(), Reason: reason, Err: errDown}}
}

func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

func expect(t *testing.T, about, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("%s: there is no %s in\n%s", about, want, body)
		}
	}
}

var errDown = errors.New("status 503, want 2xx")

func TestDetail(t *testing.T) {
	s := siteOf(t, `
status: {title: Shop, links: {prometheus: 'https://prom.example/graph?g0.expr=up{target="{name}"}', alertmanager: 'https://am.example/#{name}'}}
targets:
  - {name: feed, url: 'http://feed.example/?token=canary'}
  - name: shop
    url: https://user:canary@shop.example/health?key=canary
    environment: LIVE
    depends_on: [feed]
    labels: {team: shop & co}
    runbook_url: https://wiki.example/shop
    notification: off
    maintenance: [{years: ['2000']}]
`)
	now := time.Now()
	s.Services = func(string) []string { return []string{"shop-web"} }
	s.probed("feed", now.Add(-2*time.Minute), errDown)
	s.probed("shop", now.Add(-3*time.Hour), nil)
	s.probed("shop", now.Add(-time.Minute-10*time.Second), errDown)
	s.tracker.Record(status.Event{At: now, Kind: status.KindRestart, Service: "shop-web", Target: "shop", Outcome: "recovered", Trigger: "alert", Detail: "as asked"})
	s.tracker.Record(status.Event{At: now, Kind: status.KindRestart, Service: "another", Outcome: "recovered"})
	w := s.get("/targets/shop")
	body := w.Body.String()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	expect(t, "shop", body,
		"<title>shop – Shop</title>", `<h1>shop <span class="env">LIVE</span></h1>`, "https://shop.example/health?key=***",
		`<a href="../targets/feed">feed is down</a>`, `<a href="../targets/feed">feed</a>`, `<a href="../?label=team%3Ashop&#43;%26&#43;co&amp;view=all">team: shop &amp; co</a>`,
		`href="https://prom.example/graph?g0.expr=up%7btarget=%22shop%22%7d"`, `href="https://am.example/#shop"`, `href="https://wiki.example/shop"`,
		"Muted: nobody is notified", "It has 1 maintenance window, which is not open now.", "probed by a scrape",
		`<span lang="en">status 503, want 2xx</span>`, `<span lang="en">look at status 503, want 2xx</span>`, "FAILED: status in phase check: status 503, want 2xx",
		strings.ReplaceAll(`healthcheck_exporter probe '--config.file=/etc/hc/it'\''s mine.yml' --name=shop`, "'", "&#39;"),
		`<th scope="row">processing</th><td>1.0 ms</td><td>11 ms</td><td><svg class="fall"`, `<path d="M16 0h184v10h-184z"/>`,
		"healthcheck_exporter restarts explain --url=http://example.com/ shop-web", "restart of shop-web", "it helped: healthy again", "asked for by an alert", "as asked",
		"<td>50.0 %</td><td>of 2 probes, since ", `<th scope="row">Hour</th><td>0.0 %</td><td>of 1 probe</td>`,
		`until=`, "wrong status (503)",
	)
	if strings.Contains(body, "canary") || strings.Contains(body, "another") {
		t.Errorf("it tells a secret, or of a service that does not check it:\n%s", body)
	}
	if got := s.get("/targets/shop", "If-None-Match", w.Header().Get("ETag")).Code; got != http.StatusNotModified && !strings.Contains(body, " s</time>") {
		t.Errorf("asked again it is answered %d", got)
	}
	if strings.Contains(body, "Nothing holds it") || strings.Contains(body, "held by <b") {
		t.Error("it tells everybody what holds a restart")
	}
	for want, standing := range map[string]Standing{
		"A restart is asked for. It is held by <b lang=\"en\">cooldown</b>, until <time": {Demanded: true, Guard: "cooldown", Next: now.Add(time.Minute)},
		"No restart is asked for. It is held by <b lang=\"en\">mode</b>.":                {Guard: "mode"},
		"A restart is asked for. Nothing holds it.":                                      {Demanded: true},
	} {
		s.Standing = func(*http.Request, string) *Standing { return &standing }
		expect(t, want, s.get("/targets/shop").Body.String(), want)
	}
	korean := s.get("/targets/shop?lang=ko").Body.String()
	expect(t, "shop, in Korean", korean, `<html lang="ko">`, "마지막 실패 프로브", `<a href="../targets/feed?lang=ko">`, `events?lang=ko&amp;target=shop`)
	expect(t, "shop, healthy", func() string { s.probed("shop", now, nil); return s.get("/targets/shop").Body.String() }(),
		"●</span> up</b>", `<p class="why"><b>wrong status</b>`, "<td>1 m 10 s</td>")
}

// A name may be a URL, and in any script. Without a probe nothing is known, and 100 % is not claimed.
func TestDetailOfOddNames(t *testing.T) {
	names := []string{"https://a.example/x?y=1", "서버 1", `a%b"'<`, "a/../b", "a#b", `back\slash`}
	var others []config.Target
	for _, name := range names {
		others = append(others, config.Target{Name: name, URL: "http://a.example/", Module: "http_2xx"})
	}
	s := siteOf(t, "", others...)
	for _, prefix := range []string{"", "/hc"} {
		h := http.StripPrefix(prefix, s.mux)
		for _, name := range names {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, prefix+"/targets/"+url.PathEscape(name), http.NoBody))
			if w.Code != http.StatusOK {
				t.Errorf("%q below %q is answered %d", name, prefix, w.Code)
			}
			body := w.Body.String()
			expect(t, name, body, "<h1>"+html.EscapeString(name), "never probed", "<td>–</td><td></td>")
			if strings.Contains(body, "100 %") || strings.Contains(body, "Last failing probe") {
				t.Errorf("%q was never probed, and yet:\n%s", name, body)
			}
		}
	}
}

// The names, errors and URLs of others get into a page as what they are.
func TestHostileDetail(t *testing.T) {
	for _, char := range []string{`"`, "'", "<", ">", "&", "</script><script>alert(1)</script>", "</pre>", "{{.}}", "\u202e", "\x00", "\x1b[2J", "\xff", "\u2028", "\n"} {
		text := "x" + char + "y"
		s := siteOf(t, "", config.Target{
			Name: text, URL: "http://a.example/", Module: text, Environment: text, Labels: map[string]string{text: text}, RunbookURL: "javascript:alert(1)",
		}, config.Target{Name: "to", URL: "http://a.example/", DependsOn: []string{text}})
		s.Services = func(string) []string { return []string{text} }
		s.inventory.ByName(text).Instance = text
		s.probed(text, time.Now().Add(-time.Minute), nil)
		s.probed(text, time.Now(), errors.New(text))
		s.probed("to", time.Now(), errDown)
		s.tracker.Record(status.Event{At: time.Now(), Kind: status.KindRestart, Service: text, Target: text, Outcome: "unknown", Detail: text})
		for _, path := range []string{"/targets/" + url.PathEscape(text), "/targets/to", "/targets/" + url.PathEscape(text) + "x", "/events", "/events?target=" + url.QueryEscape(text), "/events?kind=" + url.QueryEscape(text)} {
			for _, lang := range languages {
				w := s.get(path, "Accept-Language", lang)
				body := w.Body.String()
				if strings.Contains(body, "<script>") || strings.Contains(body, "javascript:") || strings.Contains(body, `x"y`) || strings.Contains(body, "<y") || strings.Contains(body, "</pre>y") {
					t.Errorf("%q, %s: the page has it as it is:\n%s", char, path, body)
				}
				if plain := strings.NewReplacer("\n", "", "\t", "").Replace(body); !printable.Is(plain) {
					t.Errorf("%q, %s: the page does not print", char, path)
				}
			}
		}
	}
}

// Whatever a target and an inventory say, a page has a bounded size.
func TestDetailIsBounded(t *testing.T) {
	const most = 400 << 10
	for _, char := range []string{`"`, "\u202e", "x", "서", "\xff"} {
		long := strings.Repeat(char, 64<<10)
		name := strings.Repeat(char, 256/len(char))
		s := siteOf(t, "", config.Target{Name: name, URL: "http://a.example/", Module: "http_2xx"})
		s.inventory.ByName(name).Instance = long
		r := prober.Result{Start: time.Now(), Err: errors.New(long), Reason: prober.ReasonStatus, HTTP: &prober.HTTPResult{URL: long}}
		for range 2000 {
			r.Events = append(r.Events, prober.Event{Message: long})
		}
		for day := range 90 {
			s.probed(name, time.Now().AddDate(0, 0, day-90), errors.New(long))
			s.probed(name, time.Now().AddDate(0, 0, day-90).Add(time.Minute), nil)
		}
		s.tracker.Observe(status.Probe{Name: name, Result: r})
		if got := s.get("/targets/" + url.PathEscape(name)).Body.Len(); got > most {
			t.Errorf("of %q the page has %d bytes, want at most %d", char, got, most)
		}
	}
}

// A language that there is not is refused as on the other pages.
func TestDetailInNoLanguage(t *testing.T) {
	s := siteOf(t, "targets: [{name: shop, url: 'http://a.example/'}]")
	for query, want := range map[string]int{"": http.StatusOK, "?lang=": http.StatusOK, "?lang=ko": http.StatusOK, "?lang=de": http.StatusBadRequest, "?lang=en&lang=ko": http.StatusBadRequest} {
		if got := s.get("/targets/shop" + query).Code; got != want {
			t.Errorf("%q is answered %d, want %d", query, got, want)
		}
	}
}

func TestMissingTarget(t *testing.T) {
	s := siteOf(t, "targets: [{name: shop, url: 'http://a.example/'}]")
	w := s.get("/targets/shpo")
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.Code)
	}
	expect(t, "shpo", w.Body.String(), "There is no target shpo", `Did you mean <a href="../targets/shop">shop</a>`, `<a href="../">All targets</a>`)
	if body := s.get("/targets/qqqqq").Body.String(); strings.Contains(body, "Did you mean") {
		t.Errorf("something is meant by qqqqq:\n%s", body)
	}
	w = s.get("/targets/shop?x=1")
	if w.Code != http.StatusBadRequest {
		t.Errorf("an unknown parameter is answered %d", w.Code)
	}
	expect(t, "an unknown parameter", w.Body.String(), "unknown parameter &#34;x&#34;", `href="../assets/`)
}

// A command line is one that a shell takes apart as it was meant. What an API lists is probed by the exporter.
func TestRepeat(t *testing.T) {
	for _, name := range []string{"shop", "-x", "@y", "a b", "it's", `q"u$(o)te`, "서버;rm", "a\\b", "~", "*"} {
		s := siteOf(t, "", config.Target{Name: name, URL: "http://a.example/?key=canary", Module: "http_2xx"})
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
		e := s.inventory.ByName(name)
		byAPI := s.repeat(e, r)
		e.Reviewed = true
		for line, want := range map[string][]string{
			byAPI:             {"curl", "--get", "--data-urlencode", "name=" + name, "--data", "debug=true", "http://example.com/probe"},
			s.repeat(e, r):    {"healthcheck_exporter", "probe", "--config.file=/etc/hc/it's mine.yml", "--name=" + name},
			s.explain("s", r): {"healthcheck_exporter", "restarts", "explain", "--url=http://example.com/", "s"},
		} {
			out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -f; for w in `+line+`; do printf '%s\n' "$w"; done`).Output()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")); diff != "" {
				t.Errorf("%s is (-want +got):\n%s", line, diff)
			}
		}
	}
}

func TestNamedLinks(t *testing.T) {
	for _, tc := range []struct{ link, name, want string }{
		{"https://a/{name}", "shop", "https://a/shop"},
		{"https://a/?q={name}&r={name}", "a b&c=d#e/f", "https://a/?q=a%20b%26c%3Dd%23e%2Ff&r=a%20b%26c%3Dd%23e%2Ff"},
		{`https://a/?q=up{target="{name}"}`, `a"b\c`, `https://a/?q=up{target=%22a%5C%22b%5C%5Cc%22}`},
		{`https://a/?q=up%7Btarget=%22{name}%22%7D`, `"`, `https://a/?q=up%7Btarget=%22%5C%22%22%7D`},
		{"https://a/", "{name}", "https://a/"},
		{"https://a/{name}", "{name}", "https://a/%7Bname%7D"},
	} {
		if got := named(tc.link, tc.name); got != tc.want {
			t.Errorf("%s of %q is %s, want %s", tc.link, tc.name, got, tc.want)
		}
	}
}

func TestLasted(t *testing.T) {
	c := catalogues["en"]
	for d, want := range map[time.Duration]string{
		0: "0 s", -time.Second: "0 s", 900 * time.Millisecond: "0 s", 59 * time.Second: "59 s", time.Minute: "1 m", 130 * time.Second: "2 m 10 s",
		time.Hour: "1 h", time.Hour + 5*time.Second: "1 h", 26*time.Hour + 30*time.Minute: "1 d 2 h", 2000 * 24 * time.Hour: "2,000 d",
	} {
		if got := lasted(c, d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// Events are asked for in the words of the API. A day, and a page, is a link.
func TestEvents(t *testing.T) {
	s := siteOf(t, "targets: [{name: shop, url: 'http://a.example/'}, {name: feed, url: 'http://b.example/'}]")
	begin := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2).Add(time.Hour)
	s.probed("shop", begin, nil)
	s.probed("shop", begin.Add(time.Hour), errDown)
	s.probed("shop", begin.Add(time.Hour+130*time.Second), nil)
	s.probed("feed", begin.AddDate(0, 0, 1), errors.New("reset by peer"))
	s.tracker.Record(status.Event{At: begin.AddDate(0, 0, 1), Kind: status.KindRestart, Service: "web", Outcome: "not_recovered", Trigger: "own_checks"})
	count := func(body string) int { return strings.Count(body, "<li><time datetime") }
	body := s.get("/events").Body.String()
	expect(t, "all", body, "after 1 h up", "for 2 m 10 s", "after 2 m 10 s down", "reset by peer", "restart of web", "it did not help", "asked for by its own checks", `<a href="./targets/shop">shop</a>`)
	if days := strings.Count(body, "<h2>"); days != 2 || count(body) != 4 {
		t.Errorf("there are %d events of %d days, want 4 of 2:\n%s", count(body), days, body)
	}
	day := begin.Truncate(24 * time.Hour)
	for query, want := range map[string]int{
		"?target=shop": 2, "?target=&kind=&since=&until=&after=&limit=": 4, "?kind=restart": 1, "?since=1h": 0,
		"?since=" + day.Format(time.RFC3339) + "&until=" + day.AddDate(0, 0, 1).Format(time.RFC3339): 2, "?until=" + day.Format(time.RFC3339): 0,
	} {
		if body := s.get("/events" + query).Body.String(); count(body) != want {
			t.Errorf("%s has %d events, want %d:\n%s", query, count(body), want, body)
		}
	}
	expect(t, "none", s.get("/events?since=1h").Body.String(), "Nothing of that kind happened", `<a href="events">Show all</a>`)
	if body := s.get("/events?limit=1").Body.String(); strings.Contains(body, "Show all") {
		t.Errorf("a page of all events offers all:\n%s", body)
	}
	seen, path := 0, "/events?limit=1&lang=ko"
	for path != "" && seen < 10 {
		body := s.get(path).Body.String()
		seen += count(body)
		_, next, found := strings.Cut(body, `<p><a href="`)
		next, _, _ = strings.Cut(next, `"`)
		path = map[bool]string{true: "/" + html.UnescapeString(next)}[found]
	}
	if seen != 4 {
		t.Errorf("page by page there are %d events, want 4", seen)
	}
	for _, query := range []string{"?kind=x", "?since=yesterday", "?limit=0", "?x=1", "?target=a&target=b", "?lang=de"} {
		if w := s.get("/events" + query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s is answered %d:\n%s", query, w.Code, w.Body)
		}
	}
	for lang := range catalogues {
		for _, outcome := range []string{"recovered", "not_recovered", "exec_failed", "refused_by_backend", "identity_unchanged", "unknown"} {
			if key := "event.outcome." + outcome; catalogues[lang].say(key) == key {
				t.Errorf("%s has no %s", lang, key)
			}
		}
		for _, kind := range status.Kinds() {
			if key := "event.kind." + kind; catalogues[lang].say(key) == key {
				t.Errorf("%s has no %s", lang, key)
			}
		}
	}
}

// The page of the most events that may be asked for is bounded.
func TestEventsAreBounded(t *testing.T) {
	const most = 4 << 20
	s := siteOf(t, "")
	long, name := strings.Repeat(`"`, 64<<10), strings.Repeat(`"`, 250)
	for i := range status.MaxEvents {
		s.tracker.Record(status.Event{At: time.Now(), Kind: status.KindState, Target: fmt.Sprint(i, name), State: status.StateDown, Reason: prober.ReasonStatus, Error: long})
	}
	if got := s.get("/events?limit=1000").Body.Len(); got > most {
		t.Errorf("the page has %d bytes, want at most %d", got, most)
	}
}
