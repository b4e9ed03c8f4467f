package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

var operator = access.Identity{Name: "op", Role: access.Operate, Environments: []string{"DEV"}, Listed: true}

// TestPeriods mutes one and many: each request with the answer to it, one after the other.
func TestPeriods(t *testing.T) {
	h := newHouse(t)
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
		{"an end, counted twice", question{alice, "DELETE", "/api/v1/mutes?environment=LIVE&expect=1", `{"expect":2}`, nil}, 400, "expect is 1 in the URL and 2 in the body"},
		{"an end", question{alice, "DELETE", "/api/v1/mutes?environment=LIVE&expect=2", "", nil}, 200, `{"found":2,"targets":["db","web"]}`},
		{"an end, counted in the body", question{alice, "DELETE", "/api/v1/mutes", `{"expect":3}`, nil}, 200, `{"found":3,"targets":["wiki"]}`},
		{"an unknown filter", question{alice, "PUT", "/api/v1/mutes?team=shop", `{"duration":"2h","expect":0}`, nil}, 400, "unknown parameter"},
		{"an impossible filter", question{alice, "PUT", "/api/v1/mutes?shard=3", `{"duration":"2h","expect":0}`, nil}, 400, "shard"},
	} {
		w := h.ask(t, tc.ask)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
		}
	}
}

// What is wrong with a period is told with where it is, all of it at once.
func TestPeriodBodies(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]string{
		`{}`: `: it has no end, want either a duration or until`,
		`{"duration":"2h","until":"2026-12-01T08:00:00Z"}`: `/until: is there beside duration, want one of them`,
		`{"duration":2,"reason":null,"by":"mallory"}`: `/duration: got 2, want a string
/reason: is null, want a string
/by: is not known here, want one of duration, reason, start, until, until_healthy`,
		`{"duration":"soon"}`:                           `/duration: `,
		`{"until":"tomorrow"}`:                          `/until: got "tomorrow", want a time such as 2026-12-01T08:00:00Z`,
		`{"until":"2020-01-01T00:00:00Z"}`:              `/until: want a time within the next 30 days`,
		`{"duration":"31d"}`:                            `/until: want a time within the next 30 days`,
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
}

func TestProbeNow(t *testing.T) {
	h := newHouse(t)
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
}

// The windows of a period contain what the period contains, to the minute, and nothing else.
func TestWindows(t *testing.T) {
	at := func(text string) time.Time {
		t.Helper()
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, tc := range []struct {
		name, start, end string
		windows          int
	}{
		{"within a day", "2026-11-29T14:00:00Z", "2026-11-29T16:30:00Z", 1},
		{"to the second", "2026-11-29T14:00:30Z", "2026-11-29T16:30:01Z", 1},
		{"over midnight", "2026-11-29T23:00:00Z", "2026-11-30T01:00:00Z", 2},
		{"to midnight", "2026-11-29T23:00:00Z", "2026-11-30T00:00:00Z", 1},
		{"a day", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z", 1},
		{"over the end of a year", "2026-12-20T10:00:00Z", "2027-01-10T10:00:00Z", 4},
		{"the longest", "2028-02-01T12:34:00Z", "2028-03-02T12:34:00Z", 4},
		{"in another zone", "2026-11-29T23:30:00+09:00", "2026-11-30T00:30:00+09:00", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := calendar.Period{Start: at(tc.start), End: at(tc.end)}
			windows := windowsOf(&p)
			if len(windows) != tc.windows {
				t.Errorf("there are %d windows, want %d: %s", len(windows), tc.windows, encoded(windows))
			}
			node, err := inventory.ParseYAML(encoded(map[string]any{"name": "a", "url": "http://a.example", "maintenance": windows}))
			if err != nil {
				t.Fatal(err)
			}
			target, wrong, _ := config.TargetReader{Modules: map[string]config.Module{"http_2xx": {Prober: "http"}}}.Read(node)
			if len(wrong) > 0 {
				t.Fatal(wrong)
			}
			from, to := p.Start.Truncate(time.Minute), p.End.Add(time.Minute-1).Truncate(time.Minute)
			for minute := from.Add(-36 * time.Hour); minute.Before(to.Add(36 * time.Hour)); minute = minute.Add(time.Minute) {
				if want := !minute.Before(from) && minute.Before(to); target.InMaintenance(minute) != want {
					t.Fatalf("at %s it is %t, want %t: %s", minute, !want, want, encoded(windows))
				}
			}
		})
	}
}

// Other exporters get what is said of the targets with them.
func TestSupply(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/api/v1/targets/a", "/api/v1/targets/b"} {
		h.ask(t, question{alice, "PUT", path, `{"url":"http://a.example/","maintenance":[{"weekdays":["sunday"]}]}`, nil})
	}
	h.ask(t, question{alice, "PUT", "/api/v1/targets/a/mute", `{"duration":"2h"}`, nil})
	h.ask(t, question{alice, "PUT", "/api/v1/targets/a/maintenance", `{"duration":"2h"}`, nil})
	w := h.ask(t, question{alice, "GET", "/api/v1/managed/targets", "", nil})
	var list []struct {
		Name, Notification string
		Maintenance        []any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if a, b := list[0], list[1]; a.Notification != "off" || len(a.Maintenance) < 2 || b.Notification != "" || len(b.Maintenance) != 1 {
		t.Errorf("got %s", w.Body)
	}
}

// What is exported is imported without a change, in both formats.
func TestExport(t *testing.T) {
	h := newHouse(t)
	for path, body := range map[string]string{
		"/api/v1/targets/shop":   shop,
		"/api/v1/targets/on":     `{"url":"http://on.example/","labels":{"version":"1.10","on":"yes","n":"~","empty":"","time":"2026-12-01"},"notification":"off"}`,
		"/api/v1/targets/서버%201": `{"url":"https://a.example/#x","depends_on":["db"],"valid_status_codes":[200,"3xx"],"labels":{"face":"\ud83d\ude00<&>"}}`,
	} {
		if w := h.ask(t, question{alice, "PUT", path, body, nil}); w.Code != 201 {
			t.Fatal(w.Body)
		}
	}
	for _, format := range []string{"application/json", "application/yaml", "application/x-yaml, */*", "text/html, */*;q=0.8"} {
		w := h.ask(t, question{alice, "GET", "/api/v1/managed", "", []string{"Accept", format}})
		kind := w.Header().Get("Content-Type")
		if (kind == "application/yaml") != strings.Contains(format, "yaml") || w.Header().Get("ETag") != `"19"` {
			t.Errorf("%s is answered as %s, %s", format, kind, w.Header().Get("ETag"))
		}
		text := w.Body.String()
		w = h.ask(t, question{alice, "PUT", "/api/v1/managed?mode=replace", text, []string{"Content-Type", kind, "If-Match", `"19"`}})
		if want := `{"created":[],"updated":[],"deleted":[],"unchanged":3,"revision":19}`; w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %d %s of\n%s", format, w.Code, w.Body, text)
		}
	}
	if w := h.ask(t, question{alice, "GET", "/api/v1/managed?format=yaml", "", []string{"If-None-Match", `"19"`}}); w.Code != 304 {
		t.Errorf("what is known is answered %d", w.Code)
	}
}

