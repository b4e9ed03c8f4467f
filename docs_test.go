package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// documents are the pages that people read, with their texts.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

var (
	documentedCommand = regexp.MustCompile("(?m)(?:`|^(?:\\$ )?)(?:\\.{0,2}/)?healthcheck_exporter +((?:check|probe|targets|import|alert-test|restarts)[^`\n|>]*)")
	quoted            = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// TestDocumentedCommands: the commands of the pages have names, arguments and flags that there are.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for name, text := range documents(t) {
		if name == "CHANGELOG.md" {
			continue
		}
		for _, m := range documentedCommand.FindAllStringSubmatch(text, -1) {
			args := strings.Fields(quoted.ReplaceAllString(strings.TrimSuffix(m[1], "\\"), "quoted"))
			if len(args) == 1 { // speaks of it
				continue
			}
			found++
			var f flags
			if _, err := application(&f).Parse(args); err != nil && !strings.Contains(err.Error(), "required") {
				t.Errorf("%s: %q: %v", name, m[1], err)
			}
		}
	}
	if found < 40 {
		t.Errorf("found %d commands, want 40 at least", found)
	}
}

// TestTroubleshootingExamples: the configurations of the page load.
func TestTroubleshootingExamples(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(documents(t)["docs/troubleshooting.md"], -1)
	if len(blocks) < 3 {
		t.Errorf("got %d examples, want 3", len(blocks))
	}
	for _, b := range blocks {
		text := strings.ReplaceAll(b[1], "/etc/healthcheck_exporter/secrets/api_token", secret)
		if _, err := config.Parse("docs", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
