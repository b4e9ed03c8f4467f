package alertconf

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

const baseFile = `# ours
templates: [healthcheck.tmpl]

route:
  receiver: nobody # nobody is told
  routes:
    - receiver: pager
      matchers: ['severity="critical"']
    - receiver: healthcheck-channels # those of the page
      matchers: ['alertname=~"Healthcheck.+"']
receivers:
  - name: nobody
  - name: pager
    webhook_configs: [{url: 'http://127.0.0.1:1/'}]
  - name: healthcheck-channels
`

func secret(string) bool { return true }

func TestRender(t *testing.T) {
	wait := config.Duration(500 * time.Millisecond)
	got, err := Render([]byte(baseFile), []Channel{
		{Name: "ops", Kind: Receiver, Receiver: "pager", Matchers: []string{`severity=critical`}},
		{Name: "live", Kind: SlackWebhook, Enabled: true, SendResolved: true, Matchers: []string{`environment="LIVE"`, `team=~"shop|cart"`}, GroupWait: &wait},
		{Name: "hook", Kind: Webhook, Enabled: true, URL: "https://ops.example.com/x"},
	}, Rendering{Base: "base.yml", Revision: 21, Secrets: "/etc/am/secrets", HasSecret: func(name string) bool { return name != "hook" }})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Written by healthcheck_exporter from base.yml, revision 21. Changes here are found and refused.
# ours
templates: [healthcheck.tmpl]
route:
  receiver: nobody # nobody is told
  routes:
    - receiver: pager
      matchers: ['severity="critical"']
    - receiver: healthcheck-channels # those of the page
      matchers: ['alertname=~"Healthcheck.+"']
      routes:
        - receiver: hc-hook
          matchers: ['healthcheck_test="true"', 'healthcheck_channel="hook"']
          group_by: ['...']
          group_wait: 0s
          group_interval: 1s
        - receiver: hc-live
          matchers: ['healthcheck_test="true"', 'healthcheck_channel="live"']
          group_by: ['...']
          group_wait: 0s
          group_interval: 1s
        - receiver: pager
          matchers: ['healthcheck_test="true"', 'healthcheck_channel="ops"']
          group_by: ['...']
          group_wait: 0s
          group_interval: 1s
        - matchers: ['alertname="HealthcheckTargetDown"']
          group_interval: 30s
          routes: &healthcheck-channels-routes
            - receiver: hc-hook
              continue: true
            - receiver: hc-live
              continue: true
              matchers: ['environment="LIVE"', 'team=~"shop|cart"']
              group_wait: 500ms
            - receiver: hc-off
              continue: true
              matchers: ['severity="critical"']
        - routes: *healthcheck-channels-routes
receivers:
  - name: nobody
  - name: pager
    webhook_configs: [{url: 'http://127.0.0.1:1/'}]
  - name: healthcheck-channels
  - name: hc-off
  - name: hc-hook
    webhook_configs:
      - url: https://ops.example.com/x
        send_resolved: "false"
        http_config:
          follow_redirects: "false"
`
	cut, _, _ := strings.Cut(string(got), "  - name: hc-live\n")
	if diff := cmp.Diff(strings.ReplaceAll(want, `"false"`, "false"), cut); diff != "" {
		t.Error(diff)
	}
	all := receiversIn(t, got)
	live := all[len(all)-1]
	if live.Name != "hc-live" || live.Slack[0]["api_url_file"] != "/etc/am/secrets/live" || live.Slack[0]["send_resolved"] != true {
		t.Errorf("live is %v", live)
	}
}

type rendered struct {
	Name     string
	Slack    []map[string]any `yaml:"slack_configs"`
	Webhooks []map[string]any `yaml:"webhook_configs"`
}

func receiversIn(t *testing.T, text []byte) []rendered {
	t.Helper()
	var read struct{ Receivers []rendered }
	if err := yaml.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read.Receivers
}

// No channel follows a redirect, and each goes through the proxy of the base. A token of its own takes the place of the base's.
func TestRenderHTTPConfig(t *testing.T) {
	const global = `global:
  http_config:
    <<: [&tls {tls_config: &both {ca_file: ca}, basic_auth: {username: u}}, {tls_config: {}}] # twice
    follow_redirects: true
    proxy_url: "http://proxy:3128"
    proxy_connect_header: {follow_redirects: [*both, "1"]}
`
	header := map[string]any{"follow_redirects": []any{map[string]any{"ca_file": "ca"}, "1"}}
	plain := map[string]any{
		"follow_redirects": false, "proxy_url": "http://proxy:3128", "tls_config": map[string]any{"ca_file": "ca"}, "proxy_connect_header": header,
		"basic_auth": map[string]any{"username": "u"},
	}
	token := maps.Clone(plain)
	delete(token, "basic_auth")
	token["authorization"] = map[string]any{"credentials_file": "/s/token"}
	bot := maps.Clone(token)
	bot["authorization"] = map[string]any{"credentials_file": "/s/bot"}
	want := map[string]any{"hc-bot": bot, "hc-plain": plain, "hc-slack": plain, "hc-token": token}
	channels := []Channel{
		{Name: "bot", Kind: SlackBot, Channel: "#a"},
		{Name: "slack", Kind: SlackWebhook},
		{Name: "plain", Kind: Webhook, URL: "https://a.example"},
		{Name: "token", Kind: Webhook, URL: "https://a.example"},
	}
	for where, base := range map[string]string{"first": global + baseFile, "last": baseFile + global} {
		t.Run(where, func(t *testing.T) {
			text, err := Render([]byte(base), channels, Rendering{Secrets: "/s", HasSecret: func(name string) bool { return name == "token" }})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, r := range receiversIn(t, text) {
				for _, integration := range append(r.Slack, r.Webhooks...) {
					if strings.HasPrefix(r.Name, ourReceivers) {
						got[r.Name] = integration["http_config"]
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s%s", diff, text)
			}
		})
	}
}

// A key may be an alias. It is what the alias stands for, whatever that is called.
func TestRenderAliasedKeys(t *testing.T) {
	for base, want := range map[string]map[string]any{
		"global: {smtp_from: &f follow_redirects, http_config: {*f : true}}\n":                       {"follow_redirects": false},
		"global: {smtp_from: &follow_redirects proxy_url, http_config: {*follow_redirects : 'p'}}\n": {"follow_redirects": false, "proxy_url": "p"},
		"*h : {x: 1}\nglobal: {http_config: {proxy_url: 'p'}}\n":                                     {"follow_redirects": false, "proxy_url": "p"},
		"*g : {*h : {proxy_url: 'p'}}\n":                                                             {"follow_redirects": false, "proxy_url": "p"},
	} {
		base = "anchors: [&g global, &h http_config, &global x]\n" + base
		text, err := Render([]byte(base+baseFile), []Channel{{Name: "plain", Kind: Webhook, URL: "https://a.example"}}, Rendering{Secrets: "/s"})
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		all := receiversIn(t, text)
		if diff := cmp.Diff(want, all[len(all)-1].Webhooks[0]["http_config"]); diff != "" {
			t.Errorf("%s: http_config (-want +got):\n%s", base, diff)
		}
	}
}

// Texts of the base stay as they are, however they are written.
func TestRenderKeepsTexts(t *testing.T) {
	const texts = `
  - name: texts
    email_configs:
      - to: a
        html: >-
          folded into
          one line

          the next
            one of its own
          end
        text: |2+
            two spaces
          none # no comment

`
	receiver := func(text []byte) (found map[string]any) {
		var read struct{ Receivers []map[string]any }
		if err := yaml.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		for _, r := range read.Receivers {
			if r["name"] == "texts" {
				found = r
			}
		}
		return found
	}
	base := []byte(baseFile + texts[1:])
	got, err := Render(base, []Channel{{Name: "live", Kind: SlackWebhook}}, Rendering{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(receiver(base), receiver(got)); diff != "" || receiver(got) == nil {
		t.Errorf("%s\n%s", diff, got)
	}
}

// Alertmanager reads durations of whole numbers alone.
func TestRenderGroupWait(t *testing.T) {
	for text, want := range map[string]string{"0s": "0s", "1.5s": "1s500ms", "1500ms": "1s500ms", "90s": "1m30s", "10m": "10m"} {
		wait, err := config.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Render([]byte(smallBase), []Channel{{Name: "a", Kind: SlackWebhook, Enabled: true, GroupWait: &wait}}, Rendering{})
		if err != nil || !strings.Contains(string(got), "group_wait: "+want+"\n") && !strings.Contains(string(got), "group_wait: "+want+"}") {
			t.Errorf("%s is not written as %s: %v\n%s", text, want, err, got)
		}
	}
}

// Routes do not inherit time intervals, so all of ours have those of the marked one, but not the tests.
func TestRenderTimeIntervals(t *testing.T) {
	for name, marked := range map[string]string{
		"by hand": "mute_time_intervals: [night, 'off']\n      active_time_intervals: [office]",
		"merged":  "<<: {mute_time_intervals: &m [&n night, 'off'], active_time_intervals: [office]}",
		"aliases": "group_by: [&n night]\n      mute_time_intervals: [*n, 'off']\n      active_time_intervals: [office]",
		"none":    "mute_time_intervals:\n      active_time_intervals: []",
	} {
		t.Run(name, func(t *testing.T) {
			base := strings.Replace(baseFile, "matchers: ['alertname=~\"Healthcheck.+\"']", marked, 1)
			got, err := Render([]byte(base), []Channel{{Name: "live", Kind: SlackWebhook, Enabled: true}, {Name: "x", Kind: SlackWebhook}}, Rendering{HasSecret: secret})
			if err != nil {
				t.Fatal(err)
			}
			var read struct{ Route timedRoute }
			if err := yaml.Unmarshal(got, &read); err != nil {
				t.Fatal(err)
			}
			ours := read.Route.Routes[1].Routes
			tests, down, rest := ours[:2], ours[2], ours[3]
			want := timedRoute{Mute: []string{"night", "off"}, Active: []string{"office"}}
			if name == "none" {
				want = timedRoute{Active: []string{}}
			}
			for _, r := range append([]timedRoute{down, rest}, append(down.Routes, rest.Routes...)...) {
				r.Routes = nil
				if diff := cmp.Diff(want, r); diff != "" {
					t.Errorf("%s\n%s", diff, got)
				}
			}
			if len(down.Routes) != 2 || tests[0].Mute != nil || tests[0].Active != nil {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

type timedRoute struct {
	Mute   []string     `yaml:"mute_time_intervals"`
	Active []string     `yaml:"active_time_intervals"`
	Routes []timedRoute `yaml:"routes"`
}

func TestRenderWithoutChannels(t *testing.T) {
	got, err := Render([]byte(baseFile), nil, Rendering{Base: "b", HasSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(got), "\n")
	want := strings.ReplaceAll(baseFile, "\n\n", "\n")
	want = strings.Replace(want, "receivers:\n", `      routes:
        - matchers: ['alertname="HealthcheckTargetDown"']
          group_interval: 30s
        - {}
receivers:
`, 1)
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Error(diff)
	}
}

func TestBaseIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, want string }{
		"no mark":         {"receiver: healthcheck-channels #", "receiver: pager #", "no route has the receiver"},
		"two marks":       {"receiver: pager\n", "receiver: healthcheck-channels\n", "two routes"},
		"own routes":      {"      matchers: ['alertname=~\"Healthcheck.+\"']", "      routes: []", "has routes of its own"},
		"no receiver":     {"  - name: healthcheck-channels\n", "", `no receiver "healthcheck-channels"`},
		"our names":       {"name: pager", "name: hc-pager", "begins with hc-"},
		"no route":        {"route:", "rote:", "has no route"},
		"no receivers":    {"receivers:", "receiver:", "no list of receivers"},
		"two documents":   {"# ours", "# ours\na: b\n---", "more than one YAML document"},
		"a list":          {baseFile, "[]", "want a mapping"},
		"nothing":         {baseFile, "", "not a configuration"},
		"itself merged":   {"route:", "route: &r\n  <<: *r", "no route has"},
		"not YAML":        {"route:", "route: [", "not a configuration"},
		"no such alias":   {"# ours", "global: {smtp_auth_password: *canary}", "line 1: an alias (*name) refers to nothing"},
		"unnamed":         {"  - name: nobody\n", "  - nome: nobody\n", "has no name"},
		"the same twice":  {"    - receiver: healthcheck-channels # those of the page\n      matchers: ['alertname=~\"Healthcheck.+\"']", "    - &c {receiver: healthcheck-channels}\n    - *c", "two routes"},
		"aliased routes":  {"      matchers: ['alertname=~\"Healthcheck.+\"']", "      matchers: [&r routes]\n      *r : []", "has routes of its own"},
		"merged routes":   {"      matchers: ['alertname=~\"Healthcheck.+\"']", "      <<: [{matchers: ['a=\"b\"']}, {routes: []}]", "has routes of its own"},
		"merged twice":    {"    - receiver: pager\n", "    - <<: [{receiver: healthcheck-channels}]\n", "two routes"},
		"endless client":  {"route:", "global: {http_config: &c {x: [*c, *c]}}\nroute:", "http_config has more than"},
		"endless by hand": {"  routes:", "  routes: &all\n    - {receiver: x, routes: *all}", "routes"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(baseFile, tt.from, tt.to, 1)
			if name == "itself merged" {
				text = strings.Replace(text, "receiver: healthcheck-channels #", "receiver: x #", 1)
			}
			if text == baseFile {
				t.Fatal("nothing was replaced")
			}
			if err := CheckBase([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("it is refused for %v, want %q", err, tt.want)
			}
		})
	}
}

func TestChannelCheck(t *testing.T) {
	hosts := []string{"hooks.slack.com", "ops.example.com", "chat.example.com:443"}
	long := config.Duration(time.Hour)
	for _, tt := range []struct {
		name    string
		channel Channel
		want    []string // fields
	}{
		{"a webhook of Slack", Channel{Name: "live", Kind: SlackWebhook}, nil},
		{"Korean", Channel{Name: "서버 알림", Kind: SlackBot, Channel: "#알림"}, nil},
		{"nothing", Channel{}, []string{"name", "type"}},
		{"too long", Channel{Name: strings.Repeat("가", 101), Kind: SlackWebhook}, []string{"name"}},
		{"off", Channel{Name: "off", Kind: SlackWebhook}, []string{"name"}},
		{"a template", Channel{Name: "a", Kind: SlackBot, Channel: "{{ .x }}"}, []string{"channel"}},
		{"missing", Channel{Name: "a", Kind: Receiver}, []string{"receiver"}},
		{"of another kind", Channel{Name: "a", Kind: Webhook, URL: "https://ops.example.com/", Receiver: "x"}, []string{"receiver"}},
		{"inside", Channel{Name: "a", Kind: Webhook, URL: "http://127.0.0.1/"}, []string{"url"}},
		{"another port", Channel{Name: "a", Kind: Webhook, URL: "https://ops.example.com:9093/"}, []string{"url"}},
		{"the port of the scheme", Channel{Name: "a", Kind: Webhook, URL: "https://OPS.example.com:443/"}, nil},
		{"not printed", Channel{Name: "a\u202eb", Kind: Receiver, Receiver: "a\xff"}, []string{"name", "receiver"}},
		{"password", Channel{Name: "a", Kind: Webhook, URL: "http://a:b@ops.example.com/"}, []string{"url"}},
		{"query", Channel{Name: "a", Kind: Webhook, URL: "https://ops.example.com/?token=x"}, []string{"url"}},
		{"matchers", Channel{Name: "a", Kind: SlackWebhook, Matchers: []string{`a="b"`, "x"}}, []string{"matchers/1"}},
		{"too many matchers", Channel{Name: "a", Kind: SlackWebhook, Matchers: strings.Split(strings.Repeat(`a="b";`, 20)+`a="b"`, ";")}, []string{"matchers"}},
		{"the port of the scheme by hand", Channel{Name: "a", Kind: Webhook, URL: "https://chat.example.com/"}, nil},
		{"that of another scheme", Channel{Name: "a", Kind: Webhook, URL: "http://chat.example.com/"}, []string{"url"}},
		{"too long a wait", Channel{Name: "a", Kind: SlackWebhook, GroupWait: &long}, []string{"group_wait"}},
		{"a part of a second", Channel{Name: "a", Kind: SlackWebhook, GroupWait: new(config.Duration(1500 * time.Millisecond))}, nil},
		{"a part of a millisecond", Channel{Name: "a", Kind: SlackWebhook, GroupWait: new(config.Duration(1500 * time.Microsecond))}, []string{"group_wait"}},
	} {
		var got []string
		for _, p := range tt.channel.Check(hosts) {
			got = append(got, p.Field)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s%v", tt.name, diff, tt.channel.Check(hosts))
		}
	}
}

// No two channels share the file of their secrets.
func TestSecretFile(t *testing.T) {
	seen := map[string]string{}
	names := []string{"live", "서버", "a/b", "..x", "-a", strings.Repeat("가", 100), "a b", "A b", "Live"}
	for _, n := range names {
		names = append(names, SecretFile(n))
	}
	for _, n := range names {
		file := SecretFile(n)
		if other, ok := seen[file]; ok && other != n {
			t.Errorf("%q and %q share %q", n, other, file)
		}
		seen[file] = n
		if !plainName.MatchString(file) {
			t.Errorf("%q has the file %q", n, file)
		}
	}
}

// The alerts of a channel are those that its route takes.
func TestChannelSelects(t *testing.T) {
	c := Channel{Matchers: []string{`environment="LIVE"`, `team!="cart"`}}
	for labels, want := range map[string]bool{"LIVE shop": true, "LIVE cart": false, "DEV shop": false, "LIVE ": true} {
		var environment, team string
		_, _ = fmt.Sscan(labels, &environment, &team)
		if got := c.Selects(map[string]string{"environment": environment, "team": team}); got != want {
			t.Errorf("%s: %v", labels, got)
		}
	}
}
