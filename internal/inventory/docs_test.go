package inventory

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestDocumentedConfiguration loads what docs/service-discovery.md shows of healthcheck.yml.
func TestDocumentedConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../docs/service-discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		block := m[1]
		if !strings.Contains(block, "\ntargets:") && !strings.HasPrefix(block, "target_apis:") {
			continue
		}
		n++
		if !strings.Contains(block, "modules:") {
			block = "modules: {http_2xx: {prober: http}}\n" + block
		}
		block = regexp.MustCompile("credentials_file: .*").ReplaceAllString(block, "credentials_file: docs_test.go") // any file that is there
		if _, err := config.Parse("service-discovery.md", []byte(block)); err != nil {
			t.Error(err)
		}
	}
	if n != 2 {
		t.Errorf("got %d examples, want 2", n)
	}
}
