//go:build e2e_kubernetes

// Package kubernetes restarts workloads of a real control plane of Kubernetes, and elects a leader there. It is no part of
// make e2e, because building the control plane takes twenty minutes of two cores.
package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/lease"
)

const deployments = "/apis/apps/v1/namespaces/shop/deployments"

func TestKubernetes(t *testing.T) {
	c := start(t)
	for _, namespace := range []string{"shop", "monitoring"} {
		c.create(t, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": namespace}})
	}
	c.permissions(t)
	c.kubelet(t, "shop")
	for _, name := range []string{"web", "api", "other"} {
		c.deployment(t, name)
	}
	b := c.backend(t, "web")
	t.Run("rollout", func(t *testing.T) { c.rollsOut(t, b) })
	t.Run("dry run", func(t *testing.T) { c.triesOut(t, b) })
	t.Run("states", func(t *testing.T) { c.judges(t) })
	t.Run("somebody else", func(t *testing.T) { c.refusesOthers(t) })
	t.Run("permissions", func(t *testing.T) { c.mayNot(t) })
	t.Run("lease", func(t *testing.T) { c.elects(t) })
}

// permissions are those of the example.
func (c *cluster) permissions(t *testing.T) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "examples", "kubernetes", "restart-rbac.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	paths := map[string]string{
		"Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/%/roles", "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/%/rolebindings",
		"Lease": "/apis/coordination.k8s.io/v1/namespaces/%/leases",
	}
	for decoder := yaml.NewDecoder(f); ; {
		var object map[string]any
		if decoder.Decode(&object) != nil {
			return
		}
		namespace := object["metadata"].(map[string]any)["namespace"].(string)
		c.create(t, strings.Replace(paths[object["kind"].(string)], "%", namespace, 1), object)
	}
}

// deployment makes one, and waits until it is rolled out.
func (c *cluster) deployment(t *testing.T, name string) {
	t.Helper()
	labels := map[string]any{"app": name}
	c.create(t, deployments, map[string]any{
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"replicas": 2, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "app:1"}}},
			},
		},
	})
	admin, err := kubernetes.New(kubernetes.Config{Kind: kubernetes.Deployment, Namespace: "shop", Name: name, Kubeconfig: c.kubeconfig(t, adminToken)})
	if err != nil {
		t.Fatal(err)
	}
	c.awaitStatus(t, admin, func(s restart.Status) bool { return s.Running })
}

