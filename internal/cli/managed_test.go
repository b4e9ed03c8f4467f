package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// An editable is an exporter that answers in turn, and remembers what it was asked.
type editable struct {
	answers []string // each with a status, as in "200 {}"
	asked   []string
}

func (e *editable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.asked = append(e.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("If-Match"), body)))
	status, answer := http.StatusOK, "{}"
	if len(e.answers) > 0 {
		_, _ = fmt.Sscanf(e.answers[0], "%d", &status)
		_, answer, _ = strings.Cut(e.answers[0], " ")
		e.answers = e.answers[1:]
	}
	w.Header().Set("ETag", `"18"`)
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", map[bool]string{true: "application/json", false: "application/problem+json"}[status < 400])
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		_, _ = io.WriteString(w, answer)
	}
}

// runs runs a command against e and returns what it wrote, and its exit status.
func (e *editable) runs(t *testing.T, args ...string) (out, errOut string, exit int) {
	t.Helper()
	server := probetest.Serve(t, e)
	var o, eo bytes.Buffer
	exit = Run(t.Context(), append(args, "--url="+server.URL), &o, &eo)
	return o.String(), strings.ReplaceAll(eo.String(), server.URL, "URL"), exit
}

func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const someTargets = `# A comment.
targets:
  - {name: shop, url: 'https://shop.example/', labels: {team: shop, version: 1.10, on: 2026-12-01}}
  - name: cart
    url: https://cart.example/
    valid_status_codes: [2xx, 404]
    maintenance: [{times: [{start_time: 02:00, end_time: 03:00}]}]
`

const someJSON = `{"targets":[{"labels":{"on":"2026-12-01","team":"shop","version":"1.10"},"name":"shop","url":"https://shop.example/"},` +
	`{"maintenance":[{"times":[{"end_time":"03:00","start_time":"02:00"}]}],"name":"cart","url":"https://cart.example/","valid_status_codes":["2xx",404]}]}`

