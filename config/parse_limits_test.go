package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A small file that expands to gigabytes is stopped by a limit, and costs little.
func TestParseLimits(t *testing.T) {
	members := func(n int, format string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = strings.ReplaceAll(format, "N", strconv.Itoa(i))
		}
		return strings.Join(all, ", ")
	}
	for _, tt := range []struct{ name, key, value, want string }{
		{"labels", "labels", "{" + members(2000, "lN: v") + "}", "expand to more than 262144 values"},
		{"headers", "headers", "{" + members(2000, "hN: v") + "}", "expand to more than 262144 values"},
		{"dependencies", "depends_on", "[" + members(2000, "tN") + "]", "expand to more than 262144 values"},
		{"a long URL", "runbook_url", "http://a/" + strings.Repeat("x", 1<<20), "has 1048585 bytes, want 4096 at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			fmt.Fprintf(&b, "targets:\n- {name: first, url: 'http://a/', %s: &x %s}\n", tt.key, tt.value)
			for i := range 2000 {
				fmt.Fprintf(&b, "- {name: t%d, url: 'http://a/', %s: *x}\n", i, tt.key)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := config.Parse("x", []byte(b.String()))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.300v, want %s", err, tt.want)
			}
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 400 {
				t.Errorf("%d MB were allocated for %d kB", got, b.Len()>>10)
			}
		})
	}
}

func TestLoadLargeFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large.yml")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(name); err == nil || !strings.Contains(err.Error(), "more than 32 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestManyTargets(t *testing.T) {
	var b strings.Builder
	b.WriteString("targets:\n")
	for i := range 50_001 {
		fmt.Fprintf(&b, "- {name: t%d, url: 'http://a/'}\n", i)
	}
	if _, err := config.Parse("x", []byte(b.String())); err == nil || !strings.Contains(err.Error(), "targets: has 50001 targets, want 50000 at most") {
		t.Errorf("got %.300v", err)
	}
}
