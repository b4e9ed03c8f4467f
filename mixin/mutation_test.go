package mixin

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var mutate = flag.Bool("mutations", false, "break every alert; needs promtool")

// A mutation breaks one alert. Its tests must notice.
type mutation struct {
	alert     string
	old, with string // the text in the rule, and what to put in its place
	tests     string // the file in tests
}

var mutations = []mutation{
	// Without last_over_time the alert ends with a lost scrape, and with the exporter.
	{"HealthcheckTargetDown", `last_over_time(probe_success{job="healthcheck"}[10m])`, `probe_success{job="healthcheck"}`, "target_down"},
	{"HealthcheckTargetDown", `last_over_time(probe_success{job="healthcheck"}[6h])`, `last_over_time(probe_success{job="healthcheck"}[20m])`, "target_down"},
	{"HealthcheckTargetDown", `for: 0s`, `for: 15s`, "target_down"},
	// A number of whatever probe, and steps that are longer than a failure.
	{"HealthcheckTargetDown", ` and on (job, instance, target, environment) probe_failure_info`, ` or on (job, instance, target, environment) probe_failure_info`, "target_down"},
	{"HealthcheckTargetDown", `[1m:1s]`, `[1m:15s]`, "target_down"},
	{"HealthcheckTargetMuted", `and on (job, instance, target, environment) probe_success{job="healthcheck"} == 1`, "", "markers"},
	{"HealthcheckTargetMuted", `probe_success{job="healthcheck"} == 1`, `probe_success{job="healthcheck"} == 2`, "markers"},
	{"HealthcheckTargetMaintenance", `probe_success{job="healthcheck"} == 1`, `probe_success{job="healthcheck"} == 2`, "markers"},
	{"HealthcheckTargetMuted", "and on (target, environment)\n", "and on (target)\n", "markers"},
	{"HealthcheckTargetMuted", `alertname="HealthcheckTargetMuted"`, `alertname=~"HealthcheckTarget(Muted|Down)"`, "markers"},
	{"HealthcheckTargetRecovered", " offset 50s", "", "recovered"},
	{"HealthcheckTargetRecovered", "[17m]", "[10m]", "recovered"},
	{"HealthcheckTargetRecovered", "on (job, instance, target, environment)\n", "ignoring ()\n", "recovered"},
	{"HealthcheckTargetRecovered", "and on (environment)", "and on ()", "recovered"},
	{"HealthcheckTargetRecovered", `probe_success{job="healthcheck"} == 0`, `probe_success{job="healthcheck"} == 2`, "recovered"},
	{"HealthcheckTargetRecovered", `integration="slack"`, `integration=~".+"`, "recovered"},
	{"HealthcheckTargetRecovered", "[5m]) > 0", "[5m]) < 0", "recovered"},
	{"HealthcheckTargetRestart", `alertstate="firing"`, `alertstate="pending"`, "restart_request"},
	{"HealthcheckTargetFlapping", "> 4", "> 3", "targets"},
	{"HealthcheckTargetFlapping", "(Muted|Maintenance)", "(Muted)", "targets"},
	{"HealthcheckTargetFlapping", "(Muted|Maintenance)", "(Maintenance)", "targets"},
	{"HealthcheckTargetSlow", "> 0.3", "> 0", "slow"},
	{"HealthcheckTargetSlow", "offset 6h", "offset 10m", "slow"},
	{"HealthcheckTargetSlow", "[10m]) == 1", "[10m]) >= 0", "slow"},
	{"HealthcheckCertificateExpiring", ">= 0.25 *", ">= 0.5 *", "certificates"},
	{"HealthcheckCertificateExpiring", "< 21 *", "< 30 *", "certificates"},
	{"HealthcheckCertificateExpiring", "< 7 *", "< 0.1 *", "certificates"},
	{"HealthcheckCertificateExpiring", `(last_over_time(probe_ssl_last_chain_expiry_timestamp_seconds{job="healthcheck"}[6h]) or last_over_time(probe_ssl_earliest_cert_expiry{job="healthcheck"}[6h])) - time() < 7`, `last_over_time(probe_ssl_earliest_cert_expiry{job="healthcheck"}[6h]) - time() < 7`, "certificates"},
	{"HealthcheckCertificateExpiring", "unless (", "and (", "certificates"},
	{"HealthcheckTargetScrapeFailed", "unless on ()", "or", "targets"},
	{"HealthcheckErrorBudgetBurn", "> 1.5", "> 0.5", "slo"},
	{"HealthcheckErrorBudgetBurn", "ratio5m", "ratio1h", "slo"},
	{"HealthcheckExporterDown", "== 0", "== 1", "exporter"},
	{"HealthcheckExporterAbsent", `for: 5m`, `for: 1m`, "exporter"},
	{"HealthcheckConfigReloadFailed", "[6h]", "[10m]", "exporter"},
	{"HealthcheckInventorySourceStale", "> 0\n", ">= 0\n", "exporter"},
	{"HealthcheckAlertmanagerDrift", "for: 5m", "for: 1m", "exporter"},
	{"HealthcheckManagedStoreDown", "== 0", ">= 0", "exporter"},
	{"HealthcheckTargetsStale", "> 0", ">= 0", "exporter"},
	{"HealthcheckTargetsStale", "unless on (target, environment)", "unless on ()", "exporter"},
	{"HealthcheckTargetsStale", "unless on (target, environment)", "unless on (target)", "exporter"},
	{"HealthcheckTargetsStale", "and on (job, instance)", "and on (job)", "exporter"},
	{"HealthcheckTargetsStale", "healthcheck_target_stale{job=\"healthcheck_exporter\"}[6h]", "healthcheck_target_stale{job=\"healthcheck_exporter\"}[1m]", "exporter"},
	{"HealthcheckWatchdog", "vector(1)", "vector(1) > 1", "exporter"},
	{"HealthcheckRestarted", "(job, instance, service)", "(service)", "restarts"},
	{"HealthcheckRestartNotVerified", `outcome!="recovered"`, `outcome=~".+"`, "restarts"},
	{"HealthcheckRestartLockedOut", "healthcheck_restart_lockout{job=\"healthcheck_exporter\"}[6h]", "healthcheck_restart_lockout{job=\"healthcheck_exporter\"}[1m]", "restarts"},
	{"HealthcheckRestartBraked", "== 1", ">= 0", "restarts"},
	{"HealthcheckRestartBraked", "for 5 min (release_time)", "for some minutes", "restarts"},
	{"HealthcheckTargetDown", "not restarted: it was refused, nothing was done", "restarted, and was well after that", "restarts"},
	{"HealthcheckTargetDown", "not restarted again yet", "no restart yet", "restarts"},
	{"HealthcheckRestartBudgetLow", ") <= 1", ") <= 3", "restarts"},
	{"HealthcheckRestartUnfit", "for: 10m", "for: 1m", "restarts"},
	{"HealthcheckRestartUnfit", "paused|rolling", "paused|rolling|limited", "restarts"},
	{"HealthcheckRestartUnfit", `last_over_time(healthcheck_restart_checks_failing{job="healthcheck_exporter"}[10m]) == 0`, `last_over_time(healthcheck_restart_checks_failing{job="healthcheck_exporter"}[10m]) >= 0`, "restarts"},
	{"HealthcheckRestartUnarmed", "unless on", "and on", "restarts"},
	{"HealthcheckRestartBudgetLow", "[6h]) < max_over_time", "[6h]) <= max_over_time", "restarts"},
	{"HealthcheckRestartHeld", "for: 10m", "for: 1m", "restart_held"},
	{"HealthcheckRestartHeld", "mode|paused|", "mode|", "restart_held"},
	{"HealthcheckRestartHeld", `last_over_time(healthcheck_restart_checks_failing{job="healthcheck_exporter"}[10m]) == 1`, `last_over_time(healthcheck_restart_checks_failing{job="healthcheck_exporter"}[10m]) >= 0`, "restart_held"},
	{"HealthcheckRestartHeld", `last_over_time(healthcheck_restart_demanded{job="healthcheck_exporter"}[10m]) == 1`, `last_over_time(healthcheck_restart_demanded{job="healthcheck_exporter"}[10m]) >= 0`, "restart_held"},
	{"HealthcheckRestartHeld", "group_left (reason)", "group_left ()", "restart_held"},
	{"HealthcheckRestartReceiverRefused", "400|401|403|413", "400|403|413", "restart_held"},
	{"HealthcheckRestartReceiverRefused", "400|401|403|413", "2..|400|401|403|413|503", "restart_held"},
	{"HealthcheckRestartReceiverRefused", "> 0", ">= 0", "restart_held"},
	{"HealthcheckRestartStateUnwritable", "> 0", ">= 0", "restarts"},
	{"HealthcheckRestartNoLeader", "max by", "min by", "restarts"},
	{"HealthcheckRestartNoLeader", "[10m]", "[1m]", "restarts"},
	{"HealthcheckRestartWouldAct", `decision="would_restart"`, `decision=~".*"`, "restarts"},
	{"HealthcheckTargetMuted", ">= on", "<= on", "markers"},
	{"HealthcheckTargetMuted", "max by (target, environment)", "max by (target, environment, instance)", "markers"},
	{"HealthcheckTargetMuted", `probe_target_muted{job="healthcheck",target!=""} == 1`, `probe_target_muted{job="healthcheck",target!=""} == 2`, "markers"},
	{"HealthcheckTargetMuted", `,target!=""`, "", "markers"},
	// What is known of a scrape that fails, and only of one.
	{"HealthcheckTargetMuted", `ALERTS{alertname="HealthcheckTargetMuted"}`, `ALERTS{alertname="none"}`, "markers"},
	{"HealthcheckTargetMuted", "and on (target, environment)\n", "or on (target, environment)\n", "markers"},
	{"HealthcheckTargetMaintenance", "up{job=\"healthcheck\"} == 0", "up{job=\"healthcheck\"} >= 0", "markers"},
	{"HealthcheckTargetMaintenance", "[6h:1m]", "[10m:1m]", "markers"},
	{"HealthcheckDependencyDown", "(depends_on, depends_on_environment)", "(depends_on)", "markers"},
	{"HealthcheckDependencyDown", "[1m]", "[1s]", "markers"},
}

