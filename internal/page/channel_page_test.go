package page

import (
	"errors"
	"html"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// lacks expects that a page does not say something.
func lacks(t *testing.T, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(w.Body.String(), text) {
			t.Errorf("the page has %s:\n%s", text, w.Body)
		}
	}
}

// canary is a secret. No page has it, ever.
const canary = "canary-7f3a"

func TestChannels(t *testing.T) {
	p := panelOf(t)
	p.board.tests["ops"] = channels.Test{Started: noon, Ended: noon.Add(time.Second), OK: true}
	w := p.does("GET", "/channels")
	says(t, w, 200, `<a href="./channels" aria-current="page">Channels</a>`, `<a href="./channels/alerts-live">alerts-live</a>`, "Slack, incoming webhook", "secret set, changed <time",
		`<code>environment=&#34;LIVE&#34;</code>`, "<b>on</b>\n<small>also told when it ends · first message after 500ms</small>", `action="./channels/alerts-live/off"`, `action="./channels/alerts-live/test"`,
		"Webhook <b>https://chat.example.com/hook</b>", "everything", "<b>off</b>", `action="./channels/ops/on"`, "came through</b> <small><time",
		"Slack, bot <b>#dev</b>", "not told when it ends", "Receiver of the base file <b>pagerduty-ops</b></td>", "none yet",
		`href="./add-channel"`, "● Every Alertmanager"[len("● "):], "<b>am-1</b>", "/etc/alertmanager/healthcheck/alertmanager.yml", "goes to the receiver healthcheck-channels",
	)
	lacks(t, w, "Publish again", "<script>", "<img src=x>", "\u202e")
	if got := w.Header().Get("ETag"); got == "" {
		t.Error("a browser cannot keep the page")
	}
}

// Who switches channels on begins with the smallest base file that is shipped.
func TestChannelsBegin(t *testing.T) {
	_, after, _ := strings.Cut(sectionOfChannels, "base: ")
	base, _, _ := strings.Cut(after, "\n")
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "alertmanager", base))
	if err != nil {
		t.Fatal(err)
	}
	if err := alertconf.CheckBase(text); err != nil {
		t.Error(err)
	}
	for _, lang := range languages {
		if text := catalogues[lang].say("channels.off_do"); !strings.Contains(text, base) {
			t.Errorf("%s says %q, want that it names %s", lang, text, base)
		}
	}
}

// Whoever is new is led to the first channel, and where channels are off, to the section that switches them on.
func TestFirstChannel(t *testing.T) {
	p := panelOf(t)
	p.board.all = map[string]channels.Channel{}
	says(t, p.does("GET", "/channels"), 200, "There is no channel yet", "Incoming Webhooks", `<li><a href="./add-channel">Add a channel</a>: paste the URL`, "Send a test")
	p.who = access.Identity{Role: access.Read}
	w := p.does("GET", "/channels")
	says(t, w, 200, "Whoever has the role edit")
	lacks(t, w, "add-channel")
	p.who = editor
	for _, off := range []func(){func() { p.board.off = channels.ErrOff }, func() { p.Channels = nil }} {
		off()
		w := p.does("GET", "/channels")
		says(t, w, 200, "They are off here", "base: alertmanager-small.base.yml", `<a href="https://github.com/healthcheck-exporter/healthcheck_exporter/blob/main/docs/channels.md">`)
		lacks(t, w, "add-channel", "Alertmanagers</h2>")
		leads(t, p.does("GET", "/add-channel"), "./channels")
		leads(t, p.does("GET", "/channels/ops?lang=ko"), "../channels?lang=ko")
		for _, path := range []string{"", "/ops", "/ops/delete", "/ops/on", "/ops/off", "/ops/test"} {
			leads(t, p.does("POST", "/channels"+path), strings.Repeat("../", strings.Count(path, "/")-min(1, len(path))+min(1, len(path)))+map[bool]string{true: "./"}[path == ""]+"channels")
		}
		leads(t, p.does("POST", "/alertmanager/apply"), "../channels")
		lacks(t, p.does("GET", "/targets/shop"), "Who is told")
	}
}

// The section that the page shows is one that a configuration takes.
func TestSectionOfChannels(t *testing.T) {
	_, err := config.Parse("/etc/hc/healthcheck.yml", []byte("modules: {http_2xx: {prober: http}}\naccess: {users: [{name: alice, role: edit, bearer_token: alice-0123456789abcdef0123456789abcdef}]}\n"+sectionOfChannels))
	if err != nil && !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}

