//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
)

// TestDocker restarts containers of a real Engine, and does so through the proxy of the examples where nothing else is
// said.
func TestDocker(t *testing.T) {
	t.Parallel()
	needs(t, "haproxy")
	r := &realDocker{startDockerd(t)}
	t.Run("alert", r.repairs)
	t.Run("states", r.judges)
	t.Run("label", r.findsByLabel)
	t.Run("slow stop", r.waitsForStop)
	t.Run("least privilege", r.needsLittle)
}

// image is that of the demo app, of which a startDockerd makes one.
const image = "hc/app:1"

// startDockerd runs an engine until the end of the test. No registry is asked for its one image.
func startDockerd(t *testing.T) *harness.Dockerd {
	t.Helper()
	needs(t, "root", "dockerd", "docker")
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
	app := filepath.Join(t.TempDir(), "app")
	build := harness.Aside(ctx, "go", "build", "-o", app, "./demoapp")
	build.Env = append(build.Environ(), "CGO_ENABLED=0") // the image has nothing else
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := d.Import(ctx, app, image); err != nil {
		t.Fatal(err)
	}
	return d
}

// A realDocker is an engine for tests.
type realDocker struct{ *harness.Dockerd }

// ctl is what a person does.
func (r *realDocker) ctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.Docker(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// run starts a container, which goes at the end of the test.
func (r *realDocker) run(t *testing.T, name string, args ...string) {
	t.Helper()
	r.ctl(t, append([]string{"run", "--detach", "--network=host", "--name=" + name}, args...)...)
	t.Cleanup(func() { _, _ = r.Docker(context.WithoutCancel(t.Context()), "rm", "--force", name) })
}

func (r *realDocker) status(t *testing.T, name string) string {
	t.Helper()
	return r.ctl(t, "inspect", "--format={{.State.Status}}", name)
}

func (r *realDocker) proxy(t *testing.T, container string) string {
	t.Helper()
	host, stop, err := r.StartProxy(context.WithoutCancel(t.Context()), binaries, t.TempDir(), container)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return host
}

func backendOf(t *testing.T, cfg docker.Config) *docker.Backend {
	t.Helper()
	b, err := docker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// repairs is the whole chain, through the proxy.
func (r *realDocker) repairs(t *testing.T) {
	address := freePort(t)
	r.run(t, "app", "--restart=unless-stopped", image, "-listen="+address)
	s := &supervised{
		kind: "docker", block: fmt.Sprintf("docker: {container: app, host: '%s'}", r.proxy(t, "app")), address: address,
		stop:    func(t *testing.T) { r.ctl(t, "stop", "app") },
		running: func(t *testing.T) bool { return r.status(t, "app") != "exited" },
	}
	s.up(t)
	s.repairs(t)
}

// judges looks at containers in every state: the Engine's restart would start and unpause what is not running.
func (r *realDocker) judges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string // of the program; it ends at once without
		do     []string // what a person does
		status string
		unfit  restart.Unfit
	}{
		{"running", []string{"-listen=" + freePort(t)}, nil, "running", ""},
		{"stopped", []string{"-listen=" + freePort(t)}, []string{"stop"}, "exited", restart.UnfitStopped},
		{"paused", []string{"-listen=" + freePort(t)}, []string{"pause"}, "paused", restart.UnfitPaused},
		{"crashed", []string{"-nonsense"}, []string{"wait"}, "exited", restart.UnfitStopped},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.run(t, tt.name, append([]string{image}, tt.args...)...)
			for _, verb := range tt.do {
				r.ctl(t, verb, tt.name)
			}
			b := backendOf(t, docker.Config{Container: tt.name, Engine: engine.Config{Host: r.Host}})
			s, err := b.Inspect(t.Context())
			if err != nil || s.Unfit != tt.unfit || s.Detail != "Docker says "+tt.status || s.Identity == "" {
				t.Errorf("got %+v, %v, want %q", s, err, tt.unfit)
			}
			err = b.Restart(t.Context(), restart.Attempt{Before: s})
			if refused := errors.Is(err, restart.ErrRefused); refused != (tt.unfit != "") || !refused && err != nil {
				t.Errorf("the restart ended with %v", err)
			}
			if got := r.status(t, tt.name); got != tt.status {
				t.Errorf("it is %s, want %s as before", got, tt.status)
			}
			since, err := b.Inspect(t.Context())
			if changed := since.Identity != s.Identity; err != nil || changed != (tt.unfit == "") {
				t.Errorf("the identity was %s and is %s, %v", s.Identity, since.Identity, err)
			}
			if tt.unfit == "" { // it was looked at before the restart
				if err := b.Restart(t.Context(), restart.Attempt{Before: s}); !errors.Is(err, restart.ErrRefused) {
					t.Errorf("what was restarted since is restarted with %v", err)
				}
			}
		})
	}
	t.Run("looping", func(t *testing.T) {
		r.run(t, "looping", "--restart=always", image, "-nonsense")
		b := backendOf(t, docker.Config{Container: "looping", Engine: engine.Config{Host: r.Host}})
		err := harness.Until(t.Context(), patience, "it loops", func(ctx context.Context) (bool, error) {
			s, err := b.Inspect(ctx)
			return s.Unfit == restart.UnfitLooping, err
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		s, err := backendOf(t, docker.Config{Container: "nothing", Engine: engine.Config{Host: r.Host}}).Inspect(t.Context())
		if err != nil || s.Unfit != restart.UnfitMissing {
			t.Errorf("got %+v, %v", s, err)
		}
	})
	t.Run("task of a swarm", func(t *testing.T) {
		r.run(t, "task", "--label=com.docker.swarm.service.name=web", image, "-listen="+freePort(t))
		_, err := backendOf(t, docker.Config{Container: "task", Engine: engine.Config{Host: r.Host}}).Inspect(t.Context())
		if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), `a task of the service "web"`) {
			t.Errorf("the error is %v", err)
		}
	})
}

