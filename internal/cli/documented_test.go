package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents returns the texts of the pages that people read, by their path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		names, err := filepath.Glob(filepath.Join("..", "..", pattern))
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
	documentedCommand = regexp.MustCompile("(?m)(?:`|^(?:\\$ )?)(?:\\.{0,2}/)?healthcheck_exporter +((?:init|check|probe|targets|events|mute|unmute|maintenance|managed|import|channels|alert-test|alertmanager-sync|restarts)[^`\n|>]*)")
	quoted            = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// TestDocumentedCommands: the commands, arguments and flags on the pages exist.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for name, text := range documents(t) {
		if filepath.Base(name) == "CHANGELOG.md" {
			continue
		}
		for _, m := range documentedCommand.FindAllStringSubmatch(text, -1) {
			args := strings.Fields(quoted.ReplaceAllString(strings.TrimSuffix(m[1], "\\"), "quoted"))
			if len(args) == 1 { // the text mentions the command
				continue
			}
			found++
			if _, err := newProgram("").Parse(args); err != nil && !strings.Contains(err.Error(), "required") {
				t.Errorf("%s: %q: %v", name, m[1], err)
			}
		}
	}
	if found < 40 {
		t.Errorf("found %d commands, want 40 at least", found)
	}
}
