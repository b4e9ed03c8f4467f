//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
)

// canary is in every secret of the scene about them, and nowhere else.
const canary = "canary-"

// sceneSecrets writes secrets of all kinds to all places where people could, and then looks for them wherever others may look.
func sceneSecrets(t *testing.T, _, newest string) {
	d := openDesk(t, deskOptions{
		programs: []string{newest}, syncs: true, mode: os.ModeSetgid | 0o750, section: "  file_mode: '0640'\n",
		config: "managed: {targets: true}\ntargets: [{name: shop, url: 'http://127.0.0.1:1/', environment: LIVE, interval: 1s}]\n",
	})
	said := d.spill(t)
	want := map[string]string{"live": d.slack.URL(canary + "url-2"), "bot": canary + "bot-token"}
	got := map[string]string{}
	for _, name := range d.secretFiles(t) {
		text, err := os.ReadFile(filepath.Join(d.dir, "channel-secrets", name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = strings.TrimSpace(string(text))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the secrets (-want +got):\n%s", diff)
	}
	wantPrivate(t, d.dir, 0o640)
	maps.Copy(said, d.everything(t))
	for where, text := range said {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("%s has a secret: %q", where, text[max(0, i-100):min(len(text), i+60)])
		}
	}
	if len(said) < 200 {
		t.Errorf("only %d places were looked at", len(said))
	}
	d.noSecretInFiles(t)
	d.bundle(t, want)
}

// A spill is a request with a secret in it.
type spill struct {
	what, who, method, path, body string
	headers                       []string
	// status are those of the answer; none: any error.
	status []int
}

// spill sends secrets, and returns all answers by what was sent.
func (d *desk) spill(t *testing.T) map[string]string {
	t.Helper()
	live, bot, hook := channelPath("live"), channelPath("bot"), "http://"+d.hook.Address
	slack := func(what string) string { return d.slack.URL(canary + what) }
	webhook := func(what string) string { return object("type", "slack_webhook", "url", slack(what)) }
	anything, made := []string{"If-Match", "*"}, []int{http.StatusCreated, http.StatusAccepted}
	changed := []int{http.StatusOK, http.StatusAccepted}
	all := map[string]string{}
	send := func(spills ...spill) {
		t.Helper()
		for _, s := range spills {
			if s.who == "" {
				s.who = "alice"
			}
			a := d.patiently(t, strings.TrimPrefix(s.who, "nobody"), s.method, s.path, s.body, s.headers...)
			if len(s.status) > 0 && !slices.Contains(s.status, a.status) || len(s.status) == 0 && a.status < 400 || a.status == http.StatusInternalServerError || a.status == http.StatusTooManyRequests {
				t.Errorf("%s: got status %d, want %d (none: an error): %s", s.what, a.status, s.status, a.body)
			}
			all[s.what] = fmt.Sprint(a.header, a.body)
		}
	}
	send(
		spill{"made", "", "PUT", live, object("type", "slack_webhook", "url", slack("url-1"), "matchers", []string{liveOnly}), nil, made},
		spill{"made with a token", "", "PUT", bot, object("type", "slack_bot", "channel", "#ops", "token", canary+"bot-token"), nil, made},
		spill{"made with a URL and a token", "", "PUT", channelPath("ops"), object("type", "webhook", "url", hook+"/ops", "token", canary+"hook-token"), nil, made},
		spill{"patched", "", "PATCH", live, object("url", slack("url-2")), anything, changed},
		spill{"put again", "", "PUT", live, object("type", "slack_webhook", "url", slack("url-2"), "matchers", []string{liveOnly}), anything, changed},
		spill{"patched otherwise", "", "PATCH", live, object("group_wait", "1s"), anything, changed},
		spill{"dry", "", "PUT", channelPath("dry") + "?dry_run=true", webhook("dry"), nil, append(made, changed...)},
		spill{"dry patch", "", "PATCH", live + "?dry_run=true", object("url", slack("dry-patch")), anything, changed},
		spill{"not valid JSON", "", "PUT", live, `{"type":"slack_webhook","url":"` + slack("syntax") + `"`, anything, nil},
		spill{"JSON of another kind", "", "PUT", live, `["` + slack("list") + `"]`, anything, nil},
		spill{"a secret that is an object", "", "PATCH", live, `{"url":{"x":"` + canary + `object"}}`, anything, nil},
		spill{"a secret that is a list", "", "PATCH", bot, `{"token":["` + canary + `list"]}`, anything, nil},
		spill{"an unknown key", "", "PATCH", live, object("webhook", slack("unknown")), anything, nil},
		spill{"an unknown type", "", "PUT", channelPath("x"), object("type", "slack", "url", slack("type")), nil, nil},
		spill{"another host", "", "PATCH", live, object("url", "https://other.example/"+canary+"host"), anything, nil},
		spill{"another scheme", "", "PATCH", live, object("url", "ftp://other.example/"+canary+"scheme"), anything, nil},
		spill{"no URL", "", "PATCH", live, object("url", canary+"words"), anything, nil},
		spill{"a URL with a line break", "", "PATCH", live, object("url", slack("line")+"\n"), anything, nil},
		spill{"a URL with a password", "", "PATCH", live, object("url", "https://user:"+canary+"password@other.example/"), anything, nil},
	)
	send(
		spill{"a webhook with a password", "", "PATCH", channelPath("ops"), object("url", strings.Replace(hook, "//", "//user:"+canary+"password@", 1)), anything, nil},
		spill{"a webhook with a query", "", "PATCH", channelPath("ops"), object("url", hook+"/?token="+canary+"query"), anything, nil},
		spill{"a webhook with a fragment", "", "PATCH", channelPath("ops"), object("url", hook+"/#"+canary+"fragment"), anything, nil},
		spill{"a webhook elsewhere", "", "PATCH", channelPath("ops"), object("url", "https://other.example/"+canary+"elsewhere?x"), anything, nil},
		spill{"a token that does not fit", "", "PATCH", live, object("token", canary+"token"), anything, nil},
		spill{"a URL that does not fit", "", "PATCH", bot, object("url", slack("fit")), anything, nil},
		spill{"without a condition", "", "PUT", live, webhook("condition"), nil, []int{http.StatusPreconditionRequired}},
		spill{"on a stale condition", "", "PUT", live, webhook("stale"), []string{"If-Match", `"99"`}, []int{http.StatusPreconditionFailed}},
		spill{"only if absent", "", "PUT", live, webhook("absent"), []string{"If-None-Match", "*"}, []int{http.StatusPreconditionFailed}},
		spill{"by who may not", "rita", "PUT", live, webhook("reader"), anything, []int{http.StatusForbidden}},
		spill{"by who operates", "oscar", "PATCH", live, object("url", slack("operator")), anything, []int{http.StatusForbidden}},
		spill{"by who syncs", remoteName, "PATCH", live, object("url", slack("sync")), anything, []int{http.StatusForbidden}},
		spill{"by nobody", "nobody", "PUT", live, webhook("nobody"), anything, []int{http.StatusUnauthorized}},
		spill{"too long", "", "PUT", live, object("type", "slack_webhook", "url", slack("long")+strings.Repeat("x", 100_000)), anything, nil},
		spill{"as a form", "", "PUT", live, "url=" + url.QueryEscape(slack("form")), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, anything...), nil},
		spill{"in the URL", "", "PUT", live + "?url=" + url.QueryEscape(slack("parameter")), webhook("parameter"), anything, nil},
		spill{"deleted", "", "DELETE", channelPath("ops"), "", anything, []int{http.StatusNoContent, http.StatusAccepted}},
	)
	delete(all, "in the URL") // it names the parameters that it does not know
	d.spillForms(t, all)
	d.spillRefused(t, all)
	all["the test"] = fmt.Sprintf("%+v", d.tested(t, "live"))
	return all
}

