//go:build packages

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildUser: people whose names have a blank can build. Go is a script that says how it was called.
func TestBuildUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "-C", "..", "build")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "GO=go", "PATH="+dir+":"+os.Getenv("PATH"), "BUILD_USER=John Doe@host")
	out, err := cmd.CombinedOutput()
	if want := ".BuildUser=John_Doe@host "; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v, %q, want %q", err, out, want)
	}
}
