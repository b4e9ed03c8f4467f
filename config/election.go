package config

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
