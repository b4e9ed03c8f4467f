package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

const (
	livePath = "/api/v1/channels/live"
	live     = `{"type":"slack_webhook","url":"https://hooks.slack.com/services/canary","matchers":["environment=\"LIVE\""]}`
	dev      = `{"type":"receiver","receiver":"pager","matchers":["environment=\"DEV\""]}`
)

// TestChannelEdits is a life of a channel: each request with the answer to it, one after the other. Nobody sees the secret.
func TestChannelEdits(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		match := func(tag string) []string { return []string{"If-Match", tag} }
		for _, tc := range []struct {
			name     string
			ask      question
			status   int
			want     string // the type of the problem, or a part of the answer
			revision string
		}{
			{"none yet", question{bob, "GET", "/api/v1/channels", "", nil}, 200, `{"channels":[]}`, ""},
			{"a trial", question{alice, "PUT", livePath + "?dry_run=true", live, nil}, 201, `"name":"live"`, ""},
			{"nothing is kept of it", question{bob, "GET", livePath, "", nil}, 404, "not_found", ""},
			{"make", question{alice, "PUT", livePath, live, []string{"If-None-Match", "*"}}, 201, `"secret":{"set":true,"updated_at":"`, `"1"`},
			{"with warnings", question{alice, "PUT", livePath, live, match("*")}, 200, `"warnings":["alerts of`, `"2"`},
			{"make again", question{alice, "PUT", livePath, live, []string{"If-None-Match", "*"}}, 412, "changed_meanwhile", ""},
			{"without a condition", question{alice, "PUT", livePath, live, nil}, 428, "if_match_required", ""},
			{"by a weak tag", question{alice, "PUT", livePath, live, match(`W/"2"`)}, 412, "changed_meanwhile", ""},
			{"in vain", question{alice, "PUT", livePath, live, match(`"1"`)}, 412, "changed_meanwhile", ""},
			{"patch", question{alice, "PATCH", livePath, `{"enabled":false}`, append(match(`"2"`), "Content-Type", mergePatchType)}, 200, `"enabled":false`, `"3"`},
			{"patch on trial", question{alice, "PATCH", livePath + "?dry_run=true", `{"enabled":true}`, match(`"3"`)}, 200, `"enabled":true`, `"3"`},
			{"patch nothing", question{alice, "PATCH", "/api/v1/channels/nothing", `{}`, match("*")}, 404, "not_found", ""},
			{"show", question{bob, "GET", livePath, "", nil}, 200, `"enabled":false`, `"3"`},
			{"wrong", question{alice, "PUT", "/api/v1/channels/b", `{}`, nil}, 422, "invalid", ""},
			{"elsewhere", question{ci, "PUT", "/api/v1/channels/b", live, nil}, 403, "forbidden", ""},
			{"from elsewhere", question{ci, "PUT", livePath, dev, match("*")}, 403, "forbidden", ""},
			{"to elsewhere", question{ci, "DELETE", livePath, "", match("*")}, 403, "forbidden", ""},
			{"here", question{ci, "PUT", "/api/v1/channels/dev", dev, nil}, 201, `"receiver":"pager"`, `"4"`},
			{"a reader", question{bob, "PUT", "/api/v1/channels/b", live, nil}, 403, "forbidden", ""},
			{"a part of the list", question{bob, "GET", "/api/v1/channels?limit=1", "", nil}, 200, `"next":"?after=dev\u0026limit=1"`, ""},
			{"the other part", question{bob, "GET", "/api/v1/channels?limit=1&after=dev", "", nil}, 200, `{"channels":[{"name":"live"`, ""},
			{"no part", question{bob, "GET", "/api/v1/channels?limit=0", "", nil}, 400, "bad_request", ""},
			{"remove, without a condition", question{alice, "DELETE", livePath, "", nil}, 428, "if_match_required", ""},
			{"remove on trial", question{alice, "DELETE", livePath + "?dry_run=true", "", match("*")}, 204, "", ""},
			{"remove", question{alice, "DELETE", livePath, "", match(`"3"`)}, 204, "", ""},
			{"it is gone", question{alice, "DELETE", livePath, "", match(`"3"`)}, 404, "not_found", ""},
		} {
			w := h.ask(t, tc.ask)
			want := tc.want
			if tc.status >= 400 {
				want = `{"type":"` + typeURL + tc.want + `"`
			}
			if w.Code != tc.status || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, want, w.Body)
			}
			if got := w.Header().Get("ETag"); got != tc.revision && tc.ask.path != "/api/v1/channels" && !strings.Contains(tc.ask.path, "limit") {
				t.Errorf("%s: ETag %s, want %s", tc.name, got, tc.revision)
			}
			if location := w.Header().Get("Location"); (location == "") == (tc.status == http.StatusCreated) {
				t.Errorf("%s: Location is %q", tc.name, location)
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s: the secret is shown: %s", tc.name, w.Body)
			}
		}
	})
}

