package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// The recipes of docs/access.md load, and every path that is served is in its table.
func TestAccessDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"prometheus_token", "ci_token"} {
		writeFile(t, filepath.Join(dir, name), tokenOf(name))
	}
	recipes := regexp.MustCompile("(?s)```yaml\n(# healthcheck.yml\n.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(recipes) != 3 {
		t.Errorf("got %d recipes, want 3", len(recipes))
	}
	for _, recipe := range recipes {
		if _, err := config.Parse("docs/access.md", []byte(strings.ReplaceAll(recipe[1], "/etc/healthcheck_exporter/secrets", dir))); err != nil {
			t.Errorf("%v\n%s", err, recipe[1])
		}
	}
	o := options(&recorder{})
	o.EnablePprof = true
	for _, r := range build(t, o).table() {
		_, path, _ := strings.Cut(r.pattern, " ")
		path, _, _ = strings.Cut(strings.TrimSuffix(path, "{$}"), "/{")
		if strings.HasPrefix(path, "/debug/pprof/") {
			path = "/debug/pprof/"
		}
		if path = strings.TrimSuffix(path, "-brake/release"); !strings.Contains(string(text), path+"`") {
			t.Errorf("%s is not in docs/access.md", r.pattern)
		}
	}
}
