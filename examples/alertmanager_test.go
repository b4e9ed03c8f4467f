// Package examples has files to start from. Its tests load each file with the program that it is for.
package examples

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The configurations of Alertmanager, and the receiver of alerts with a channel of their own.
var variants = []struct{ file, channel string }{
	{"alertmanager.yml", "slack-checkout"},
	{"alertmanager-bot.yml", "slack-channel"},
}

// TestRoutes has at least one alert for every route.
func TestRoutes(t *testing.T) {
	const target = "target=shop instance=https://shop.example.com/health job=healthcheck "
	tests := []struct{ labels, receivers string }{
		{"alertname=HealthcheckWatchdog severity=none", "heartbeat"},
		{"alertname=HealthcheckTargetRestart severity=none environment=LIVE " + target, "restart"},
		{"alertname=HealthcheckTargetRestart severity=none " + target, "restart"},
		{"alertname=HealthcheckTargetRestart severity=none environment=DEV maintenance=free-tier-night " + target, "restart"},
		{"alertname=HealthcheckTargetMuted severity=none environment=LIVE " + target, "null"},
		{"alertname=HealthcheckTargetMaintenance severity=none environment=LIVE " + target, "null"},
		{"alertname=HealthcheckDependencyDown severity=none environment=LIVE " + target, "null"},
		{"alertname=HealthcheckTargetRecovered severity=none environment=LIVE " + target, "null"},

		{"alertname=HealthcheckTargetDown severity=critical environment=LIVE " + target, "slack-live"},
		{"alertname=HealthcheckTargetDown severity=warning environment=STAGE " + target, "slack-stage"},
		{"alertname=HealthcheckTargetDown severity=warning environment=DEV " + target, "slack-dev"},
		{"alertname=HealthcheckTargetDown severity=warning environment=UNKNOWN " + target, "slack-unknown"},
		{"alertname=HealthcheckTargetDown severity=warning environment=live " + target, "slack-unknown"},
		{"alertname=HealthcheckTargetDown severity=warning " + target, "slack-unknown"},
		{"alertname=HealthcheckTargetSlow severity=warning environment=LIVE " + target, "slack-live"},
		{"alertname=HealthcheckTargetFlapping severity=warning environment=STAGE " + target, "slack-stage"},
		{"alertname=HealthcheckCertificateExpiring severity=critical environment=LIVE " + target, "slack-live"},
		{"alertname=HealthcheckErrorBudgetBurn severity=critical short=5m long=1h environment=LIVE " + target, "slack-live"},
		{"alertname=HealthcheckTargetDown severity=critical environment=LIVE healthcheck_test=true " + target, "slack-live"},

		{"alertname=HealthcheckTargetDown severity=critical environment=LIVE slack_channel=#checkout " + target, "CHANNEL"},
		{"alertname=HealthcheckTargetSlow severity=warning slack_channel=#checkout " + target, "CHANNEL"},
		{"alertname=HealthcheckTargetRestart severity=none environment=LIVE slack_channel=#checkout " + target, "restart"},
		{"alertname=HealthcheckTargetDown severity=critical environment=LIVE slack_channel=nonsense " + target, "slack-live"},

		{"alertname=HealthcheckTargetDown severity=critical environment=LIVE maintenance=free-tier-night " + target, "slack-live"},
		{"alertname=HealthcheckTargetDown severity=warning environment=STAGE maintenance=free-tier-night " + target, "slack-stage"},
		{"alertname=HealthcheckTargetDown severity=warning environment=DEV maintenance=free-tier-night " + target, "slack-dev"},
		{"alertname=HealthcheckTargetDown severity=warning maintenance=free-tier-night " + target, "slack-unknown"},

		{"alertname=HealthcheckExporterDown severity=critical job=healthcheck_exporter", "slack-monitoring"},
		{"alertname=HealthcheckExporterAbsent severity=critical job=healthcheck_exporter", "slack-monitoring"},
		{"alertname=HealthcheckConfigReloadFailed severity=warning job=healthcheck_exporter", "slack-monitoring"},
		{"alertname=HealthcheckInventorySourceStale severity=warning source=api:list", "slack-monitoring"},
		{"alertname=HealthcheckAlertmanagerDrift severity=warning server=am-1", "slack-monitoring"},
		{"alertname=HealthcheckManagedStoreDown severity=warning", "slack-monitoring"},
		{"alertname=HealthcheckTargetsStale severity=warning", "slack-monitoring"},
		{"alertname=HealthcheckRestartBraked severity=critical scope=fleet", "slack-monitoring"},
		{"alertname=HealthcheckRestartReceiverRefused severity=critical code=401", "slack-monitoring"},
		{"alertname=HealthcheckRestartHeld severity=warning service=shop environment=LIVE target=shop reason=preflight", "slack-live"},
		{"alertname=HealthcheckRestartStateUnwritable severity=critical", "slack-monitoring"},
		{"alertname=HealthcheckRestartNoLeader severity=critical job=healthcheck_exporter", "slack-monitoring"},
		{"alertname=HealthcheckRestarted severity=info service=shop environment=LIVE target=shop", "slack-live"},
		{"alertname=HealthcheckRestartLockedOut severity=critical service=shop environment=LIVE target=shop", "slack-live"},
		{"alertname=HealthcheckRestartUnarmed severity=warning service=shop environment=STAGE target=shop", "slack-stage"},
		{"alertname=HealthcheckRestartNotVerified severity=warning service=shop environment=LIVE target=shop", "slack-live"},
		{"alertname=HealthcheckRestartUnfit severity=warning service=shop environment=LIVE target=shop reason=paused", "slack-live"},
		{"alertname=HealthcheckRestartBudgetLow severity=warning service=shop environment=DEV target=shop", "slack-dev"},
		{"alertname=HealthcheckRestartWouldAct severity=info service=shop target=shop", "slack-unknown"},
		{"alertname=HealthcheckTargetScrapeFailed severity=warning environment=LIVE " + target, "slack-live"},
		{"alertname=SomethingElse severity=critical", "slack-unknown"},
	}
	for _, m := range regexp.MustCompile(`(?m)- alert: "?(\w+)`).FindAllStringSubmatch(read(t, "../mixin/prometheus_alerts.yaml"), -1) {
		if !slices.ContainsFunc(tests, func(tt struct{ labels, receivers string }) bool {
			return strings.HasPrefix(tt.labels, "alertname="+m[1]+" ")
		}) {
			t.Errorf("the route of %s is not tested", m[1])
		}
	}
	for _, v := range variants {
		t.Run(v.file, func(t *testing.T) {
			reached := map[string]bool{}
			for _, tt := range tests {
				want := strings.ReplaceAll(tt.receivers, "CHANNEL", v.channel)
				for r := range strings.SplitSeq(want, ",") {
					reached[r] = true
				}
				argv := []string{"amtool", "config", "routes", "test", "--config.file=" + v.file, "--verify.receivers=" + want}
				if out, err := try(t, "alertmanager", append(argv, strings.Fields(tt.labels)...)...); err != nil {
					t.Errorf("%s: %v: got %swant %s", tt.labels, err, out, want)
				}
			}
			for _, r := range load(t, v.file).Receivers {
				if !reached[r.Name] {
					t.Errorf("no alert of this test goes to the receiver %q", r.Name)
				}
			}
		})
	}
}

