package alertconf

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// leaky has a secret wherever one may be in a configuration of Alertmanager, and at some places where none should be.
const leaky = `# Written by healthcheck_exporter from base.yml, revision 3. Changes here are found and refused.
# canary-comment
global: # canary-line
  slack_api_url: https://hooks.slack.com/services/canary-1
  opsgenie_api_key: canary-2
  smtp_auth_password: "canary-3"
  smtp_smarthost: canary-4:25
  http_config: {proxy_url: 'http://u:canary-5@proxy', authorization: {credentials: canary-6, credentials_file: shown-6}}
  some_new_key: canary-7
  victorops_api_key_file: /shown-7
templates: [shown.tmpl]
x: &a canary-8
route:
  receiver: shown-1
  # canary-9
  group_by: [shown-2]
  routes:
    - matchers: ['shown-3="x"']
      match: {any: shown-4}
      receiver: hc-x
      continue: true
      group_wait: 5s
inhibit_rules:
  - equal: [shown-5]
    source_match: {a: shown-8}
receivers:
  - name: shown-1
    webhook_configs:
      - url: https://u:canary-10@example.com/canary-11?token=canary-12
        http_config: {basic_auth: {username: canary-13, password: canary-14}, http_headers: {X-Token: {values: [canary-15], secrets: [canary-16], files: [/shown-9]}}}
      - <<: &m {url: !canary-17 'https://canary-18', send_resolved: false}
        max_alerts: 0x10
    pagerduty_configs:
      - {routing_key: !!binary Y2FuYXJ5, service_key: 4711471147, details: {name: canary-19, receiver: canary-20}, url: *a}
    slack_configs:
      - {api_url: https://hooks.slack.com/canary-21, channel: '#shown-10', text: "canary-22 {{ template \"healthcheck.text\" . }}", username: canary-23}
    email_configs:
      - {to: canary-24, headers: {Subject: canary-25, canary-26 key: x}, html: "canary-27"}
      - html: |
          canary-30
  - name: hc-x
    slack_configs: [{api_url_file: /shown-11, title: '{{ template "healthcheck.title" . }}', footer: ''}]
  - name: hc-y
    webhook_configs: [{url: 'https://canary-28'}]
y: [&receiver api_url, {*receiver : canary-31}]
time_intervals: [{name: shown-12, time_intervals: [{location: shown-13, weekdays: ['monday:friday']}]}]
? "canary-29 "
: 1
`

func TestShown(t *testing.T) {
	got, err := Shown([]byte(leaky))
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	for _, secret := range regexp.MustCompile(`canary[a-z0-9-]*|Y2FuYXJ5|4711471147|proxy:|hooks\.slack`).FindAllString(text, -1) {
		t.Errorf("%q is shown", secret)
	}
	for _, want := range regexp.MustCompile(`shown-\d+`).FindAllString(leaky, -1) {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	for _, want := range []string{"# Written by healthcheck_exporter from base.yml, revision 3.", "group_wait: 5s", `{{ template "healthcheck.title" . }}`, "monday:friday", "continue: true"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// What Alertmanager says of a URL has it in quotes, and what cannot stand there with a backslash.
func TestHidden(t *testing.T) {
	for value, said := range map[string]string{
		"|\n    https://hooks.slack.com/canary\n":   `parse "https://hooks.slack.com/canary\n": net/url: invalid control character in URL`,
		`"https://hooks.slack.com/ca\tnary\"x"`:     `parse "https://hooks.slack.com/ca\tnary\"x": net/url: invalid control character in URL`,
		"'https://hooks.slack.com/canary %zz'":      `parse "https://hooks.slack.com/canary %zz": invalid URL escape "%zz"`,
		"|\n    canary-of-a-password\n    second\n": `it is "canary-of-a-password\nsecond"`,
	} {
		got := Hidden([]byte("global:\n  slack_api_url: "+value), said)
		if strings.Contains(got, "nary") || !strings.Contains(got, `"<secret>`) {
			t.Errorf("%q: got %s", value, got)
		}
	}
}

// What is no YAML is not shown, and no error says what it is.
func TestShownNothing(t *testing.T) {
	for _, text := range []string{"*canary", "a: *canary", "{canary", "", "canary: [", "\tcanary"} {
		got, err := Shown([]byte(text))
		if err == nil || strings.Contains(err.Error(), "canary") || got != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if got, err := Shown([]byte("canary-scalar")); err != nil || strings.Contains(string(got), "canary") {
		t.Errorf("a text: %q, %v", got, err)
	}
}

// Of the examples nothing is masked that people have to see, and what is shown is YAML.
func TestShownExamples(t *testing.T) {
	for _, name := range []string{"alertmanager.base.yml", "alertmanager-small.base.yml"} {
		base, err := os.ReadFile(filepath.Join("..", "..", "examples", "alertmanager", name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := Render(base, []Channel{
			{Name: "live", Kind: SlackWebhook, Enabled: true}, {Name: "bot", Kind: SlackBot, Channel: "#x", Enabled: true},
		}, Rendering{Base: "base.yml", Secrets: "/s"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Shown(text)
		if err != nil || yaml.Unmarshal(got, new(yaml.Node)) != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for line := range strings.Lines(string(got)) {
			if strings.Contains(line, mask) && !regexp.MustCompile(`(url|username|type):`).MatchString(line) {
				t.Errorf("%s: masked: %s", name, line)
			}
		}
	}
}

func FuzzShown(f *testing.F) {
	f.Add([]byte(leaky))
	f.Fuzz(func(t *testing.T, config []byte) {
		got, err := Shown(config)
		if err == nil && yaml.Unmarshal(got, new(yaml.Node)) != nil && yaml.Unmarshal(config, new(any)) == nil {
			t.Errorf("what is shown is no YAML: %q", got)
		}
	})
}
