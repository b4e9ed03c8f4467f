//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/swarm"
)

// TestSwarm restarts services of a swarm of one node.
func TestSwarm(t *testing.T) {
	t.Parallel()
	s := &realSwarm{startDockerd(t)}
	_, port, _ := strings.Cut(freePort(t), ":")
	s.docker(t, "swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:"+port)
	t.Run("alert", s.repairs)
	t.Run("stale version", s.refusesOthers)
	t.Run("paused by a restart", s.pauses)
	t.Run("states", s.judges)
}

// A realSwarm is one of one node.
type realSwarm struct{ *harness.Dockerd }

func (s *realSwarm) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.Docker(context.WithoutCancel(t.Context()), args...) // also at the end of a test
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// service starts a service, and waits until it runs. An update of it is over as soon as its tasks run.
func (s *realSwarm) service(t *testing.T, name, address string, options ...string) {
	t.Helper()
	args := []string{
		"service", "create", "--name", name, "--network", "host", "--no-resolve-image", "--detach",
		"--update-monitor", "1s", "--stop-grace-period", "1s",
	}
	s.docker(t, append(append(args, options...), image, "-listen="+address)...)
	t.Cleanup(func() { s.docker(t, "service", "rm", name) })
	if address == "" {
		return
	}
	(&supervised{address: address}).up(t)
}

func (s *realSwarm) backend(t *testing.T, name string) *swarm.Backend {
	t.Helper()
	b, err := swarm.New(swarm.Config{Service: name, Engine: engine.Config{Host: s.Host}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *realSwarm) look(t *testing.T, name string) restart.Status {
	t.Helper()
	status, err := s.backend(t, name).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// repairs is the whole chain.
func (s *realSwarm) repairs(t *testing.T) {
	address := freePort(t)
	s.service(t, "web", address)
	app := &supervised{
		kind: "swarm", address: address,
		block: fmt.Sprintf("swarm: {service: web, host: '%s'}\n      verify_timeout: 3m", s.Host),
		running: func(t *testing.T) bool {
			return s.docker(t, "service", "inspect", "--format", "{{.Spec.Mode.Replicated.Replicas}}", "web") != "0"
		},
	}
	app.stop = func(t *testing.T) {
		s.docker(t, "service", "scale", "--detach", "web=0")
		err := harness.Until(t.Context(), patience, "its task has ended", func(ctx context.Context) (bool, error) {
			return app.get(ctx, http.MethodGet, "/health") != nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	app.repairs(t)
	if n := s.docker(t, "service", "inspect", "--format", "{{.Spec.TaskTemplate.ForceUpdate}}", "web"); n != "1" {
		t.Errorf("the service was updated by force %s times, want once", n)
	}
}

// refusesOthers has somebody change the service after it was looked at.
func (s *realSwarm) refusesOthers(t *testing.T) {
	address := freePort(t)
	s.service(t, "shop", address, "--env", "TOKEN=canary")
	b, before := s.backend(t, "shop"), s.look(t, "shop")
	s.docker(t, "service", "update", "--detach", "--force", "--no-resolve-image", "shop")
	err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before})
	if !errors.Is(err, restart.ErrRefused) || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want a refusal", err)
	}
	s.await(t, "shop", func(status restart.Status) bool { return status.Running && status.Unfit == "" })
	if after := s.look(t, "shop"); after.Identity == before.Identity || time.Since(after.StartedAt) > time.Hour {
		t.Errorf("the status is %+v, want another identity than before", after)
	}
}

// pauses restarts a service whose new task cannot start beside the old one: the swarm pauses the update, the service stays well, and
// the back-end says what was left behind.
func (s *realSwarm) pauses(t *testing.T) {
	address := freePort(t)
	s.service(t, "mail", address, "--update-order", "start-first", "--restart-condition", "none")
	b, before := s.backend(t, "mail"), s.look(t, "mail")
	err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before})
	if errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want that it was tried", err)
	}
	t.Logf("the restart ended with %v", err)
	s.await(t, "mail", func(status restart.Status) bool { return status.Unfit == restart.UnfitPaused })
	(&supervised{address: address}).up(t) // the old task
	if err := b.Restart(t.Context(), restart.Attempt{ID: "2", Before: s.look(t, "mail")}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want that the paused update is left alone", err)
	}
}

// judges looks at services in every state that people bring them into.
func (s *realSwarm) judges(t *testing.T) {
	s.service(t, "none", "", "--replicas", "0")
	if got := s.look(t, "none"); got.Unfit != restart.UnfitStopped {
		t.Errorf("without replicas the status is %+v", got)
	}
	if got := s.look(t, "nowhere"); got.Unfit != restart.UnfitMissing {
		t.Errorf("the status of none is %+v", got)
	}
	id := s.docker(t, "service", "inspect", "--format", "{{.ID}}", "none")
	if _, err := s.backend(t, id).Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "want its name") {
		t.Errorf("by the ID: error is %v, want that it is no name", err)
	}

	address := freePort(t)
	s.service(t, "cart", address)
	// The new task cannot start, so the swarm pauses the update.
	s.docker(t, "service", "update", "--detach", "--no-resolve-image", "--args=-nonsense", "cart")
	s.await(t, "cart", func(status restart.Status) bool { return status.Unfit == restart.UnfitPaused })
	if err := s.backend(t, "cart").Restart(t.Context(), restart.Attempt{ID: "1"}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want that a paused update is left alone", err)
	}
}

// await waits until the back-end says that a service is as wanted.
func (s *realSwarm) await(t *testing.T, name string, wanted func(restart.Status) bool) {
	t.Helper()
	var last restart.Status
	err := harness.Until(t.Context(), patience, "the service "+name+" is as wanted", func(ctx context.Context) (bool, error) {
		var err error
		last, err = s.backend(t, name).Inspect(ctx)
		return err == nil && wanted(last), err
	})
	if err != nil {
		t.Fatalf("%v; the status is %+v", err, last)
	}
}
