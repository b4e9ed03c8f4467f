package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

const shopPath, shop = "/api/v1/targets/shop", `{"url":"https://shop.example/health?page=canary","environment":"LIVE","interval":"15s","headers":{"Accept":"text/canary"}}`

// TestTargetEdits is a life of a target: each request with the answer to it, one after the other.
func TestTargetEdits(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		patch := []string{"Content-Type", mergePatchType}
		for _, tc := range []struct {
			name     string
			ask      question
			status   int
			kind     string // of the problem, or a part of the answer
			revision string
		}{
			{"a trial", question{alice, "PUT", shopPath + "?dry_run=true", shop, nil}, 201, `"editable":true`, ""},
			{"nothing is kept of it", question{alice, "GET", shopPath, "", nil}, 404, "not_found", ""},
			{"make", question{alice, "PUT", shopPath, shop, []string{"If-None-Match", "*"}}, 201, `"by":"alice"`, `"1"`},
			{"make again", question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-None-Match", "*"}}, 412, "changed_meanwhile", ""},
			{"the same", question{alice, "PUT", shopPath, shop, nil}, 200, `"revision":1`, `"1"`},
			{"another, without a condition", question{alice, "PUT", shopPath, `{"url":"http://x"}`, nil}, 428, "if_match_required", ""},
			{"another, by a weak tag", question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-Match", `W/"1"`}}, 412, "changed_meanwhile", ""},
			{"another, by a word", question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-Match", `"seventeen", "01", "+1", ""`}}, 412, "changed_meanwhile", ""},
			{"another, in vain", question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-Match", `"9"`}}, 412, "changed_meanwhile", ""},
			{"patch", question{alice, "PATCH", shopPath, `{"notification":"off"}`, append(patch, "If-Match", `"9", "1"`)}, 200, `"notification":"off"`, `"2"`},
			{"patch as JSON", question{alice, "PATCH", shopPath, `{"notification":null}`, []string{"If-Match", "*"}}, 200, `"notification":"on"`, `"3"`},
			{"patch nothing", question{alice, "PATCH", "/api/v1/targets/nothing", `{}`, []string{"If-Match", "*"}}, 404, "not_found", ""},
			{"who did what", question{alice, "GET", shopPath, "", nil}, 200, `"edits":[{"at":"2000-01-01T00:00:11Z","by":"alice","action":"updated","kind":"target","revision":3,"change":{"notification":null}}`, ""},
			{"who did what, for others", question{bob, "GET", shopPath, "", nil}, 200, `"action":"created","kind":"target","revision":1}]`, ""},
			{"a list has it", question{bob, "GET", "/api/v1/targets?source=managed", "", nil}, 200, `"revision":3`, ""},
			{"wrong", question{alice, "PUT", shopPath, `{"url":"ftp://x","interval":"15s","timeout":"20s"}`, []string{"If-Match", "*"}}, 422, "invalid", ""},
			{"of a file", question{alice, "PUT", "/api/v1/targets/db", shop, []string{"If-Match", "*"}}, 409, "owned_elsewhere", ""},
			{"elsewhere", question{ci, "PUT", "/api/v1/targets/other", shop, nil}, 403, "forbidden", ""},
			{"from elsewhere", question{ci, "PUT", shopPath, `{"url":"http://x","environment":"DEV"}`, []string{"If-Match", "*"}}, 403, "forbidden", ""},
			{"here", question{ci, "PUT", "/api/v1/targets/other", `{"url":"http://x","environment":"DEV"}`, nil}, 201, `"environment":"DEV"`, `"4"`},
			{"remove, without a condition", question{alice, "DELETE", shopPath, "", nil}, 428, "if_match_required", ""},
			{"remove on trial", question{alice, "DELETE", shopPath + "?dry_run=true", "", []string{"If-Match", "*"}}, 204, "", ""},
			{"remove", question{alice, "DELETE", shopPath, "", []string{"If-Match", `"3"`}}, 204, "", ""},
			{"it is gone", question{alice, "DELETE", shopPath, "", []string{"If-Match", `"3"`}}, 404, "not_found", ""},
			{"what is checked", question{alice, "PUT", "/api/v1/targets/checked", shop, nil}, 201, `"name":"checked"`, `"6"`},
			{"stays", question{alice, "DELETE", "/api/v1/targets/checked", "", []string{"If-Match", "*"}}, 409, "in_use", ""},
			{"unless forced", question{alice, "DELETE", "/api/v1/targets/checked?force=true", "", []string{"If-Match", "*"}}, 204, "", ""},
		} {
			w := h.ask(t, tc.ask)
			kind := tc.kind
			if tc.status >= 400 {
				kind = `{"type":"` + typeURL + tc.kind + `"`
			}
			if w.Code != tc.status || !strings.Contains(w.Body.String(), kind) || w.Header().Get("ETag") != tc.revision && tc.ask.method != "GET" {
				t.Errorf("%s: %d with ETag %s, want %d with %s: %s", tc.name, w.Code, w.Header().Get("ETag"), tc.status, tc.revision, w.Body)
			}
			if location := w.Header().Get("Location"); (location != "") != (tc.status == 201) {
				t.Errorf("%s: Location is %q", tc.name, location)
			}
		}
	})
}

// A problem says what is wrong, where, and how it is instead.
func TestProblems(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.ask(t, question{alice, "PUT", shopPath, shop, nil})
		read := func(q question) Problem {
			t.Helper()
			w := h.ask(t, q)
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" || p.Status != w.Code {
				t.Fatalf("%s %s: %d %v: %s", q.method, q.path, w.Code, err, w.Body)
			}
			return p
		}
		p := read(question{alice, "PUT", shopPath, `{"url":"ftp://x","interval":"15s","timeout":"20s"}`, []string{"If-Match", "*"}})
		if p.Title != "The target is not valid" || len(p.Errors) != 2 || p.Errors[0].Pointer != "/timeout" || p.Errors[1].Pointer != "/url" {
			t.Errorf("two mistakes are told as %+v", p)
		}
		p = read(question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-Match", `"3"`}})
		var now Record
		if err := json.Unmarshal(encoded(p.Current), &now); err != nil || now.Revision != 1 || !strings.Contains(string(now.Definition), "shop.example") || !strings.Contains(p.Detail, "alice changed it at") {
			t.Errorf("a lost race is told as %+v", p)
		}
		p = read(question{alice, "GET", "/api/v1/targets/shpo", "", nil})
		if p.Detail != `there is no target "shpo"; did you mean "shop"?` {
			t.Errorf("a slip is told as %+v", p)
		}
		p = read(question{bob, "PUT", "/api/v1/mutes?label=team:shop", `{"duration":"2h","expect":1}`, nil})
		if p.Type != typeURL+"forbidden" {
			t.Errorf("a reader is told %+v", p)
		}
	})
}

