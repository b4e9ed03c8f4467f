package examples

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// kinds are the types of the objects in the examples and in what the Helm chart makes.
var kinds = map[string]func() any{
	"v1 ConfigMap":                                func() any { return new(corev1.ConfigMap) },
	"v1 Service":                                  func() any { return new(corev1.Service) },
	"v1 ServiceAccount":                           func() any { return new(corev1.ServiceAccount) },
	"v1 PersistentVolumeClaim":                    func() any { return new(corev1.PersistentVolumeClaim) },
	"v1 Secret":                                   func() any { return new(corev1.Secret) },
	"apps/v1 Deployment":                          func() any { return new(appsv1.Deployment) },
	"apps/v1 StatefulSet":                         func() any { return new(appsv1.StatefulSet) },
	"coordination.k8s.io/v1 Lease":                func() any { return new(coordinationv1.Lease) },
	"networking.k8s.io/v1 NetworkPolicy":          func() any { return new(networkingv1.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":               func() any { return new(policyv1.PodDisruptionBudget) },
	"rbac.authorization.k8s.io/v1 Role":           func() any { return new(rbacv1.Role) },
	"rbac.authorization.k8s.io/v1 RoleBinding":    func() any { return new(rbacv1.RoleBinding) },
	"monitoring.coreos.com/v1 ServiceMonitor":     func() any { return new(monitoringv1.ServiceMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule":     func() any { return new(monitoringv1.PrometheusRule) },
	"monitoring.coreos.com/v1alpha1 ScrapeConfig": func() any { return new(monitoringv1alpha1.ScrapeConfig) },
	"monitoring.coreos.com/v1alpha1 AlertmanagerConfig": func() any {
		return new(monitoringv1alpha1.AlertmanagerConfig)
	},
}

// TestKubernetes decodes every object into its own type, strictly: an unknown field is an error. packaging/helm has what the chart
// makes, as golden files.
func TestKubernetes(t *testing.T) {
	var files []string
	for _, dir := range []string{in("kubernetes"), filepath.Join("..", "..", "packaging", "helm", "testdata", "rendered")} {
		found, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s has no files: %v", dir, err)
		}
		files = append(files, found...)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
		for i := 0; ; i++ {
			kind, err := decode(documents)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s, document %d: %v", file, i, err)
			}
			seen[kind] = true
		}
	}
	for kind := range kinds {
		if !seen[kind] {
			t.Errorf("there is no %s", kind)
		}
	}
}

// decode decodes the next document.
func decode(documents io.Reader) (kind string, err error) {
	buffer := make([]byte, 1<<20)
	n, err := documents.Read(buffer)
	if err != nil {
		return "", err
	}
	var head struct{ APIVersion, Kind string }
	if err := sigsyaml.Unmarshal(buffer[:n], &head); err != nil {
		return "", err
	}
	kind = head.APIVersion + " " + head.Kind
	object, ok := kinds[kind]
	if !ok {
		return kind, fmt.Errorf("%q is not known here", kind)
	}
	return kind, sigsyaml.UnmarshalStrict(buffer[:n], object())
}
