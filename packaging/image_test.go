//go:build packages

package packaging

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// base makes the files of an image to build in: a shell with what the Dockerfile calls, of this machine, a go command that does
// nothing, and a make that takes the program which make packages has built.
const base = `
	cd "$1"
	mkdir -p bin lib lib64 usr/bin etc/ssl/certs tmp
	for program in sh mkdir cp; do
		path=$(command -v $program)
		cp -L "$path" bin/
		for lib in $(ldd "$path" | grep -o '/[^ ]*'); do
			mkdir -p ".${lib%/*}"
			cp -L "$lib" ".$lib"
		done
	done
	echo certificates >etc/ssl/certs/ca-certificates.crt
	printf '#!/bin/sh\n' >bin/go
	printf '#!/bin/sh\necho "$GOOS/$GOARCH" >platform\n[ "$*" = build ] && cp dist/build/host/healthcheck_exporter .\n' >bin/make
	chmod 0755 bin/go bin/make
	tar -cf - .`

// TestImage builds the Dockerfile on a base that is made here, since no registry is asked, and runs what comes out. How the program
// is compiled in the real base is not part of it.
func TestImage(t *testing.T) {
	const docker = "/usr/bin/docker" // Debian's can build without a plugin
	need(t, "dockerd")
	need(t, docker)
	ctx := context.WithoutCancel(t.Context())
	d, err := harness.StartDockerd(ctx, probetest.ShortDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	sh := func(script string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-ec", script, "sh"}, args...)...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.Host, "DOCKER_BUILDKIT=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	sh(`( `+base+` ) | `+docker+` import - hc/base:1`, t.TempDir())
	// As make image does, and only what the build needs of the tree.
	tree := t.TempDir()
	sh(`tar -cf - Dockerfile go.mod go.sum LICENSE NOTICE VERSION dist/build/host/healthcheck_exporter | tar -xf - -C "$1"`, tree)
	sh(docker+` build --network=none --build-arg GOLANG=hc/base:1 --build-arg VERSION=1.2.3 --build-arg REVISION=abc -t hc/image:1 "$1"`, tree)

	var images []struct {
		Config struct {
			User, WorkingDir string
			Entrypoint       []string
			ExposedPorts     map[string]struct{}
			Labels           map[string]string
		}
	}
	if err := json.Unmarshal([]byte(sh(docker+` inspect hc/image:1`)), &images); err != nil {
		t.Fatal(err)
	}
	c := images[0].Config
	const label = "org.opencontainers.image."
	got := []string{c.User, strings.Join(c.Entrypoint, " "), c.Labels[label+"version"], c.Labels[label+"revision"], c.Labels[label+"licenses"]}
	if diff := cmp.Diff([]string{"65532:65532", "/bin/healthcheck_exporter", "1.2.3", "abc", "Apache-2.0"}, got); diff != "" {
		t.Errorf("the image (-want +got):\n%s", diff)
	}
	files := sh(docker + ` create --name files hc/image:1 >/dev/null; ` + docker + ` export files | tar --numeric-owner -tvf - | awk '{print $1, $2, $6}' | grep -E 'data|etc/(passwd|group)|bin/|doc/healthcheck_exporter/|certs/'`)
	want(t, "files", `
drwxr-xr-x 0/0 bin/
-rwxr-xr-x 0/0 bin/healthcheck_exporter
drwxr-xr-x 65532/65532 data/
-rw-r--r-- 0/0 etc/group
-rw-r--r-- 0/0 etc/passwd
drwxr-xr-x 0/0 etc/ssl/certs/
-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt
drwxr-xr-x 0/0 usr/share/doc/healthcheck_exporter/
-rw-r--r-- 0/0 usr/share/doc/healthcheck_exporter/LICENSE
-rw-r--r-- 0/0 usr/share/doc/healthcheck_exporter/NOTICE`, files)
	version, err := os.ReadFile(filepath.Join("..", "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	if out := sh(docker + ` run --rm --network=none hc/image:1 --version`); !strings.Contains(out, "version "+strings.TrimSpace(string(version))) {
		t.Errorf("it says it is %s", out)
	}
	t.Log("size of the image:", sh(docker+` image inspect --format '{{.Size}}' hc/image:1`))
}