// What keeps a change from being made is told by its type.
func TestFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
		kind   string
		after  string
	}{
		"read-only": {managed.ErrReadOnly, 403, "read_only", ""},
		"store":     {&managed.StoreError{Err: errors.New("no space left on device")}, 503, "store", ""},
		"too fast":  {&managed.TooManyError{RetryAfter: 1500 * time.Millisecond, Err: errors.New("10 changes a second")}, 429, "too_many", "2"},
		"too many":  {&managed.TooManyError{Err: errors.New("there are 10000 targets")}, 429, "too_many", ""},
		"wrapped":   {fmt.Errorf("putting: %w", &managed.StoreError{Err: errors.New("x")}), 503, "store", ""},
		"unknown":   {errors.New("something"), 503, "unavailable", ""},
	} {
		w := httptest.NewRecorder()
		Fail(w, tc.err)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), typeURL+tc.kind+`"`) || w.Header().Get("Retry-After") != tc.after {
			t.Errorf("%s: %d, Retry-After %q: %s", name, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
}

// The list of what is wrong is bounded, and so is each of its elements.
func TestManyProblems(t *testing.T) {
	invalid := &managed.InvalidError{What: "document"}
	for i := range 5000 {
		invalid.Problems = append(invalid.Problems, managed.Problem{Pointer: fmt.Sprintf("/targets/%d", i), Detail: strings.Repeat("x", 1<<16)})
	}
	p := problemOf(invalid)
	if len(p.Errors) != maxErrors || !strings.Contains(p.Detail, "4900 more are left out") {
		t.Errorf("%d errors, %s", len(p.Errors), p.Detail)
	}
	if n := len(encoded(p)); n > 300_000 {
		t.Errorf("the problem has %d bytes", n)
	}
}

// TestBodies are those that are refused before anybody sees them.
func TestBodies(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for _, tc := range []struct {
			name, method, path, kind, body string
			status                         int
			want                           string
		}{
			{"of no type", "PUT", shopPath, "", shop, 415, "application/json"},
			{"of a form", "PUT", shopPath, "application/x-www-form-urlencoded", shop, 415, "application/json"},
			{"in another charset", "PUT", shopPath, "application/json; charset=utf-16", shop, 415, "UTF-8"},
			{"with a charset", "PUT", shopPath, "application/json; charset=UTF-8", shop, 201, ""},
			{"a patch to PUT", "PUT", "/api/v1/targets/b", mergePatchType, shop, 415, ""},
			{"YAML", "PUT", "/api/v1/targets/b", "application/yaml", "url: http://x", 415, ""},
			{"a list", "PUT", "/api/v1/targets/b", jsonType, "[]", 400, "not a JSON object"},
			{"null", "PUT", "/api/v1/targets/b", jsonType, "null", 400, "not a JSON object"},
			{"two", "PUT", "/api/v1/targets/b", jsonType, "{} {}", 400, "something after it"},
			{"cut", "PUT", "/api/v1/targets/b", jsonType, `{"url":`, 400, "ends too early"},
			{"nothing", "PUT", "/api/v1/targets/b", jsonType, " ", 400, "ends too early"},
			{"a key twice", "PUT", "/api/v1/targets/b", jsonType, `{"url":"http://a","url":"http://b"}`, 400, "twice"},
			{"not UTF-8", "PUT", "/api/v1/targets/b", jsonType, "{\"url\":\"http://\xff\"}", 400, "UTF-8"},
			{"large", "PUT", "/api/v1/targets/b", jsonType, `{"url":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "65536 bytes"},
			{"large for an import", "PUT", "/api/v1/managed", jsonType, `{"targets":["` + strings.Repeat("x", 16<<20) + `"]}`, 413, "16777216 bytes"},
			{"too deep", "PUT", "/api/v1/targets/b", jsonType, `{"url":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, 400, ""},
			{"with a DELETE", "DELETE", shopPath, jsonType, `{"a":1}`, 400, "there is no body here"},
			{"with a probe", "POST", "/api/v1/targets/db/probe", jsonType, "[]", 400, "there is no body here"},
			{"that says nothing, with a probe", "POST", "/api/v1/targets/db/probe", jsonType, "{}", 200, ""},
			{"a parameter", "PUT", "/api/v1/targets/b?dryrun=true", jsonType, shop, 400, `unknown parameter \"dryrun\"`},
			{"a parameter that is cut", "PUT", "/api/v1/targets/b?dry_run=true;", jsonType, shop, 400, "cannot be read"},
			{"a parameter that is neither", "PUT", "/api/v1/targets/b?dry_run=1", jsonType, shop, 400, "want one of"},
			{"force where it means nothing", "PUT", "/api/v1/targets/b?force=true", jsonType, shop, 400, "unknown parameter"},
			{"a name that is not UTF-8", "PUT", "/api/v1/targets/%ff", jsonType, shop, 400, "UTF-8"},
		} {
			w := h.ask(t, question{alice, tc.method, tc.path, tc.body, []string{"Content-Type", tc.kind}})
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %q: %s", tc.name, w.Code, tc.status, tc.want, w.Body)
			}
		}
		w := h.ask(t, question{alice, "PUT", "/api/v1/targets/b", shop, []string{"Content-Encoding", "gzip"}})
		if w.Code != http.StatusUnsupportedMediaType || w.Header().Get("Accept-Encoding") == "" {
			t.Errorf("a coding is answered %d", w.Code)
		}
		if d, _, err := h.registry.Export(); err != nil || len(d.Targets) != 1 {
			t.Errorf("%d targets were made, %v; want 1", len(d.Targets), err)
		}
	})
}

