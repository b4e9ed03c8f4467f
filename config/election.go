package config

import "time"

// LeaderElection makes one of several exporters the one that restarts: the holder of a Lease of Kubernetes.
type LeaderElection struct {
	// Namespace and Lease are those of the Lease, which has to be there.
	Namespace string `yaml:"namespace"`
	Lease     string `yaml:"lease"`
	// KubeconfigFile says in which cluster, and as whom. Empty: the one in which the exporter runs, as its service account.
	KubeconfigFile string `yaml:"kubeconfig_file,omitempty"`
	// Context is one of the contexts of KubeconfigFile. Empty: its current one.
	Context string `yaml:"context,omitempty"`
}

// election checks who may act, of several exporters.
func (c *checker) election(p place, e *LeaderElection) {
	if e == nil {
		return
	}
	c.kubernetesName(c.sub(p, "namespace"), e.Namespace)
	c.kubernetesName(c.sub(p, "lease"), e.Lease)
	c.context(p, e.KubeconfigFile, e.Context)
}

// leastElectedCooldown is how long a new leader has to wait: a machine that was suspended may believe for some seconds
// after that it still holds the Lease.
const leastElectedCooldown = Duration(30 * time.Second)

// elected checks that a new leader waits long enough for the one before, of which it knows nothing.
func (c *checker) elected(p place, e *LeaderElection, l Limits) {
	if e != nil && l.Cooldown < leastElectedCooldown {
		c.fail(c.sub(p, "cooldown"), "is less than 30s, together with the defaults: with leader_election a new leader waits that long for the one before")
	}
}
