package kubernetes_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/apitest"
)

const path = "/apis/apps/v1/namespaces/shop/deployments/web"

// A Deployment that was created long ago. All of its pods have the latest template, and one is not available.
const deployment = `{"kind": "Deployment", "apiVersion": "apps/v1",
	"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"deployment.kubernetes.io/revision": "1"}},
	"spec": {"replicas": 2, "strategy": {"type": "RollingUpdate"}, "template": {
		"metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
		"spec": {"containers": [{"name": "web", "image": "web:1"}]}}},
	"status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1,
		"conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": "2026-01-01T00:01:00Z"}]}}`

var attempt = restart.Attempt{ID: "ATTEMPT1", At: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)}

func cluster(t *testing.T, object string) (*apitest.Server, *kubernetes.Backend) {
	t.Helper()
	s := apitest.New(t)
	s.Create(t, path, object)
	return s, backend(t, s)
}

func backend(t *testing.T, s *apitest.Server) *kubernetes.Backend {
	t.Helper()
	b, err := kubernetes.New(kubernetes.Config{Kind: kubernetes.Deployment, Namespace: "shop", Name: "web", Kubeconfig: s.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func inspect(t *testing.T, b *kubernetes.Backend) restart.Status {
	t.Helper()
	s, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decided returns an attempt that was decided on the present state.
func decided(t *testing.T, b *kubernetes.Backend) restart.Attempt {
	t.Helper()
	a := attempt
	a.Before = inspect(t, b)
	return a
}

// A rollout from the decision to its end, as the cluster shows it.
func TestRollout(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	s, b := cluster(t, deployment)
	a := decided(t, b)
	if a.Before.Unfit != "" || a.Before.Running || !a.Before.StartedAt.Equal(time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)) {
		t.Fatalf("before it the status is %+v, want one that is fit, not all of it running, started with its last rollout", a.Before)
	}
	if err := b.Restart(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET " + path, // the look before the decision
		"GET " + path,
		"PATCH " + path + "?fieldManager=healthcheck_exporter",
	}
	if diff := cmp.Diff(want, s.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	o := s.Object(path)
	template := o["spec"].(map[string]any)["template"]
	wantTemplate := map[string]any{
		"metadata": map[string]any{
			"creationTimestamp": nil, "labels": map[string]any{"app": "web"},
			"annotations": map[string]any{
				"kubectl.kubernetes.io/restartedAt": "2026-11-27T10:00:00Z",
				"healthcheck-exporter/attempt":      "ATTEMPT1",
			},
		},
		"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "web:1"}}},
	}
	if diff := cmp.Diff(wantTemplate, template); diff != "" {
		t.Errorf("the pod template (-want +got):\n%s", diff)
	}

	during := inspect(t, b)
	if during.Unfit != restart.UnfitRolling || during.Running || during.Identity == a.Before.Identity {
		t.Errorf("during it the status is %+v, want another identity, rolling", during)
	}
	s.Edit(t, path, `{"status": {"observedGeneration": 2, "updatedReplicas": 1, "replicas": 3}}`)
	if half := inspect(t, b); half.Unfit != restart.UnfitRolling {
		t.Errorf("with one new pod the status is %+v, want rolling", half)
	}
	s.Edit(t, path, `{"status": {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}}`)
	after := inspect(t, b)
	if after.Unfit != "" || !after.Running || after.Identity != during.Identity {
		t.Errorf("after it the status is %+v, want the identity %q, running", after, during.Identity)
	}
	if age := time.Since(after.StartedAt); age > time.Minute {
		t.Errorf("it was started at %s, want when the template was changed", after.StartedAt)
	}
}

// The same attempt again changes nothing, even from another exporter.
func TestSameAttempt(t *testing.T) {
	s, b := cluster(t, deployment)
	a := decided(t, b)
	for range 2 {
		if err := b.Restart(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := backend(t, s).Restart(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got := s.Object(path)["metadata"].(map[string]any)["generation"]; got != 2.0 {
		t.Errorf("the generation is %v, want 2: one rollout", got)
	}
}

// A new number of replicas is not a restart.
func TestScaling(t *testing.T) {
	s, b := cluster(t, deployment)
	before := inspect(t, b).Identity
	s.Edit(t, path, `{"spec": {"replicas": 3}}`)
	if after := inspect(t, b); after.Identity != before || after.Unfit != restart.UnfitRolling {
		t.Errorf("status is %+v, want the identity %q, rolling", after, before)
	}
}

func TestUnfit(t *testing.T) {
	const (
		statefulSet = `{"kind": "StatefulSet", "spec": {"replicas": 2, "template": {}, "updateStrategy": {"type": "RollingUpdate"}},
			"status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "currentRevision": "web-1", "updateRevision": "web-1"}}`
		daemonSet = `{"kind": "DaemonSet", "spec": {"template": {}, "updateStrategy": {"type": "RollingUpdate"}},
			"status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}}`
	)
	for _, tt := range []struct {
		name, object, change string
		want                 restart.Unfit
		why                  string
	}{
		{"fit", deployment, `{}`, "", "2 pods wanted"},
		{"no pod is available", deployment, `{"status": {"availableReplicas": null}}`, "", "0 available"},
		{"by default one replica", deployment, `{"spec": {"replicas": null}, "metadata": {"generation": 1}, "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}}`, "", "1 pods wanted"},
		{"paused", deployment, `{"spec": {"paused": true}}`, restart.UnfitPaused, "its rollouts are paused"},
		{"not seen yet", deployment, `{"spec": {"replicas": 5}}`, restart.UnfitRolling, "a rollout is under way"},
		{"new pods are missing", deployment, `{"status": {"updatedReplicas": 1}}`, restart.UnfitRolling, "a rollout is under way"},
		{"old pods are left", deployment, `{"status": {"replicas": 3}}`, restart.UnfitRolling, "a rollout is under way"},
		{"stuck", deployment, `{"status": {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}}`, restart.UnfitRolling, "makes no progress"},
		{"no replicas", deployment, `{"spec": {"replicas": 0}, "status": {"observedGeneration": 2, "replicas": 0, "updatedReplicas": 0}}`, restart.UnfitStopped, "no pods"},
		{"being deleted", deployment, `{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}`, restart.UnfitMissing, "being deleted"},
		{"stateful set", statefulSet, `{}`, "", "2 pods wanted"},
		{"stateful set rolling", statefulSet, `{"status": {"updateRevision": "web-2"}}`, restart.UnfitRolling, "a rollout is under way"},
		{"stateful set by hand", statefulSet, `{"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"observedGeneration": 2}}`, restart.UnfitUnsuited, "OnDelete"},
		{"stateful set in parts", statefulSet, `{"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"observedGeneration": 2}}`, restart.UnfitUnsuited, "partition 1"},
		{"daemon set", daemonSet, `{}`, "", "3 pods wanted"},
		{"daemon set rolling", daemonSet, `{"status": {"updatedNumberScheduled": 2}}`, restart.UnfitRolling, "a rollout is under way"},
		{"daemon set by hand", daemonSet, `{"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"observedGeneration": 2}}`, restart.UnfitUnsuited, "OnDelete"},
		{"daemon set on no node", daemonSet, `{"status": {"desiredNumberScheduled": 0, "updatedNumberScheduled": 0}}`, restart.UnfitStopped, "no pods"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, b := cluster(t, tt.object)
			s.Edit(t, path, tt.change)
			a := decided(t, b)
			if a.Before.Unfit != tt.want || !strings.Contains(a.Before.Detail, tt.why) {
				t.Errorf("status is %+v, want unfit %q because of %q", a.Before, tt.want, tt.why)
			}
			err := b.Restart(t.Context(), a)
			patched := slices.ContainsFunc(s.Requests(), func(r string) bool { return strings.HasPrefix(r, "PATCH") })
			if refused := errors.Is(err, restart.ErrRefused); refused != (tt.want != "") || patched == refused {
				t.Errorf("restarting: %v, patched: %t, want a refusal: %t", err, patched, tt.want != "")
			}
		})
	}
}

// Every way in which the API server fails, and whether the pods may have been restarted all the same.
func TestRefused(t *testing.T) {
	fail := func(code int, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = w.Write([]byte(withUID))
				return
			}
			status, answer := apitest.Status(code, message)
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(answer)
		}
	}
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		refused bool
		want    string
	}{
		{"conflict", fail(409, "the object has been modified"), true, "changed by somebody else in this moment"},
		{"forbidden", fail(403, `deployments.apps "web" is forbidden: User "x" cannot patch`), true, `want a Role with get and patch on deployments "web", see examples/kubernetes/restart-rbac.yaml`},
		{"unauthorized", fail(401, "Unauthorized"), true, "the credentials are expired, or of another cluster"},
		{"gone meanwhile", fail(404, `deployments.apps "web" not found`), true, "want a deployment of this name in this namespace"},
		{"invalid", fail(422, "invalid\nvalue"), true, "status 422 Unprocessable Entity: invalid value"},
		{"broken", fail(500, "etcdserver: request timed out"), false, "status 500 Internal Server Error: etcdserver"},
		{"hangs up", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = w.Write([]byte(withUID))
				return
			}
			panic(http.ErrAbortHandler)
		}, false, "patching the deployment shop/web"},
		{"webhook that leaves half of it", func(w http.ResponseWriter, r *http.Request) {
			text := withUID
			if r.Method != http.MethodGet {
				text = strings.Replace(text, `"labels": {"app"`, `"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}, "labels": {"app"`, 1)
			}
			_, _ = w.Write([]byte(text))
		}, false, "left the annotation out"},
		{"webhook", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(withUID)) }, true, "left the annotation out"},
		{"no look", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>canary</html>"))
		}, true, "looking at the deployment shop/web: status 502 Bad Gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, b := cluster(t, deployment)
			s.Intercept(tt.answer)
			err := b.Restart(t.Context(), attempt)
			if err == nil || errors.Is(err, restart.ErrRefused) != tt.refused || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q, a refusal: %t", err, tt.want, tt.refused)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %v, want no secret and no page of a proxy", err)
			}
			n := 0
			for _, r := range s.Requests() {
				if strings.HasPrefix(r, "PATCH") {
					n++
				}
			}
			if n > 1 {
				t.Errorf("sent %d patches, want 1 at the most", n)
			}
		})
	}
}