func TestAddChannel(t *testing.T) {
	p := panelOf(t)
	w := p.does("GET", "/add-channel")
	says(t, w, 200, `action="./channels"`, `name="type" value="slack_webhook"`, `<a href="./add-channel?type=slack_bot">Slack, bot</a>`, `<a href="./add-channel?type=slack_webhook" aria-current="true">`,
		`<input id="f-url" name="url" type="password" spellcheck="false" autocomplete="off" required`, `<textarea id="f-matchers"`)
	lacks(t, w, "f-token", "f-receiver", "f-channel", "remove_secret", "select 2 of")
	says(t, p.does("GET", "/add-channel?type=slack_bot&lang=ko"), 200, `<input id="f-token" name="token" type="password"`, `id="f-channel"`, `href="./add-channel?lang=ko&amp;type=webhook"`)
	says(t, p.does("GET", "/add-channel?type=webhook"), 200, `<input id="f-url" name="url" value=""`, `<input id="f-token" name="token" type="password" spellcheck="false" autocomplete="off" aria`)
	w = p.does("GET", "/add-channel?type=receiver")
	says(t, w, 200, `<datalist id="l-receiver"><option value="nobody"></option><option value="pagerduty-ops"></option>`)
	lacks(t, w, "send_resolved")
	lacks(t, p.does("GET", "/channels/pager"), "when it ends")
	says(t, p.does("GET", "/add-channel?type=pigeon"), 400, "want one of")

	form := []string{"type", "slack_webhook", "name", "shop", "url", "https://hooks.slack.com/services/" + canary, "matchers", "environment=\"LIVE\"\r\n\r\n team=~\"a|b\" ", "send_resolved", "no", "group_wait", "1s", "enabled", "yes"}
	leads(t, p.does("POST", "/channels", form...), "./channels/shop?done=channel_added")
	want := `put {"enabled":true,"group_wait":"1s","matchers":["environment=\"LIVE\"","team=~\"a|b\""],"send_resolved":false,"type":"slack_webhook","url":"https://hooks.slack.com/services/` + canary + `"}`
	if got := p.board.bodies[0]; got != want {
		t.Errorf("body (-want +got):\n%s", cmp.Diff(want, got))
	}
	// The same form once more does no harm. Another one of that name is told so beside the name.
	leads(t, p.does("POST", "/channels", form...), "./channels/shop?done=channel_added")
	w = p.does("POST", "/channels", "type", "slack_webhook", "name", "shop", "url", "https://hooks.slack.com/services/"+canary)
	says(t, w, 412, `<a href="#f-name">Name</a>`, "There is a channel of this name already", "Type it again")
	lacks(t, w, canary)
	w = p.does("GET", "/channels/shop?done=channel_added")
	says(t, w, 200, "Added. Every Alertmanager runs it. Send a test", "<dd>Slack, incoming webhook", "alice")
	lacks(t, w, canary, "What to do")
	lacks(t, p.does("GET", "/channels"), canary)
	lacks(t, p.does("GET", "/targets/shop"), canary)

	p.board.pending = true
	p.board.servers = append(p.board.servers, alertconf.Standing{Server: "am-2", State: alertconf.Unreachable}, alertconf.Standing{Server: "am-3", State: alertconf.NotLoaded})
	leads(t, p.does("POST", "/channels", "type", "receiver", "name", "a/b", "receiver", "nobody"), "./channels/a%2Fb?done=channel_added_pending")
	says(t, p.does("GET", "/channels/a%2Fb?done=channel_added_pending"), 200, "Not every Alertmanager runs it yet.", "am-2 is told as soon as it answers.", "am-3: runs something else", `<a href="../channels#servers">What to do</a>`)
}

