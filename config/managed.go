package config

// Managed is what people may edit while the exporter runs.
type Managed struct {
	// Targets says whether targets may be made, changed and removed. Muting and maintenance need no permission but a role.
	Targets bool `yaml:"targets,omitempty"`
	// MaxTargets is how many there may be. 0: see MaxTargetsOr.
	MaxTargets int `yaml:"max_targets,omitempty"`
}

// maxManaged is how many managed targets there may be, whatever the configuration says.
const maxManaged = 10_000

// MaxTargetsOr is how many managed targets there may be.
func (m *Managed) MaxTargetsOr() int {
	if m.MaxTargets == 0 {
		return maxManaged
	}
	return m.MaxTargets
}

// managed checks the managed section.
func (c *checker) managed(p place, cfg *Config) {
	if n := cfg.Managed.MaxTargets; n < 0 || n > maxManaged {
		c.fail(c.sub(p, "max_targets"), "got %d, want 1 to %d", n, maxManaged)
	}
	if cfg.Managed.Targets && (cfg.Access == nil || len(cfg.Access.Users) == 0) {
		c.fail(c.sub(p, "targets"), "is true, and nobody has a name: want a user of role edit under access.users, since nothing is changed without one")
	}
}
