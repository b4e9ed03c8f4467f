package channels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// From nothing to three channels, a change of each kind, and nothing.
func TestEditor(t *testing.T) {
	w := newWorld(t, t.TempDir())
	out := w.put(t, "live", live)
	if c := out.Channel; out.Action != managed.Created || out.Pending || c.Revision != 1 || !c.Secret.Set || c.Secret.UpdatedAt.IsZero() || !c.Enabled || !c.SendResolved || c.Updated.By != "author1" {
		t.Errorf("got %+v", out)
	}
	w.put(t, "dev", hook)
	w.put(t, "all", pager)
	text, err := json.Marshal(w.List())
	if err != nil || strings.Contains(string(text), "canary") {
		t.Fatalf("%s, %v", text, err)
	}
	want := `{"name":"dev","type":"webhook","enabled":true,"send_resolved":true,"matchers":["environment=~\"DEV|STAGE\""],"group_wait":"500ms","url":"https://hook.example.com/a","secret":{"set":true,`
	if !strings.Contains(string(text), want) {
		t.Errorf("got %s, want %s", text, want)
	}
	disk := w.disk(t)
	if disk["channel-secrets/live"] != slackURL+"live\n" || disk["channel-secrets/dev"] != "canary-token\n" || len(disk) != 3 || !strings.Contains(disk["alertmanager.yml"], "revision 3.") {
		t.Errorf("on the disk: %q", disk)
	}
	patch := func(name, text string) Outcome {
		t.Helper()
		out, err := w.Patch(t.Context(), w.by(overwrite), name, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return out
	}
	if out := patch("live", `{"enabled":false,"matchers":null}`); out.Action != managed.Updated || out.Channel.Enabled || out.Channel.Matchers != nil || !out.Channel.Secret.Set || out.Channel.Created.By != "author1" {
		t.Errorf("got %+v", out)
	}
	if out := patch("dev", `{"token":null}`); out.Channel.Secret.Set || w.disk(t)["channel-secrets/dev"] != "" {
		t.Errorf("the secret is still there: %+v", out)
	}
	if out := patch("dev", `{"type":"slack_webhook","url":"`+slackURL+`new"}`); !out.Channel.Secret.Set || out.Channel.URL != "" || w.disk(t)["channel-secrets/dev"] != slackURL+"new\n" {
		t.Errorf("after a change of its type: %+v", out)
	}
	if out := patch("dev", `{"type":"receiver","receiver":"pager"}`); out.Channel.Secret.Set || len(w.disk(t)) != 2 {
		t.Errorf("after a change of its type: %+v, %q", out, w.disk(t))
	}
	for _, name := range []string{"live", "dev", "all"} {
		if out, err := w.Delete(t.Context(), w.by(overwrite), name); err != nil || out.Action != managed.Deleted || out.Channel.Name != name {
			t.Errorf("got %+v, %v", out, err)
		}
	}
	if disk := w.disk(t); len(disk) != 1 || len(w.List()) != 0 || strings.Contains(disk["alertmanager.yml"], "hc-") {
		t.Errorf("left: %q", disk)
	}
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
		t.Error(diff)
	}
}

func TestUnchanged(t *testing.T) {
	w := newWorld(t, t.TempDir())
	first := w.put(t, "live", live)
	loads := w.servers[0].loads
	for _, body := range []string{
		live, `{"type":"slack_webhook","matchers":["environment=\"LIVE\""]}`,
		`{"name":"live","type":"slack_webhook","matchers":["environment=\"LIVE\""],"enabled":true,"send_resolved":true,"channel":null}`,
	} {
		out, err := w.Put(t.Context(), w.by(managed.Condition{Revisions: []uint64{77}}), "live", []byte(body))
		if diff := cmp.Diff(first.Channel, out.Channel); err != nil || out.Action != managed.Unchanged || diff != "" {
			t.Errorf("%s: %+v, %v %s", body, out, err, diff)
		}
	}
	if out, err := w.Patch(t.Context(), w.by(managed.Condition{}), "live", []byte(`{"enabled":true}`)); err != nil || out.Action != managed.Unchanged {
		t.Errorf("%+v, %v", out, err)
	}
	if w.registry.ChannelsRevision() != 1 || w.servers[0].loads != loads {
		t.Error("something was written")
	}
	if out := w.put(t, "live", strings.Replace(live, "canary-live", "canary-other", 1)); out.Action != managed.Updated || out.Channel.Revision != 2 {
		t.Errorf("another secret: %+v", out)
	}
}

