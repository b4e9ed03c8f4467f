package examples

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
)

// A cut replaces what is in a file from a text to the next other text, which stays.
type cut struct{ from, to, with string }

// bases are the files with a place for channels, each made of another file. So what is right in one is right in the other.
var bases = []struct {
	file, from string
	cuts       []cut
}{
	{"alertmanager.base.yml", "alertmanager.yml", []cut{
		{"# Alertmanager for", "templates:", `# Alertmanager for the rules in mixin/prometheus_alerts.yaml, with a place for channels: the exporter reads this file as
# alertmanager.base, and writes the configuration that Alertmanager runs. alertmanager.yml is the same
# with channels that are written by hand. Needs Alertmanager 0.25 or newer.
#
# These files hold one line each. Alertmanager looks for them from the directory of its configuration, which is
# alertmanager.dir:
#   secrets/restart_token       the token that the restart receiver asks for
#   secrets/heartbeat_password  for the dead man's switch
# The exporter keeps the secrets of channels itself.

`},
		{"  - name: office-hours", "route:", "\n"},
		{"  # What no route below takes: an", "  # A test (", "  receiver: 'null' # alerts of others; HealthcheckExporterDown and the rest of ours go to channels\n"},
		{"HealthcheckTargetDown may have less, 30s at most: HealthcheckTargetRecovered", "  group_interval:", `HealthcheckTargetDown has 30s: that is written with the
  # channels.
`},
		{"    # 4. The monitoring itself", "# An alert that ends while", `    # 4. Channels. What none of them takes goes to the receiver healthcheck-channels. This route has no routes of its own:
    #    those of the channels are written here. A channel for the monitoring itself has a matcher such as
    #    alertname=~"Healthcheck(Exporter(Down|Absent)|ConfigReloadFailed|InventorySourceStale|AlertmanagerDrift|ManagedStoreDown|TargetsStale|Restart.+)".
    - receiver: healthcheck-channels
      matchers: ['alertname=~"Healthcheck.+"']

`},
		{"  - name: slack-live", "", `  # What no channel takes. It tells nobody until you give it, for example, a webhook.
  - name: healthcheck-channels
`},
	}},
	{"alertmanager-small.base.yml", "alertmanager-small.yml", []cut{
		{"# Alertmanager for", "templates:", `# Alertmanager for the rules in mixin/prometheus_alerts.yaml, with a place for channels, and nothing else: the exporter reads
# this file as alertmanager.base, and writes the configuration that Alertmanager runs. It restarts nothing.
# alertmanager.base.yml has restarts, and a dead man's switch. Needs Alertmanager 0.25 or newer.

`},
		{"  receiver: slack\n", "  # A test (", "  receiver: 'null' # alerts of others\n"},
		{"    - {matchers: ['alertname=\"HealthcheckTargetDown", "# An alert that ends while", `    # The routes of the channels are written here.
    - receiver: healthcheck-channels
      matchers: ['alertname=~"Healthcheck.+"']

`},
		{"  - name: slack\n", "", `  # What no channel takes. It tells nobody until you give it, for example, a webhook.
  - name: healthcheck-channels
`},
	}},
}

// TestBases wants that each base file is the file that it is made of, but for what it must have differently.
func TestBases(t *testing.T) {
	for _, b := range bases {
		text := read(t, "alertmanager/"+b.from)
		for _, c := range b.cuts {
			before, rest, ok := strings.Cut(text, c.from)
			after := ""
			if c.to != "" && ok {
				_, after, ok = strings.Cut(rest, c.to)
			}
			if !ok {
				t.Fatalf("%s has nothing from %q to %q", b.from, c.from, c.to)
			}
			text = before + c.with + c.to + after
		}
		golden.Compare(t, "alertmanager/"+b.file, text)
		if err := alertconf.CheckBase([]byte(text)); err != nil {
			t.Errorf("%s: %v", b.file, err)
		}
	}
}

// TestSmall: what inhibits is the same in the small file.
func TestSmall(t *testing.T) {
	if diff := cmp.Diff(load(t, "alertmanager.yml").InhibitRules, load(t, "alertmanager-small.yml").InhibitRules); diff != "" {
		t.Error(diff)
	}
}

// TestBaseRoutes sends alerts through the small file, and through each base with two channels.
func TestBaseRoutes(t *testing.T) {
	channels := []alertconf.Channel{
		{Name: "live", Kind: alertconf.SlackWebhook, Enabled: true, Matchers: []string{`environment="LIVE"`}},
		{Name: "quiet", Kind: alertconf.SlackWebhook, Matchers: []string{`environment="DEV"`}},
	}
	dir := t.TempDir()
	put(t, dir+"/healthcheck.tmpl", read(t, "alertmanager/healthcheck.tmpl"))
	files := map[string]string{"alertmanager-small.yml": read(t, "alertmanager/alertmanager-small.yml")}
	for _, b := range bases {
		text, err := alertconf.Render([]byte(read(t, "alertmanager/"+b.file)), channels, alertconf.Rendering{Base: b.file, Secrets: "/secrets"})
		if err != nil {
			t.Fatal(err)
		}
		files[b.file] = string(text)
	}
	for file, text := range files {
		put(t, dir+"/"+file, text)
		run(t, dir, "amtool", "check-config", file)
		small := strings.Contains(file, "small")
		for _, tt := range []struct{ labels, channels, large string }{
			{"alertname=HealthcheckTargetDown severity=critical environment=LIVE", "hc-live", ""},
			{"alertname=HealthcheckTargetSlow severity=warning environment=LIVE", "hc-live", ""},
			{"alertname=HealthcheckTargetDown severity=warning environment=DEV", "hc-off", ""},
			{"alertname=HealthcheckTargetDown severity=warning environment=STAGE", "healthcheck-channels", ""},
			{"alertname=HealthcheckExporterDown severity=critical", "healthcheck-channels", ""},
			{"alertname=HealthcheckTargetDown environment=LIVE healthcheck_test=true healthcheck_channel=quiet", "hc-quiet", ""},
			{"alertname=HealthcheckTargetMuted severity=none environment=LIVE", "null", "null"},
			{"alertname=HealthcheckTargetRestart severity=none environment=LIVE", "null", "restart"},
			{"alertname=HealthcheckWatchdog severity=none", "null", "heartbeat"},
		} {
			want := tt.channels
			switch {
			case file == "alertmanager-small.yml" && tt.large == "":
				want = "slack"
			case !small && tt.large != "":
				want = tt.large
			}
			argv := []string{"amtool", "config", "routes", "test", "--config.file=" + file, "--verify.receivers=" + want}
			if out, err := try(t, dir, append(argv, strings.Fields(tt.labels)...)...); err != nil {
				t.Errorf("%s: %s: %v: got %swant %s", file, tt.labels, err, out, want)
			}
		}
	}
}