// TestMutations breaks each alert in the way that matters most, and wants its tests to fail.
func TestMutations(t *testing.T) {
	if !*mutate {
		t.Skip("make check-mixin runs it, with -mutations")
	}
	alerts := parse(t, read(t, alertsFile))
	untried := map[string]bool{}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			if r.Record == "" {
				untried[r.Alert] = true
			}
		}
	}
	whole := map[mutation]bool{}
	for _, m := range mutations {
		delete(untried, m.alert)
		whole[mutation{alert: m.alert, tests: m.tests}] = true
		t.Run(m.alert+" "+m.with, func(t *testing.T) {
			t.Parallel()
			if failed, out := m.test(t, alerts); !failed {
				t.Errorf("%q in the place of %q: no test notices\n%s", m.with, m.old, out)
			}
		})
	}
	// Unbroken they pass; else the failures above would show nothing.
	for m := range whole {
		t.Run(m.alert+" whole", func(t *testing.T) {
			t.Parallel()
			if failed, out := m.test(t, alerts); failed {
				t.Errorf("a test fails of what is not broken:\n%s", out)
			}
		})
	}
	for alert := range untried {
		t.Errorf("%s is never broken: add a mutation", alert)
	}
}

// test reports whether a test of the alert fails.
func (m *mutation) test(t *testing.T, alerts ruleFile) (failed bool, out string) {
	t.Helper()
	dir := t.TempDir()
	test := filepath.Join(dir, "tests", "x.yaml")
	write(t, filepath.Join(dir, alertsFile), m.apply(t, alerts))
	write(t, filepath.Join(dir, rulesFile), read(t, rulesFile))
	write(t, test, read(t, filepath.Join("tests", m.tests+".yaml")))
	text, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", test).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	out = string(text)
	if !strings.Contains(out, "Unit Testing:") {
		t.Fatalf("promtool did not test: %s", out)
	}
	// The tests of other alerts fail in any case: those are left out.
	return strings.Contains(out, "alertname: "+m.alert+",") || strings.Contains(out, `alertname=\"`+m.alert+`\"`), out
}

