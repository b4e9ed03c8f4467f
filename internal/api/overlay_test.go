package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

var operator = access.Identity{Name: "op", Role: access.Operate, Environments: []string{"DEV"}, Listed: true}

// TestPeriods mutes one and many: each request with the answer to it, one after the other.
func TestPeriods(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for _, tc := range []struct {
			name   string
			ask    question
			status int
			want   string
		}{
			{"mute", question{operator, "PUT", "/api/v1/targets/wiki/mute", `{"duration":"2h","reason":"deploy"}`, nil}, 200, `"by":"op","reason":"deploy"`},
			{"it is", question{bob, "GET", "/api/v1/targets/wiki/mute", "", nil}, 200, `"by":"op"`},
			{"it is told of the target", question{bob, "GET", "/api/v1/targets/wiki", "", nil}, 200, `"mute":{"start":`},
			{"a list has it", question{bob, "GET", "/api/v1/mutes", "", nil}, 200, `{"mutes":[{"target":"wiki","start":`},
			{"a list of others has not", question{bob, "GET", "/api/v1/mutes?environment=LIVE", "", nil}, 200, `{"mutes":[]}`},
			{"there is no maintenance", question{bob, "GET", "/api/v1/maintenances", "", nil}, 200, `{"maintenances":[]}`},
			{"nor that of one", question{bob, "GET", "/api/v1/targets/wiki/maintenance", "", nil}, 404, `not_found`},
			{"elsewhere", question{operator, "PUT", "/api/v1/targets/db/mute", `{"duration":"2h"}`, nil}, 403, "op may operate targets of DEV; db is in LIVE"},
			{"nobody", question{bob, "PUT", "/api/v1/targets/wiki/mute", `{"duration":"2h"}`, nil}, 403, "forbidden"},
			{"a slip", question{operator, "PUT", "/api/v1/targets/wikki/mute", `{"duration":"2h"}`, nil}, 404, `did you mean \"wiki\"?`},
			{"later", question{operator, "PUT", "/api/v1/targets/wiki/maintenance", `{"start":"` + later + `","duration":"1d","until_healthy":true}`, nil}, 200, `"start":"` + later},
			{"that is in the list", question{bob, "GET", "/api/v1/targets/wiki/maintenance", "", nil}, 200, `"until_healthy":true`},
			{"unmute on trial", question{operator, "DELETE", "/api/v1/targets/wiki/mute?dry_run=true", "", nil}, 204, ""},
			{"it still is", question{bob, "GET", "/api/v1/targets/wiki/mute", "", nil}, 200, `"by":"op"`},
			{"unmute", question{operator, "DELETE", "/api/v1/targets/wiki/mute", "", nil}, 204, ""},
			{"again", question{operator, "DELETE", "/api/v1/targets/wiki/mute", "", nil}, 204, ""},
			{"unmute what is not there", question{operator, "DELETE", "/api/v1/targets/nothing/mute", "", nil}, 404, "not_found"},

			{"many, uncounted", question{alice, "PUT", "/api/v1/mutes?label=team:shop", `{"duration":"2h"}`, nil}, 409, `"found":2`},
			{"many, miscounted", question{alice, "PUT", "/api/v1/mutes?label=team:shop", `{"duration":"2h","expect":3}`, nil}, 409, `"found":2`},
			{"many, one of them elsewhere", question{operator, "PUT", "/api/v1/mutes?label=team:shop", `{"duration":"2h","expect":2}`, nil}, 403, "web is in LIVE"},
			{"nothing came of it", question{bob, "GET", "/api/v1/mutes", "", nil}, 200, `{"mutes":[]}`},
			{"many on trial", question{alice, "PUT", "/api/v1/mutes?label=team:shop&dry_run=true", `{"duration":"2h","expect":2}`, nil}, 200, `{"found":2,"targets":["web","wiki"],"start":`},
			{"many", question{alice, "PUT", "/api/v1/mutes?label=team:shop", `{"duration":"2h","expect":2}`, nil}, 200, `{"found":2,"targets":["web","wiki"],"start":`},
			{"all", question{alice, "PUT", "/api/v1/mutes", `{"duration":"2h","expect":3}`, nil}, 200, `{"found":3,`},
			{"none", question{alice, "PUT", "/api/v1/mutes?environment=TEST", `{"duration":"2h","expect":0}`, nil}, 200, `{"found":0,"targets":[],`},
			{"a part of the list", question{bob, "GET", "/api/v1/mutes?limit=2", "", nil}, 200, `"next":"?after=web\u0026limit=2"`},
			{"the rest", question{bob, "GET", "/api/v1/mutes?limit=2&after=web", "", nil}, 200, `{"mutes":[{"target":"wiki"`},
			{"an end, uncounted", question{alice, "DELETE", "/api/v1/mutes?environment=LIVE", "", nil}, 409, `"found":2`},
			{"an end, miscounted", question{alice, "DELETE", "/api/v1/mutes?environment=LIVE&expect=1", "", nil}, 409, `"found":2`},
			{"an end", question{alice, "DELETE", "/api/v1/mutes?environment=LIVE&expect=2", "", nil}, 200, `{"found":2,"targets":["db","web"]}`},
			{"an end, counted in a body", question{alice, "DELETE", "/api/v1/mutes", `{"expect":3}`, nil}, 400, "there is no body here"},
			{"an end of all", question{alice, "DELETE", "/api/v1/mutes?expect=3", "", nil}, 200, `{"found":3,"targets":["wiki"]}`},
			{"many in maintenance", question{alice, "PUT", "/api/v1/maintenances?environment=LIVE", `{"duration":"2h","expect":2,"until_healthy":true}`, nil}, 200, `{"found":2,"targets":["db","web"],"start":`},
			{"one of them has it", question{bob, "GET", "/api/v1/targets/db", "", nil}, 200, `"maintenance_active":true`},
			{"the end of one", question{alice, "DELETE", "/api/v1/targets/db/maintenance", "", nil}, 204, ""},
			{"the end of many", question{alice, "DELETE", "/api/v1/maintenances?environment=LIVE&expect=2", "", nil}, 200, `{"found":2,"targets":["web"]}`},
			{"an unknown filter", question{alice, "PUT", "/api/v1/mutes?team=shop", `{"duration":"2h","expect":0}`, nil}, 400, "unknown parameter"},
			{"an impossible filter", question{alice, "PUT", "/api/v1/mutes?shard=3", `{"duration":"2h","expect":0}`, nil}, 400, "shard"},
		} {
			w := h.ask(t, tc.ask)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
		}
	})
}