func (c *cluster) backend(t *testing.T, name string) *kubernetes.Backend {
	t.Helper()
	b, err := kubernetes.New(kubernetes.Config{Kind: kubernetes.Deployment, Namespace: "shop", Name: name, Kubeconfig: c.kubeconfig(t, exporterToken)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func look(t *testing.T, b *kubernetes.Backend) restart.Status {
	t.Helper()
	s, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (*cluster) awaitStatus(t *testing.T, b *kubernetes.Backend, wanted func(restart.Status) bool) {
	t.Helper()
	await(t, "the status is as wanted", func() bool {
		s, err := b.Inspect(t.Context())
		return err == nil && wanted(s)
	})
}

// generation is that of the Deployment web.
func (c *cluster) generation(t *testing.T) int64 {
	t.Helper()
	var o struct{ Metadata struct{ Generation int64 } }
	if err := c.admin.Do(t.Context(), api.Request{Method: http.MethodGet, Path: deployments + "/web"}, &o); err != nil {
		t.Fatal(err)
	}
	return o.Metadata.Generation
}

// rollsOut restarts a Deployment, sees it through, and sees that it is undone.
func (c *cluster) rollsOut(t *testing.T, b *kubernetes.Backend) {
	before := look(t, b)
	a := restart.Attempt{ID: "attempt-1", At: time.Now(), Before: before}
	if err := b.Restart(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	c.awaitStatus(t, b, func(s restart.Status) bool { return s.Running && s.Identity != before.Identity })
	if s := look(t, b); time.Since(s.StartedAt) > patience {
		t.Errorf("the status is %+v, want that it has just been started", s)
	}
	generation := c.generation(t)
	if err := b.Restart(t.Context(), a); err != nil || c.generation(t) != generation {
		t.Errorf("the same attempt again: %v, generation %d, want %d", err, c.generation(t), generation)
	}
	c.patch(t, deployments+"/web", map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": nil}}}})
	c.awaitStatus(t, b, func(s restart.Status) bool {
		return s.Running && s.Identity == before.Identity && strings.Contains(s.Detail, "attempt-1 was undone")
	})
}

func (c *cluster) triesOut(t *testing.T, b *kubernetes.Backend) {
	generation := c.generation(t)
	if err := b.DryRun(t.Context(), restart.Attempt{ID: "attempt-2", At: time.Now(), Before: look(t, b)}); err != nil {
		t.Error(err)
	}
	if got := c.generation(t); got != generation {
		t.Errorf("the generation is %d, want %d: nothing is kept", got, generation)
	}
}

// judges looks at a Deployment in the states that people bring it into.
func (c *cluster) judges(t *testing.T) {
	b := c.backend(t, "api")
	spec := func(key string, value any) {
		c.patch(t, deployments+"/api", map[string]any{"spec": map[string]any{key: value}})
	}
	spec("paused", true)
	c.awaitStatus(t, b, func(s restart.Status) bool { return s.Unfit == restart.UnfitPaused })
	if err := b.Restart(t.Context(), restart.Attempt{ID: "x", At: time.Now()}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("while it is paused: %v, want a refusal", err)
	}
	spec("paused", false)
	spec("replicas", 0)
	c.awaitStatus(t, b, func(s restart.Status) bool { return s.Unfit == restart.UnfitStopped })
	spec("replicas", 2)
	c.awaitStatus(t, b, func(s restart.Status) bool { return s.Running })
}

// refusesOthers has somebody deploy after the look.
func (c *cluster) refusesOthers(t *testing.T) {
	b := c.backend(t, "api")
	a := restart.Attempt{ID: "attempt-3", At: time.Now(), Before: look(t, b)}
	c.patch(t, deployments+"/api", map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{"release": "2"},
	}}}})
	if err := b.Restart(t.Context(), a); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want a refusal", err)
	}
	c.awaitStatus(t, b, func(s restart.Status) bool { return s.Running })
}

// mayNot does what the permissions of the example do not allow, and asks for what is not there.
func (c *cluster) mayNot(t *testing.T) {
	if _, err := c.backend(t, "other").Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "status 403 Forbidden") {
		t.Errorf("another deployment: error is %v, want that it is forbidden", err)
	}
	stranger, err := kubernetes.New(kubernetes.Config{Kind: kubernetes.Deployment, Namespace: "shop", Name: "web", Kubeconfig: c.kubeconfig(t, "nobody")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "status 401 Unauthorized") {
		t.Errorf("a stranger: error is %v, want that nobody knows it", err)
	}
	queue, err := kubernetes.New(kubernetes.Config{Kind: kubernetes.StatefulSet, Namespace: "shop", Name: "queue", Kubeconfig: c.kubeconfig(t, exporterToken)})
	if err != nil {
		t.Fatal(err)
	}
	if s := look(t, queue); s.Unfit != restart.UnfitMissing {
		t.Errorf("what is not there: status is %+v", s)
	}
}

// elects has two exporters want the Lease of the example.
func (c *cluster) elects(t *testing.T) {
	var electors [2]*lease.Elector
	var stops [2]func()
	for i := range electors {
		e, err := lease.New(lease.Config{Namespace: "monitoring", Name: "healthcheck-exporter", Kubeconfig: c.kubeconfig(t, exporterToken)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() { e.Run(ctx, slog.New(slog.DiscardHandler)) })
		electors[i], stops[i] = e, sync.OnceFunc(func() { cancel(); running.Wait() })
		t.Cleanup(stops[i])
		await(t, "there is a leader", func() bool { return electors[0].Standing(time.Now()).Elected })
	}
	if s := electors[1].Standing(time.Now()); s.Elected {
		t.Errorf("the second one says %+v, want that it stands by", s)
	}
	stops[0]()
	await(t, "the second one leads", func() bool { return electors[1].Standing(time.Now()).Elected })
}