// needs are the alerts that another one is made from.
var needs = map[string][]string{
	"HealthcheckTargetMuted":       {"HealthcheckTargetDown"},
	"HealthcheckTargetMaintenance": {"HealthcheckTargetDown"},
	"HealthcheckTargetRestart":     {"HealthcheckTargetDown"},
	"HealthcheckTargetRecovered":   {"HealthcheckTargetDown"},
	"HealthcheckTargetFlapping":    {"HealthcheckTargetMuted", "HealthcheckTargetMaintenance"},
}

// apply is a file of the alert alone, and of what it is made from, broken. It saves most of the time.
func (m *mutation) apply(t *testing.T, alerts ruleFile) []byte {
	t.Helper()
	var alone ruleFile
	found := m.old == ""
	for _, g := range alerts.Groups {
		kept := group{Name: g.Name, Interval: g.Interval}
		for _, r := range g.Rules {
			own := r.Alert == m.alert || r.Record != "" && m.alert == "HealthcheckTargetDown" // what it is made from
			if !own && r.Record == "" && !slices.Contains(needs[m.alert], r.Alert) {
				continue
			}
			text, err := yaml.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if own && m.old != "" && strings.Contains(string(text), m.old) {
				found = true
				text = []byte(strings.ReplaceAll(string(text), m.old, m.with))
			}
			var broken rule
			if err := yaml.Unmarshal(text, &broken); err != nil {
				t.Fatal(err)
			}
			kept.Rules = append(kept.Rules, broken)
		}
		if len(kept.Rules) > 0 {
			alone.Groups = append(alone.Groups, kept)
		}
	}
	if !found {
		t.Fatalf("the rule has no %q", m.old)
	}
	text, err := yaml.Marshal(alone)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
