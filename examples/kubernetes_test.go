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
  name: healthcheck-exporter
  namespace: monitoring
  labels: {app.kubernetes.io/name: healthcheck-exporter, release: prometheus}
spec:
`

// TestPrometheusRule makes one object of all rules of the mixin, and the rules that the Helm chart has.
func TestPrometheusRule(t *testing.T) {
	all := []string{"groups:"}
	for _, file := range []string{"../mixin/prometheus_alerts.yaml", "../mixin/prometheus_rules.yaml"} {
		_, more, ok := strings.Cut(read(t, file), "\ngroups:\n")
		if !ok {
			t.Fatalf("%s has no groups", file)
		}
		all = append(all, strings.TrimSuffix(more, "\n"))
	}
	groups := strings.Join(all, "\n") + "\n"
	golden.Compare(t, "../packaging/helm/healthcheck-exporter/files/rules.yaml", groups)

	var b strings.Builder
	b.WriteString(ruleHead)
	for line := range strings.Lines(groups) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	golden.Compare(t, "kubernetes/prometheusrule.yaml", b.String())
}
