package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A channelHouse is an exporter with an Alertmanager, asked by its API.
type channelHouse struct {
	app     *App
	handler http.Handler
	manager *probetest.Alertmanager
	front   *httptest.Server // of the manager, which cannot be reached once it is closed
	log     *recorder
	dir     string // below which everything is that is written
}

func newChannelHouse(t *testing.T) *channelHouse {
	t.Helper()
	h := &channelHouse{dir: t.TempDir(), log: &recorder{}}
	h.manager = apiAlertmanager(t, h.dir, "http://127.0.0.1:1/pager")
	at, err := url.Parse(h.manager.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.front = httptest.NewServer(httputil.NewSingleHostReverseProxy(at))
	t.Cleanup(h.front.Close)
	o := options(h.log)
	o.StoragePath = filepath.Join(h.dir, "data")
	o.ConfigFile = configFile(t, strings.NewReplacer("DIR", h.dir, "MANAGER", h.front.URL).Replace(`
modules: {http_2xx: {prober: http}}
managed: {targets: true}
alertmanager: {base: 'DIR/base.yml', dir: 'DIR/alertmanager', servers: [{name: am-1, url: 'MANAGER'}], channel_hosts: [hooks.slack.com, chat.example.com]}
targets:
  - {name: shop, url: 'http://127.0.0.1:1/shop', environment: LIVE}
  - {name: wiki, url: 'http://127.0.0.1:1/wiki', environment: DEV}
`)+accessSection("read"))
	h.app = started(t, o)
	h.handler = h.app.routes()
	return h
}

// A step is what somebody asks, and the answer. Match is If-Match, and want a part of the answer.
type step struct {
	name, by, method, path, body, match string
	status                              int
	want                                string
}

// do takes a step, again if it comes too soon. No answer has a canary.
func (h *channelHouse) do(t *testing.T, s step) {
	t.Helper()
	var w *httptest.ResponseRecorder
	until(t, s.name, func() bool {
		w = (call{s.method, s.path, s.body, s.set}).do(t, h.handler)
		return w.Code != http.StatusTooManyRequests
	})
	if w.Code != s.status || !strings.Contains(w.Body.String(), s.want) {
		t.Errorf("%s: %d, want %d with %s: %s", s.name, w.Code, s.status, s.want, w.Body)
	}
}

// set sets the header of a request.
func (s *step) set(r *http.Request) {
	switch s.by {
	case "":
	case "editor":
		r.Header.Set("Remote-User", s.by)
		r.RemoteAddr = "127.0.0.9:1"
	default:
		bearer(tokenOf(s.by))(r)
	}
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.match != "" {
		r.Header.Set("If-Match", s.match)
	}
}

const (
	liveHook = `{"type":"slack_webhook","url":"https://hooks.slack.com/services/canary","matchers":["environment=\"LIVE\""]}`
	devHook  = `{"type":"webhook","url":"https://chat.example.com/hook","token":"canary","matchers":["environment=~\"DEV|DEV\""]}`
)

// Channels are changed by the API, in a running Alertmanager, by those who may.
func TestChannelsByAPI(t *testing.T) {
	h := newChannelHouse(t)
	const channel, target = "/api/v1/channels/", "/api/v1/targets/"
	for _, s := range []step{
		{"a trial", "editor", "PUT", channel + "live?dry_run=true", liveHook, "", 201, `"revision":0`},
		{"nothing is kept", "", "GET", "/api/v1/channels", "", "", 200, `{"channels":[]}`},
		{"make", "editor", "PUT", channel + "live", liveHook, "", 201, `"secret":{"set":true`},
		{"the same", "editor", "PUT", channel + "live", liveHook, "", 200, `"revision":1`},
		{"without the secret, which stays", "editor", "PUT", channel + "live", `{"type":"slack_webhook","matchers":["environment=\"LIVE\""],"group_wait":"500ms"}`, `"1"`, 200, `"secret":{"set":true`},
		{"an old one", "editor", "PATCH", channel + "live", `{"enabled":false}`, `"1"`, 412, `"current":{"name":"live","type":"slack_webhook"`},
		{"without a condition", "editor", "PATCH", channel + "live", `{"enabled":false}`, "", 428, "if_match_required"},
		{"a reader", "reader", "PUT", channel + "x", liveHook, "", 403, "role edit"},
		{"an operator", "operator", "PUT", channel + "x", liveHook, "", 403, "role edit"},
		{"nobody", "", "PUT", channel + "x", liveHook, "", 401, "role edit"},
		{"elsewhere", "deved", "PUT", channel + "x", liveHook, "", 403, "x is in LIVE"},
		{"everywhere", "deved", "PUT", channel + "x", strings.Replace(devHook, "environment", "team", 1), "", 403, "x is in no environment"},
		{"in DEV", "deved", "PUT", channel + "dev", devHook, "", 201, `"type":"webhook"`},
		{"from there to elsewhere", "deved", "PATCH", channel + "dev", `{"matchers":["environment=\"LIVE\""]}`, "*", 403, "dev is in LIVE"},
		{"from elsewhere to there", "deved", "PATCH", channel + "live", `{"matchers":["environment=\"DEV\""]}`, "*", 403, "live is in LIVE"},
		{"delete elsewhere", "deved", "DELETE", channel + "live", "", "*", 403, "live is in LIVE"},
		{"test elsewhere", "devop", "POST", channel + "live/test", "", "", 403, "live is in LIVE"},
		{"test there", "devop", "POST", channel + "dev/test", "", "", 202, `{"channel":"dev","by":"devop"`},
		{"what became of it", "", "GET", channel + "dev/test", "", "", 200, `"by":"devop"`},
		{"test by a reader", "reader", "POST", channel + "dev/test", "", "", 403, "role operate"},
		{"off", "editor", "PATCH", channel + "live", `{"enabled":false}`, "*", 200, `"enabled":false`},
		{"who hears of it", "", "GET", target + "shop", "", "", 200, `"channels":[{"name":"live","enabled":false}]`},
		{"and of the other", "", "GET", target + "wiki", "", "", 200, `"channels":[{"name":"dev","enabled":true}]`},
		{"a slip", "", "GET", channel + "lvie", "", "", 404, `did you mean \"live\"?`},
		{"events", "", "GET", "/api/v1/events?kind=channel", "", "", 200, `"kind":"channel","channel":"live","outcome":"updated"`},
		{"an export", "reader", "GET", "/api/v1/managed", "", "", 200, `"channels":[`},
		{"how Alertmanager is", "", "GET", "/api/v1/alertmanager", "", "", 200, `"server":"am-1","state":"in_sync"`},
		{"what it runs", "", "GET", "/api/v1/alertmanager/config", "", "", 200, "healthcheck_channel=\"live\""},
		{"the names of others", "editor", "PUT", channel + url.PathEscape("hc/알림 #1"), `{"type":"receiver","receiver":"pager"}`, "", 201, `"name":"hc/알림 #1"`},
		{"delete", "editor", "DELETE", channel + url.PathEscape("hc/알림 #1"), "", "*", 204, ""},
	} {
		h.do(t, s)
	}
	if text, _ := h.manager.Loaded(); !strings.Contains(text, `healthcheck_channel="dev"`) {
		t.Errorf("Alertmanager runs\n%s", text)
	}
}

// What Alertmanager says and does decides how a change ends.
func TestChannelsAndAlertmanager(t *testing.T) {
	h := newChannelHouse(t)
	const path = "/api/v1/channels/live"
	file := filepath.Join(h.dir, "alertmanager", "alertmanager.yml")
	written := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	h.do(t, step{"make", "editor", "PUT", path, liveHook, "", 201, ""})
	before := written()
	h.do(t, step{"one elsewhere runs it", "syncer", "POST", "/api/v1/alertmanager/bundle/result", `{"revision":1,"standing":{"server":"x","state":"in_sync"}}`, "", 204, ""})

	h.manager.Set("", probetest.QuirkRefuses)
	h.do(t, step{"refused", "editor", "PATCH", path, `{"enabled":false}`, "*", 422, `alertmanager_refused","title":"Alertmanager does not take it"`})
	h.manager.Set("", probetest.QuirkNone)
	h.do(t, step{"as before", "", "GET", path, "", "", 200, `"enabled":true`})
	if written() != before {
		t.Errorf("after a refusal the file is\n%s", written())
	}

	writeFile(t, file, "route: {receiver: canary}")
	h.do(t, step{"changed by others", "editor", "PATCH", path, `{"enabled":false}`, "*", 409, "file_changed"})
	h.do(t, step{"applied", "editor", "POST", "/api/v1/alertmanager/apply", "", "", 409, "apply?overwrite=true replaces it"})
	h.do(t, step{"somewhere alone", "deved", "POST", "/api/v1/alertmanager/apply?overwrite=true", "", "", 403, "the configuration of Alertmanager is in no environment"})
	h.do(t, step{"overwritten", "editor", "POST", "/api/v1/alertmanager/apply?overwrite=true", "", "", 200, `"state":"in_sync"`})

	h.front.Close()
	h.do(t, step{"without it", "editor", "PATCH", path, `{"enabled":false}`, "*", 202, `"enabled":false`})
	h.do(t, step{"it is known", "", "GET", "/api/v1/alertmanager", "", "", 200, `"state":"pending"`})
	h.do(t, step{"applied without it", "editor", "POST", "/api/v1/alertmanager/apply", "", "", 202, `"server":"am-1"`})
	h.do(t, step{"deleted without it", "editor", "DELETE", path, "", "*", 202, `"name":"live"`})
}

// Secrets are in no answer to those who may not have them, in no log, and in no file but their own, whatever is wrong with what has them.
func TestSecretsOfChannels(t *testing.T) {
	h := newChannelHouse(t)
	const channel = "/api/v1/channels/"
	wrong := []string{
		`{"type":"slack_webhook","url":"https://elsewhere.example/services/canary"}`,
		`{"type":"slack_webhook","url":"canary"}`, `{"type":"slack_webhook","url":"http://hooks.slack.com/canary"}`,
		`{"type":"slack_webhook","url":["https://hooks.slack.com/canary"]}`, `{"type":"slack_webhook","url":{"canary":1}}`, `{"type":"slack_webhook","url":"https://x:canary@hooks.slack.com/"}`,
		`{"type":"slack_bot","channel":"#live","token":"canary canary"}`, `{"type":"slack_bot","channel":"#live","token":["canary"]}`, `{"type":"slack_bot","token":"canary"}`,
		`{"type":"webhook","url":"https://chat.example.com/hook?key=canary"}`, `{"type":"webhook","url":"https://hooks.slack.com/services/canary"}`,
		`{"type":"webhook","url":"https://canary:canary@chat.example.com/"}`, `{"type":"receiver","receiver":"pager","token":"canary"}`,
		`{"type":"receiver","receiver":"pager","url":"https://hooks.slack.com/services/canary"}`, `{"url":"https://hooks.slack.com/services/canary"}`,
		`{"type":5,"url":"https://hooks.slack.com/services/canary"}`, `{"type":"slack_webhook","secret":"canary"}`,
		`{"type":"slack_webhook","url":"https://hooks.slack.com/services/canary","token":"canary"}`,
	}
	for i, body := range wrong {
		h.do(t, step{fmt.Sprintf("wrong %d", i), "editor", "PUT", channel + "x", body, "", 422, "#invalid"})
	}
	for _, body := range []string{`{"url":"https://hooks.slack.com/canary`, `{"token":canary}`, `["canary"]`, `{"token":"canary"}{"token":"canary"}`} {
		h.do(t, step{"not an object", "editor", "PUT", channel + "x", body, "", 400, "#bad_request"})
	}
	h.do(t, step{"make", "editor", "PUT", channel + "live", liveHook, "", 201, ""})
	h.do(t, step{"make another", "editor", "PUT", channel + "dev", devHook, "", 201, ""})
	for _, patch := range []string{`{"url":["canary"]}`, `{"url":"canary"}`, `{"token":"canary"}`, `{"type":"slack_bot","token":"canary"}`} {
		h.do(t, step{"patch", "editor", "PATCH", channel + "live", patch, "*", 422, "#invalid"})
	}
	h.do(t, step{"another secret", "editor", "PATCH", channel + "live", `{"url":"https://hooks.slack.com/services/canary-2"}`, "*", 200, ""})
	h.do(t, step{"another type", "editor", "PUT", channel + "dev", `{"type":"receiver","receiver":"pager"}`, "*", 200, `"secret":{"set":false}`})
	for _, path := range []string{
		"/", "/events", "/targets/shop", "/channels", "/channels/live", "/config", "/metrics",
		"/api/v1/channels", channel + "live", "/api/v1/managed", "/api/v1/managed?format=yaml", "/api/v1/events", "/api/v1/alertmanager", "/api/v1/alertmanager/config", "/api/v1/targets/shop",
	} {
		h.do(t, step{path, "editor", "GET", path, "", "", 200, ""})
	}

	bundle := serveAs(t, h.handler, "syncer", "GET", "/api/v1/alertmanager/bundle", "")
	if bundle.Code != http.StatusOK || !strings.Contains(bundle.Body.String(), `"secrets":{"live":"https://hooks.slack.com/services/canary-2"}`) || bundle.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a bundle is answered %d, %v: %s", bundle.Code, bundle.Header(), bundle.Body)
	}
	for _, by := range []string{"reader", "operator", "deved"} {
		h.do(t, step{"the bundle", by, "GET", "/api/v1/alertmanager/bundle", "", "", 403, "role sync"})
	}
	h.do(t, step{"a result", "syncer", "POST", "/api/v1/alertmanager/bundle/result", `{"revision":3,"standing":{"server":"x","state":"reload_failed","detail":"undefined receiver"}}`, "", 204, ""})
	h.do(t, step{"told", "", "GET", "/api/v1/alertmanager", "", "", 200, `{"server":"syncer","state":"reload_failed","detail":"undefined receiver"`})
	h.do(t, step{"no result", "syncer", "POST", "/api/v1/alertmanager/bundle/result", `{"standing":{"state":"fine"}}`, "", 422, `"pointer":"/standing/state"`})

	for _, record := range h.log.all() {
		record.Attrs(func(a slog.Attr) bool {
			if strings.Contains(a.String(), "canary") {
				t.Errorf("the log has %s: %s", record.Message, a)
			}
			return true
		})
	}
	found := 0
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // it was written aside, and has another name by now
			return nil
		}
		if strings.Contains(string(text), "canary") {
			found++
			if filepath.Base(filepath.Dir(path)) != "channel-secrets" {
				t.Errorf("%s has a secret", path)
			}
		}
		return err
	})
	if err != nil || found != 1 {
		t.Errorf("%d files have a secret, %v; want that of the channel alone", found, err)
	}
}

// serveAs is an answer that may have secrets.
func serveAs(t *testing.T, h http.Handler, by, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	bearer(tokenOf(by))(r)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A silence of Alertmanager is told with the target that it is about, as soon as somebody has looked.
func TestSilencesByAPI(t *testing.T) {
	h := newChannelHouse(t)
	h.manager.Silence(map[string]any{
		"id": "12-ab", "createdBy": "carol", "comment": "moving", "status": map[string]string{"state": "active"},
		"startsAt": time.Now().Add(-time.Hour), "endsAt": time.Now().Add(time.Hour),
		"matchers": []map[string]any{{"name": "target", "value": "shop", "isRegex": false, "isEqual": true}},
	})
	shown := func(target string) string {
		return serve(h.handler, http.MethodGet, "/api/v1/targets/"+url.PathEscape(target), nil).Body.String()
	}
	until(t, "the silence to be read", func() bool {
		return strings.Contains(shown("shop"), `"silences":[{"id":"12-ab","created_by":"carol","comment":"moving"`)
	})
	if text := shown("wiki"); strings.Contains(text, "carol") {
		t.Errorf("the silence is one of another target, too: %s", text)
	}
}
