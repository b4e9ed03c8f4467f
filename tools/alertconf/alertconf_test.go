// Package alertconf reads what internal/alertconf renders with the code of Alertmanager. It is a module of its own because that
// code is large.
package alertconf

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

// renderings is how many random lists of channels are rendered, each with one of the bases.
const renderings = 1000

// odd has anchors that are merged, comments everywhere, keys in another order, and lists on one line.
const odd = `# The first line.
receivers: # of all
  - {name: nobody}
  - &pager # an anchor
    name: pager
    webhook_configs:
      - &hook {url: 'http://127.0.0.1:1/', send_resolved: false}
      - <<: *hook
        max_alerts: 1
  - name: "healthcheck-channels"
    webhook_configs: [*hook] # the fallback
  - {name: yes}
route: &root
  # about the route
  routes:
    - matchers: [ severity="none" ]
      receiver: nobody
      continue: false
    - receiver: 'yes'
      matchers:
        - alertname = Other
      routes: [{receiver: pager, matchers: [x="1"]}]
    - group_wait: 1s
      receiver: healthcheck-channels
      matchers: ["alertname=~\"Healthcheck.+\""]
      mute_time_intervals: [night]
  receiver: nobody
  group_by: ['...']
inhibit_rules: []
time_intervals: [{name: night, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}]
global: # after what it is for
  http_config: {<<: {basic_auth: {username: u, password: p}}, follow_redirects: true, proxy_url: "http://proxy.example.com:3128"}
# The last line.
`

// bases are configurations of Alertmanager with a place for channels, by what they are.
func bases(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"odd": odd}
	for _, name := range []string{"alertmanager.base.yml", "alertmanager-small.base.yml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "alertmanager", name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

// modes are the ways in which Alertmanager reads matchers.
var modes = []string{"", featurecontrol.FeatureClassicMode, featurecontrol.FeatureUTF8StrictMode}

// TestRenderings renders random channels. Alertmanager must load the result, in each of its modes, and send each alert to those
// channels that say that they take it.
func TestRenderings(t *testing.T) {
	all := bases(t)
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(1, 2))
	took := 0
	for i := range renderings {
		name, mode := names[i%len(names)], modes[i/len(names)%len(modes)]
		flags, err := featurecontrol.NewFlags(slog.New(slog.DiscardHandler), mode)
		if err != nil {
			t.Fatal(err)
		}
		compat.InitFromFlags(slog.New(slog.DiscardHandler), flags)
		before, err := amconfig.Load(all[name])
		if err != nil {
			t.Fatal(err)
		}
		channels := randomChannels(r, receiversOf(before))
		text := render(t, name, all[name], channels, uint64(i))
		loaded, err := amconfig.Load(string(text))
		if err != nil {
			t.Fatalf("%s in mode %q: %v\n%s", name, mode, err, text)
		}
		took += compare(t, dispatch.NewRoute(loaded.Route, nil), channels, r)
		wantRest(t, before, loaded, r)
		wantIntegrations(t, loaded, channels)
		wantTimes(t, before, loaded, channels)
		r.Shuffle(len(channels), func(i, j int) { channels[i], channels[j] = channels[j], channels[i] })
		if again := render(t, name, all[name], channels, uint64(i)); !bytes.Equal(again, text) {
			t.Errorf("in another order they are rendered otherwise:\n%s", again)
		}
		if t.Failed() {
			t.Fatalf("%s in mode %q:\n%s", name, mode, text)
		}
	}
	if took < renderings {
		t.Errorf("%d alerts were taken by a channel in %d renderings: this says little", took, renderings)
	}
}

// secrets is the directory of the secrets.
const secrets = "/etc/alertmanager/healthcheck/channel-secrets"

// hasSecret reports whether a channel has a secret: some have, some have not.
func hasSecret(channel string) bool { return len(channel)%2 == 0 }

func render(t *testing.T, name, base string, channels []alertconf.Channel, revision uint64) []byte {
	t.Helper()
	text, err := alertconf.Render([]byte(base), channels, alertconf.Rendering{Base: name, Revision: revision, Secrets: secrets, HasSecret: hasSecret})
	if err != nil {
		t.Fatalf("%s with %+v: %v", name, channels, err)
	}
	return text
}

// receiversOf are the names of the receivers in a base.
func receiversOf(base *amconfig.Config) (names []string) {
	for _, r := range base.Receivers {
		names = append(names, r.Name)
	}
	return names
}

// compare sends alerts through the routes, and counts those that a channel takes.
func compare(t *testing.T, root *dispatch.Route, channels []alertconf.Channel, r *rand.Rand) (took int) {
	t.Helper()
	for range 10 {
		labels := randomLabels(r)
		want := promised(channels, labels)
		if len(want) > 0 {
			took++
		} else {
			want = []string{alertconf.MarkedReceiver}
		}
		if got := receivers(root, labels); !slices.Equal(got, want) {
			t.Errorf("the alert %v goes to %q, want %q", labels, got, want)
		}
	}
	for i := range channels {
		labels := randomLabels(r)
		labels["healthcheck_test"], labels["healthcheck_channel"] = "true", channels[i].Name
		if got, want := receivers(root, labels), []string{receiver(&channels[i])}; !slices.Equal(got, want) {
			t.Errorf("the test %v goes to %q, want %q", labels, got, want)
		}
	}
	return took
}

