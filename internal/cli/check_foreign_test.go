package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A module of another prober is one line, and the last one names what takes the others.
func TestCheckOfForeignProbers(t *testing.T) {
	file := configFile(t, "modules:\n  a: {prober: tcp, tcp: {query_response: []}}\n  b: {prober: icmp}\n  c: {prober: dns, dns: {query_name: x}}\n  web: {prober: http}\n")
	var out, errOut bytes.Buffer
	if got := Check(t.Context(), &out, &errOut, config.Options{}, []string{file}); got != ExitUsage {
		t.Errorf("exit status %d, want %d", got, ExitUsage)
	}
	lines := strings.Split(strings.TrimSpace(errOut.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[3], "import --blackbox=FILE takes the others") || strings.Contains(errOut.String(), "unknown key") {
		t.Errorf("check says\n%s\nwant a line for each of three modules, and one that names import", &errOut)
	}
}