func TestConditions(t *testing.T) {
	w := newWorld(t, t.TempDir())
	put := func(c managed.Condition, name, body string) error {
		_, err := w.Put(t.Context(), w.by(c), name, []byte(body))
		return err
	}
	if err := put(overwrite, "live", live); !is[*ChangedError](err) || !is[*managed.ChangedError](err) || err.Error() != "it does not exist (any more)" {
		t.Errorf("got %v", err)
	}
	w.put(t, "live", live)
	if err := put(managed.Condition{}, "live", hook); !is[*managed.RequiredError](err) || !strings.Contains(err.Error(), `If-Match: "1"`) {
		t.Errorf("got %v", err)
	}
	if err := put(managed.Condition{Absent: true}, "live", live); !is[*ChangedError](err) || !strings.Contains(err.Error(), `a channel "live" already`) {
		t.Errorf("got %v", err)
	}
	w.put(t, "live", `{"type":"slack_webhook"}`)
	err := put(managed.Condition{Revisions: []uint64{1}}, "live", `{"wrong":1}`)
	if changed, ok := errors.AsType[*ChangedError](err); !ok || changed.Current.Revision != 2 || !strings.Contains(err.Error(), "(revision 2, you have 1)") {
		t.Errorf("got %v", err)
	}
	_, err = w.Patch(t.Context(), w.by(overwrite), "lvie", []byte(`{}`))
	if missing, ok := errors.AsType[*MissingError](err); !ok || missing.Meant != "live" {
		t.Errorf("got %v", err)
	}
	if _, err := w.Delete(t.Context(), w.by(overwrite), "none"); !is[*MissingError](err) {
		t.Errorf("got %v", err)
	}
	if _, err := w.Delete(t.Context(), w.by(managed.Condition{}), "live"); !is[*managed.RequiredError](err) {
		t.Errorf("got %v", err)
	}
	for labels, want := range map[string]float64{"condition_required": 2, "changed": 3, "missing": 2} {
		if got := gauge(t, w, "healthcheck_exporter_managed_refused_total", labels); got != want {
			t.Errorf("refused %s: %v, want %v", labels, got, want)
		}
	}
}

