package examples

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
)

const ruleHead = `# Generated from the mixin: go test ./examples -update. A Prometheus object selects it by its ruleSelector, usually by the label
# release. What alerts are called and when they fire is said in mixin/README.md.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: healthcheck
  namespace: monitoring
  labels: {release: prometheus}
spec:
  groups:
`

// TestPrometheusRule makes one object of all rules of the mixin.
func TestPrometheusRule(t *testing.T) {
	var b strings.Builder
	b.WriteString(ruleHead)
	for _, file := range []string{"../mixin/prometheus_alerts.yaml", "../mixin/prometheus_rules.yaml"} {
		_, groups, ok := strings.Cut(read(t, file), "\ngroups:\n")
		if !ok {
			t.Fatalf("%s has no groups", file)
		}
		for line := range strings.Lines(groups) {
			if strings.TrimSpace(line) != "" {
				b.WriteString("  ")
			}
			b.WriteString(line)
		}
	}
	golden.Compare(t, "kubernetes/prometheusrule.yaml", b.String())
}
