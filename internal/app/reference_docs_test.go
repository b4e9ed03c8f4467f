package app

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReferenceEndpoints: every path that is served is in docs/reference.md, and every path there is served.
func TestReferenceEndpoints(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tables, ok := strings.Cut(string(text), "\n## Endpoints\n")
	if !ok {
		t.Fatal("docs/reference.md has no section for endpoints")
	}
	paths := regexp.MustCompile("[` ](/[^`?\\[ ]*)")
	documented := map[string]bool{}
	for line := range strings.Lines(tables) {
		row, ok := strings.CutPrefix(line, "| ")
		if !ok {
			continue
		}
		first, _, _ := strings.Cut(row, " | ")
		for _, m := range paths.FindAllStringSubmatch(first, -1) {
			documented[m[1]] = true
		}
	}
	o := options(&recorder{})
	o.EnablePprof = true
	served := map[string]bool{}
	names := strings.NewReplacer("{$}", "", "{name}", "NAME", "{service}", "SERVICE", "{version}/{file}", "…", "{file}", "NAME.{svg,json}")
	for _, r := range build(t, o).table() {
		_, path, _ := strings.Cut(r.pattern, " ")
		if path = names.Replace(path); strings.HasPrefix(path, "/debug/pprof/") {
			path = "/debug/pprof/"
		}
		if served[path] = true; !documented[path] {
			t.Errorf("%s is served as %s and not in docs/reference.md", r.pattern, path)
		}
	}
	for path := range documented {
		if !served[path] {
			t.Errorf("docs/reference.md has %s, which is not served", path)
		}
	}
}