// gauge is a metric with a label of a value.
func gauge(t *testing.T, w *world, name, label string) float64 {
	t.Helper()
	all, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && len(m.GetLabel()) > 0 && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// Everything that is wrong is told at once, where it is, and never what the secret is.
func TestInvalid(t *testing.T) {
	w := newWorld(t, t.TempDir())
	long := strings.Repeat("x", longestSecret+1)
	for _, tt := range []struct {
		name, body string
		want       []string
		say        string
	}{
		{"x", `{`, []string{""}, "JSON"},
		{"x", `[]`, []string{""}, "object"},
		{"x", `{}`, []string{"/type"}, "want one of"},
		{"x", `{"type":"email"}`, []string{"/type"}, "slack_webhook"},
		{
			"x", `{"type":1,"enabled":"yes","send_resolved":0,"matchers":"x","group_wait":[],"channel":{},"url":1,"receiver":true,"name":"y","more":1}`,
			[]string{"/channel", "/enabled", "/group_wait", "/matchers", "/more", "/name", "/receiver", "/send_resolved", "/type", "/url"},
			"",
		},
		{"x", `{"type":"receiver","receiver":"pagre"}`, []string{"/receiver"}, `want one of ["nobody" "pager" "healthcheck-channels"]`},
		{"x", `{"type":"receiver","receiver":"pager","token":"canary-1"}`, []string{"/token"}, "is for a slack_bot or a webhook"},
		{"x", `{"type":"receiver","receiver":"pager","send_resolved":false}`, []string{"/send_resolved"}, "base.yml"},
		{"x", `{"type":"receiver","receiver":"pager","url":"https://canary.example.com"}`, []string{"/url"}, "is for a webhook"},
		{"x", `{"type":"slack_webhook"}`, []string{"/url"}, "missing"},
		{"x", `{"type":"slack_webhook","url":""}`, []string{"/url"}, "missing"},
		{"x", `{"type":"slack_webhook","url":["canary-1"]}`, []string{"/url"}, "want a text"},
		{"x", `{"type":"slack_webhook","url":"https://evil.example.com/canary-1"}`, []string{"/url"}, "evil.example.com"},
		{"x", `{"type":"slack_webhook","url":"http://hooks.slack.com/canary-1"}`, []string{"/url"}, "https"},
		{"x", `{"type":"slack_webhook","url":"https://hooks.slack.com/canary-1\n"}`, []string{"/url"}, ""},
		{"x", `{"type":"slack_webhook","url":"https://hooks.slack.com/` + long + `"}`, []string{"/url"}, "at most"},
		{"x", `{"type":"slack_bot","channel":"#a"}`, []string{"/token"}, "missing"},
		{"x", `{"type":"slack_bot","channel":"#a","token":"canary 1"}`, []string{"/token"}, "space"},
		{"x", `{"type":"slack_bot","channel":"#a","token":"canary-1\n"}`, []string{"/token"}, "line break"},
		{"x", `{"type":"slack_bot","channel":"#a","token":"` + long + `"}`, []string{"/token"}, "at most"},
		{"x", `{"type":"slack_bot","channel":"{{ .X }}","token":"canary-1"}`, []string{"/channel"}, ""},
		{"x", `{"type":"webhook","url":"https://hooks.slack.com/services/canary-1"}`, []string{"/url"}, "want the type slack_webhook"},
		{"x", `{"type":"webhook","url":"https://u:canary-1@hook.example.com"}`, []string{"/url"}, "user"},
		{"x", `{"type":"webhook","url":"http://hook.example.com","token":"canary-1"}`, []string{"/url"}, "want https"},
		{"x", `{"type":"webhook","url":"https://hook.example.com/?canary-1"}`, []string{"/url"}, "query"},
		{"x", `{"type":"webhook","url":"https://hook.example.com","matchers":["a=\"b\"","no",1]}`, []string{"/matchers/1", "/matchers/2"}, ""},
		{"x", `{"type":"webhook","url":"https://hook.example.com","group_wait":"1h"}`, []string{"/group_wait"}, "10m"},
		{"..", `{"type":"webhook","url":"https://hook.example.com"}`, []string{"/name"}, ""},
		{"off", `{"type":"webhook","url":"https://hook.example.com"}`, []string{"/name"}, ""},
	} {
		t.Run(tt.body[:min(len(tt.body), 60)], func(t *testing.T) {
			_, err := w.Put(t.Context(), w.by(managed.Condition{}), tt.name, []byte(tt.body))
			wrong, _ := errors.AsType[*managed.InvalidError](err)
			if wrong == nil || wrong.What != "channel" {
				t.Fatalf("got %v", err)
			}
			text := fmt.Sprint(wrong.Problems)
			if diff := cmp.Diff(tt.want, found(err)); diff != "" || !strings.Contains(text, tt.say) || strings.Contains(text, "canary") {
				t.Errorf("%s %s, want %q", diff, text, tt.say)
			}
		})
	}
	if len(w.List()) > 0 || len(w.disk(t)) != 1 {
		t.Errorf("something was kept: %q", w.disk(t))
	}
}

// What a receiver of the base file says of ends, no channel does. One that becomes another type's keeps nothing of it.
func TestReceiverSaysItselfWhetherItHearsOfEnds(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "x", `{"type":"webhook","url":"https://hook.example.com/a","send_resolved":false}`)
	out, err := w.Patch(t.Context(), w.by(overwrite), "x", []byte(`{"type":"receiver","receiver":"pager","url":null}`))
	if err != nil || !out.Channel.SendResolved {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err = w.Patch(t.Context(), w.by(overwrite), "x", []byte(`{"send_resolved":false}`))
	if diff := cmp.Diff([]string{"/send_resolved"}, found(err)); diff != "" {
		t.Error(diff)
	}
}

// A host that is not allowed any more gets no other channel. What goes there can be switched off, and nothing else.
func TestHostIsNotAllowedAnyMore(t *testing.T) {
	w := newWorld(t, t.TempDir())
	bot := `{"type":"slack_bot","channel":"#a","token":"canary-1"}`
	w.put(t, "bot", bot)
	w.put(t, "hook", `{"type":"webhook","url":"https://hook.example.com:443/a"}`)
	tightened := *w.settings
	tightened.Hosts = []string{"hooks.slack.com"}
	if err := w.Configure(&tightened); err != nil {
		t.Fatal(err)
	}
	patch := func(name, body string) error {
		_, err := w.Patch(t.Context(), w.by(overwrite), name, []byte(body))
		return err
	}
	_, err := w.Put(t.Context(), w.by(managed.Condition{}), "new", []byte(bot))
	for what, err := range map[string]error{"new": err, "bot": patch("bot", `{"channel":"#b"}`)} {
		if diff := cmp.Diff([]string{"/type"}, found(err)); diff != "" || !strings.Contains(fmt.Sprint(err.(*managed.InvalidError).Problems), "slack.com") { //nolint:errorlint,forcetypeassert // found says so
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, name := range []string{"bot", "hook"} {
		if err := patch(name, `{"enabled":false}`); err != nil {
			t.Errorf("%s cannot be switched off: %v", name, err)
		}
		if err := patch(name, `{"enabled":true}`); found(err) == nil {
			t.Errorf("%s can be switched on: %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{"/url"}, found(patch("hook", `{"url":"https://hook.example.com/b"}`))); diff != "" {
		t.Errorf("another URL: %s", diff)
	}
	if diff := cmp.Diff([]string{"/type"}, found(patch("bot", `{"channel":"#b"}`))); diff != "" {
		t.Errorf("another channel: %s", diff)
	}
	tightened.Hosts = []string{"slack.com:443"}
	if err := w.Configure(&tightened); err != nil {
		t.Fatal(err)
	}
	if err := patch("bot", `{"enabled":true}`); err != nil {
		t.Error(err)
	}
}

// A token that stays does not go to a URL that everybody on the way could listen to, or to another host, and without one there is
// nothing to hear.
func TestTokenStaysConfidential(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.settings.Hosts = append(w.settings.Hosts, "hooks.example.org")
	if err := w.Configure(w.settings); err != nil {
		t.Fatal(err)
	}
	w.put(t, "hook", `{"type":"webhook","url":"https://hook.example.com","token":"canary-1"}`)
	patch := func(body string) error {
		_, err := w.Patch(t.Context(), w.by(managed.Condition{Any: true}), "hook", []byte(body))
		return err
	}
	if diff := cmp.Diff([]string{"/url"}, found(patch(`{"url":"http://hook.example.com"}`))); diff != "" {
		t.Errorf("http with a token (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/token"}, found(patch(`{"url":"https://hooks.example.org/b"}`))); diff != "" {
		t.Errorf("another host (-want +got):\n%s", diff)
	}
	if err := patch(`{"url":"https://hook.example.com:443/b"}`); err != nil {
		t.Errorf("another path: %v", err)
	}
	if err := patch(`{"url":"https://hooks.example.org/b","token":"canary-2"}`); err != nil || w.disk(t)["channel-secrets/hook"] != "canary-2\n" {
		t.Errorf("another host with a token of its own: %v", err)
	}
	if err := patch(`{"url":"http://hook.example.com","token":null}`); err != nil {
		t.Errorf("http without one: %v", err)
	}
}

// What Alertmanager refuses leaves everything as it was: the file, the secrets, the record.
func TestRefused(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.put(t, "dev", hook)
	before, list := w.disk(t), w.List()
	w.servers[1].set(func(s *server) { s.refuses = "hc-bad" })
	edits := map[string]func() error{
		"new": func() error {
			_, err := w.Put(t.Context(), w.by(managed.Condition{}), "bad", []byte(`{"type":"slack_webhook","url":"`+slackURL+`bad"}`))
			return err
		},
	}
	w.servers[0].set(func(s *server) { s.refuses = "revision 3." })
	edits["secret"] = func() error {
		_, err := w.Patch(t.Context(), w.by(overwrite), "live", []byte(`{"url":"`+slackURL+`other"}`))
		return err
	}
	edits["type"] = func() error {
		_, err := w.Patch(t.Context(), w.by(overwrite), "dev", []byte(`{"type":"receiver","receiver":"pager","url":null}`))
		return err
	}
	edits["removal"] = func() error { _, err := w.Delete(t.Context(), w.by(overwrite), "live"); return err }
	for name, edit := range edits {
		err := edit()
		if refused, ok := errors.AsType[*alertconf.RefusedError](err); !ok || strings.Contains(err.Error(), "canary") || !strings.Contains(refused.Text, "<secret>") {
			t.Errorf("%s: got %v", name, err)
		}
		if diff := cmp.Diff(before, w.disk(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(list, w.List()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := gauge(t, w, "healthcheck_exporter_managed_refused_total", "alertmanager_refused"); got != float64(len(edits)) {
		t.Errorf("%v are counted", got)
	}
}

// A change that one Alertmanager could not be told of is kept, and the others run it.
func TestPending(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.servers[1].set(func(s *server) { s.away = true })
	if out := w.put(t, "live", live); !out.Pending {
		t.Errorf("got %+v", out)
	}
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.Pending}, w.states(t)); diff != "" {
		t.Error(diff)
	}
	w.servers[1].set(func(s *server) { s.away = false })
	w.tend(t.Context(), true)
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
		t.Error(diff)
	}
}

// A trial finds what can be found, and writes nothing.
func TestDryRun(t *testing.T) {
	w := newWorld(t, t.TempDir())
	before := w.disk(t)
	e := w.by(managed.Condition{})
	e.DryRun = true
	out, err := w.Put(t.Context(), e, "live", []byte(live))
	if err != nil || out.Action != managed.Created || out.Channel.Revision != 0 || !out.Channel.Secret.Set || out.Channel.Name != "live" {
		t.Errorf("got %+v, %v", out, err)
	}
	if diff := cmp.Diff(before, w.disk(t)); diff != "" {
		t.Error(diff)
	}
	w.put(t, "live", live)
	before = w.disk(t)
	e.If = overwrite
	if out, err := w.Put(t.Context(), e, "live", []byte(`{"type":"receiver","receiver":"pager"}`)); err != nil || out.Action != managed.Updated || out.Channel.Secret.Set || out.Channel.Revision != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
	if out, err := w.Delete(t.Context(), e, "live"); err != nil || out.Action != managed.Deleted {
		t.Errorf("got %+v, %v", out, err)
	}
	if err := os.Remove(filepath.Join(w.settings.Place.Dir, "channel-secrets", "live")); err != nil {
		t.Fatal(err)
	}
	e.If = managed.Condition{}
	if _, err := w.Put(t.Context(), e, "other", []byte(pager)); !is[*alertconf.MissingError](err) {
		t.Errorf("with a secret that is missing: %v", err)
	}
	delete(before, "channel-secrets/live")
	if diff := cmp.Diff(before, w.disk(t)); diff != "" || w.registry.ChannelsRevision() != 1 {
		t.Error(diff)
	}
	w.put(t, "live", live) // the same secret, which is not there any more
	if w.disk(t)["channel-secrets/live"] == "" {
		t.Error("the secret did not come back")
	}
}

// Who is limited to environments may change what is confined to them, before and after.
func TestMay(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.put(t, "dev", hook)
	w.put(t, "all", pager)
	limited := w.by(managed.Condition{})
	limited.By.May = func(environments ...string) error {
		for _, e := range environments {
			if e != "DEV" && e != "STAGE" {
				return fmt.Errorf("not in %q", e)
			}
		}
		return nil
	}
	for _, tt := range []struct {
		name, body string
		may        bool
	}{
		{"live", hook, false},
		{"dev", live, false},
		{"dev", `{"type":"receiver","receiver":"pager"}`, false},
		{"dev", `{"type":"receiver","receiver":"pager","matchers":["environment=\"DEV\""]}`, true},
		{"all", hook, false},
		{"new", pager, false},
		{"new", `{"type":"receiver","receiver":"pager","matchers":["environment=~\".*\""]}`, false},
		{"new", hook, true},
	} {
		limited.If = managed.Condition{}
		if _, ok := w.Channel(tt.name); ok {
			limited.If = overwrite
		}
		if _, err := w.Put(t.Context(), limited, tt.name, []byte(tt.body)); (err == nil) != tt.may {
			t.Errorf("%s %s: %v", tt.name, tt.body, err)
		}
	}
	if _, err := w.Delete(t.Context(), limited, "live"); err == nil {
		t.Error("he may remove what is not his")
	}
	if _, err := w.Apply(t.Context(), limited.By, true); err == nil {
		t.Error("he may overwrite everything")
	}
	nobody := w.by(overwrite)
	nobody.By.May = nil
	if _, err := w.Delete(t.Context(), nobody, "live"); err == nil {
		t.Error("nobody knows whether he may")
	}
}

func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		var list []managed.ChannelChange
		for i := range alertconf.MaxChannels {
			list = append(list, managed.ChannelChange{Name: fmt.Sprint("c", i), Definition: managed.Encode(map[string]any{"type": "receiver", "receiver": "pager"})})
		}
		if _, err := w.registry.KeepChannels(t.Context(), managed.ChannelEdit{By: anybody("a"), Changes: list}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Put(t.Context(), w.by(managed.Condition{}), "more", []byte(pager)); !is[*managed.TooManyError](err) {
			t.Errorf("got %v", err)
		}
		w.put(t, "c7", pager)
		e := w.by(overwrite)
		var err error
		for range 30 {
			if _, err = w.Put(t.Context(), e, "c7", []byte(pager)); err != nil {
				break
			}
		}
		if many, ok := errors.AsType[*managed.TooManyError](err); !ok || many.RetryAfter == 0 {
			t.Errorf("he may change as much as he likes: %v", err)
		}
	})
}

// What somebody else has written is not overwritten, unless somebody wants that.
func TestFileChanged(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	file := w.settings.Place.ConfigFile()
	if err := os.WriteFile(file, []byte("# by hand: canary-hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Put(t.Context(), w.by(managed.Condition{}), "dev", []byte(hook)); !errors.Is(err, alertconf.ErrFileChanged) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
	if _, ok := w.Channel("dev"); ok || len(w.disk(t)) != 2 {
		t.Errorf("it was kept, or its secret: %q", w.disk(t))
	}
	w.tend(t.Context(), true)
	if diff := cmp.Diff([]alertconf.State{alertconf.FileChanged, alertconf.FileChanged}, w.states(t)); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Apply(t.Context(), anybody("alice"), false); !errors.Is(err, alertconf.ErrFileChanged) {
		t.Errorf("got %v", err)
	}
	if got := gauge(t, w, "healthcheck_exporter_alertmanager_in_sync", "am-1"); got != 0 {
		t.Errorf("in_sync is %v", got)
	}
	a, err := w.Apply(t.Context(), anybody("alice"), true)
	if err != nil || a.Servers[0].State != alertconf.InSync || !strings.Contains(w.disk(t)["alertmanager.yml"], "hc-live") {
		t.Errorf("got %+v, %v", a, err)
	}
	w.put(t, "dev", hook)
}

// An Alertmanager that hangs holds up no edit of a target, and whoever waits for it may give up.
func TestHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		hangs := make(chan struct{})
		w.servers[0].set(func(s *server) { s.hangs = hangs })
		done := make(chan error)
		go func() {
			_, err := w.Put(t.Context(), managed.Edit{By: anybody("alice")}, "live", []byte(live))
			done <- err
		}()
		synctest.Wait() // it hangs
		if len(w.disk(t)) < 3 {
			t.Errorf("it has not begun: %q", w.disk(t))
		}
		began := time.Now()
		for i := range 20 {
			if _, err := w.registry.Put(t.Context(), w.by(managed.Condition{}), fmt.Sprint("t", i), []byte(`{"url":"http://a"}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("20 targets have waited for %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := w.Put(ctx, managed.Edit{By: anybody("bob")}, "dev", []byte(hook)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := w.Bundle(); err != nil {
			t.Errorf("the bundle waits, too: %v", err)
		}
		w.List()
		if err := w.Configure(w.settings); err != nil { // a load does not wait
			t.Error(err)
		}
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		w.servers[0].set(func(s *server) { s.hangs = nil })
		close(hangs)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What people may see of the file has no secret and no comment of the base.
func TestConfig(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	text, err := w.Config()
	if err != nil || strings.Contains(string(text), "canary") || !strings.HasPrefix(string(text), "# Written by healthcheck_exporter from ") ||
		!strings.Contains(string(text), "slack_api_url: <secret>") || !strings.Contains(string(text), "hc-live") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTold(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.put(t, "dev", hook)
	w.put(t, "all", pager)
	for environment, want := range map[string]string{"LIVE": "[all live]", "DEV": "[all dev]", "": "[all]"} {
		var names []string
		for _, c := range w.Told(map[string]string{"alertname": "HealthcheckTargetDown", "environment": environment}) {
			names = append(names, c.Name)
		}
		if got := fmt.Sprint(names); got != want {
			t.Errorf("%s: %s, want %s", environment, got, want)
		}
	}
}

func TestCollector(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	w.put(t, "dev", hook)
	w.put(t, "all", pager)
	if problems, err := testutil.GatherAndLint(w.metrics); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	for label, want := range map[string]float64{"true": 2, "false": 1} {
		if got := gauge(t, w, "healthcheck_exporter_channels", label); got != want {
			t.Errorf("enabled %s: %v, want %v", label, got, want)
		}
	}
	for label, want := range map[string]float64{"am-1": 1, "am-2": 1, "far": 0} {
		if got := gauge(t, w, "healthcheck_exporter_alertmanager_in_sync", label); got != want {
			t.Errorf("%s: %v, want %v", label, got, want)
		}
	}
	fresh, _, err := settingsIn(t.TempDir(), "am-3")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Configure(fresh); err != nil {
		t.Fatal(err)
	}
	if got := gauge(t, w, "healthcheck_exporter_alertmanager_in_sync", "am-3"); got != -1 {
		t.Errorf("it is %v for one at which nobody has looked yet", got)
	}
	if err := w.Configure(nil); err != nil {
		t.Fatal(err)
	}
	if got := gauge(t, w, "healthcheck_exporter_channels", "true"); got != -1 {
		t.Errorf("there are %v where channels are off", got)
	}
}