// What was typed is kept but for secrets, and each mistake is beside its field and in a summary that gets the focus.
func TestChannelMistakes(t *testing.T) {
	p := panelOf(t)
	w := p.does("POST", "/channels", "type", "webhook", "name", `x"><script>`, "url", "https://evil.example/", "token", canary, "matchers", "a=b\n\nfoo bar", "group_wait", "2h", "send_resolved", "no")
	says(t, w, 422, `<div class="wrong" role="alert" tabindex="-1" autofocus>`, `<a href="#f-matchers">Hears of</a>: <span lang="en">line 3: got &#34;foo bar&#34;`, `<a href="#f-url">URL</a>`, "channel_hosts", `id="w-group_wait"`,
		`value="x&#34;&gt;&lt;script&gt;"`, `value="https://evil.example/"`, "a=b\n\nfoo bar</textarea>", `value="2h"`, `<option value="no" selected>say nothing`, "Type it again", "<title>Not saved: Add a channel")
	lacks(t, w, canary, "<script>")
	if first, then := strings.Index(w.Body.String(), `<a href="#f-url">`), strings.Index(w.Body.String(), `<a href="#f-matchers">`); first > then {
		t.Error("they are not in the order of the form")
	}
	says(t, p.does("POST", "/channels?lang=ko", "type", "slack_bot", "channel", "#x"), 422, `<a href="#f-name">이름</a>: <span>이름을 입력하세요`, `id="w-name">이름을`)
	says(t, p.does("POST", "/channels", "type", "slack_bot", "name", "x", "channel", "#x"), 422, `<a href="#f-token">Token</a>: <span lang="en">missing`)
	for _, tc := range []struct {
		fails  error
		status int
		says   []string
	}{
		{&alertconf.RefusedError{Server: "am-1 (0.25.0)", Text: `undefined receiver "hc-x"`}, 422, []string{"am-1 (0.25.0) refuses it, and runs what it ran before", "undefined receiver &#34;hc-x&#34;"}},
		{&alertconf.MissingError{Missing: []string{"line 7: \"templates\" is missing"}}, 422, []string{"since messages would fail: line 7:"}},
		{alertconf.ErrFileChanged, 409, []string{"so nothing has been saved"}},
		{&managed.StoreError{Err: errors.New("disk full")}, 503, []string{"disk full. Nothing has changed"}},
		{&managed.TooManyError{Err: errors.New("there are 200 channels")}, 429, []string{"there are 200 channels"}},
	} {
		p.board.fails = tc.fails
		for _, w := range []*httptest.ResponseRecorder{
			p.does("POST", "/channels", "type", "webhook", "name", "kept", "url", "https://chat.example.com/", "token", canary),
			p.does("POST", "/channels/ops", "type", "webhook", "revision", "7", "url", "https://chat.example.com/kept", "token", canary),
		} {
			says(t, w, tc.status, append(tc.says, "kept", "Type it again")...)
			lacks(t, w, canary)
		}
		says(t, p.does("POST", "/channels/ops/delete", "revision", "7", "confirm", "yes"), tc.status, append(tc.says, `<details class="delete" open>`)...)
		says(t, p.does("POST", "/channels/ops/on"), tc.status, tc.says...)
	}
}