// What keeps a change of channels from being made is told by its type, and nothing else of it.
func TestChannelProblems(t *testing.T) {
	fails := func(err error) (p Problem) {
		w := httptest.NewRecorder()
		failChannels(w, err)
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code {
			t.Errorf("%d %v: %s", w.Code, err, w.Body)
		}
		return p
	}
	for _, tc := range []struct {
		err    error
		status int
		kind   string
		detail string
	}{
		{channels.ErrOff, 403, "read_only", "channels are off here: a section `alertmanager` in the configuration lets people make them"},
		{&channels.MissingError{Name: "lvie", Meant: "live"}, 404, "not_found", `there is no channel "lvie"; did you mean "live"?`},
		{
			fmt.Errorf("/etc/alertmanager.yml: %w", alertconf.ErrFileChanged), 409, "file_changed",
			"/etc/alertmanager.yml: it was changed by somebody else since it was written; POST /api/v1/alertmanager/apply?overwrite=true replaces it",
		},
		{errors.Join(&alertconf.RefusedError{Server: "am-1", Text: "undefined receiver"}, errors.New("x")), 422, "alertmanager_refused", "am-1: undefined receiver"},
		{&alertconf.MissingError{Missing: []string{"secrets/live"}}, 422, "alertmanager_refused", "secrets/live"},
		{&managed.StoreError{Err: errors.New("disk full")}, 503, "store", "disk full"},
	} {
		p := fails(tc.err)
		if p.Status != tc.status || p.Type != typeURL+tc.kind || !strings.Contains(p.Detail, tc.detail) {
			t.Errorf("%v is told as %+v", tc.err, p)
		}
	}
	inHouse(t, func(t *testing.T, h *house) {
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		for _, tag := range []string{`"9"`, `W/"1"`} {
			var p struct {
				Detail  string
				Current channels.Channel
			}
			w := h.ask(t, question{alice, "PUT", livePath, dev, []string{"If-Match", tag}})
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Current.Name != "live" || p.Current.Revision != 1 || p.Current.Updated.By != "alice" {
				t.Errorf("a lost race is told as %s", w.Body)
			}
		}
		if w := h.ask(t, question{alice, "PUT", "/api/v1/channels/b", dev, []string{"If-Match", `"9"`}}); strings.Contains(w.Body.String(), "current") {
			t.Errorf("there is no channel, and it is %s", w.Body)
		}
	})
}

// A body that is refused before anybody reads it is not told again: it may have a secret anywhere.
func TestChannelBodies(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for _, tc := range []struct {
			name, method, path, kind, body string
			status                         int
		}{
			{"cut", "PUT", livePath, jsonType, `{"url":"https://canary`, 400},
			{"not JSON", "PUT", livePath, jsonType, `{"url":https://canary}`, 400},
			{"a text", "PUT", livePath, jsonType, `"canary"`, 400},
			{"a list", "PATCH", livePath, jsonType, `["canary"]`, 400},
			{"twice", "PUT", livePath, jsonType, `{"token":"canary","token":"canary"}`, 400},
			{"two", "PUT", livePath, jsonType, `{"token":"canary"} {"token":"canary"}`, 400},
			{"a form", "PUT", livePath, "application/x-www-form-urlencoded", "token=canary", 415},
			{"large", "PUT", livePath, jsonType, `{"token":"` + strings.Repeat("canary", 11<<10) + `"}`, 413},
			{"with a DELETE", "DELETE", livePath, jsonType, `{"token":"canary"}`, 400},
			{"with a test", "POST", livePath + "/test", jsonType, `{"token":"canary"}`, 400},
			{"with an apply", "POST", "/api/v1/alertmanager/apply", jsonType, `{"token":"canary"}`, 400},
			{"a name that is not UTF-8", "PUT", "/api/v1/channels/%ff", jsonType, live, 400},
			{"force", "DELETE", livePath + "?force=true", "", "", 400},
			{"overwrite where it means nothing", "PUT", livePath + "?overwrite=true", jsonType, live, 400},
		} {
			w := h.ask(t, question{alice, tc.method, tc.path, tc.body, []string{"Content-Type", tc.kind}})
			if w.Code != tc.status || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s: %d, want %d without the secret: %s", tc.name, w.Code, tc.status, w.Body)
			}
		}
		if len(h.channels.all) > 0 {
			t.Errorf("%d channels were made", len(h.channels.all))
		}
	})
}