// What is wrong with a period is told with where it is, all of it at once.
func TestPeriodBodies(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for body, want := range map[string]string{
			`{}`: `: it has no end, want either a duration or until`,
			`{"duration":"2h","until":"2026-12-01T08:00:00Z"}`: `/until: is there beside duration, want one of them`,
			`{"duration":2,"reason":null,"by":"mallory"}`: `/duration: got 2, want a string
/reason: is null, want a string
/by: is not known here, want one of duration, reason, start, until, until_healthy`,
			`{"duration":"soon"}`:                           `/duration: `,
			`{"until":"tomorrow"}`:                          `/until: got "tomorrow", want a time such as 2026-12-01T08:00:00Z`,
			`{"until":"1999-01-01T00:00:00Z"}`:              `/until: is not in the future`,
			`{"duration":"31d"}`:                            `/until: is 2`,
			`{"duration":"2h","start":5}`:                   `/start: got 5, want a string`,
			`{"duration":"2h","until_healthy":"x"}`:         `/until_healthy: got "x", want true or false`,
			`{"duration":"2h","a/b~c":1}`:                   `/a~1b~0c: is not known here`,
			`{"duration":"2h","Reason":"x"}`:                `/Reason: is not known here`,
			`{"duration":"2h","expect":1}`:                  `/expect: is not known here`,
			`{"start":"2026-13-01T08:00:00Z"}`:              `/start: got "2026-13-01T08:00:00Z"`,
			`{"duration":"2h","start":"` + "a\u0000" + `"}`: "!400",
		} {
			w := h.ask(t, question{alice, "PUT", "/api/v1/targets/db/maintenance", body, nil})
			if strings.HasPrefix(want, "!") {
				if fmt.Sprintf("!%d", w.Code) != want {
					t.Errorf("%s: %d, want %s", body, w.Code, want)
				}
				continue
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 || p.Title != "The maintenance is not valid" {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
			var got strings.Builder
			for _, e := range p.Errors {
				fmt.Fprintf(&got, "%s: %s\n", e.Pointer, e.Detail)
			}
			if !strings.HasPrefix(got.String(), want) {
				t.Errorf("%s: got\n%swant\n%s", body, got.String(), want)
			}
		}
		if w := h.ask(t, question{alice, "PUT", "/api/v1/targets/db/mute", `{"duration":"2h","until_healthy":true}`, nil}); w.Code != 422 {
			t.Errorf("a mute until it is healthy is answered %d", w.Code)
		}
	})
}