func TestEditChannel(t *testing.T) {
	p := panelOf(t)
	w := p.does("GET", "/channels/alerts-live")
	says(t, w, 200, `action="../channels/alerts-live"`, `name="revision" value="7"`, "There is one, which nobody can see.", "environment=&#34;LIVE&#34;</textarea>", "Selects 2 of 3 targets now.", `value="500ms"`,
		`action="../channels/alerts-live/delete"`, "bob", "carol", `<input type="hidden" name="from" value="channel">`)
	lacks(t, w, "remove_secret")
	same := []string{"revision", "7", "type", "slack_webhook", "matchers", `environment="LIVE"`, "send_resolved", "yes", "enabled", "yes", "group_wait", "500ms", "url", ""}
	leads(t, p.does("POST", "/channels/alerts-live", same...), "../channels/alerts-live?done=unchanged")
	for _, tc := range []struct {
		name, channel string
		form          []string
		want          string
	}{
		{"a new secret", "alerts-live", []string{"url", "https://hooks.slack.com/services/" + canary}, `{"url":"https://hooks.slack.com/services/` + canary + `"}`},
		{"everything", "alerts-live", []string{"matchers", "", "group_wait", "", "send_resolved", "no"}, `{"group_wait":null,"matchers":null,"send_resolved":false}`},
		{"another kind", "alerts-live", []string{"type", "slack_bot", "channel", "#x", "token", canary}, `{"channel":"#x","token":"` + canary + `","type":"slack_bot","url":null}`},
		{"the token is deleted", "ops", []string{"remove_secret", "yes"}, `{"token":null}`},
		{"a token is typed all the same", "ops", []string{"remove_secret", "yes", "token", canary}, `{"token":"` + canary + `"}`},
		{"a URL that is a secret from then on", "ops", []string{"type", "slack_webhook", "url", ""}, `{"token":null,"type":"slack_webhook","url":null}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := panelOf(t)
			was := p.board.all[tc.channel]
			form := url.Values{"revision": {"7"}, "type": {string(was.Kind)}}
			for key, text := range shownOf(&was) {
				form.Set(key, text)
			}
			for i := 0; i < len(tc.form); i += 2 {
				form.Set(tc.form[i], tc.form[i+1])
			}
			var sent []string
			for key := range form {
				sent = append(sent, key, form.Get(key))
			}
			w := p.does("POST", "/channels/"+tc.channel, sent...)
			if len(p.board.bodies) != 1 || p.board.bodies[0] != "patch "+tc.want {
				t.Errorf("sent %q, want a patch %s: %d %s", p.board.bodies, tc.want, w.Code, w.Body)
			}
			lacks(t, w, canary)
		})
	}
	says(t, p.does("GET", "/channels/ops?type=slack_bot"), 200, `name="type" value="slack_bot"`, `id="f-channel"`, `name="token" type="password" spellcheck="false" autocomplete="off" required`)
	says(t, p.does("GET", "/channels/ops"), 200, `name="remove_secret"`, `href="../channels/ops?type=slack_webhook"`)
	says(t, p.does("GET", "/channels/nobody"), 404, "there is no channel &#34;nobody&#34;")
	says(t, p.does("GET", "/channels/alerts-liv"), 404, "did you mean &#34;alerts-live&#34;?")
	says(t, p.does("POST", "/channels/nobody", "revision", "7"), 404, "there is no channel")
	says(t, p.does("POST", "/channels/ops", "type", "webhook"), 400, "revision is missing")
	says(t, p.does("POST", "/channels/ops", "type", "pigeon", "revision", "7"), 400, "want one of")
	says(t, p.does("POST", "/channels/ops", "evil", "1"), 400, "unknown parameter")
}

// Who was too late sees what the other one has changed, and may overwrite it.
func TestChannelConflict(t *testing.T) {
	p := panelOf(t)
	p.board.revision = 8
	other := p.board.all["alerts-live"]
	other.Revision, other.Updated.By, other.SendResolved, other.Matchers = 8, "mallory", false, []string{`environment="LIVE"`, `team="x"`}
	p.board.all["alerts-live"] = other
	late := []string{"type", "slack_webhook", "matchers", `environment="DEV"`, "send_resolved", "yes", "enabled", "yes", "group_wait", "500ms", "url", "https://hooks.slack.com/services/" + canary}
	w := p.does("POST", "/channels/alerts-live", append(late, "revision", "7")...)
	says(t, w, 412, "mallory changed this at 2026-12-01 12:00:00 UTC", `name="revision" value="8"`, `<th scope="row">Hears of</th><td>environment=&#34;LIVE&#34;, team=&#34;x&#34;</td><td>environment=&#34;DEV&#34;</td>`,
		`<th scope="row">When the alert ends</th><td>say nothing</td><td>say so, too</td>`, ">Overwrite</button>", "Type it again", `environment=&#34;DEV&#34;</textarea>`)
	lacks(t, w, canary, `<th scope="row">State`)
	leads(t, p.does("POST", "/channels/alerts-live", append(late, "revision", "8")...), "../channels/alerts-live?done=channel_changed")
	says(t, p.does("POST", "/channels/alerts-live", "revision", "8", "type", "receiver", "receiver", "nobody"), 412, `<th scope="row">Sends to</th><td>Slack, incoming webhook</td><td>Receiver of the base file</td>`)
	says(t, p.does("POST", "/channels/alerts-live/delete", "revision", "8", "confirm", "yes"), 412, `<details class="delete" open>`)
}

func TestDeleteChannel(t *testing.T) {
	p := panelOf(t)
	says(t, p.does("POST", "/channels/ops/delete", "revision", "7"), 422, "Tick the box", `<details class="delete" open>`, `name="revision" value="7"`)
	leads(t, p.does("POST", "/channels/ops/delete", "revision", "7", "confirm", "yes"), "../../channels?done=channel_deleted")
	says(t, p.does("GET", "/channels?done=channel_deleted"), 200, `<p class="done" role="status">The channel has been deleted.</p>`)
	says(t, p.does("POST", "/channels/ops/delete", "revision", "7", "confirm", "yes"), 404, "there is no channel")
}

func TestSwitchChannel(t *testing.T) {
	p := panelOf(t)
	leads(t, p.does("POST", "/channels/ops/on"), "../../channels?done=channel_on")
	p.board.pending = true
	leads(t, p.does("POST", "/channels/ops/off?lang=ko", "from", "channel"), "../../channels/ops?done=channel_off_pending&lang=ko")
	if diff := cmp.Diff([]string{`patch {"enabled":true}`, `patch {"enabled":false}`}, p.board.bodies); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	says(t, p.does("POST", "/channels/nobody/on"), 404, "there is no channel")
}

// A test shows what is known of it, and more when the page is asked for again.
func TestTestChannel(t *testing.T) {
	p := panelOf(t)
	says(t, p.does("GET", "/channels/ops"), 200, "none yet", `action="../channels/ops/test"`)
	leads(t, p.does("POST", "/channels/ops/test"), "../../channels/ops?done=channel_testing")
	leads(t, p.does("POST", "/channels/ops/test"), "../../channels/ops?done=channel_testing") // sent twice
	w := p.does("GET", "/channels/ops?done=channel_testing")
	says(t, w, 200, "A test is under way.", "under way</b> · <time", "alice", `<a href="../channels/ops">See how far it is</a>`)
	lacks(t, w, "http-equiv")
	if got := w.Header().Get("Refresh"); got != "" {
		t.Errorf("it loads itself anew: %s", got)
	}
	one := p.board.tests["ops"]
	one.Hops = []channels.Hop{{Name: "am-1 takes the alerts", OK: true, Said: []string{"2 of them"}}, {Name: "<b>they are sent", Said: []string{"404 </script>"}}}
	one.Ended = time.Now()
	p.board.tests["ops"] = one
	w = p.does("GET", "/channels/ops")
	says(t, w, 200, "failed</b>", `<span class="vh">ok</span> <b>am-1 takes the alerts</b><br>2 of them`, `<span class="vh">failed</span> <b>&lt;b&gt;they are sent</b><br>404 &lt;/script&gt;`)
	lacks(t, w, "See how far")
	one.Error, one.Hops = "no Alertmanager answers", nil
	p.board.tests["ops"] = one
	says(t, p.does("GET", "/channels/ops"), 200, "no Alertmanager answers")
	p.board.fails = &managed.TooManyError{RetryAfter: 5 * time.Second, Err: errors.New("3 tests are under way")}
	says(t, p.does("POST", "/channels/pager/test"), 303)
	one.Ended = time.Now()
	p.board.tests["pager"] = one
	says(t, p.does("POST", "/channels/nobody/test"), 404, "there is no channel")
}

// What to do is said for every state of an Alertmanager.
func TestAlertmanagers(t *testing.T) {
	p := panelOf(t)
	for _, state := range alertconf.States() {
		t.Run(string(state), func(t *testing.T) {
			p.board.servers = []alertconf.Standing{{Server: "am-1", State: alertconf.InSync}, {Server: "<am>", State: state, Detail: "it says <b>", InSyncAt: noon, LookedAt: noon}}
			w := p.does("GET", "/channels")
			says(t, w, 200, "<b>&lt;am&gt;</b>", "it says &lt;b&gt;", p.state(state))
			if state == alertconf.InSync {
				says(t, w, 200, "Every Alertmanager runs what is shown here")
				lacks(t, w, "alertmanager/apply")
				return
			}
			says(t, w, 200, map[bool]string{false: "1 of 2 Alertmanagers run what is shown here", true: "Somebody else has changed the file of Alertmanager"}[state == alertconf.FileChanged], catalogues["en"].say("alertmanager.do." + string(state))[:30], `action="./alertmanager/apply"`, "last in sync <time")
			if got := strings.Contains(w.Body.String(), `name="overwrite" value="yes" required`); got != (state == alertconf.FileChanged) {
				t.Errorf("it can be overwritten: %t", got)
			}
		})
	}
	p.board.servers = nil
	says(t, p.does("GET", "/channels"), 200, "It is not known yet")
}

func (p *panel) state(s alertconf.State) string {
	return catalogues["en"].say("alertmanager.state." + string(s))
}

func TestApply(t *testing.T) {
	p := panelOf(t)
	leads(t, p.does("POST", "/alertmanager/apply"), "../channels?done=applied")
	p.board.servers = append(p.board.servers, alertconf.Standing{Server: "am-2", State: alertconf.Unreachable})
	leads(t, p.does("POST", "/alertmanager/apply"), "../channels?done=applied_pending")
	p.board.fails = alertconf.ErrFileChanged
	says(t, p.does("POST", "/alertmanager/apply"), 409, "so nothing has been saved", `<details class="delete" open>`, `name="overwrite" value="yes" required`, `action="../alertmanager/apply"`, "/etc/alertmanager/healthcheck/alertmanager.yml is replaced. What somebody else has written stays beside it")
	leads(t, p.does("POST", "/alertmanager/apply", "overwrite", "yes"), "../channels?done=applied_pending")
	if diff := cmp.Diff([]bool{false, false, false, true}, p.board.applied); diff != "" {
		t.Errorf("overwritten (-want +got):\n%s", diff)
	}
	p.who = access.Identity{Name: "dev", Role: access.Edit, Environments: []string{"DEV"}, Listed: true}
	says(t, p.does("POST", "/alertmanager/apply"), 403, "dev may edit targets of DEV")
}

// Nobody sees a form of a channel who may not use it, and nobody's form is taken who may not send it.
func TestChannelsAreForWhoMayChangeThem(t *testing.T) {
	stage := channels.Channel{Channel: alertconf.Channel{Name: "dev", Kind: alertconf.Receiver, Receiver: "nobody", Enabled: true, Matchers: []string{`team="a"`, `environment=~"DEV|STAGE"`}}}
	for _, tc := range []struct {
		name    string
		who     access.Identity
		channel string
		has     []string
	}{
		{"nobody", access.Identity{Role: access.Read}, "ops", nil},
		{"reader", access.Identity{Name: "r", Role: access.Read}, "ops", nil},
		{"operator", access.Identity{Name: "o", Role: access.Operate}, "ops", []string{"test"}},
		{"operator of DEV", access.Identity{Name: "o", Role: access.Operate, Environments: []string{"DEV"}}, "dev", nil},
		{"operator of both", access.Identity{Name: "o", Role: access.Operate, Environments: []string{"DEV", "STAGE"}}, "dev", []string{"test"}},
		{"editor", editor, "ops", []string{"test", "on", "delete", "add"}},
		{"editor of LIVE", access.Identity{Name: "e", Role: access.Edit, Environments: []string{"LIVE"}}, "alerts-live", []string{"test", "off", "delete", "add"}},
		{"editor of LIVE, a channel of everything", access.Identity{Name: "e", Role: access.Edit, Environments: []string{"LIVE"}}, "ops", []string{"add"}},
		{"sync", access.Identity{Name: "s", Role: access.Sync}, "ops", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := panelOf(t, stage)
			p.who = tc.who
			list, own := p.does("GET", "/channels").Body.String(), p.does("GET", "/channels/"+tc.channel).Body.String()
			if !strings.Contains(list, "./channels/"+tc.channel) || !strings.Contains(own, "<h1>"+tc.channel) {
				t.Fatal("it is not shown")
			}
			for _, act := range []string{"test", "on", "off", "delete"} {
				want := slices.Contains(tc.has, act)
				if got := strings.Contains(own, `action="../channels/`+tc.channel+"/"+act+`"`); got != want {
					t.Errorf("its page has the form %s: %t", act, got)
				}
				if got := strings.Contains(list, `action="./channels/`+tc.channel+"/"+act+`"`); act != "delete" && got != want {
					t.Errorf("the list has the form %s: %t", act, got)
				}
				if code := p.does("POST", "/channels/"+tc.channel+"/"+act, map[bool][]string{true: {"revision", "7", "confirm", "yes"}}[act == "delete"]...).Code; !want && act != "on" && act != "off" && code != 403 && code != 401 {
					t.Errorf("%s is answered %d", act, code)
				}
			}
			if got := strings.Contains(list, "add-channel"); got != slices.Contains(tc.has, "add") {
				t.Errorf("the list leads to the form that adds one: %t", got)
			}
		})
	}
	p := panelOf(t)
	p.who = access.Identity{Name: "dev", Role: access.Edit, Environments: []string{"DEV"}, Listed: true}
	says(t, p.does("POST", "/channels", "type", "receiver", "name", "x", "receiver", "nobody"), 403, `<a href="#f-matchers">Hears of</a>`, "dev may edit targets of DEV")
	leads(t, p.does("POST", "/channels", "type", "receiver", "name", "x", "receiver", "nobody", "matchers", `environment="DEV"`), "./channels/x?done=channel_added")
	p.who, p.board.off = editor, &managed.StoreError{Err: errors.New("disk full")}
	w := p.does("GET", "/channels")
	says(t, w, 200, "disk full", "alerts-live")
	lacks(t, w, "add-channel")
	says(t, p.does("GET", "/add-channel"), 503, "disk full")
	lacks(t, p.does("GET", "/channels/ops"), "f-matchers")
}