// A change that some Alertmanager has still to be told of is answered with 202 and the channel.
func TestPendingChannel(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.channels.state = alertconf.Unreachable
		for _, q := range []question{
			{alice, "PUT", livePath, live, nil},
			{alice, "PATCH", livePath, `{"enabled":false}`, []string{"If-Match", "*"}},
			{alice, "DELETE", livePath, "", []string{"If-Match", "*"}},
		} {
			w := h.ask(t, q)
			if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"name":"live"`) {
				t.Errorf("%s: %d %s", q.method, w.Code, w.Body)
			}
			if (w.Header().Get("Location") == livePath) != (q.method == http.MethodPut) || (w.Header().Get("ETag") == "") != (q.method == http.MethodDelete) {
				t.Errorf("%s: %v", q.method, w.Header())
			}
		}
	})
}

// The name of a channel may be anything. It arrives whole, and Location leads back to it.
func TestChannelNames(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for _, name := range []string{"https://a.example/x?y=1#z", "알림 1", "a%b", "a/../b", "a+b;c&d=e", `"quoted"`, "%2F", "test"} {
			path := "/api/v1/channels/" + url.PathEscape(name)
			made := h.ask(t, question{alice, "PUT", path, live, nil})
			shown := h.ask(t, question{bob, "GET", made.Header().Get("Location"), "", nil})
			var c channels.Channel
			if err := json.Unmarshal(shown.Body.Bytes(), &c); err != nil || c.Name != name {
				t.Errorf("%q: Location leads to %q: %d %s", name, c.Name, shown.Code, shown.Body)
			}
			begun := h.ask(t, question{alice, "POST", path + "/test", "", nil})
			if begun.Code != http.StatusAccepted || begun.Header().Get("Location") != path+"/test" {
				t.Errorf("%q: a test is answered %d, %v", name, begun.Code, begun.Header())
			}
			if w := h.ask(t, question{alice, "DELETE", path, "", []string{"If-Match", "*"}}); w.Code != http.StatusNoContent {
				t.Errorf("%q: %d %s", name, w.Code, w.Body)
			}
		}
	})
}

// Whoever may operate where a channel is may test it, and anybody may read what became of it.
func TestChannelTest(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		h.ask(t, question{alice, "PUT", "/api/v1/channels/dev", dev, nil})
		for _, tc := range []struct {
			name   string
			ask    question
			wrong  error
			status int
			want   string
		}{
			{"none yet", question{bob, "GET", livePath + "/test", "", nil}, nil, 404, `channel \"live\" was not tested since`},
			{"a reader", question{bob, "POST", livePath + "/test", "", nil}, nil, 403, "forbidden"},
			{"elsewhere", question{ci, "POST", livePath + "/test", "", nil}, nil, 403, "live is in LIVE"},
			{"here", question{ci, "POST", "/api/v1/channels/dev/test", "", nil}, nil, 202, `{"channel":"dev","by":"ci"`},
			{"everywhere", question{alice, "POST", livePath + "/test", "{}", nil}, nil, 202, `"ok":false,"hops":[{"name":"receiver","ok":true,"said":[]}]`},
			{"begun", question{bob, "GET", livePath + "/test", "", nil}, nil, 200, `{"channel":"live","by":"alice"`},
			{"again", question{alice, "POST", livePath + "/test", "", nil}, &managed.TooManyError{Err: errors.New("one is under way")}, 429, "too_many"},
			{"a slip", question{alice, "POST", "/api/v1/channels/lvie/test", "", nil}, nil, 404, `did you mean \"live\"?`},
			{"of none", question{bob, "GET", "/api/v1/channels/lvie/test", "", nil}, nil, 404, `did you mean \"live\"?`},
		} {
			h.channels.wrong = tc.wrong
			if w := h.ask(t, tc.ask); w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
		}
	})
}

