package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a program and returns its output. If the program is not installed the test is skipped, except in CI.
func run(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	out, err := try(t, dir, argv...)
	if err != nil {
		t.Errorf("%s in %s: %v\n%s", strings.Join(argv, " "), dir, err, out)
	}
	return out
}

// try is like run, but returns the error of the program.
func try(t *testing.T, dir string, argv ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath(argv[0])
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", argv[0])
		}
		t.Skipf("NOT CHECKED: %s is not installed", argv[0])
	}
	cmd := exec.CommandContext(t.Context(), program, argv[1:]...)
	cmd.Dir = dir
	// Without the units and drop-ins of this machine's administrator, who may run the exporter.
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH=/usr/lib/systemd/system")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