// A name is what it is, whatever it is made of.
func TestHostileChannel(t *testing.T) {
	p := panelOf(t)
	at := "/channels/" + url.PathEscape(hostileName)
	p.board.tests[hostileName] = channels.Test{By: "\u202emallory", Started: noon, Ended: noon, Error: "\u202e</p>"}
	for _, path := range []string{"/channels", at, "/targets/a%2Fb"} {
		w := p.does("GET", path)
		says(t, w, 200, "&lt;/script&gt;&#34;&#39;&amp;&lt;img src=x&gt;", html.EscapeString(url.PathEscape(hostileName)), "🔔", "שלום")
		lacks(t, w, "<img", "</script>\"'", "\u202e")
	}
	leads(t, p.does("POST", at+"/off"), "../../channels?done=channel_off")
	leads(t, p.does("POST", at+"/test"), "../.."+at+"?done=channel_testing")
	w := p.does("POST", at, "revision", "8", "type", "slack_bot", "channel", "#x", "matchers", "</textarea><script>")
	says(t, w, 422, "&lt;/textarea&gt;&lt;script&gt;")
	lacks(t, w, "</textarea><script>")
}

// Who is told of a target is on its page.
func TestTold(t *testing.T) {
	p := panelOf(t)
	p.Links = func() config.StatusLinks {
		return config.StatusLinks{Alertmanager: `https://am.example/x/#/alerts?filter={target="{name}"}`}
	}
	w := p.does("GET", "/targets/shop?lang=ko")
	says(t, w, 200, `<h2 id="told">알림 받는 곳</h2>`, `<a href="../channels/alerts-live?lang=ko">alerts-live</a> Slack 수신 웹훅</li>`, `<a href="../channels/ops?lang=ko">ops</a> 웹훅 <b>https://chat.example.com/hook</b> · 꺼짐`)
	lacks(t, w, "pagerduty", "침묵", "점검 중이므로", "받는 채널이 없")
	p.silences = []channels.Silence{{ID: "1b/2c", CreatedBy: "carol", Comment: "a <disk>", EndsAt: time.Now().Add(time.Hour)}, {ID: "old", CreatedBy: "dave", EndsAt: time.Now().Add(-time.Second)}}
	w = p.does("GET", "/targets/shop")
	says(t, w, 200, "Silenced in Alertmanager until <time", "(carol: a &lt;disk&gt;)", `<a href="https://am.example/x/#/silences/1b%2F2c">`)
	lacks(t, w, "dave")
	p.Links = func() config.StatusLinks { return config.StatusLinks{} }
	lacks(t, p.does("GET", "/targets/shop"), "Open the silence")
	delete(p.board.all, "alerts-live")
	says(t, p.does("GET", "/targets/shop"), 200, "Nobody is told: every channel that hears of this target is off.")
	delete(p.board.all, "ops")
	w = p.does("GET", "/targets/shop")
	says(t, w, 200, "No channel hears of this target.", "healthcheck-channels")
	lacks(t, w, "Nobody is told:")
	quiet := panelOf(t)
	quiet.inventory = siteOf(t, "targets:\n  - {name: shop, url: 'https://shop.example/', environment: LIVE, notification: 'off'}\n").inventory
	says(t, quiet.does("GET", "/targets/shop"), 200, "Nobody is told now, because the target is muted or in maintenance.")
}

