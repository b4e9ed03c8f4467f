package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// What users are told to copy is what runs here, but for addresses, secrets and times: an edit that finds nothing to
// replace is an error, and so nobody can change an example without the suite noticing.
type edit struct {
	pattern string // a regular expression; ^ and $ are the ends of a line
	with    string // may refer to its groups
}

// adapt writes the file from the repository, edited, to another place.
func adapt(from, to string, edits ...edit) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	for _, e := range edits {
		pattern := regexp.MustCompile("(?m)" + e.pattern)
		if !pattern.Match(text) {
			return fmt.Errorf("%s has nothing to replace by %q: no match for %s", from, e.with, pattern)
		}
		text = pattern.ReplaceAll(text, []byte(e.with))
	}
	return write(to, string(text))
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// Token is what Alertmanager shows to the exporter.
const Token = "not-a-real-token"

// Every 15 s of the examples is 1 s here. A group_wait of 1 s would be too long by that measure: an app that is repaired
// before it is over is one that nobody hears of.
const (
	interval  = "${1}1s"
	groupWait = "${1}100ms"
)

// writeFiles writes every configuration.
func (s *Stack) writeFiles() error {
	for _, step := range []func() error{s.writeSecrets, s.writeExporter, s.writeAlertmanager, s.writePrometheus} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

func (s *Stack) shipped(elem ...string) string {
	return filepath.Join(append([]string{s.bin.root}, elem...)...)
}

func (s *Stack) writeSecrets() error {
	if err := write(s.path("secrets", "token"), Token); err != nil {
		return err
	}
	return write(s.path("secrets", "slack"), s.Slack.URL())
}

func (s *Stack) writeExporter() error {
	var b strings.Builder
	fmt.Fprintf(&b, `modules:
  http_2xx: {prober: http, timeout: 1s}
restart:
  mode: enforce
  receiver: {bearer_token_file: '%s'}
  defaults:
    check_interval: 1s
    warm_up: 1s
    start_grace: 1s
    arm_probes: 3
    arm_time: 2s
    confirm_probes: 2
    confirm_interval: 1s
    cooldown: 5m
    verify_probes: 2
    verify_timeout: 30s
  services:
`, s.path("secrets", "token"))
	for _, a := range s.Apps {
		fmt.Fprintf(&b, `    - name: %s
      checks: [{url: '%s', module: http_2xx}]
      command: {argv: ['%s', '%s/restart/%s']}
`, a.Name, a.Target, s.bin.restarter, s.supervisor.url, a.Name)
	}
	return write(s.path("healthcheck.yml"), b.String())
}

func (s *Stack) writeAlertmanager() error {
	const name = "healthcheck.tmpl"
	if err := adapt(s.shipped("examples", "alertmanager", name), s.path(name)); err != nil {
		return err
	}
	return adapt(s.shipped("examples", "alertmanager", "alertmanager.yml"), s.path("alertmanager.yml"),
		edit{`(\burl: ).*` + WebhookPath + `['"]?`, "${1}" + s.Tap.url + WebhookPath},
		edit{`(\bcredentials_file: ).*`, "${1}" + s.path("secrets", "token")},
		edit{`(\bapi_url_file: ).*`, "${1}" + s.path("secrets", "slack")},
		edit{`(\btemplates: ).*`, "${1}[" + s.path(name) + "]"},
		edit{`(\bgroup_wait: )[1-9]\w*`, groupWait},
		edit{`(\bgroup_interval: )\w+`, interval},
	)
}

func (s *Stack) writePrometheus() error {
	const alerts = "prometheus_alerts.yaml"
	if err := adapt(s.shipped("mixin", alerts), s.path(alerts), edit{`(\bfor: )"\w+"`, interval}); err != nil {
		return err
	}
	var targets strings.Builder // in the place of the first example, with its labels
	for _, a := range s.Apps {
		fmt.Fprintf(&targets, "${1}- targets: ['%s']\n${2}{target: %s, ${3}\n", a.Target, a.Name)
	}
	return adapt(s.shipped("examples", "prometheus", "prometheus.yml"), s.path("prometheus.yml"),
		edit{`(_interval: )\w+`, interval},
		edit{`(\brule_files: ).*`, "${1}[" + s.path(alerts) + "]"},
		edit{`( +)- targets: \[https://example\.com/health\]\n( +labels: ){target: shop, (.*)\n`, targets.String()},
		edit{`localhost:10115`, s.exporter},
		edit{`localhost:9093`, s.alertmanager},
	)
}
