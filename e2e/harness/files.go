package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
)

// The files that users copy are the ones that run here, except for addresses, secrets and times. An edit that finds nothing to
// replace is an error, so the suite notices every change of an example.
type edit struct {
	pattern string // a regular expression; ^ and $ match at line ends
	with    string // may refer to groups of the pattern
}

// adapt writes an edited copy of the file from the repository.
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

// Token is the bearer token that Alertmanager sends to the exporter.
const Token = "not-a-real-token"

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

func (s *Stack) writeSecrets() error {
	return errors.Join(
		write(s.path("secrets", "token"), Token),
		write(s.path("secrets", "operator"), OperatorToken),
		write(s.ClientFile(), "authorization: {credentials: "+Token+"}\n"),
	)
}

func (s *Stack) writeExporter() error {
	var b strings.Builder
	fmt.Fprintf(&b, `modules:
  http_2xx: {prober: http, timeout: 1s}
targets:
`)
	for _, a := range s.Apps {
		fmt.Fprintf(&b, `  - name: %s
    url: '%s'
    environment: LIVE
    interval: %s
%s`, a.Name, a.check, duration(s.timing.Scrape), a.spec.Target)
	}
	fmt.Fprintf(&b, `restart:
  mode: enforce
  receiver: {bearer_token_file: '%s'}
%s  defaults:
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
`, s.path("secrets", "token"), s.restart)
	for _, a := range s.Apps {
		fmt.Fprintf(&b, `    - name: %s
      checks: [{target: %s}]
      command: {argv: ['%s', '%s/restart/%s']}
%s`, a.Name, a.Name, s.bin.restarter, s.supervisor.url, a.Name, a.spec.Service)
	}
	if s.operator {
		fmt.Fprintf(&b, "access: {users: [{name: operator, role: operate, bearer_token_file: '%s'}]}\n", s.path("secrets", "operator"))
	}
	return write(s.path("healthcheck.yml"), b.String())
}

func (s *Stack) writeAlertmanager() error {
	return s.bin.writeAlertmanager(s.dir, alerting{
		config: "alertmanager.yml", slack: s.Slack, timing: s.timing, groupBy: s.groupBy,
		webhook: s.Tap.url + WebhookPath, heartbeat: s.Tap.url + heartbeatPath,
	})
}

// An alerting has the values for a configuration of Alertmanager.
type alerting struct {
	config             string // the file in examples/alertmanager
	slack              *fakeslack.Server
	webhook, heartbeat string // URLs
	timing             Timing
	groupBy            string // labels by which critical alerts are grouped in addition; may be empty
}

// writeAlertmanager writes alertmanager.yml, the templates and the secrets into dir.
func (b *Binaries) writeAlertmanager(dir string, a alerting) error {
	const template = "healthcheck.tmpl"
	in := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	shipped := filepath.Join(b.root, "examples", "alertmanager")
	secrets := map[string]string{"restart_token": Token, "slack_bot_token": fakeslack.BotToken, "heartbeat_password": "not-a-real-password"}
	for name, channel := range map[string]string{
		"live": "alerts-live", "stage": "alerts-stage", "dev": "alerts-dev", "unknown": "alerts-unknown", "monitoring": "monitoring", "checkout": "checkout",
	} {
		secrets["slack_"+name+"_url"] = a.slack.URL(channel)
	}
	for name, secret := range secrets {
		if err := write(in("secrets", name), secret); err != nil {
			return err
		}
	}
	if err := adapt(filepath.Join(shipped, template), in(template)); err != nil {
		return err
	}
	edits := []edit{
		{`(\burl: ).*` + WebhookPath + `['"]?`, "${1}" + a.webhook},
		{`(\burl: )https://heartbeat\..*`, "${1}" + a.heartbeat},
		{`(\btemplates: ).*`, "${1}[" + in(template) + "]"},
	}
	if a.timing.GroupInterval > 0 {
		edits = append(edits, edit{`(\bgroup_interval: )\w+`, "${1}" + duration(a.timing.GroupInterval)})
	}
	if a.timing.GroupWait > 0 {
		edits = append(edits, edit{`(\bgroup_wait: )[1-9]\w*`, "${1}" + duration(a.timing.GroupWait)})
	}
	if a.config == "alertmanager.yml" {
		edits = append(edits, edit{`(\bapi_url_file: )(secrets/)`, "${1}" + in("${2}")})
	} else {
		edits = append(edits, edit{`(\bslack_api_url: ).*`, "${1}" + a.slack.APIURL()})
	}
	if a.groupBy != "" {
		edits = append(edits, edit{`(\bgroup_by: \[alertname, environment, healthcheck_test)\]`, "${1}, " + a.groupBy + "]"})
	}
	return adapt(filepath.Join(shipped, a.config), in("alertmanager.yml"), edits...)
}

func (s *Stack) writePrometheus() error {
	return s.bin.writePrometheus(s.dir, watching{exporter: s.exporter, alertmanager: s.alertmanager, timing: s.timing})
}

// A watching has the values for a configuration of Prometheus. The addresses are host and port.
type watching struct {
	exporter, alertmanager string
	timing                 Timing
}

// writePrometheus writes prometheus.yml and the rules into dir.
func (b *Binaries) writePrometheus(dir string, w watching) error {
	const alerts = "prometheus_alerts.yaml"
	const rules = "prometheus_rules.yaml"
	in := func(name string) string { return filepath.Join(dir, name) }
	edits := []edit{{`(- alert: "Healthcheck(?:Target|Exporter)Down"\n(?: {8,}.*\n)*? +for: )"\w+"`, "${1}" + duration(w.timing.For)}}
	if w.timing.Resend > 0 {
		// 50 s of a minute.
		edits = append(edits, edit{`(ALERTS\{alertname="HealthcheckTargetDown",.*\} offset )50s`, "${1}" + duration(w.timing.Resend*5/6)})
	}
	if err := errors.Join(adapt(b.Shipped("mixin", alerts), in(alerts), edits...), adapt(b.Shipped("mixin", rules), in(rules))); err != nil {
		return err
	}
	return adapt(b.Shipped("examples", "prometheus", "prometheus.yml"), in("prometheus.yml"),
		edit{`(\bscrape_interval: )\w+`, "${1}" + duration(w.timing.selfOr())},
		edit{`(\bevaluation_interval: )\w+`, "${1}" + duration(w.timing.Evaluation)},
		edit{`(\brule_files: ).*`, "${1}[" + in(alerts) + ", " + in(rules) + "]"},
		edit{`( +)- url: http://localhost:10115(.*)`, "${1}- url: http://" + w.exporter + "${2}\n${1}  refresh_interval: 1s"},
		edit{`localhost:9093`, w.alertmanager},
	)
}
