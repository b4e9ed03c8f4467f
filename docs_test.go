package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestTroubleshootingExamples loads the configurations on the page.
func TestTroubleshootingExamples(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
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
