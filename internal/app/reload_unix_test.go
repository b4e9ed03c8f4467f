//go:build unix

package app

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestConfigurationFromPipe: what a shell makes of --config.file=<(decrypt healthcheck.yml) can be read once.
func TestConfigurationFromPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	go func() {
		_ = os.WriteFile(fifo, []byte("modules: {piped: {prober: http}}"), 0o600) // New misses it if it fails
	}()
	o := options(&recorder{})
	o.ConfigFile = fifo
	within(t, "New", func() {
		a, err := New(o)
		if err != nil {
			t.Errorf("New: %v", err)
			return
		}
		if _, ok := a.current.Load().module("piped"); !ok {
			t.Error("the module of the pipe is missing")
		}
	})
}
