// Package mixin tests the generated rules.
package mixin

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The generated files.
const (
	alertsFile = "prometheus_alerts.yaml"
	rulesFile  = "prometheus_rules.yaml"
)

// A ruleFile is what Prometheus reads.
type ruleFile struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []rule `yaml:"rules"`
}

type rule struct {
	Alert       string            `yaml:"alert,omitempty"`
	Record      string            `yaml:"record,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

func parse(t *testing.T, text []byte) ruleFile {
	t.Helper()
	var f ruleFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Groups) == 0 {
		t.Fatal("there are no groups")
	}
	return f
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The limits are those of mixtool's lint, but for the severity none of what is no message.
const (
	maxName  = 40
	maxRules = 20
)

var (
	camelCase   = regexp.MustCompile(`^Healthcheck(?:[A-Z][a-z]+)+$`)
	groupName   = regexp.MustCompile(`^healthcheck-[a-z-]+$`)
	recordName  = regexp.MustCompile(`^[a-z_]+:[a-z_]+:[a-z0-9]+$`) // level:metric:operations
	sentence    = regexp.MustCompile(`^[A-Z][^{}]*[^.{}]\.$`)
	endsAsOne   = regexp.MustCompile(`\.(?:\{\{ end \}\})?$`)
	severities  = map[string]bool{"critical": true, "warning": true, "info": true, "none": true}
	runbookPage = regexp.MustCompile(`/docs/runbooks/(\w+)\.md$`)
)

// lint says what is wrong with rules by the conventions of mixins.
func lint(f ruleFile) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, g := range f.Groups {
		if !groupName.MatchString(g.Name) || len(g.Name) > maxName {
			complain("group %q: want healthcheck- and a name in small letters, %d at most", g.Name, maxName)
		}
		if len(g.Rules) > maxRules || len(g.Rules) == 0 {
			complain("group %q has %d rules, want up to %d", g.Name, len(g.Rules), maxRules)
		}
		for _, r := range g.Rules {
			for _, w := range r.lint() {
				complain("%s%s: %s", r.Alert, r.Record, w)
			}
		}
	}
	return wrong
}

func (r *rule) lint() []string {
	var wrong []string
	want := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	want(r.Expr != "", "it has no expression")
	if r.Alert == "" {
		want(recordName.MatchString(r.Record), "it is not called level:metric:operations")
		return wrong
	}
	a := r.Annotations
	want(camelCase.MatchString(r.Alert) && len(r.Alert) <= maxName, "the name is not CamelCase that begins with Healthcheck, or has more than %d letters", maxName)
	want(severities[r.Labels["severity"]], "the severity is %q", r.Labels["severity"])
	want(sentence.MatchString(a["summary"]), "the summary %q is no sentence without variables", a["summary"])
	want(endsAsOne.MatchString(a["description"]), "the description %q does not end with a full stop", a["description"])
	want(strings.Contains(a["description"], "{{"), "the description %q says nothing of this one alert", a["description"])
	page := runbookPage.FindStringSubmatch(a["runbook_url"])
	want(len(page) == 2 && page[1] == r.Alert, "the runbook is %q", a["runbook_url"])
	for name, text := range a {
		want(name == "summary" || name == "runbook_url" || !strings.Contains(text, "<no value>"), "annotation %s has no value", name)
	}
	// What changes while an alert fires would end it and begin another. These are the same for all that a rule finds.
	for name, value := range r.Labels {
		constant := slices.Contains([]string{"severity", "short", "long", "certificate"}, name) && !strings.Contains(value, "{{")
		want(constant, "it sets the label %s", name)
	}
	return wrong
}

// A scrape may end while the rules are evaluated. What is down is seen before the markers, and the alert looks at nothing newer: so it
// is never there without the marker that the same scrape has brought.
func TestSeenBeforeMarkers(t *testing.T) {
	const seen = "target:probe_success:down"
	var order []string
	for _, r := range parse(t, read(t, alertsFile)).Groups[0].Rules {
		order = append(order, r.Alert+r.Record)
		if r.Alert == "HealthcheckTargetDown" && (!strings.HasPrefix(r.Expr, seen+"{") || strings.Count(r.Expr, "{") != 1) {
			t.Errorf("the alert looks at %s, want %s and nothing else", r.Expr, seen)
		}
	}
	at := func(name string) int { return slices.Index(order, name) }
	down := at("HealthcheckTargetDown")
	for _, marker := range []string{"HealthcheckTargetMuted", "HealthcheckTargetMaintenance"} {
		if m := at(marker); at(seen) < 0 || at(seen) > m || m > down {
			t.Errorf("the order is %q", order)
		}
	}
}

func TestConventions(t *testing.T) {
	for _, name := range []string{alertsFile, rulesFile} {
		for _, w := range lint(parse(t, read(t, name))) {
			t.Errorf("%s: %s", name, w)
		}
	}
}

// TestLint breaks one convention after the other.
func TestLint(t *testing.T) {
	good := `groups: [{name: healthcheck-x, rules: [{alert: HealthcheckUp, expr: up, labels: {severity: info}, annotations: {
		summary: It is so., description: 'It is {{ $value }}.', runbook_url: 'https://x/docs/runbooks/HealthcheckUp.md'}},
		{record: 'a:b:c', expr: up}]}]`
	if wrong := lint(parse(t, []byte(good))); len(wrong) > 0 {
		t.Fatalf("wrong with what is right: %v", wrong)
	}
	for _, tt := range []struct{ name, old, with string }{
		{"group", "healthcheck-x", "Healthcheck"},
		{"alert not in CamelCase", "alert: HealthcheckUp", "alert: Healthcheck_up"},
		{"alert of another", "alert: HealthcheckUp", "alert: BlackboxUp"},
		{"long name", "alert: HealthcheckUp", "alert: HealthcheckUp" + strings.Repeat("a", 40)},
		{"no expression", "expr: up, labels", "labels"},
		{"severity", "severity: info", "severity: page"},
		{"another label", "severity: info", "severity: info, reason: x"},
		{"summary with a variable", "It is so.", "'It is {{ $value }}.'"},
		{"summary without a full stop", "It is so.", "It is so"},
		{"summary with a small letter", "It is so.", "it is so."},
		{"description", "'It is {{ $value }}.'", "It is so."},
		{"description without a full stop", "$value }}.", "$value }}"},
		{"runbook of another", "HealthcheckUp.md", "HealthcheckDown.md"},
		{"record", "a:b:c", "a_b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.with, 1)
			if bad == good {
				t.Fatalf("there is no %q", tt.old)
			}
			if wrong := lint(parse(t, []byte(bad))); len(wrong) == 0 {
				t.Error("nothing is wrong with it")
			}
		})
	}
}