// spillForms does the same with the forms of the page.
func (d *desk) spillForms(t *testing.T, all map[string]string) {
	t.Helper()
	for what, fields := range map[string]url.Values{
		"nothing is right":  {"name": {""}, "type": {"slack_webhook"}, "url": {d.slack.URL(canary + "form-1")}},
		"another host":      {"name": {"form"}, "type": {"slack_webhook"}, "url": {"https://other.example/" + canary + "form-2"}},
		"a broken matcher":  {"name": {"form"}, "type": {"slack_bot"}, "channel": {"#ops"}, "token": {canary + "form-3"}, "matchers": {"no matcher"}},
		"a missing channel": {"name": {"form"}, "type": {"slack_bot"}, "token": {canary + "form-4"}},
		"an unknown field":  {"name": {"form"}, "type": {"webhook"}, "webhook": {canary + "form-5"}},
		"a name that is so": {"name": {" x "}, "type": {"webhook"}, "token": {canary + "form-6"}},
	} {
		for _, path := range []string{"/channels", "/channels/live"} {
			a := d.patiently(t, "alice", http.MethodPost, path, fields.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
			if a.status == http.StatusNotFound || a.status >= 500 {
				t.Errorf("the form at %s: %s: status %d", path, what, a.status)
			}
			all["the form at "+path+": "+what] = fmt.Sprint(a.header, a.body)
		}
	}
}

// spillRefused does the same where Alertmanager refuses it, and where somebody has changed the file.
func (d *desk) spillRefused(t *testing.T, all map[string]string) {
	t.Helper()
	patch := func(what string, status int, kind string) {
		t.Helper()
		a := d.patiently(t, "alice", http.MethodPatch, channelPath("live"), object("url", d.slack.URL(canary+what)), "If-Match", "*")
		a.problem(t, status, kind)
		all[what] = fmt.Sprint(a.header, a.body)
	}
	d.rebase(t, strings.Replace(deskBase, "  repeat_interval: 4h\n", "  repeat_interval: 4h\n  unknown_key: 1\n", 1))
	all["the reload"] = d.reload(t).body
	patch("refused", http.StatusUnprocessableEntity, "alertmanager_refused")
	d.goodBase(t)
	ours := d.written(t)
	d.overwrite(t, append([]byte("# mine\n"), ours...))
	patch("changed", http.StatusConflict, "file_changed")
	d.overwrite(t, ours)
}

// everything is what can be read, by whom and where.
func (d *desk) everything(t *testing.T) map[string]string {
	t.Helper()
	var openAPI struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	text := d.want(t, d.ask(t, "rita", http.MethodGet, "/api/v1/openapi.yaml", ""), http.StatusOK)
	if err := yaml.Unmarshal([]byte(text.body), &openAPI); err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/", "/?view=all", "/channels", "/add-channel", "/channels/live", "/channels/bot", "/targets/shop", "/targets/shop/edit", "/add", "/events", "/probes", "/config", "/logs",
		"/metrics", "/sd", "/badge/shop.svg",
	}
	for path, methods := range openAPI.Paths {
		if methods["get"] == nil {
			continue
		}
		for _, name := range []string{"shop", "live", "bot"} {
			paths = append(paths, strings.ReplaceAll(path, "{name}", name))
		}
	}
	slices.Sort(paths)
	all := map[string]string{}
	for _, want := range []string{"/api/v1/channels", "/api/v1/channels/live", "/api/v1/channels/live/test", "/api/v1/alertmanager", "/api/v1/alertmanager/config"} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s is not described", want)
		}
	}
	for _, path := range slices.Compact(paths) {
		if path == "/api/v1/alertmanager/bundle" || path == "/live" { // which has them, and which does not end
			continue
		}
		for _, who := range []string{"", "rita", "oscar", "alice", remoteName} {
			a := d.ask(t, who, http.MethodGet, path, "")
			all[fmt.Sprintf("%s for %q", path, who)] = fmt.Sprint(a.header, a.body)
		}
	}
	for _, command := range [][]string{{"channels", "list"}, {"channels", "list", "-o", "json"}, {"channels", "test", "live"}} {
		all[strings.Join(command, " ")] = d.command(t, command...)
	}
	var err1, err2 error
	all["what Alertmanager shows"], err1 = d.servers[0].Original(t.Context())
	all["the log of Alertmanager"], err2 = d.servers[0].Output()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return all
}