func TestCondition(t *testing.T) {
	many := strings.Repeat(`"1",`, maxTags) + `"2"`
	for _, tc := range []struct {
		match, none string
		want        managed.Condition
		bad         bool
	}{
		{"", "", managed.Condition{}, false},
		{"*", "", managed.Condition{Any: true}, false},
		{" * ", "", managed.Condition{Any: true}, false},
		{"", "*", managed.Condition{Absent: true}, false},
		{`"17"`, "", managed.Condition{Revisions: []uint64{17}}, false},
		{`"17" , ,"18",`, "", managed.Condition{Revisions: []uint64{17, 18}}, false},
		{`W/"17"`, "", managed.Condition{Revisions: []uint64{}}, false},
		{`W/"17", "18"`, "", managed.Condition{Revisions: []uint64{18}}, false},
		{`"a,b", "18"`, "", managed.Condition{Revisions: []uint64{18}}, false},
		{`"18446744073709551616"`, "", managed.Condition{Revisions: []uint64{}}, false},
		{`"-1"`, "", managed.Condition{Revisions: []uint64{}}, false},
		{"17", "", managed.Condition{}, true},
		{`w/"17"`, "", managed.Condition{}, true},
		{`"17`, "", managed.Condition{}, true},
		{`"17" "18"`, "", managed.Condition{}, true},
		{`"17", *`, "", managed.Condition{}, true},
		{`"1 7"`, "", managed.Condition{}, true},
		{",", "", managed.Condition{}, true},
		{many, "", managed.Condition{}, true},
		{"", `"17"`, managed.Condition{}, true},
		{"*", "*", managed.Condition{}, true},
	} {
		h := http.Header{}
		if tc.match != "" {
			h.Set("If-Match", tc.match)
		}
		if tc.none != "" {
			h.Set("If-None-Match", tc.none)
		}
		got, err := condition(h)
		if (err != nil) != tc.bad {
			t.Errorf("%v: error %v, want one: %t", h, err, tc.bad)
		}
		if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
			t.Errorf("%v (-want +got):\n%s", h, diff)
		}
	}
}

