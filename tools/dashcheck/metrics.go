package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// Names are the metrics that there are; nil: nobody knows.
type Names map[string]bool

// documented is a row of docs/metrics.md, which a test of the exporter compares with the code.
var documented = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]*)")

// Documented are the metrics that a page documents, and those of every scrape, of the client library, and of Prometheus
// and Alertmanager that the runbooks ask for.
func Documented(page string) Names {
	names := Names{
		"up": true, "ALERTS": true, "ALERTS_FOR_STATE": true,
		"scrape_duration_seconds": true, "prometheus_notifications_alertmanagers_discovered": true, "prometheus_notifications_errors_total": true,
		"prometheus_sd_http_failures_total": true, "alertmanager_notifications_failed_total": true, "alertmanager_config_last_reload_successful": true,
		"process_start_time_seconds": true, "process_resident_memory_bytes": true, "process_cpu_seconds_total": true, "process_open_fds": true, "process_max_fds": true,
	}
	for _, m := range documented.FindAllStringSubmatch(page, -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[m[1]+suffix] = true
			}
		}
	}
	return names
}

// Record adds what recording rules make.
func (n Names) Record(f RuleFile) {
	if n == nil {
		return
	}
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				n[r.Record] = true
			}
		}
	}
}

// checkExpr parses an expression and looks for its metrics.
func checkExpr(expr string, names Names) []string {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", expr, err)}
	}
	var f findings
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok && names != nil {
			f.want(names[s.Name], "there is no metric %q", s.Name)
		}
		return nil
	})
	return f
}

// A RuleFile is a file of rules of Prometheus.
type RuleFile struct {
	name   string
	Groups []struct {
		Rules []struct {
			Alert, Record, Expr string
			Annotations         map[string]string
		}
	}
}

func readRules(name string) (RuleFile, error) {
	f := RuleFile{name: name}
	text, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("reading %s: %w", name, err)
	}
	return f, nil
}

// lookup is an expression in an annotation: the text that is formatted and given to query.
var lookup = regexp.MustCompile("printf `([^`]+)`")

// Check says what is wrong with the expressions of rules, also those of annotations.
func (r RuleFile) Check(names Names) []string {
	var f findings
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			at := fmt.Sprintf("%s: %s%s: ", r.name, rule.Alert, rule.Record)
			f.add(at, checkExpr(rule.Expr, names))
			for name, text := range rule.Annotations {
				for _, m := range lookup.FindAllStringSubmatch(text, -1) {
					f.add(at+name+": ", checkExpr(strings.ReplaceAll(m[1], "%q", `""`), names))
				}
			}
		}
	}
	return f
}