// The list says when some Alertmanager does not run what is shown, unless something is worse.
func TestUnsyncedBanner(t *testing.T) {
	p := panelOf(t)
	p.health.Unsynced = []alertconf.Standing{{Server: "am-<1>", State: alertconf.FileChanged}, {Server: "am-2", State: alertconf.Unreachable}}
	p.health.Broken = errors.New("a mistake")
	says(t, p.does("GET", "/?lang=ko"), 200, `class="banner unsynced"`, "am-&lt;1&gt;, am-2 (파일이 바뀜)", `<a href="./channels?lang=ko">`)
	p.health.Unknown = errors.New("unread")
	lacks(t, p.does("GET", "/"), "unsynced")
}

// What people do to channels is among the events, and leads to the channel.
func TestChannelEvents(t *testing.T) {
	p := panelOf(t)
	p.tracker.Record(status.Event{At: time.Now(), Kind: status.KindChannel, Channel: "a/<b>", Who: "alice", Outcome: "updated", Detail: "matchers"})
	says(t, p.does("GET", "/events"), 200, "✉</span> changed</b>", `<a href="./channels/a%2F%3Cb%3E">a/&lt;b&gt;</a>`, "by alice", "matchers")
}

// Every text that is made of a word of somebody else's is there.
func TestChannelKeys(t *testing.T) {
	var keys []string
	for _, state := range alertconf.States() {
		keys = append(keys, "alertmanager.state."+string(state))
		if state != alertconf.InSync {
			keys = append(keys, "alertmanager.do."+string(state))
		}
	}
	for _, kind := range alertconf.Kinds() {
		keys = append(keys, "channel.kind."+string(kind), "channel.intro."+string(kind))
		for _, f := range append(fieldsOf(kind), channelField{key: "name"}) {
			label := "channel.field." + f.key
			help := "channel.help." + f.key
			if f.key == "url" {
				label += "." + string(kind)
			}
			if f.key == "url" || f.kind == "secret" {
				help += "." + string(kind)
			}
			keys = append(keys, label, help)
			if f.kind == "choose" {
				keys = append(keys, "channel."+f.key+"_yes", "channel."+f.key+"_no")
			}
		}
	}
	for _, key := range keys {
		if _, ok := catalogues["en"].messages[key]; !ok {
			t.Errorf("no catalogue has %q", key)
		}
	}
}