func receivers(root *dispatch.Route, labels map[string]string) (all []string) {
	set := model.LabelSet{}
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	for _, route := range root.Match(set) {
		all = append(all, route.RouteOpts.Receiver)
	}
	slices.Sort(all)
	return all
}

func receiver(c *alertconf.Channel) string {
	if c.Kind == alertconf.Receiver {
		return c.Receiver
	}
	return "hc-" + c.Name
}

// promised are the receivers of the channels that take an alert.
func promised(channels []alertconf.Channel, labels map[string]string) (all []string) {
	for i := range channels {
		c := &channels[i]
		switch {
		case !c.Selects(labels):
		case c.Enabled:
			all = append(all, receiver(c))
		default:
			all = append(all, "hc-off")
		}
	}
	slices.Sort(all)
	return all
}

// texts are names, and values of labels, that a parser may take for something else.
var texts = []string{
	"live", "LIVE", "서버 알림", "yes", "null", "~", "1e3", "0x1F", "2026-01-01", "12:30:45", "<<", "=", "- a", "a: b", "a #b", "#b", "{a}", "[a]", "&a", "*a", "!a", "|", ">",
	"%a", "@a", "`a`", `"a"`, "'a'", `a\b`, `a\nb`, "a,b", "..", "off2", "true", "healthcheck-channels", "😀", "ÿ", "a/b?c=d&e", "{{ .Labels }}", "a\u00a0b", "off", strings.Repeat("가", 100),
	"Live", "hc-live", "hc-off", "channel-secrets", "x-00112233445566778899aabbccddeeff", "../../etc/passwd", "/etc/passwd", `C:\\con`, "con", ".hidden", "a..b", "$HOME", "${x}", "%2F", "a\u0301", "\u05d0\u05d1",
	"<!--", "---", "...", "!!binary x", "? a", "- ", "1_000", "0o7", "+1", ".inf", ".NaN", "off3 ", `"`, `'`, `\\`, "<script>alert(1)</script>", "{{ template \"x\" }}", "healthcheck_test",
}

func one(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }

func randomLabels(r *rand.Rand) map[string]string {
	labels := map[string]string{"alertname": one(r, []string{"HealthcheckTargetDown", "HealthcheckTargetSlow", "HealthcheckRestarted"}), "severity": "warning"}
	for _, name := range []string{"environment", "team"} {
		if r.IntN(4) > 0 {
			labels[name] = one(r, texts)
		}
	}
	return labels
}

func randomMatcher(r *rand.Rand) string {
	name, op, value := one(r, []string{"environment", "team", "missing", "alertname"}), one(r, []string{"=", "!=", "!=", "=~", "!~"}), one(r, texts)
	if strings.HasSuffix(op, "~") {
		value = one(r, []string{".*", ".+", "live|LIVE", "서.*|~", `a\\.b`, "(?i)live", "[^a]", "", `\\d+`, "x{1,2}"})
	} else {
		value = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + one(r, []string{"", "", "", `\n`, `\nb: c`})
	}
	space := one(r, []string{"", " "})
	return name + space + op + space + `"` + value + `"`
}

// randomChannels are at most a few, and sometimes as many as there may be. Each is one that Check likes.
func randomChannels(r *rand.Rand, receivers []string) (all []alertconf.Channel) {
	n := r.IntN(8)
	if r.IntN(100) == 0 {
		n = alertconf.MaxChannels
	}
	for i := range n {
		c := alertconf.Channel{Name: one(r, texts), Kind: alertconf.Kinds()[r.IntN(4)], Enabled: r.IntN(3) > 0, SendResolved: r.IntN(2) == 0}
		for range r.IntN(4) {
			c.Matchers = append(c.Matchers, randomMatcher(r))
		}
		if r.IntN(50) == 0 {
			c.Matchers = slices.Repeat([]string{`environment!="x"`}, alertconf.MaxMatchers)
		}
		if r.IntN(2) == 0 {
			wait := config.Duration(r.IntN(int(alertconf.MaxGroupWait.Milliseconds()))) * config.Duration(time.Millisecond)
			c.GroupWait = &wait
		}
		switch c.Kind {
		case alertconf.SlackBot:
			c.Channel = one(r, []string{"#알림", "#a", "C0123456789", "@me", "yes", "12"})
		case alertconf.Webhook:
			c.URL = "https://ops.example.com/" + one(r, []string{"", "a-b", "%20"})
		case alertconf.Receiver:
			c.Receiver = one(r, receivers)
		case alertconf.SlackWebhook:
		}
		known := slices.ContainsFunc(all, func(o alertconf.Channel) bool { return o.Name == c.Name })
		if known || len(c.Check([]string{"ops.example.com"})) > 0 {
			c.Name = fmt.Sprintf("channel %d", i)
		}
		if len(c.Check([]string{"ops.example.com"})) == 0 {
			all = append(all, c)
		}
	}
	return all
}