func TestAlertmanagers(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		const apply = "/api/v1/alertmanager/apply"
		for _, tc := range []struct {
			name   string
			ask    question
			state  alertconf.State
			wrong  error
			status int
			want   string
		}{
			{"show", question{bob, "GET", "/api/v1/alertmanager", "", nil}, alertconf.InSync, nil, 200, `"servers":[{"server":"am-1","state":"in_sync"`},
			{"what it runs", question{bob, "GET", "/api/v1/alertmanager/config", "", nil}, alertconf.InSync, nil, 200, "hc-live"},
			{"apply", question{alice, "POST", apply, "", nil}, alertconf.InSync, nil, 200, `"state":"in_sync"`},
			{"later", question{alice, "POST", apply, "", nil}, alertconf.Unreachable, nil, 202, `"state":"unreachable"`},
			{"not over others", question{alice, "POST", apply, "", nil}, alertconf.InSync, alertconf.ErrFileChanged, 409, "apply?overwrite=true replaces it"},
			{"nor so", question{alice, "POST", apply + "?overwrite=false", "", nil}, alertconf.InSync, alertconf.ErrFileChanged, 409, "file_changed"},
			{"over others", question{alice, "POST", apply + "?overwrite=true", "", nil}, alertconf.InSync, alertconf.ErrFileChanged, 200, `"revision":1`},
			{"somewhere", question{ci, "POST", apply, "", nil}, alertconf.InSync, nil, 403, "the configuration of Alertmanager is in no environment alone"},
			{"an operator", question{access.Identity{Name: "op", Role: access.Operate}, "POST", apply, "", nil}, alertconf.InSync, nil, 403, "forbidden"},
		} {
			h.channels.state, h.channels.wrong = tc.state, tc.wrong
			w := h.ask(t, tc.ask)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
			if tc.ask.method == http.MethodGet && w.Header().Get("ETag") == "" {
				t.Errorf("%s: there is no ETag", tc.name)
			}
		}
	})
}

