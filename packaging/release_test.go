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

// A checkout is a repository with what build.sh needs, on a machine that has settings of all kinds. Docker and make are scripts that
// say how they were called.
type checkout struct {
	t   *testing.T
	dir string
	env []string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "bash", "-c", "((BASH_VERSINFO[0] >= 4))").Run(); err != nil {
		t.Skip("build.sh needs bash 4 or newer")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(elsewhere, "packaging"), 0o700); err != nil {
		t.Fatal(err)
	}
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") }) // whoever commits has some
	c := &checkout{t, dir, append(own, "HERE="+here, "CDPATH="+elsewhere,
		"DOCKER="+filepath.Join(dir, ".git", "docker"), "MAKE="+filepath.Join(dir, ".git", "make"), "ARGS=--push -t example.com/hc:1",
		"PLATFORMS= linux/amd64 ", "SOURCE_DATE_EPOCH=", "REVISION=of-another-system",
		"GOFLAGS=-tags=mine", "GOAMD64=v3", "GOARM64=v9.0", "GO386=softfloat", "GOEXPERIMENT=nodwarf5",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_COMMITTER_DATE=@1795987765 +0000",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")}
	// git log shows signatures, which gpg, a script, makes; git status leaves out new files.
	c.must(`git init -q; git config maintenance.auto false; git config gpg.program "$PWD/.git/gpg"; git config commit.gpgSign true
		git config log.showSignature true; git config status.showUntrackedFiles no
		cat >.git/gpg <<'end'
#!/bin/sh
cat >/dev/null
case "$*" in
*--verify*) echo 'gpg: good' >&2 ;;
*) printf '\n[GNUPG:] SIG_CREATED D\n' >&2; printf '%s\n' '-----BEGIN PGP SIGNATURE-----' '' x '-----END PGP SIGNATURE-----' ;;
esac
end
		mkdir packaging
		cp "$HERE"/../{VERSION,.promu.yml} .; cp "$HERE"/build.sh packaging
		sed 's/^\(ARG GOLANG=[^@]*\).*/\1/' "$HERE"/../Dockerfile >Dockerfile
		printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >.git/docker
		printf '#!/bin/sh\necho "$*, $GOOS/$GOARCH $GOFLAGS $GOAMD64 $GOARM64 $GO386 $GOEXPERIMENT"\nexit 1\n' >.git/make
		chmod +x .git/{gpg,docker,make}
		git add .; git commit -qm one`)
	return c
}

func (c *checkout) sh(script string) (string, error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "bash", "-ec", script)
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c *checkout) must(script string) string {
	c.t.Helper()
	out, err := c.sh(script)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// refused wants that a script ends with an error, and what it says then.
func (c *checkout) refused(script, want string) {
	c.t.Helper()
	if out, err := c.sh(script); err == nil || !strings.Contains(out, want) {
		c.t.Errorf("%s: %v, %q, want %q", script, err, out, want)
	}
}

// TestReleaseImage: an image for a registry is of a commit, and its base is named by its digest.
func TestReleaseImage(t *testing.T) {
	c := newCheckout(t)
	const build = "packaging/build.sh release-image"
	c.refused(build, "GOLANG in Dockerfile has no digest")
	digest := strings.Repeat("0123456789abcdef", 4)
	c.must(`sed 's/^ARG GOLANG=.*/&@sha256:` + digest + `/' Dockerfile >two; mv two Dockerfile`)
	c.refused(build, "changes that are not committed")
	c.must(`git commit -qam two; touch new.go`)
	c.refused(build, "?? new.go")
	c.must(`rm new.go`)
	revision, version := c.must("git rev-parse HEAD"), c.must("cat VERSION")
	const label = "org.opencontainers.image."
	want := []string{
		"build",
		"--build-arg", "REVISION=" + revision, "--build-arg", "BRANCH", "--build-arg", "BUILD_USER", "--build-arg", "SOURCE_DATE_EPOCH",
		"--label", label + "version=" + version, "--label", label + "revision=" + revision, "--label", label + "created=2026-11-29T21:29:25Z",
		"--push", "-t", "example.com/hc:1", ".",
	}
	if diff := cmp.Diff(want, strings.Split(c.must(build), "\n")); diff != "" {
		t.Errorf("docker (-want +got):\n%s", diff)
	}
}

// TestPackagesOf: PLATFORMS is a list, one of its platforms has to have packages, and programs are made with the defaults of Go.
func TestPackagesOf(t *testing.T) {
	c := newCheckout(t)
	if got := c.must("packaging/build.sh platforms"); got != "linux/amd64" {
		t.Errorf("got the platforms %q, want linux/amd64", got)
	}
	c.refused("PLATFORMS='darwin/arm64 linux/arm' packaging/build.sh packages", "there are no packages for darwin/arm64 linux/arm, only for linux/386 linux/amd64 ")
	c.refused("packaging/build.sh packages", " -buildvcs=false v1 v8.0 sse2")
}