func FuzzCondition(f *testing.F) {
	f.Add(`"17", W/"18"`)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := condition(http.Header{"If-Match": {text}})
		if err == nil && !c.Any && c.Revisions == nil {
			t.Errorf("%q is a condition that expects nothing", text)
		}
		for _, n := range c.Revisions {
			if !strings.Contains(text, revisionTag(n)) {
				t.Errorf("%q has the revision %d", text, n)
			}
		}
	})
}

// The name of a target may be anything. It arrives whole, and Location leads back to it.
func TestNames(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for _, name := range []string{"https://a.example/x?y=1#z", "서버 1", "a%b", "a/../b", "a+b;c&d=e", `"quoted"`, "%2F", "…"} {
			path := "/api/v1/targets/" + url.PathEscape(name)
			w := h.ask(t, question{alice, "PUT", path, `{"url":"http://x.example/","environment":"DEV"}`, nil})
			if w.Code != http.StatusCreated {
				t.Errorf("%q: %d %s", name, w.Code, w.Body)
				continue
			}
			var made struct{ Name string }
			w = h.ask(t, question{alice, "GET", w.Header().Get("Location"), "", nil})
			if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || made.Name != name {
				t.Errorf("%q: Location leads to %q: %d %s", name, made.Name, w.Code, w.Body)
			}
			for _, tail := range []string{"/mute", "/maintenance"} {
				if w := h.ask(t, question{alice, "PUT", path + tail, `{"duration":"2h"}`, nil}); w.Code != http.StatusOK {
					t.Errorf("%q%s: %d %s", name, tail, w.Code, w.Body)
				}
			}
			if w := h.ask(t, question{alice, "DELETE", path, "", []string{"If-Match", "*"}}); w.Code != http.StatusNoContent {
				t.Errorf("%q: %d %s", name, w.Code, w.Body)
			}
		}
	})
}