// A configuration is the part of a configuration that both variants should have in common.
type configuration struct {
	TimeIntervals yaml.Node  `yaml:"time_intervals"`
	Route         route      `yaml:"route"`
	InhibitRules  []inhibits `yaml:"inhibit_rules"`
	Receivers     []struct {
		Name  string           `yaml:"name"`
		Slack []map[string]any `yaml:"slack_configs"`
		Hooks []map[string]any `yaml:"webhook_configs"`
	} `yaml:"receivers"`
}

type route struct {
	Receiver  string   `yaml:"receiver"`
	Matchers  []string `yaml:"matchers"`
	GroupBy   []string `yaml:"group_by"`
	GroupWait string   `yaml:"group_wait"`
	Interval  string   `yaml:"group_interval"`
	Repeat    string   `yaml:"repeat_interval"`
	Mute      []string `yaml:"mute_time_intervals"`
	Active    []string `yaml:"active_time_intervals"`
	Continue  bool     `yaml:"continue"`
	Routes    []route  `yaml:"routes"`
}

type inhibits struct {
	Source []string `yaml:"source_matchers"`
	Target []string `yaml:"target_matchers"`
	Equal  []string `yaml:"equal"`
}

func load(t *testing.T, file string) *configuration {
	t.Helper()
	var c configuration
	if err := yaml.Unmarshal([]byte(read(t, "alertmanager/"+file)), &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &c
}

// TestVariants: changing from one variant to the other loses nothing.
func TestVariants(t *testing.T) {
	all := make([]*configuration, 2)
	for i, v := range variants {
		all[i] = load(t, v.file)
		own := slices.IndexFunc(all[i].Route.Routes, func(r route) bool { return r.Receiver == v.channel })
		all[i].Route.Routes[own].Receiver, all[i].Route.Routes[own].Matchers = "", nil
		for j := range all[i].Receivers { // compare only the fields of the messages
			for _, s := range all[i].Receivers[j].Slack {
				delete(s, "api_url_file")
				delete(s, "channel")
				delete(s, "http_config")
			}
			all[i].Receivers[j].Name = strings.ReplaceAll(all[i].Receivers[j].Name, v.channel, "")
		}
	}
	plain := cmp.Transformer("text", func(n yaml.Node) string {
		out, err := yaml.Marshal(&n)
		if err != nil {
			t.Error(err)
		}
		return string(out)
	})
	if diff := cmp.Diff(all[0], all[1], plain); diff != "" {
		t.Errorf("%s and %s (-first +second):\n%s", variants[0].file, variants[1].file, diff)
	}
}

// TestLeavesAreMuted: time intervals are not inherited, so a route below one that has them needs its own.
func TestLeavesAreMuted(t *testing.T) {
	var look func(t *testing.T, r, above *route)
	look = func(t *testing.T, r, above *route) {
		if len(above.Mute) > 0 && !slices.Equal(r.Mute, above.Mute) {
			t.Errorf("the route to %s by %q is not muted by %q as the one above it is", r.Receiver, r.Matchers, above.Mute)
		}
		if len(above.Active) > 0 && !slices.Equal(r.Active, above.Active) {
			t.Errorf("the route to %s by %q is not active in %q as the one above it is", r.Receiver, r.Matchers, above.Active)
		}
		for i := range r.Routes {
			look(t, &r.Routes[i], r)
		}
	}
	for _, v := range variants {
		look(t, &load(t, v.file).Route, &route{})
	}
}

// TestRecoveriesAreToldOnce: Prometheus repeats the end of an alert every minute or two. Either the recovery is notified before the
// repeats are inhibited, as for HealthcheckTargetDown, or group_interval is so long that one message covers all repeats.
func TestRecoveriesAreToldOnce(t *testing.T) {
	const down = `alertname="HealthcheckTargetDown"`
	var look func(t *testing.T, file string, r, above *route)
	look = func(t *testing.T, file string, r, above *route) {
		if r.Receiver == "" {
			r.Receiver = above.Receiver
		}
		if r.Interval == "" {
			r.Interval = above.Interval
		}
		for i := range r.Routes {
			look(t, file, &r.Routes[i], r)
		}
		if !strings.HasPrefix(r.Receiver, "slack") {
			return
		}
		interval, err := time.ParseDuration(r.Interval)
		if err != nil {
			t.Fatal(err)
		}
		byName := slices.ContainsFunc(r.Matchers, func(m string) bool { return strings.HasPrefix(m, "alertname") })
		switch {
		case slices.Contains(r.Matchers, down):
			if interval > 30*time.Second {
				t.Errorf("%s: the route of HealthcheckTargetDown to %s has a group_interval of %s, want at most 30s", file, r.Receiver, interval)
			}
		case interval < 3*time.Minute:
			t.Errorf("%s: the route to %s by %q has a group_interval of %s, want at least 3m", file, r.Receiver, r.Matchers, interval)
		case !byName && !slices.ContainsFunc(r.Routes, func(r route) bool { return slices.Equal(r.Matchers, []string{down}) }):
			t.Errorf("%s: the route to %s by %q has no route below it for HealthcheckTargetDown", file, r.Receiver, r.Matchers)
		}
	}
	for _, file := range []string{variants[0].file, variants[1].file, "alertmanager-small.yml", "../per-host/alertmanager.yml"} {
		c := load(t, file)
		look(t, file, &c.Route, &route{})
		want := inhibits{
			Source: []string{`alertname="HealthcheckTargetRecovered"`}, Target: []string{down},
			// Without one of these labels an alert would inhibit those of another target.
			Equal: []string{"job", "instance", "target", "environment", "healthcheck_test"},
		}
		if !slices.ContainsFunc(c.InhibitRules, func(r inhibits) bool { return cmp.Equal(r, want) }) {
			t.Errorf("%s: there is no rule %+v", file, want)
		}
	}
}

// TestRestartRoute: the receiver gets no more than it needs, and its token goes nowhere else.
func TestRestartRoute(t *testing.T) {
	for _, v := range variants {
		c := load(t, v.file)
		at := slices.IndexFunc(c.Route.Routes, func(r route) bool { return r.Receiver == "restart" })
		if r := c.Route.Routes[at]; !slices.Equal(r.GroupBy, []string{"alertname", "job", "instance", "target", "healthcheck_test"}) || r.GroupWait == "0s" {
			t.Errorf("%s: got group_by %q, group_wait %s; want one request per target, and time for what inhibits", v.file, r.GroupBy, r.GroupWait)
		}
		for _, r := range c.Receivers {
			if r.Name != "restart" {
				continue
			}
			hook := r.Hooks[0]
			client, _ := hook["http_config"].(map[string]any)
			if hook["send_resolved"] != true || client["follow_redirects"] != false || !strings.Contains(fmt.Sprint(client["authorization"]), "credentials_file") {
				t.Errorf("%s: got %v, want send_resolved, no redirects, and the token from a file", v.file, hook)
			}
		}
	}
}

// TestTestsApart: the end of a test must not look like a recovery from a real failure, and a test must not delay a real recovery.
func TestTestsApart(t *testing.T) {
	var look func(t *testing.T, file string, r *route, by []string)
	look = func(t *testing.T, file string, r *route, by []string) {
		if r.GroupBy != nil {
			by = r.GroupBy
		}
		if !slices.Contains(by, "healthcheck_test") {
			t.Errorf("%s: the route to %s groups by %q, want healthcheck_test among them", file, r.Receiver, by)
		}
		for i := range r.Routes {
			look(t, file, &r.Routes[i], by)
		}
	}
	for _, file := range []string{variants[0].file, variants[1].file, "alertmanager-small.yml", "../per-host/alertmanager.yml"} {
		look(t, file, &load(t, file).Route, nil)
	}
}

// TestMutedIsRepaired: a mute for people must not hold back a restart, but maintenance or a dependency that is down must.
func TestMutedIsRepaired(t *testing.T) {
	inhibited := func(c *configuration, source, target string) bool {
		return slices.ContainsFunc(c.InhibitRules, func(r inhibits) bool {
			return slices.Contains(r.Source, `alertname="`+source+`"`) && slices.ContainsFunc(r.Target, func(m string) bool {
				pattern, ok := strings.CutPrefix(m, "alertname=~")
				return ok && regexp.MustCompile("^(?:"+strings.Trim(pattern, `"`)+")$").MatchString(target)
			})
		})
	}
	for _, v := range variants {
		c := load(t, v.file)
		for _, tt := range []struct {
			source, target string
			want           bool
		}{
			{"HealthcheckTargetMuted", "HealthcheckTargetDown", true},
			{"HealthcheckTargetMuted", "HealthcheckRestarted", true},
			{"HealthcheckTargetMuted", "HealthcheckTargetRestart", false},
			{"HealthcheckTargetMaintenance", "HealthcheckTargetDown", true},
			{"HealthcheckTargetMaintenance", "HealthcheckTargetRestart", true},
			{"HealthcheckDependencyDown", "HealthcheckTargetDown", true},
			{"HealthcheckDependencyDown", "HealthcheckTargetRestart", true},
			{"HealthcheckTargetDown", "HealthcheckTargetSlow", true},
			{"HealthcheckTargetDown", "HealthcheckTargetRestart", false},
		} {
			if got := inhibited(c, tt.source, tt.target); got != tt.want {
				t.Errorf("%s: %s inhibits %s: %t, want %t", v.file, tt.source, tt.target, got, tt.want)
			}
		}
	}
}

// TestWords: the template has words for every reason.
func TestWords(t *testing.T) {
	text := read(t, "alertmanager/healthcheck.tmpl")
	for _, r := range prober.Reasons() {
		if r.Reason == prober.ReasonStatus { // "status 503" needs no words
			continue
		}
		if n := strings.Count(text, `if match "^`+string(r.Reason)+`\\b"`); n != 1 {
			t.Errorf("healthcheck.tmpl has %d sets of words for the reason %s, want 1", n, r.Reason)
		}
	}
}

// TestEnd renders the end of one alert.
func TestEnd(t *testing.T) {
	const since, ended = "<!date^1795230000^{date_short_pretty} {time_secs}|2026-11-21 03:00:00", "<!date^1795230090^{date_short_pretty} {time_secs}|2026-11-21 03:01:30 UTC>"
	for _, tt := range []struct {
		name, alertname string
		annotations     map[string]string
		want            []string
	}{
		{
			"restarts are from before the end", "HealthcheckTargetDown",
			map[string]string{"restarts": "shop: no restart yet", "failing_since_unix": "1795230000", "failing_since": "2026-11-21 03:00:00 +0000 UTC", "failing_for": "1m 15s"},
			[]string{":large_green_circle: RECOVERED: shop, was down for about 1m 15s", "*Lasted:* " + since + " UTC> to " + ended + ", about 1m 15s"},
		},
		{
			"written when Prometheus had just been started", "HealthcheckTargetDown",
			map[string]string{"failing_since_unix": "1795230015", "failing_since": "2026-11-21 03:00:15 +0000 UTC"},
			[]string{":large_green_circle: RECOVERED: shop, was down for about 1m30s", "*Lasted:* " + since + " UTC> to " + ended + ", about 1m30s"},
		},
		{
			"nothing is well again", "HealthcheckRestartNotVerified", nil,
			[]string{":white_circle: HealthcheckRestartNotVerified ENDED: shop, lasted about 1m30s", "*Lasted:* " + since + " UTC> to " + ended + ", about 1m30s"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			labels := map[string]string{"alertname": tt.alertname, "target": "shop"}
			began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
			lines := rendered(t, &template{
				Receiver: "slack-live", Status: "resolved", ExternalURL: "http://alertmanager.example.com", GroupLabels: labels, CommonLabels: labels,
				Alerts: []alert{{Status: "resolved", Labels: labels, Annotations: tt.annotations, StartsAt: began, EndsAt: began.Add(90 * time.Second)}},
			})
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("the message (-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyRecovered renders a message with more recoveries than it lists, which the suite cannot provoke reliably.
func TestManyRecovered(t *testing.T) {
	data := template{
		Receiver: "slack-live", Status: "resolved", ExternalURL: "http://alertmanager.example.com",
		GroupLabels: map[string]string{"alertname": "HealthcheckTargetDown", "environment": "LIVE"},
	}
	data.CommonLabels = data.GroupLabels
	began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	for i := range 12 {
		labels := maps.Clone(data.GroupLabels)
		labels["target"] = fmt.Sprintf("web-%02d", i+1)
		data.Alerts = append(data.Alerts, alert{
			Status: "resolved", Labels: labels, Annotations: map[string]string{}, StartsAt: began, EndsAt: began.Add(90*time.Second + time.Millisecond),
		})
	}
	lines := rendered(t, &data)
	want := []string{":large_green_circle: 12 RECOVERED (LIVE): web-01, web-02, web-03, …"}
	for i := range 10 {
		want = append(want, fmt.Sprintf("• *web-%02d* recovered <!date^1795230090^{date_short_pretty} {time_secs}|2026-11-21 03:01:30 UTC> after about 1m30s", i+1))
	}
	if diff := cmp.Diff(append(want, "… 12 in all"), lines); diff != "" {
		t.Errorf("the message (-want +got):\n%s", diff)
	}
}

// TestRestartsOfMany: a message about many services has one line about the first ten, and the line has a bounded length.
func TestRestartsOfMany(t *testing.T) {
	data := template{
		Receiver: "slack-live", Status: "firing", ExternalURL: "http://alertmanager.example.com",
		GroupLabels: map[string]string{"alertname": "HealthcheckTargetDown", "environment": "LIVE"},
	}
	data.CommonLabels = data.GroupLabels
	began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	words := []string{"web-01: being restarted", "", "web-03: held by <preflight> " + strings.Repeat("é", 200)}
	for i := range 12 {
		labels := maps.Clone(data.GroupLabels)
		labels["target"] = fmt.Sprintf("web-%02d", i+1)
		restarts := "z: no restart yet"
		if i < len(words) {
			restarts = words[i]
		}
		data.Alerts = append(data.Alerts, alert{Status: "firing", Labels: labels, Annotations: map[string]string{"restarts": restarts}, StartsAt: began})
	}
	lines := rendered(t, &data)
	want := "*Restarts:* web-01: being restarted; web-03: held by &lt;preflight&gt; " + strings.Repeat("é", 100-len("web-03: held by <preflight> ")) + strings.Repeat("; z: no restart yet", 7)
	if got := lines[len(lines)-2]; got != want { // the last line has the links
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// rendered returns the lines of a message, its title first.
func rendered(t *testing.T, data *template) []string {
	t.Helper()
	return renderedBy(t, "healthcheck.tmpl", data)
}

// renderedBy is like rendered, for another file of templates.
func renderedBy(t *testing.T, templates string, data *template) []string {
	t.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "data.json")
	put(t, file, string(text))
	out := run(t, "alertmanager", "amtool", "template", "render", "--template.glob="+templates, "--template.data="+file,
		`--template.text={{ template "healthcheck.title" . }}{{ "\n" }}{{ template "healthcheck.text" . }}`)
	return strings.Split(strings.TrimSpace(out), "\n")
}

// template and alert are the data that Alertmanager passes to a template.
type template struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	Alerts            []alert           `json:"alerts"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
}

type alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}
