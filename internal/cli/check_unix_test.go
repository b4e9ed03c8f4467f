//go:build unix

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command check judges permissions as the server does, which accepts a configuration with warnings.
func TestCheckPermissions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mode   os.FileMode
		status int
		want   string // on stderr
	}{
		{"ours", 0o600, ExitSuccess, ""},
		{"read by anybody", 0o644, ExitSuccess, "FILE: warning: FILE has mode 0644: anybody on this machine can read the secret in it: chmod 600 FILE\n"},
		{"written by anybody", 0o622, ExitUsage, "FILE: FILE has mode 0622: anybody could change what is restarted and how: chmod o-w FILE\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := configFile(t, `
restart:
  mode: observe
  receiver: {bearer_token: s3cret}
  services: [{name: shop, checks: [{url: 'http://shop.test'}], command: {argv: [/bin/true]}}]
`)
			for path, mode := range map[string]os.FileMode{file: tt.mode, filepath.Dir(file): 0o755, filepath.Dir(filepath.Dir(file)): 0o755} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			var out, errOut bytes.Buffer
			status := check(t.Context(), &out, &errOut, checkOptions{Files: []string{file}})
			if got := strings.ReplaceAll(errOut.String(), file, "FILE"); status != tt.status || got != tt.want {
				t.Errorf("status %d, want %d; stderr:\n%swant\n%s", status, tt.status, got, tt.want)
			}
			if ok := strings.Contains(out.String(), ": ok, "); ok != (tt.status == ExitSuccess) {
				t.Errorf("stdout is %q", out.String())
			}
		})
	}
}
