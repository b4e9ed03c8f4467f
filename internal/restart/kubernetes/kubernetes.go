// Package kubernetes restarts a Deployment, StatefulSet or DaemonSet as kubectl rollout restart does: an annotation of
// its pod template changes, and the cluster replaces the pods by the workload's own rules.
package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// The kinds of workloads.
const (
	Deployment  = "deployment"
	StatefulSet = "statefulset"
	DaemonSet   = "daemonset"
)

// Config says which workload, and in which cluster.
type Config struct {
	// Kind is one of the kinds above.
	Kind string
	// Namespace and Name are those of the workload.
	Namespace, Name string
	// Kubeconfig and Context are those of api.Config. Empty: the cluster in which the exporter runs.
	Kubeconfig, Context string
}

// A Backend restarts one workload.
type Backend struct {
	cfg    Config
	client *api.Client

	mu   sync.Mutex // protects the following
	last made
}

// made is the last restart that the API server has accepted.
type made struct {
	attempt string
	before  string // the identity
}

// New makes a back-end from a checked configuration.
func New(cfg Config) (*Backend, error) {
	client, err := api.New(api.Config{Kubeconfig: cfg.Kubeconfig, Context: cfg.Context})
	if err != nil {
		return nil, err
	}
	return &Backend{cfg: cfg, client: client}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "kubernetes" }

// The annotations of a pod template: that of kubectl rollout restart, and our own with the attempt's ID.
const (
	annotationRestartedAt = "kubectl.kubernetes.io/restartedAt"
	annotationAttempt     = "healthcheck-exporter/attempt"
)

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	w, err := b.get(ctx)
	if once.Answered(err, http.StatusNotFound) {
		return restart.Status{Unfit: restart.UnfitMissing, Detail: "Kubernetes has no " + b.what()}, nil
	}
	if err != nil {
		return restart.Status{}, fmt.Errorf("%w: looking at the %s: %w", restart.ErrRefused, b.what(), err)
	}
	s := w.status()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.before != "" && b.last.before == s.Identity {
		s.Detail += "; the restart " + b.last.attempt + " was undone: somebody, such as a GitOps controller, restores the pod template"
	}
	return s, nil
}

// Restart implements restart.Backend: it looks at the workload once more and sends one patch, which the API server refuses
// if the workload has changed since. The same attempt again changes nothing.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	w, err := b.get(ctx)
	if err != nil {
		return fmt.Errorf("%w: looking at the %s: %w", restart.ErrRefused, b.what(), err)
	}
	if w.Spec.Template.annotation(annotationAttempt) == a.ID {
		return nil
	}
	if err := b.mayRestart(w, &a); err != nil {
		return err
	}
	if err := b.patch(ctx, w, &a, nil); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = made{attempt: a.ID, before: w.identity()}
	return nil
}

// DryRun implements restart.DryRunner: the API server does all that it would do for a restart, permissions and admission
// among it, but keeps nothing.
func (b *Backend) DryRun(ctx context.Context, a restart.Attempt) error {
	w, err := b.get(ctx)
	if err != nil {
		return fmt.Errorf("%w: looking at the %s: %w", restart.ErrRefused, b.what(), err)
	}
	if err := b.mayRestart(w, &a); err != nil {
		return err
	}
	return b.patch(ctx, w, &a, url.Values{"dryRun": {"All"}})
}

// mayRestart refuses a workload that has changed since the decision.
func (b *Backend) mayRestart(w *workload, a *restart.Attempt) error {
	return a.Admit("the "+b.what(), "was changed", w.status())
}

func (b *Backend) get(ctx context.Context) (*workload, error) {
	var w workload
	if err := b.client.Do(ctx, api.Request{Method: http.MethodGet, Path: b.path()}, &w); err != nil {
		return nil, b.explained(err)
	}
	return &w, nil
}

// patch sets the annotations, if nobody has changed the workload since w. The version that it names makes the API server
// refuse it otherwise.
func (b *Backend) patch(ctx context.Context, w *workload, a *restart.Attempt, query url.Values) error {
	if query == nil {
		query = url.Values{}
	}
	query.Set("fieldManager", "healthcheck_exporter")
	r := api.Request{Method: http.MethodPatch, Path: b.path(), Query: query, ContentType: api.StrategicMergePatch, Body: map[string]any{
		"metadata": map[string]any{"resourceVersion": w.Metadata.ResourceVersion},
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]string{
			annotationRestartedAt: a.At.UTC().Format(time.RFC3339),
			annotationAttempt:     a.ID,
		}}}},
	}}
	var after workload
	switch err := b.client.Do(ctx, r, &after); {
	case once.Answered(err, http.StatusConflict):
		return fmt.Errorf("%w: the %s was changed by somebody else in this moment: %w", restart.ErrRefused, b.what(), err)
	case once.NotDone(err):
		return fmt.Errorf("%w: patching the %s: %w", restart.ErrRefused, b.what(), b.explained(err))
	case err != nil:
		return fmt.Errorf("patching the %s: %w", b.what(), err)
	case after.Spec.Template.annotation(annotationAttempt) != a.ID:
		err := fmt.Errorf("the API server took the patch of the %s and left the annotation out: an admission webhook may remove it", b.what())
		if after.identity() == w.identity() { // otherwise the rest of the patch replaces the pods
			err = fmt.Errorf("%w: %w", restart.ErrRefused, err)
		}
		return err
	default:
		return nil
	}
}

// explained adds to an answer what to do about it.
func (b *Backend) explained(err error) error {
	switch {
	case once.Answered(err, http.StatusUnauthorized):
		return fmt.Errorf("%w; the credentials are expired, or of another cluster", err)
	case once.Answered(err, http.StatusForbidden):
		return fmt.Errorf("%w; want a Role with get and patch on %s %q, see examples/kubernetes/restart-rbac.yaml", err, plurals[b.cfg.Kind], b.cfg.Name)
	case once.Answered(err, http.StatusNotFound):
		return fmt.Errorf("%w; want a %s of this name in this namespace", err, b.cfg.Kind)
	default:
		return err
	}
}

// plurals are the names of the kinds in paths.
var plurals = map[string]string{Deployment: "deployments", StatefulSet: "statefulsets", DaemonSet: "daemonsets"}

func (b *Backend) path() string {
	return "/apis/apps/v1/namespaces/" + b.cfg.Namespace + "/" + plurals[b.cfg.Kind] + "/" + b.cfg.Name
}

// what returns the workload in words.
func (b *Backend) what() string { return b.cfg.Kind + " " + b.cfg.Namespace + "/" + b.cfg.Name }