// A URL with a secret at the wrong place is not shown again, neither in the form nor among what others have changed.
func TestTypedSecretURL(t *testing.T) {
	for _, url := range []string{
		"https://bob:" + canary + "@chat.example.com/", "https://chat.example.com/?token=" + canary, "https://chat.example.com/#" + canary,
		"https://HOOKS.slack.com/services/" + canary, "bob:" + canary + "@chat.example.com",
	} {
		p := panelOf(t)
		p.who = editor
		p.board.fails = managed.Invalid("channel", []managed.Problem{{Pointer: "/url", Detail: "wrong"}})
		lacks(t, p.does("POST", "/channels", "type", "webhook", "name", "shop", "url", url), canary)
		lacks(t, p.does("POST", "/channels/ops", "type", "webhook", "revision", "7", "url", url), canary)
		p.board.fails = nil
		lacks(t, p.does("POST", "/channels/ops", "type", "webhook", "revision", "3", "url", url), canary)
	}
	p := panelOf(t)
	p.who = editor
	p.board.fails = managed.Invalid("channel", []managed.Problem{{Pointer: "/url", Detail: "wrong"}})
	if w := p.does("POST", "/channels", "type", "webhook", "name", "shop", "url", "https://chat.example.com/other"); !strings.Contains(w.Body.String(), `value="https://chat.example.com/other"`) {
		t.Error("what was typed has to be typed again")
	}
}

// Where nobody knows which channels there are, the page does not say that there are none.
func TestUnknownChannels(t *testing.T) {
	p := panelOf(t)
	p.who = editor
	p.board.all = nil
	p.board.unknown = &managed.StoreError{Err: errors.New("it cannot be read")}
	w := p.does("GET", "/channels")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "it cannot be read") {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	lacks(t, w, "api.slack.com")
	if w := p.does("GET", "/channels/live"); w.Code != 503 {
		t.Errorf("one of them: got %d", w.Code)
	}
}
