package page

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestRecentProbesAreBounded shows what the page makes longest: characters that it has to escape.
func TestRecentProbesAreBounded(t *testing.T) {
	for _, char := range []string{`"`, "<", "&", "'", "+", "\x00", "\x1b", "\u202e", "\xff", "x", "서"} {
		h := history.New(1000)
		text := strings.Repeat(char, 10_000)
		for range 2000 {
			h.Add(text, text, prober.Result{Err: errors.New(text), Reason: prober.ReasonStatus})
		}
		all := h.List()
		table, err := recentProbes(all, func(*history.Entry) string { return text })
		if err != nil {
			t.Fatal(err)
		}
		if len(table) > maxRecent+1000 {
			t.Errorf("of %q the table has %d bytes, want at most %d", char, len(table), maxRecent)
		}
		if left := len(all) - strings.Count(table, "./logs?id="); left > 0 && !strings.Contains(table, fmt.Sprintf("%d older ones", left)) {
			t.Errorf("of %q the table leaves out %d probes without a word", char, left)
		}
		if text := strings.ReplaceAll(table, "\n", ""); !printable.Is(text) {
			t.Errorf("of %q the table does not print", char)
		}
	}
	if table, err := recentProbes(nil, nil); err != nil || table != "" {
		t.Errorf("of no probes the table is %q (%v), want none", table, err)
	}
}
