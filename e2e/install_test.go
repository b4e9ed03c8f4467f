//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstall runs the commands of the systemd example as they are written, for the PM2 example and another user, below a
// directory of the test instead of /etc and /usr/local: that user can read all of it, and nobody else the secret.
func TestInstall(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may install and become another user")
	}
	text, err := os.ReadFile("../examples/systemd/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```sh\n")
	script, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README has no block of commands")
	}
	root, err := os.MkdirTemp("", "install") //nolint:usetesting // t.TempDir() lets nobody else in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil { //nolint:gosec // the other user has to reach the files
		t.Fatal(err)
	}
	repository := filepath.Join(root, "repository")
	for _, dir := range []string{"etc/systemd/system", "usr/local/bin", "repository/examples"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(repository, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(binaries.Exporter())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(repository, "healthcheck_exporter"), binary, 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	program := filepath.Join(root, "pm2")
	if err := os.WriteFile(program, []byte("#!/usr/bin/env node\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	config := filepath.Join(repository, "examples", "pm2", "healthcheck.yml")
	example, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	adapted := strings.NewReplacer("/etc/", root+"/etc/", "/home/deploy/.pm2", root, "/usr/local/bin/pm2", program).Replace(string(example))
	adapted = strings.Replace(adapted, "program: "+program, "program: "+program+"\n        node: /bin/true", 1)
	if err := os.WriteFile(config, []byte(adapted), 0o600); err != nil {
		t.Fatal(err)
	}
	script = strings.NewReplacer("/etc/", root+"/etc/", "/usr/local/bin/", root+"/usr/local/bin/",
		"user=healthcheck_exporter\n", "user=nobody\n", "config=healthcheck.yml ", "config=examples/pm2/healthcheck.yml ").Replace(script)
	install := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	install.Dir = repository
	out, err := install.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "healthcheck.yml: ok") || strings.Contains(string(out), "warning") {
		t.Fatalf("installing: %v\n%s", err, out)
	}
	token, err := os.Stat(filepath.Join(root, "etc", "healthcheck_exporter", "secrets", "restart_token"))
	if err != nil {
		t.Fatal(err)
	}
	if token.Mode() != 0o600 || token.Size() != 48 {
		t.Errorf("the token has mode %s and %d bytes, want 0600 and 48", token.Mode(), token.Size())
	}
}