func TestImport(t *testing.T) {
	h := newHouse(t)
	yaml := []string{"Content-Type", "application/yaml; charset=utf-8"}
	for _, tc := range []struct {
		name, query, body string
		header            []string
		status            int
		want              string
	}{
		{"replace without a condition", "?mode=replace", `{"targets":[]}`, nil, 428, "if_match_required"},
		{"replace in vain", "?mode=replace", `{"targets":[]}`, []string{"If-Match", `"3"`}, 412, "changed_meanwhile"},
		{"replace by a weak tag", "?mode=replace", `{"targets":[]}`, []string{"If-Match", `W/"16"`}, 412, "changed_meanwhile"},
		{"merge by a weak tag", "", `{"targets":[]}`, []string{"If-Match", `W/"16"`}, 412, "changed_meanwhile"},
		{"YAML", "", "targets:\n- &a {name: a, url: 'http://a.example/', labels: {version: 1.10, day: 2026-12-01}}\n- name: b\n  url: http://b.example/\n", yaml, 200, `{"created":["a","b"]`},
		{"the same again", "?mode=merge", `{"targets":[{"name":"b","url":"http://b.example/"}]}`, nil, 200, `"unchanged":1`},
		{"another mode", "?mode=append", "{}", nil, 400, "want one of"},
		{"nothing", "", "{}", nil, 422, `/targets`},
		{"a list", "", "[]", nil, 400, "not a JSON object"},
		{"not a list", "", `{"targets":{}}`, nil, 422, "is not a list"},
		{"something else", "", `{"targets":[],"channels":[]}`, nil, 422, `/channels`},
		{"too many", "", `{"targets":[` + strings.Repeat("1,", maxDocument) + `1]}`, nil, 422, "more than 10000"},
		{"two documents", "", "targets: []\n---\ntargets: []\n", yaml, 400, "more than one document"},
		{"no document", "", "# nothing\n", yaml, 400, "not a document"},
		{"a key twice", "", "targets: []\ntargets: []\n", yaml, 400, "twice"},
		{"aliases that grow", "", "targets: []\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n", yaml, 400, "expand to too much"},
		{"an alias of itself", "", "targets: &a [*a]\n", yaml, 400, "deeper"},
		{"too many places", "", "targets: [" + strings.Repeat(",", 600_000) + "]", yaml, 400, ""},
	} {
		w := h.ask(t, question{alice, "PUT", "/api/v1/managed" + tc.query, tc.body, tc.header})
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s: %d, want %d with %s: %.500s", tc.name, w.Code, tc.status, tc.want, w.Body)
		}
	}
	if got := string(h.registry.targets["a"].Definition); !strings.Contains(got, `"day":"2026-12-01"`) {
		t.Errorf("a is %s", got)
	}
}

// Lists are sent once to whoever asks again.
func TestLists(t *testing.T) {
	h := newHouse(t)
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
	if w := h.ask(t, question{bob, "GET", shopPath, "", []string{"If-None-Match", `"17"`}}); w.Code != 200 || w.Header().Get("ETag") != `"17"` {
		t.Errorf("a target whose state may have changed is answered %d", w.Code)
	}
	for path, want := range map[string]string{"/api/v1/targets": "GET, HEAD", shopPath: "DELETE, GET, HEAD, PATCH, PUT", shopPath + "/probe": "POST"} {
		if w := h.ask(t, question{alice, "OPTIONS", path, "", nil}); w.Code != 405 || cmp.Diff(want, w.Header().Get("Allow")) != "" {
			t.Errorf("OPTIONS %s is %d, Allow %s; want %s", path, w.Code, w.Header().Get("Allow"), want)
		}
	}
}
