package config

import (
	"fmt"
	"strings"
	"time"
)

// Kubernetes is the back-end that restarts a workload of Kubernetes.
type Kubernetes struct {
	// Kind is "deployment", "statefulset" or "daemonset".
	Kind string `yaml:"kind"`
	// Namespace and Name are those of the workload.
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	// KubeconfigFile says which cluster, and as whom. Empty: the one in which the exporter runs, as its service account.
	KubeconfigFile string `yaml:"kubeconfig_file,omitempty"`
	// Context is one of the contexts of KubeconfigFile. Empty: its current one.
	Context string `yaml:"context,omitempty"`
}

// clusterLimits are the defaults of a back-end that replaces every piece of a service, one after the other. That takes time,
// and pieces that work are replaced, too.
var clusterLimits = Limits{VerifyTimeout: Duration(10 * time.Minute), OutagePercent: 50}

func (*Kubernetes) limits() Limits { return clusterLimits }

func (*Kubernetes) shown() []string {
	return []string{"kind", "namespace", "name", "kubeconfig_file", "context"}
}

func (b *Kubernetes) unit() (id, what string) {
	return fmt.Sprintf("%q %q %q %q %q", b.KubeconfigFile, b.Context, b.Namespace, b.Kind, b.Name), "workload"
}

func (b *Kubernetes) check(c *checker, p place) {
	switch b.Kind {
	case "deployment", "statefulset", "daemonset":
	default:
		c.fail(c.sub(p, "kind"), `got %q, want "deployment", "statefulset" or "daemonset"`, b.Kind)
	}
	c.kubernetesName(c.sub(p, "namespace"), b.Namespace)
	c.kubernetesName(c.sub(p, "name"), b.Name)
	c.context(p, b.KubeconfigFile, b.Context)
}

// context checks that a context is named only where a kubeconfig file is.
func (c *checker) context(p place, file, context string) {
	if context != "" && file == "" {
		c.fail(c.sub(p, "context"), "has no effect without kubeconfig_file")
	}
	c.prints(c.sub(p, "context"), context)
}

// maxKubernetesName is how long the name of an object may be.
const maxKubernetesName = 253

// kubernetesName checks the name of an object, which becomes part of a path (an RFC 1123 subdomain, as Kubernetes calls it).
func (c *checker) kubernetesName(p place, name string) {
	ok := name != "" && len(name) <= maxKubernetesName
	for label := range strings.SplitSeq(name, ".") {
		ok = ok && label != "" && strings.Trim(label, "-") == label && strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	}
	if !ok {
		c.fail(p, "got %q, want a name as Kubernetes allows it: lower-case letters and digits, with - and . inside", name)
	}
}