var withUID = strings.Replace(deployment, `"metadata": {`, `"metadata": {"uid": "1", "resourceVersion": "7", "generation": 1, `, 1)

// Somebody else restarts or deploys between the look and the attempt, or between the attempt's own look and its patch.
func TestSomebodyElse(t *testing.T) {
	s, b := cluster(t, deployment)
	a := decided(t, b)
	s.Edit(t, path, `{"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-27T09:59:59Z"}}}},
		"status": {"observedGeneration": 2}}`)
	if err := b.Restart(t.Context(), a); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "was changed by somebody else since it was looked at") {
		t.Errorf("error is %v, want a refusal", err)
	}

	a = decided(t, b)
	var once bool
	s.Intercept(func(w http.ResponseWriter, r *http.Request) {
		s.Intercept(nil)
		s.Config.Handler.ServeHTTP(w, r)
		if !once {
			once = true
			s.Edit(t, path, `{"metadata": {"annotations": {"note": "x"}}}`)
		}
	})
	if err := b.Restart(t.Context(), a); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "in this moment: status 409") {
		t.Errorf("error is %v, want a refusal by the version", err)
	}
}

func TestDryRun(t *testing.T) {
	s, b := cluster(t, deployment)
	a, before := decided(t, b), s.Object(path)
	if err := b.DryRun(t.Context(), a); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, s.Object(path)); diff != "" {
		t.Errorf("it has changed (-before +after):\n%s", diff)
	}
	requests := s.Requests()
	if got := requests[len(requests)-1]; !strings.HasPrefix(got, "PATCH ") || !strings.Contains(got, "dryRun=All") {
		t.Errorf("the last request is %s, want a patch with dryRun=All", got)
	}
	s.Edit(t, path, `{"spec": {"paused": true}}`)
	if err := b.DryRun(t.Context(), a); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want a refusal of what is paused", err)
	}
}

// A GitOps controller removes the annotation: the cluster restarts the pods once more, and nothing of our restart is left.
func TestSetBack(t *testing.T) {
	s, b := cluster(t, deployment)
	a := decided(t, b)
	if err := b.Restart(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	s.Edit(t, path, `{"spec": {"template": {"metadata": {"annotations": null}}}}`)
	s.Edit(t, path, `{"status": {"observedGeneration": 3, "availableReplicas": 2}}`)
	got := inspect(t, b)
	if got.Identity != a.Before.Identity || !strings.Contains(got.Detail, "the restart ATTEMPT1 was undone") {
		t.Errorf("status is %+v, want the identity %q and what has happened", got, a.Before.Identity)
	}
}

func TestMissing(t *testing.T) {
	s, b := cluster(t, deployment)
	s.Delete(path)
	if got := inspect(t, b); got.Unfit != restart.UnfitMissing || got.Identity != "" {
		t.Errorf("status is %+v, want missing", got)
	}
	s.Require("another")
	_, err := b.Inspect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "looking at the deployment shop/web: status 401") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want one about the credentials, without them", err)
	}
}
