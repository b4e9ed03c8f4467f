package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReleaseImage: an image for a registry is of a commit, and its base is named by its digest. Docker is a script that says how it was called.
func TestReleaseImage(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "bash", "-c", "((BASH_VERSINFO[0] >= 4))").Run(); err != nil {
		t.Skip("build.sh needs bash 4 or newer")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") }) // whoever commits has some
	sh := func(script string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-ec", script)
		cmd.Dir = dir
		cmd.Env = append(own, "DOCKER="+filepath.Join(dir, ".git", "docker"), "ARGS=--push -t example.com/hc:1", "SOURCE_DATE_EPOCH=1795987765",
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "HERE="+here,
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	must := func(script string) string {
		t.Helper()
		out, err := sh(script)
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return out
	}
	refused := func(want string) {
		t.Helper()
		if out, err := sh("packaging/build.sh release-image"); err == nil || !strings.Contains(out, want) {
			t.Errorf("%v, %q, want %q", err, out, want)
		}
	}
	must(`git init -q; git config maintenance.auto false; mkdir packaging
		cp "$HERE"/../{VERSION,.promu.yml} .; cp "$HERE"/build.sh packaging
		sed 's/^\(ARG GOLANG=[^@]*\).*/\1/' "$HERE"/../Dockerfile >Dockerfile
		printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >.git/docker; chmod +x .git/docker
		git add .; git commit -qm one`)
	refused("GOLANG in Dockerfile has no digest")
	digest := strings.Repeat("0123456789abcdef", 4)
	must(`sed 's/^ARG GOLANG=.*/&@sha256:` + digest + `/' Dockerfile >two; mv two Dockerfile`)
	refused("changes that are not committed")
	must(`git commit -qam two; touch new.go`)
	refused("?? new.go")
	must(`rm new.go`)
	revision, version := must("git rev-parse HEAD"), must("cat VERSION")
	const label = "org.opencontainers.image."
	want := []string{
		"build",
		"--build-arg", "REVISION=" + revision, "--build-arg", "BRANCH", "--build-arg", "BUILD_USER", "--build-arg", "SOURCE_DATE_EPOCH",
		"--label", label + "version=" + version, "--label", label + "revision=" + revision, "--label", label + "created=2026-11-29T21:29:25Z",
		"--push", "-t", "example.com/hc:1", ".",
	}
	if diff := cmp.Diff(want, strings.Split(must("packaging/build.sh release-image"), "\n")); diff != "" {
		t.Errorf("docker (-want +got):\n%s", diff)
	}
}