func TestProbeNow(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		const path = "/api/v1/targets/wiki/probe"
		if w := h.ask(t, question{operator, "POST", path, "", nil}); w.Code != 200 || !strings.Contains(w.Body.String(), `"success":true,"status_code":200`) {
			t.Errorf("a probe is answered %d %s", w.Code, w.Body)
		}
		for target, want := range map[string]int{"db": 403, "nothing": 404} {
			if w := h.ask(t, question{operator, "POST", "/api/v1/targets/" + target + "/probe", "", nil}); w.Code != want {
				t.Errorf("a probe of %s is answered %d, want %d", target, w.Code, want)
			}
		}
		h.probed = &managed.TooManyError{RetryAfter: 4200 * time.Millisecond, Err: errors.New("probe now: once in 5 s per target")}
		if w := h.ask(t, question{operator, "POST", path, "", nil}); w.Code != 429 || w.Header().Get("Retry-After") != "5" {
			t.Errorf("a second probe is answered %d after %s", w.Code, w.Header().Get("Retry-After"))
		}
	})
}

// What is exported is imported without a change, in both formats.
func TestExport(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for path, body := range map[string]string{
			"/api/v1/targets/shop":   shop,
			"/api/v1/targets/on":     `{"url":"http://on.example/","labels":{"build":"1.10","on":"yes","n":"~","empty":"","time":"2026-12-01"},"notification":"off"}`,
			"/api/v1/targets/서버%201": `{"url":"https://a.example/#x","depends_on":["db"],"valid_status_codes":[200,"3xx"],"labels":{"face":"\ud83d\ude00<&>"}}`,
		} {
			if w := h.ask(t, question{alice, "PUT", path, body, nil}); w.Code != 201 {
				t.Fatal(w.Body)
			}
		}
		for _, format := range []string{"application/json", "application/yaml", "application/x-yaml, */*", "text/html, */*;q=0.8"} {
			w := h.ask(t, question{alice, "GET", "/api/v1/managed", "", []string{"Accept", format}})
			kind := w.Header().Get("Content-Type")
			if (kind == "application/yaml") != strings.Contains(format, "yaml") || w.Header().Get("ETag") != `"3"` {
				t.Errorf("%s is answered as %s, %s", format, kind, w.Header().Get("ETag"))
			}
			text := w.Body.String()
			w = h.ask(t, question{alice, "PUT", "/api/v1/managed?mode=replace", text, []string{"Content-Type", kind, "If-Match", `"3"`}})
			if want := `{"created":[],"updated":[],"deleted":[],"unchanged":3,"revision":3}`; w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
				t.Errorf("%s: %d %s of\n%s", format, w.Code, w.Body, text)
			}
		}
		if w := h.ask(t, question{alice, "GET", "/api/v1/managed?format=yaml", "", []string{"If-None-Match", `"3"`}}); w.Code != 304 {
			t.Errorf("what is known is answered %d", w.Code)
		}
	})
}

func TestImport(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		yaml := []string{"Content-Type", "application/yaml; charset=utf-8"}
		for _, tc := range []struct {
			name, query, body string
			header            []string
			status            int
			want              string
		}{
			{"replace without a condition", "?mode=replace", `{"targets":[]}`, nil, 428, "if_match_required"},
			{"replace in vain", "?mode=replace", `{"targets":[]}`, []string{"If-Match", `"3"`}, 412, "changed_meanwhile"},
			{"replace by a weak tag", "?mode=replace", `{"targets":[]}`, []string{"If-Match", `W/"0"`}, 412, "changed_meanwhile"},
			{"merge by a weak tag", "", `{"targets":[]}`, []string{"If-Match", `W/"0"`}, 412, "changed_meanwhile"},
			{"YAML", "", "targets:\n- &a {name: a, url: 'http://a.example/', labels: {build: 1.10, day: 2026-12-01}}\n- name: b\n  url: http://b.example/\n", yaml, 200, `{"created":["a","b"]`},
			{"the same again", "?mode=merge", `{"targets":[{"name":"b","url":"http://b.example/"}]}`, nil, 200, `"unchanged":1`},
			{"another mode", "?mode=append", "{}", nil, 400, "want one of"},
			{"nothing", "", "{}", nil, 422, `/targets`},
			{"a list", "", "[]", nil, 422, "want a JSON object"},
			{"not a list", "", `{"targets":{}}`, nil, 422, "want a list"},
			{"something else", "", `{"targets":[],"others":[]}`, nil, 422, `/others`},
			{"too many", "", `{"targets":[` + strings.Repeat("1,", 10_000) + `1]}`, nil, 422, "more than 10000"},
			{"two documents", "", "targets: []\n---\ntargets: []\n", yaml, 422, "more than one document"},
			{"no document", "", "# nothing\n", yaml, 422, "it is empty"},
			{"a key twice", "", "targets: []\ntargets: []\n", yaml, 422, "twice"},
			{"aliases that grow", "", "targets: []\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n", yaml, 422, "unknown key"},
			{"an alias of itself", "", "targets: &a [*a]\n", yaml, 422, "nested too deeply"},
			{"too many places", "", "targets: [" + strings.Repeat(",", 600_000) + "]", yaml, 422, "500000 at most"},
		} {
			w := h.ask(t, question{alice, "PUT", "/api/v1/managed" + tc.query, tc.body, tc.header})
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %s: %.500s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
		}
		a, _ := h.registry.Target("a")
		if got := string(a.Definition); !strings.Contains(got, `"day":"2026-12-01"`) {
			t.Errorf("a is %s", got)
		}
	})
}

