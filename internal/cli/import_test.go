package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file that is too long is refused before all of it is in memory.
func TestImportOfHugeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "huge.json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, maxImport+1); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if got := importFiles(&out, &errOut, importOptions{UptimeKuma: []string{file}}); got != ExitUsage || !strings.Contains(errOut.String(), "it has more than 32 MiB") || out.Len() > 0 {
		t.Errorf("exit status %d, stderr %s", got, &errOut)
	}
}

// A directory stands for the files that Gatus would read there.
func TestGatusFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b/c.yml", "b/readme.md", "..data/d.yaml", "..2026/e.yaml", "f.yaml.bak"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := gatusFiles([]string{dir, filepath.Join(dir, "f.yaml.bak")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b", "c.yml"), filepath.Join(dir, "f.yaml.bak")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A secret has a file that only its owner can read. A file with another secret is left alone.
func TestKeepSecrets(t *testing.T) {
	o := importOptions{SecretsDir: filepath.Join(t.TempDir(), "secrets")}
	for _, tt := range []struct{ secret, want string }{{"one", "token"}, {"one", "token"}, {"two", "token_2"}, {"two", "token_2"}} {
		path, err := o.keep("token", tt.secret)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || string(text) != tt.secret || filepath.Base(path) != tt.want || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %q in %s with mode %s: %v", tt.secret, text, path, info.Mode(), err)
		}
	}
}