func TestApply(t *testing.T) {
	const report = `{"created":["cart"],"updated":[{"name":"shop","changes":{"interval":["15s","30s"],"labels":[null,{"a":"b"}]}}],"deleted":["old"],"unchanged":41,"revision":19}`
	const same = `{"created":[],"updated":[],"deleted":[],"unchanged":2,"revision":18}`
	for _, tc := range []struct {
		name    string
		file    string
		flags   []string
		answers []string
		asked   []string
		exit    int
		out     string
		err     string
	}{
		{
			"merge", someTargets, nil,
			[]string{"200 " + report},
			[]string{"PUT /api/v1/managed?mode=merge  " + someJSON},
			ExitSuccess,
			"+ cart\n~ shop\n    interval: 15s → 30s\n    labels: (left out) → {\"a\":\"b\"}\n- old\n1 created, 1 updated, 1 deleted, 41 unchanged (revision 19).\n", "",
		},
		{"again", someTargets, []string{"--exit-code"}, []string{"200 " + same}, []string{"PUT /api/v1/managed?mode=merge  " + someJSON}, ExitSuccess, "No change: 2 as they were (revision 18).\n", ""},
		{
			"a difference in CI", someTargets,
			[]string{"--exit-code", "--dry-run"},
			[]string{"200 " + report},
			[]string{"PUT /api/v1/managed?dry_run=true&mode=merge  " + someJSON},
			ExitFailed,
			"+ cart\n~ shop\n    interval: 15s → 30s\n    labels: (left out) → {\"a\":\"b\"}\n- old\nWould be: 1 created, 1 updated, 1 deleted, 41 unchanged. Nothing has changed.\n", "",
		},
		{"JSON", `[{"name":"a","url":"http://a"}]`, []string{"--format=json"}, []string{"200 " + same}, []string{`PUT /api/v1/managed?mode=merge  {"targets":[{"name":"a","url":"http://a"}]}`}, ExitSuccess, same + "\n", ""},
		{
			"prune", someTargets,
			[]string{"--prune"},
			[]string{`200 {"targets":[{"name":"shop","url":"x"},{"name":"old","url":"x"}]}`, "200 " + report},
			[]string{"GET /api/v1/managed", `PUT /api/v1/managed?mode=replace "18" ` + someJSON},
			ExitSuccess,
			"+ cart\n~ shop\n    interval: 15s → 30s\n    labels: (left out) → {\"a\":\"b\"}\n- old\n1 created, 1 updated, 1 deleted, 41 unchanged (revision 19).\n", "",
		},
		{
			"prune what has changed", someTargets,
			[]string{"--prune"},
			[]string{`200 {"targets":[{"name":"shop"}]}`, `412 {"title":"Changed meanwhile","detail":"bob changed it"}`},
			[]string{"GET /api/v1/managed", `PUT /api/v1/managed?mode=replace "18" ` + someJSON},
			ExitFailed,
			"", "Somebody changed the managed targets meanwhile, so nothing was applied. Look at --dry-run, then apply again.\n",
		},
		{
			"prune all", "targets: []",
			[]string{"--prune"},
			[]string{`200 {"targets":[{"name":"shop"},{"name":"old"}]}`},
			[]string{"GET /api/v1/managed"},
			ExitFailed,
			"", "--prune would delete all managed targets (2): the wrong file, or an empty one? Nothing has changed; --dry-run shows what would\n",
		},
		{
			"prune with the wrong file", someTargets,
			[]string{"--prune"},
			[]string{`200 {"targets":[{"name":"bank"}]}`},
			[]string{"GET /api/v1/managed"},
			ExitFailed,
			"", "--prune would delete all managed targets (1): the wrong file, or an empty one? Nothing has changed; --dry-run shows what would\n",
		},
		{
			"prune all, dry", "targets: []",
			[]string{"--prune", "--dry-run"},
			[]string{`200 {"targets":[{"name":"old"}]}`, `200 {"created":[],"updated":[],"deleted":["old"],"unchanged":0,"revision":18}`},
			[]string{"GET /api/v1/managed", `PUT /api/v1/managed?dry_run=true&mode=replace "18" {"targets":[]}`},
			ExitSuccess,
			"- old\nWould be: 0 created, 0 updated, 1 deleted, 0 unchanged. Nothing has changed.\n", "",
		},
		{
			"refused", someTargets, nil,
			[]string{`422 {"title":"The document is not valid","errors":[{"pointer":"/targets/1/url","detail":"scheme is \"ftp\""},{"pointer":"/targets/0/labels/a~1b","detail":"odd"},{"pointer":"/targets/7","detail":"x\u001b[2J"},{"pointer":"","detail":"too many"}]}`},
			[]string{"PUT /api/v1/managed?mode=merge  " + someJSON},
			ExitFailed, "",
			"asking URL: status 422, want 200: The document is not valid\n  FILE:4: target \"cart\": url: scheme is \"ftp\"\n  FILE:3: target \"shop\": labels.a/b: odd\n  /targets/7: x\ufffd[2J\n  too many\n",
		},
		{"nothing in it", "", nil, nil, nil, ExitUsage, "", "FILE:1: it is empty, want targets: [...]; write targets: [] for none\n"},
		{"only a comment", "# none", nil, nil, nil, ExitUsage, "", "FILE:1: it is empty, want targets: [...]; write targets: [] for none\n"},
		{"null", "targets:\n", nil, nil, nil, ExitUsage, "", "FILE:1: want a list of targets; write targets: [] for none\n"},
		{"an empty mapping", "{}", nil, nil, nil, ExitUsage, "", "FILE:1: got no key, want targets alone, with a list\n"},
		{"a target alone", "\nname: a\nurl: http://a\n", nil, nil, nil, ExitUsage, "", "FILE:2: got the key \"name\", want targets alone, with a list\n"},
		{"a key that does not print", "\"a\\e\": 1\n", nil, nil, nil, ExitUsage, "", "FILE:1: got the key \"a�\", want targets alone, with a list\n"},
		{"a whole configuration", "modules: {}\ntargets: []\n", nil, nil, nil, ExitUsage, "", "FILE:1: got the key \"modules\", want targets alone, with a list\n"},
		{"two documents", "targets: []\n---\ntargets: []\n", nil, nil, nil, ExitUsage, "", "FILE:1: it has more than one document, want one\n"},
		{
			"all at once", "- {url: x}\n- 7\n- {name: a}\n- {name: a}\n- {name: b, name: c}\n", nil, nil, nil, ExitUsage, "",
			"FILE:1: want a target with a name\nFILE:2: want a target with name, url and so on\nFILE:5: unmarshal errors: line 5: mapping key \"name\" already defined at line 5\nFILE:4: target \"a\" is in FILE:3 already\n",
		},
		{"syntax", "targets: [", nil, nil, nil, ExitUsage, "", "FILE: line 1: did not find expected node content\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := fileOf(t, "t.yml", tc.file)
			e := &editable{answers: tc.answers}
			out, errOut, exit := e.runs(t, append([]string{"managed", "apply", file}, tc.flags...)...)
			if exit != tc.exit {
				t.Errorf("exit status %d, want %d", exit, tc.exit)
			}
			if diff := cmp.Diff(tc.out, out); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.err, strings.ReplaceAll(errOut, file, "FILE")); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.asked, e.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// Several files are one document, and a name is in one of them.
func TestApplySeveralFiles(t *testing.T) {
	one, two := fileOf(t, "one.yml", "- {name: a, url: 'http://a'}"), fileOf(t, "two.json", `{"targets":[{"name":"b","url":"http://b"}]}`)
	e := &editable{}
	if _, errOut, exit := e.runs(t, "managed", "apply", one, two); exit != ExitSuccess {
		t.Fatalf("exit status %d: %s", exit, errOut)
	}
	if want := []string{`PUT /api/v1/managed?mode=merge  {"targets":[{"name":"a","url":"http://a"},{"name":"b","url":"http://b"}]}`}; !cmp.Equal(want, e.asked) {
		t.Errorf("asked %q, want %q", e.asked, want)
	}
	_, errOut, exit := e.runs(t, "managed", "apply", one, one, "missing.yml")
	if want := one + ":1: target \"a\" is in " + one + ":1 already\nopen missing.yml: no such file or directory\n"; exit != ExitUsage || errOut != want {
		t.Errorf("exit status %d: %q, want %q", exit, errOut, want)
	}
}

// What is exported is YAML that people like to read, whether the exporter answers in YAML or JSON; and it can be applied.
func TestExport(t *testing.T) {
	const answer = `{"targets":[{"name":"shop","environment":"LIVE","interval":"15s","labels":{"on":"yes","version":"1.10"},"url":"https://shop.example/"},{"name":"ev\u202eil \ud83d\ude00\u001b[2J","url":"http://x/","valid_status_codes":["2xx",404],"headers":{}}]}`
	const want = `targets:
  - name: shop
    url: https://shop.example/
    environment: LIVE
    interval: 15s
    labels:
      "on": "yes"
      version: "1.10"
  - name: "ev\U0000202eil \U0001F600\e[2J"
    url: http://x/
    headers: {}
    valid_status_codes:
      - 2xx
      - 404
`
	for _, tc := range []struct{ name, format, answer, want string }{
		{"YAML", "yaml", answer, want},
		{"from YAML", "yaml", want, want},
		{"JSON's escapes", "yaml", `{"targets":[{"name":"\ud83d\ude00 \\ud83d\\ude00","url":"http:\/\/x\/"}]}`, "targets:\n  - name: \"\\U0001F600 \\\\ud83d\\\\ude00\"\n    url: http://x/\n"},
		{"none", "yaml", `{"targets":[]}`, "targets: []\n"},
		{"JSON", "json", `{"targets":[{"url":"http://x/","name":"a\u202e"}]}`, `{"targets":[{"name":"a\u202e","url":"http://x/"}]}` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &editable{answers: []string{"200 " + tc.answer}}
			out, errOut, exit := e.runs(t, "managed", "export", "--format="+tc.format)
			if diff := cmp.Diff(tc.want, out); diff != "" || exit != ExitSuccess {
				t.Fatalf("exit status %d, %s, stdout (-want +got):\n%s", exit, errOut, diff)
			}
			if _, errOut, exit := (&editable{}).runs(t, "managed", "apply", fileOf(t, "again", out)); exit != ExitSuccess {
				t.Errorf("applying it: exit status %d: %s", exit, errOut)
			}
		})
	}
}
