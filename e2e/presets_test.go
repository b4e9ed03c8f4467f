//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// The presets of docs/websocket.md work with the servers that they are for, as npm has them.
func TestWebSocketPresets(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/websocket.md")
	if err != nil {
		t.Fatal(err)
	}
	urls := presetServers(t)
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			_, after, ok := strings.Cut(string(text), "```yaml\nmodules:\n  "+name+":")
			preset, _, closed := strings.Cut(after, "```")
			if !ok || !closed {
				t.Fatalf("docs/websocket.md has no preset %s", name)
			}
			file := filepath.Join(t.TempDir(), "healthcheck.yml")
			if err := os.WriteFile(file, []byte("modules:\n  "+name+":"+preset), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), binaries.Exporter(), "probe", "--config.file="+file, "--module="+name, url).CombinedOutput()
			if err != nil {
				t.Errorf("probing: %v\n%s", err, out)
			}
		})
	}
	if len(urls) < 7 {
		t.Errorf("got servers for %d presets, want all", len(urls))
	}
}

// presetServers installs and starts the servers, and returns the URL of each by the name of its preset.
func presetServers(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("presets")); err != nil {
		t.Fatal(err)
	}
	if err := harness.InstallPackages(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	servers := exec.CommandContext(ctx, "node", "servers.mjs")
	servers.Dir = dir
	servers.Stderr = os.Stderr
	servers.Cancel = func() error { return servers.Process.Signal(syscall.SIGTERM) }
	servers.WaitDelay = 5 * time.Second
	out, err := servers.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := servers.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = servers.Wait() // by the signal
	})
	urls := map[string]string{}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &urls)
	}
	if err != nil {
		t.Fatal(err)
	}
	return urls
}