// command runs a command by an operator, which has to succeed.
func (d *desk) command(t *testing.T, argv ...string) string {
	t.Helper()
	client := filepath.Join(t.TempDir(), "client.yml")
	write(t, filepath.Dir(client), "client.yml", "authorization: {credentials: "+clerkToken("oscar")+"}\n")
	out, err := exec.CommandContext(t.Context(), binaries.Exporter(), append(argv, "--url=http://"+d.pair.Exporter, "--http.config.file="+client)...).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("live")) {
		t.Errorf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

// noSecretInFiles looks at all files of the exporter: its logs, its storage, and what it wrote for Alertmanager.
func (d *desk) noSecretInFiles(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(d.pair.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Dir(path) == filepath.Join(d.dir, "channel-secrets") {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s has a secret", path)
		}
		seen[e.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("looked at %q", slices.Sorted(maps.Keys(seen)))
	for _, want := range []string{"exporter.log", "managed.db", "managed-audit.jsonl", "alertmanager.yml", "alertmanager.yml.previous"} {
		if !seen[want] {
			t.Errorf("there is no %s", want)
		}
	}
}

// bundle wants that an Alertmanager elsewhere gets the secrets, and nobody else.
func (d *desk) bundle(t *testing.T, secrets map[string]string) {
	t.Helper()
	const path = "/api/v1/alertmanager/bundle"
	for who, status := range map[string]int{"": http.StatusUnauthorized, "rita": http.StatusForbidden, "oscar": http.StatusForbidden, "alice": http.StatusForbidden} {
		if a := d.ask(t, who, http.MethodGet, path, ""); a.status != status || strings.Contains(a.body, canary) {
			t.Errorf("%q gets the bundle: status %d, want %d", who, a.status, status)
		}
	}
	a := d.want(t, d.ask(t, remoteName, http.MethodGet, path, ""), http.StatusOK)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") == "" {
		t.Errorf("the bundle has the headers %v, want no-store and an ETag", a.header)
	}
	var b channels.Bundle
	if err := json.Unmarshal([]byte(a.body), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(secrets, b.Secrets); diff != "" {
		t.Errorf("the secrets of the bundle (-want +got):\n%s", diff)
	}
	d.want(t, d.ask(t, remoteName, http.MethodGet, path, "", "If-None-Match", a.header.Get("ETag")), http.StatusNotModified)
	result := object("revision", b.Revision, "standing", map[string]any{"server": "someone-else", "state": alertconf.NotLoaded, "detail": "x"})
	for who, status := range map[string]int{"": http.StatusUnauthorized, "alice": http.StatusForbidden, remoteName: http.StatusNoContent} {
		if a := d.ask(t, who, http.MethodPost, path+"/result", result); a.status != status {
			t.Errorf("%q reports: status %d, want %d: %s", who, a.status, status, a.body)
		}
	}
	if s := d.standing(t, remoteName); s.State != alertconf.NotLoaded {
		t.Errorf("%s has reported, and is %+v", remoteName, s)
	}
}