// A bundle has the secrets. It is kept nowhere, and not sent to who has it already.
func TestBundle(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		const path = "/api/v1/alertmanager/bundle"
		if w := h.ask(t, question{am, "GET", path, "", nil}); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"channels":[]`) {
			t.Errorf("without a channel: %d %s", w.Code, w.Body)
		}
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		w := h.ask(t, question{am, "GET", path, "", nil})
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "canary") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		tag := w.Header().Get("ETag")
		if w := h.ask(t, question{am, "GET", path, "", []string{"If-None-Match", tag}}); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("again: %d %s", w.Code, w.Body)
		}
		h.channels.secrets["live"] = "canary-2"
		if w := h.ask(t, question{am, "GET", path, "", []string{"If-None-Match", tag}}); w.Code != http.StatusOK {
			t.Errorf("with another secret: %d", w.Code)
		}

		body := `{"revision":7,"standing":{"server":"another","state":"reload_failed","detail":"undefined receiver","looked_at":"2026-12-01T08:00:00Z"}}`
		if w := h.ask(t, question{am, "POST", path + "/result", body, nil}); w.Code != http.StatusNoContent {
			t.Errorf("a result: %d %s", w.Code, w.Body)
		}
		want := channels.Result{Revision: 7}
		want.Standing = h.channels.reported["am-9"].Standing
		if diff := cmp.Diff(map[string]channels.Result{"am-9": want}, h.channels.reported); diff != "" || want.Standing.State != alertconf.ReloadFailed {
			t.Errorf("reported (-want +got):\n%s", diff)
		}
		for _, tc := range []struct{ body, want string }{
			{`{"revision":"7","standing":"fine"}`, `want a number`},
			{`{"revision":7,"standing":{"state":5}}`, `want an object`},
			{`{"result":7}`, `is not known here, want one of revision, standing`},
		} {
			if w := h.ask(t, question{am, "POST", path + "/result", tc.body, nil}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d %s", tc.body, w.Code, w.Body)
			}
		}
	})
}

// A target has who hears of it, and who has silenced it.
func TestHearers(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		text := func(path string) string { return h.ask(t, question{bob, "GET", path, "", nil}).Body.String() }
		if got := text("/api/v1/targets/db"); !strings.Contains(got, `"channels":[],"silences":[{"id":"1-2","created_by":"carol","comment":"moving","starts_at":`) {
			t.Errorf("without a channel: %s", got)
		}
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		if got := text("/api/v1/targets/web"); !strings.Contains(got, `"channels":[{"name":"live","enabled":true}],"recent"`) {
			t.Errorf("with a channel, and no silence: %s", got)
		}
		if got := text("/api/v1/targets"); strings.Contains(got, `"channels"`) {
			t.Errorf("the list has channels: %s", got)
		}
	})
}

// A document has channels beside targets, and what is reported of them.
func TestChannelDocuments(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		const path = "/api/v1/managed"
		if got := h.ask(t, question{bob, "GET", path, "", nil}).Body.String(); strings.Contains(got, "channels") {
			t.Errorf("there is no channel, and an export is %s", got)
		}
		h.ask(t, question{alice, "PUT", livePath, live, nil})
		w := h.ask(t, question{bob, "GET", path, "", nil})
		if want := `"channels":[` + "\n" + `{"name":"live","type":"slack_webhook","enabled":true`; !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("an export is %s", w.Body)
		}
		w = h.ask(t, question{alice, "PUT", path, w.Body.String(), nil})
		if want := `"channels":{"created":[],"updated":[{"name":"live","changes":{"url":[null,"\u003cchanged\u003e"]}}]`; w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("an import is answered %d: %s", w.Code, w.Body)
		}
		w = h.ask(t, question{alice, "PUT", path, `{"targets":[]}`, nil})
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "channels") {
			t.Errorf("an import without channels is answered %d: %s", w.Code, w.Body)
		}
	})
}

// Where there is no section about Alertmanager a list is empty, and what asks for more is told so.
func TestChannelsOff(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		editor := channels.New(channels.Options{Registry: h.registry, Log: slog.New(slog.DiscardHandler)})
		hears := &ChannelEdits{Channels: editor, Tests: channels.NewTests(editor, nil), Author: authorOf}
		managers := &Alertmanagers{Channels: editor, Author: authorOf}
		for _, tc := range []struct {
			name, method, body string
			handler            http.HandlerFunc
			status             int
			want               string
		}{
			{"list", "GET", "", hears.List, 200, `{"channels":[]}`},
			{"show", "GET", "", hears.Show, 404, "not_found"},
			{"put", "PUT", live, hears.Put, 403, "read_only"},
			{"patch", "PATCH", `{}`, hears.Patch, 403, "read_only"},
			{"delete", "DELETE", "", hears.Delete, 403, "read_only"},
			{"test", "POST", "", hears.Test, 404, "not_found"},
			{"state", "GET", "", managers.Show, 403, "read_only"},
			{"config", "GET", "", managers.Config, 403, "read_only"},
			{"apply", "POST", "", managers.Apply, 403, "read_only"},
			{"bundle", "GET", "", managers.Bundle, 403, "read_only"},
			{"result", "POST", `{"standing":{"state":"in_sync"}}`, managers.Result, 403, "read_only"},
		} {
			r := httptest.NewRequestWithContext(access.With(t.Context(), alice), tc.method, "/", strings.NewReader(tc.body))
			r.Header.Set("Content-Type", jsonType)
			r.SetPathValue("name", "live")
			w := httptest.NewRecorder()
			tc.handler(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
		}
	})
}

// Where nobody knows which channels there are, that is not the same as none.
func TestUnknownChannels(t *testing.T) {
	fake := newFakeChannels()
	fake.unknown = &managed.StoreError{Err: errors.New("canary-path cannot be read")}
	s := &ChannelEdits{Channels: fake, Tests: fake}
	for name, serve := range map[string]http.HandlerFunc{"list": s.List, "show": s.Show, "last test": s.LastTest} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/channels", http.NoBody)
		r.SetPathValue("name", "live")
		serve(w, r)
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: got %d: %s", name, w.Code, w.Body)
		}
	}
}
