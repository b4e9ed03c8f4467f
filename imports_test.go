//go:build imports

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const module = "github.com/healthcheck-exporter/healthcheck_exporter"

// strangers are packages that no go.mod here has. The copy gets empty ones: what cannot be found is not linted.
var strangers = []string{"github.com/pkg/errors", "github.com/stretchr/testify"}

// TestImports breaks every rule of depguard once, in a copy, and wants each found: in every package an import of what the
// package must not know, and for every line that denies something an import of that.
func TestImports(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	denied := denials(t)
	forbidden := slices.Sorted(maps.Keys(denied))
	for _, name := range forbidden {
		if below, ok := strings.CutPrefix(name, module); ok {
			plant(t, filepath.Join(dir, below, "planted"), "planted", "")
		}
	}
	for _, s := range strangers {
		at := filepath.Join(dir, "planted", filepath.Base(s))
		plant(t, at, "planted", "")
		write(t, filepath.Join(at, "go.mod"), "module "+s+"\n\ngo 1.26\n")
		output(t, dir, "go", "mod", "edit", "-require="+s+"@v0.0.0", "-replace="+s+"=./planted/"+filepath.Base(s))
	}
	packages := packagesOf(t)
	for path, name := range packages {
		for i, pkg := range forbidden {
			if strings.HasPrefix(pkg, module) {
				pkg += "/planted"
			}
			plant(t, filepath.Join(dir, path), name, pkg, i)
		}
	}

	reports := lint(t, dir)
	for path := range packages {
		if !slices.ContainsFunc(reports, func(r report) bool { return r.dir == path && r.pkg == module+"/planted" }) {
			t.Errorf("package %s may import anything of ours: it has no rule", path)
		}
	}
	for pkg, rules := range denied {
		if strings.HasPrefix(pkg, module) {
			pkg += "/planted"
		}
		for _, rule := range rules {
			if !slices.ContainsFunc(reports, func(r report) bool { return r.rule == rule && r.pkg == pkg }) {
				t.Errorf("rule %s does not find an import of %s", rule, pkg)
			}
		}
	}
}

// denials are the packages that rules deny, with the names of those rules.
func denials(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(".golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Deny []struct{ Pkg string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name, rule := range c.Linters.Settings.Depguard.Rules {
		for _, d := range rule.Deny {
			pkg := strings.TrimSuffix(d.Pkg, "$")
			if pkg == "github.com/go-kit" {
				pkg += "/log"
			}
			if pkg == "github.com/prometheus/client_golang" {
				pkg += "/prometheus"
			}
			all[pkg] = append(all[pkg], name)
		}
	}
	if len(all) == 0 {
		t.Fatal("no rule denies anything")
	}
	return all
}

// packagesOf are the directories of packages that are more than tests, with their names.
func packagesOf(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(output(t, ".", "go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}} {{.Name}}{{end}}", "./...")) {
		path, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok {
			all[strings.TrimPrefix(strings.TrimPrefix(path, module), "/")] = name
		}
	}
	return all
}

// A report is what depguard says of one import.
type report struct{ dir, pkg, rule string }

func lint(t *testing.T, dir string) []report {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+filepath.Join("tools", "golangci-lint", "go.mod"), "golangci-lint", "run",
		"--allow-parallel-runners", "--enable-only=depguard", "--output.json.path=stdout", "--show-stats=false", "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // an error: it has found something, or see below
	var found struct {
		Issues []struct {
			Text string
			Pos  struct{ Filename string }
		}
	}
	if err := json.Unmarshal(out, &found); err != nil || len(found.Issues) == 0 {
		t.Fatalf("golangci-lint has no report, %v:\n%s%s", err, out, &stderr)
	}
	var all []report
	for _, issue := range found.Issues {
		r := report{dir: filepath.ToSlash(filepath.Dir(issue.Pos.Filename))}
		if r.dir == "." {
			r.dir = ""
		}
		_, rest, _ := strings.Cut(issue.Text, "'")
		r.pkg, rest, _ = strings.Cut(rest, "'")
		_, rest, _ = strings.Cut(rest, "'")
		r.rule, _, _ = strings.Cut(rest, "'")
		all = append(all, r)
	}
	return all
}

// copyTree copies what git knows of, as it is now.
func copyTree(t *testing.T, dir string) {
	t.Helper()
	for name := range strings.SplitSeq(output(t, ".", "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it is being removed, or the empty name after the last one
		}
		write(t, filepath.Join(dir, name), string(text))
	}
}

// plant writes a file of package name that imports pkg; empty: nothing.
func plant(t *testing.T, dir, name, pkg string, number ...int) {
	t.Helper()
	text := "package " + name + "\n"
	if pkg != "" {
		text += fmt.Sprintf("\nimport _ %q\n", pkg)
	}
	write(t, filepath.Join(dir, fmt.Sprintf("planted_%d.go", append(number, 0)[0])), text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}