// Readers see of a definition what people may see.
func TestMasked(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		if w := h.ask(t, question{alice, "PUT", shopPath, shop, nil}); w.Code != http.StatusCreated {
			t.Fatal(w.Body)
		}
		for _, path := range []string{shopPath, "/api/v1/targets", "/api/v1/managed", "/api/v1/managed?format=yaml", "/api/v1/managed/targets"} {
			for _, by := range []access.Identity{bob, {Role: access.Read}, {Name: "op", Role: access.Operate}} {
				text := h.ask(t, question{by, "GET", path, "", nil}).Body.String()
				if strings.Contains(text, "canary") || !strings.Contains(text, "shop.example") {
					t.Errorf("%s is shown %s as\n%s", by.Name, path, text)
				}
			}
			if text := h.ask(t, question{alice, "GET", path, "", nil}).Body.String(); path != "/api/v1/targets" && (!strings.Contains(text, "canary")) {
				t.Errorf("alice is shown %s as\n%s", path, text)
			}
		}
		if got, err := masked(json.RawMessage(`{"url":5,"headers":["canary"],"runbook_url":"http://u:canary@x"}`)); err != nil || strings.Contains(string(got), "canary") {
			t.Errorf("nonsense is shown as %s, %v", got, err)
		}
	})
}

// Every type of problem is explained where its URL leads, under a heading of its name.
func TestTypesAreExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problemTypes {
		if !regexp.MustCompile(`(?m)^### ` + p.name + `$`).Match(text) {
			t.Errorf("docs/api.md has no heading %q", p.name)
		}
	}
	for _, p := range problems {
		found := false
		for _, known := range problemTypes {
			found = found || known == p.kind
		}
		if !found {
			t.Errorf("%s is not among the types", p.kind.name)
		}
	}
}

// A managed target that does not count can be seen and removed: one whose name a file has, and one whose module is gone.
func TestUnused(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for name, body := range map[string]string{"shop": shop, "odd": `{"url":"http://odd.example/?page=canary","module":"odd"}`} {
			h.cfg.Modules["odd"] = h.cfg.Modules["http_2xx"]
			if w := h.ask(t, question{alice, "PUT", "/api/v1/targets/" + name, body, nil}); w.Code != http.StatusCreated {
				t.Fatal(w.Body)
			}
		}
		of := *h.cfg.Target("db")
		of.Name = "shop"
		h.cfg.Targets = append(h.cfg.Targets, of)
		delete(h.cfg.Modules, "odd")
		for _, tc := range []struct {
			name string
			ask  question
			code int
			want string
		}{
			{"shadowed", question{bob, "GET", shopPath, "", nil}, 200, `"editable":false,"revision":`},
			{"its definition", question{alice, "GET", shopPath, "", nil}, 200, `"shadowed":true,"definition":{`},
			{"in the list", question{bob, "GET", "/api/v1/targets?name=shop", "", nil}, 200, `"shadowed":true`},
			{"changed", question{alice, "PUT", shopPath, `{"url":"http://x"}`, []string{"If-Match", "*"}}, 409, "owned_elsewhere"},
			{"removed", question{alice, "DELETE", shopPath, "", []string{"If-Match", "*"}}, 204, ""},
			{"the other stays", question{bob, "GET", shopPath, "", nil}, 200, `"source":"targets"`},
			{"without its module", question{bob, "GET", "/api/v1/targets/odd", "", nil}, 200, `"url":"http://odd.example/?page=***","module":"odd"`},
			{"nothing of it is shown", question{bob, "GET", "/api/v1/targets/odd", "", nil}, 200, `"definition":{"module":"odd","url":"http://odd.example/?page=***"}`},
			{"removed, too", question{alice, "DELETE", "/api/v1/targets/odd", "", []string{"If-Match", "*"}}, 204, ""},
			{"gone", question{bob, "GET", "/api/v1/targets/odd", "", nil}, 404, ""},
		} {
			if w := h.ask(t, tc.ask); w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s: %d, want %d with %s: %s", tc.name, w.Code, tc.code, tc.want, w.Body)
			}
		}
	})
}

// A broken registry knows nothing.
type broken struct {
	Managed
	Documents
}

var errBroken = &managed.StoreError{Err: errors.New("opening /canary/managed.db: invalid database")}

func (broken) Export() (managed.Document, uint64, error)   { return managed.Document{}, 0, errBroken }
func (broken) Listed(time.Time) ([]json.RawMessage, error) { return nil, errBroken }

// Other exporters keep their list where nothing is known, as Prometheus does.
func TestBroken(t *testing.T) {
	edits := &Edits{Managed: broken{}, Documents: broken{}}
	for name, serve := range map[string]http.HandlerFunc{"export": edits.Export, "supply": edits.Supply} {
		w := httptest.NewRecorder()
		serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "kept") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
