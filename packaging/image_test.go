//go:build packages

package packaging

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// base makes the files of an image to build in: a shell with what the Dockerfile calls, of this machine, a make that takes the program
// which make packages has built, and a go that takes its licences. What make is told is in NOTICE.
const base = `
	cd "$1"
	mkdir -p bin lib lib64 usr/bin etc/ssl/certs tmp
	for program in sh mkdir cp cat; do
		path=$(command -v $program)
		cp -L "$path" bin/
		for lib in $(ldd "$path" | grep -o '/[^ ]*'); do
			mkdir -p ".${lib%/*}"
			cp -L "$lib" ".$lib"
		done
	done
	echo certificates >etc/ssl/certs/ca-certificates.crt
	printf '#!/bin/sh\ncase "$*" in\n"mod download" | "env GOROOT" | "list -m "*) ;;\n"run ./packaging/generate licenses healthcheck_exporter") cat built/LICENSES.txt ;;\n*) exit 1 ;;\nesac\n' >bin/go
	printf '#!/bin/sh\n[ "$*" = build ] && echo "$REVISION $BRANCH $BUILD_USER $SOURCE_DATE_EPOCH $GOOS" >NOTICE && cp built/healthcheck_exporter .\n' >bin/make
	chmod 0755 bin/go bin/make
	tar -cf - .`

// TestImage builds the Dockerfile on a base that is made here, since no registry is asked, and runs what comes out. How the program
// is compiled in the real base is not part of it.
func TestImage(t *testing.T) {
	t.Parallel()
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
	// Whatever engine and builder of images people use here.
	own := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "DOCKER_") || strings.HasPrefix(v, "BUILDX_") || strings.HasPrefix(v, "BUILDKIT_")
	})
	own = append(own, "DOCKER_CONFIG="+t.TempDir(), "DOCKER_HOST="+d.Host, "DOCKER_BUILDKIT=1")
	sh := func(script string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-ec", "umask 022\n" + script, "sh"}, args...)...)
		cmd.Dir = ".."
		cmd.Env = own
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	sh(`( `+base+` ) | `+docker+` import - hc/base:1`, t.TempDir())
	// Only what the build needs of the tree, with the modes that it has where the umask is 077.
	tree := t.TempDir()
	sh(`tar -cf - .promu.yml Dockerfile Makefile go.mod go.sum LICENSE VERSION packaging/build.sh packaging/modules.sh | tar -xf - -C "$1"
		chmod -R go= "$1"
		cp -R dist/build/linux-`+runtime.GOARCH+` "$1/built"`, tree)
	sh(`env -u MAKEFLAGS DOCKER=`+docker+` SOURCE_DATE_EPOCH=1795987765 REVISION=abc \
		make -C "$1" image ARGS='--network=none --build-arg GOLANG=hc/base:1 -t hc/image:1'`, tree)
	text, err := os.ReadFile("../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(text))

	want(t, "the image", `
user: 65532:65532
command: [/bin/healthcheck_exporter]
port: map[10115/tcp:{}]
healthy: [CMD /bin/healthcheck_exporter probe --timeout=3s http://127.0.0.1:10115/-/healthy]
org.opencontainers.image.created: 2026-11-29T21:29:25Z
org.opencontainers.image.description: Prometheus exporter that probes HTTP and WebSocket targets and says why they fail
org.opencontainers.image.licenses: Apache-2.0
org.opencontainers.image.revision: abc
org.opencontainers.image.source: https://github.com/healthcheck-exporter/healthcheck_exporter
org.opencontainers.image.title: healthcheck_exporter
org.opencontainers.image.version: `+version, sh(docker+` inspect --format 'user: {{.Config.User}}
command: {{.Config.Entrypoint}}
port: {{.Config.ExposedPorts}}
healthy: {{.Config.Healthcheck.Test}}
{{range $k, $v := .Config.Labels}}{{$k}}: {{$v}}
{{end}}' hc/image:1`))
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
-rw-r--r-- 0/0 usr/share/doc/healthcheck_exporter/LICENSES.txt
-rw-r--r-- 0/0 usr/share/doc/healthcheck_exporter/NOTICE`, files)
	want(t, "what make was told", "abc HEAD release 1795987765 linux", sh(docker+` export files | tar -xOf - usr/share/doc/healthcheck_exporter/NOTICE`))
	if out := sh(docker + ` run --rm --network=none hc/image:1 --version`); !strings.Contains(out, "version "+version) {
		t.Errorf("it says it is %s", out)
	}
	// It has to find itself well by what the Dockerfile has for that.
	want(t, "health", "healthy", sh(docker+` run -d --name health --network=none --health-interval=1s hc/image:1 >/dev/null
		for _ in $(seq 60); do
			health=$(`+docker+` inspect --format '{{.State.Health.Status}}' health)
			[ "$health" = starting ] || break
			sleep 0.5
		done
		echo "$health"; `+docker+` rm -f health >/dev/null`))
	t.Log("size of the image:", sh(docker+` image inspect --format '{{.Size}}' hc/image:1`))
}
