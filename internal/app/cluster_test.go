package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/apitest"
)

// A workload of a cluster gets what the configuration says, and limits that suit a rollout unless they are given.
func TestKubernetes(t *testing.T) {
	cluster := apitest.New(t)
	const path = "/apis/apps/v1/namespaces/shop/statefulsets/queue"
	cluster.Create(t, path, `{"kind": "StatefulSet", "spec": {"replicas": 1, "template": {}},
		"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}`)
	c := restartConfig(t, fmt.Sprintf(`
  mode: enforce
  receiver: {insecure: true}
  services:
    - name: queue
      checks: [{url: 'http://127.0.0.1:1/'}]
      kubernetes: {kind: statefulset, namespace: shop, name: queue, kubeconfig_file: %q, context: test}
    - name: other
      outage_percent: 100
      verify_timeout: 3m
      checks: [{url: 'http://127.0.0.1:2/'}]
      kubernetes: {kind: deployment, namespace: shop, name: web, kubeconfig_file: %[1]q}
`, cluster.Kubeconfig(t)))
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	queue, other := s.Restarts.Services[0], s.Restarts.Services[1].Policy
	if p := queue.Policy; p.OutagePercent != 50 || p.VerifyTimeout != 10*time.Minute || other.OutagePercent != 100 || other.VerifyTimeout != 3*time.Minute {
		t.Errorf("the policies are %+v and %+v, want the defaults of a cluster, and those that are given", p, other)
	}
	if err := queue.Backend.Restart(t.Context(), restart.Attempt{ID: "attempt-1", At: time.Now()}); err != nil {
		t.Error(err)
	}
	text := fmt.Sprint(cluster.Object(path)["spec"])
	if !strings.Contains(text, "healthcheck-exporter/attempt:attempt-1") {
		t.Errorf("the workload is %s, want one with the attempt", text)
	}
}

// What the example of a configuration restarts is what the example of its permissions allows, and no more.
func TestKubernetesExample(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "kubernetes")
	text, err := os.ReadFile(filepath.Join(dir, "restart.yml"))
	if err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("restart.yml", bytes.ReplaceAll(text, []byte("/etc/healthcheck_exporter/secrets/restart_token"), []byte(token)))
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for i := range c.Restart.Services {
		k := c.Restart.Services[i].Kubernetes
		wanted = append(wanted, k.Namespace+" "+k.Kind+"s "+k.Name+" get,patch")
	}
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, granted(t, filepath.Join(dir, "restart-rbac.yaml"))); diff != "" {
		t.Errorf("permissions (-restart.yml +restart-rbac.yaml):\n%s", diff)
	}
}

// granted are the permissions on workloads that the Roles of a file give.
func granted(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	var all []string
	for decoder := yaml.NewDecoder(f); ; {
		var role struct {
			Metadata struct{ Namespace string }
			Rules    []struct {
				APIGroups     []string `yaml:"apiGroups"`
				Resources     []string
				ResourceNames []string `yaml:"resourceNames"`
				Verbs         []string
			}
		}
		if decoder.Decode(&role) != nil {
			slices.Sort(all)
			return all
		}
		for _, rule := range role.Rules {
			if !slices.Equal(rule.APIGroups, []string{"apps"}) {
				continue
			}
			for _, name := range rule.ResourceNames {
				all = append(all, role.Metadata.Namespace+" "+rule.Resources[0]+" "+name+" "+strings.Join(rule.Verbs, ","))
			}
		}
	}
}

// What the example of a configuration restarts in ECS is what the example of a policy allows.
func TestECSExample(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "ecs")
	var policy struct {
		Statement []struct {
			Effect, Resource string
			Action           []string
		}
	}
	var task struct {
		ContainerDefinitions []struct {
			HealthCheck struct{ Command []string }
		}
	}
	for name, into := range map[string]any{"iam-policy.json": &policy, "task-definition.json": &task} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "healthcheck.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Restart config.Restart }
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	e := c.Restart.Services[0].ECS
	s := policy.Statement[0]
	if want := "arn:aws:ecs:" + e.Region + ":123456789012:service/" + e.Cluster + "/" + e.Service; s.Resource != want || s.Effect != "Allow" {
		t.Errorf("the policy is about %q, want %q", s.Resource, want)
	}
	if diff := cmp.Diff([]string{"ecs:DescribeServices", "ecs:UpdateService"}, s.Action); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	check := strings.Join(task.ContainerDefinitions[0].HealthCheck.Command, " ")
	if _, path, _ := strings.Cut(c.Restart.Services[0].Checks[0].URL, "example.com"); path == "/" || !strings.Contains(check, ":8080"+path+" ") {
		t.Errorf("the container is checked by %q, want the path %q", check, path)
	}
}