// findsByLabel: one container, or none.
func (r *realDocker) findsByLabel(t *testing.T) {
	b := backendOf(t, docker.Config{Label: "role=web", Engine: engine.Config{Host: r.Host}})
	if s, err := b.Inspect(t.Context()); err != nil || s.Unfit != restart.UnfitMissing {
		t.Errorf("without one it is %+v, %v", s, err)
	}
	r.run(t, "one", "--label=role=web", image, "-listen="+freePort(t))
	before, err := b.Inspect(t.Context())
	if err != nil || before.Unfit != "" {
		t.Errorf("with one it is %+v, %v", before, err)
	}
	if err := b.Restart(t.Context(), restart.Attempt{Before: before}); err != nil {
		t.Error(err)
	}
	r.run(t, "two", "--label=role=web", image, "-listen="+freePort(t))
	if err := b.Restart(t.Context(), restart.Attempt{}); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "2 containers are a ") {
		t.Errorf("with two the restart ended with %v", err)
	}
}

// waitsForStop: what does not hear is killed after its own time, for which there has to be enough left.
func (r *realDocker) waitsForStop(t *testing.T) {
	r.run(t, "slow", "--stop-timeout=2", "--stop-signal=SIGCONT", image, "-listen="+freePort(t))
	b := backendOf(t, docker.Config{Container: "slow", Engine: engine.Config{Host: r.Host}})
	before, err := b.Inspect(t.Context())
	if err != nil || before.Takes != 12*time.Second {
		t.Errorf("got %+v, %v, want what the container says and a margin", before, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := b.Restart(ctx, restart.Attempt{}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("without time the restart ended with %v, want that it is refused", err)
	}
	start := time.Now()
	if err := b.Restart(t.Context(), restart.Attempt{Before: before}); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("took %s, want the time to stop", took)
	}
}

// needsLittle: the proxy lets through what the back-end needs for its one container, as "alert" shows, and nothing else.
func (r *realDocker) needsLittle(t *testing.T) {
	r.run(t, "mine", image, "-listen="+freePort(t))
	r.run(t, "other", image, "-listen="+freePort(t))
	host := r.proxy(t, "mine")
	mine := backendOf(t, docker.Config{Container: "mine", Engine: engine.Config{Host: host}})
	if err := mine.Restart(t.Context(), restart.Attempt{}); err != nil {
		t.Error(err)
	}
	other := backendOf(t, docker.Config{Container: "other", Engine: engine.Config{Host: host}})
	if err := other.Restart(t.Context(), restart.Attempt{}); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "status 403 Forbidden") {
		t.Errorf("the restart of another container ended with %v, want that the proxy forbids it", err)
	}
	for _, request := range []string{
		"GET /v1.41/containers/json", "GET /v1.41/info", "POST /v1.41/containers/mine/stop", "POST /v1.41/containers/mine/json",
		"GET /v1.41/containers/mine/restart", "POST /v1.41/containers/create", "POST /v1.41/containers/other/restart",
		"GET /v1.41/containers/other/json", "POST /v1.41/containers/mine/exec", "GET /v1.41/containers/mine/json/../../other/json",
		"DELETE /v1.41/containers/mine", "POST /v1.41/containers/mine/restart/../stop", "POST //v1.41/containers/mine/restart",
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(host, "tcp", "http", 1)+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := new(http.Transport).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s is answered %s, want that it is forbidden", request, answer.Status)
		}
	}
}