// Few imports are read at a time, however slowly they come.
func TestManyImports(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		ask := func(body io.Reader) int {
			r := httptest.NewRequestWithContext(access.With(t.Context(), alice), http.MethodPut, "/api/v1/managed", body)
			r.Header.Set("Content-Type", jsonType)
			w := httptest.NewRecorder()
			h.mux.ServeHTTP(w, r)
			return w.Code
		}
		var slow []*io.PipeWriter
		answers := make(chan int, maxImports)
		for range maxImports {
			from, to := io.Pipe()
			slow = append(slow, to)
			go func() { answers <- ask(from) }()
		}
		synctest.Wait()
		if code := ask(strings.NewReader(`{"targets":[]}`)); code != http.StatusTooManyRequests {
			t.Errorf("one more is answered %d", code)
		}
		for _, to := range slow {
			if _, err := io.WriteString(to, `{"targets":[]}`); err != nil {
				t.Error(err)
			}
			if err := to.Close(); err != nil {
				t.Error(err)
			}
			if code := <-answers; code != http.StatusOK {
				t.Errorf("a slow one is answered %d", code)
			}
		}
		if code := ask(strings.NewReader(`{"targets":[]}`)); code != http.StatusOK {
			t.Errorf("one more, later, is answered %d", code)
		}
	})
}

// Lists are sent once to whoever asks again.
func TestLists(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for _, path := range []string{"/api/v1/targets", "/api/v1/summary", "/api/v1/events", "/api/v1/mutes", "/api/v1/managed", "/api/v1/managed/targets", "/api/v1/openapi.yaml"} {
			first := h.ask(t, question{bob, "GET", path, "", nil})
			etag := first.Header().Get("ETag")
			if first.Code != 200 || etag == "" || first.Header().Get("Vary") == "" {
				t.Errorf("%s: %d with ETag %q", path, first.Code, etag)
			}
			if w := h.ask(t, question{bob, "GET", path, "", []string{"If-None-Match", etag}}); w.Code != 304 || w.Body.Len() > 0 {
				t.Errorf("%s again: %d with %d bytes", path, w.Code, w.Body.Len())
			}
			if w := h.ask(t, question{bob, "HEAD", path, "", nil}); w.Code != 200 || w.Header().Get("ETag") != etag {
				t.Errorf("HEAD %s: %d with ETag %q, want %q", path, w.Code, w.Header().Get("ETag"), etag)
			}
		}
		if w := h.ask(t, question{bob, "GET", "/api/v1/openapi.yaml", "", []string{"Accept-Encoding", "gzip"}}); w.Header().Get("Content-Encoding") != "gzip" {
			t.Error("a long list is not compressed")
		}
		h.ask(t, question{alice, "PUT", shopPath, shop, nil})
		if w := h.ask(t, question{bob, "GET", shopPath, "", []string{"If-None-Match", `"1"`}}); w.Code != 200 || w.Header().Get("ETag") != `"1"` {
			t.Errorf("a target whose state may have changed is answered %d", w.Code)
		}
		for path, want := range map[string]string{"/api/v1/targets": "GET, HEAD", shopPath: "DELETE, GET, HEAD, PATCH, PUT", shopPath + "/probe": "POST"} {
			if w := h.ask(t, question{alice, "OPTIONS", path, "", nil}); w.Code != 405 || cmp.Diff(want, w.Header().Get("Allow")) != "" {
				t.Errorf("OPTIONS %s is %d, Allow %s; want %s", path, w.Code, w.Header().Get("Allow"), want)
			}
		}
	})
}
