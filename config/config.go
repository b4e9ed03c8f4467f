package config

// Config is a whole, checked configuration file. Load and Parse make one; it is not changed afterwards.
type Config struct {
	// Modules are the ways to probe, by name.
	Modules map[string]Module `yaml:"modules"`
	// TargetRules say which targets may be probed.
	TargetRules TargetRules `yaml:"probe,omitempty"`
	// Targets are the targets that the file itself lists.
	Targets []Target `yaml:"targets,omitempty"`
	// TargetFiles are files that list targets.
	TargetFiles []TargetFile `yaml:"target_files,omitempty"`
	// TargetAPIs are APIs that list targets.
	TargetAPIs []TargetAPI `yaml:"target_apis,omitempty"`
	// Maintenance are times at which nobody is notified of any target.
	Maintenance TimeIntervals `yaml:"maintenance,omitempty"`
	// Status is what is known of targets, and who finds it out.
	Status Status `yaml:"status,omitempty"`
	// Access says who may do what. nil: anybody may read, and nobody may do more.
	Access *Access `yaml:"access,omitempty"`
	// Managed is what people may edit while the exporter runs.
	Managed Managed `yaml:"managed,omitempty"`
	// Alertmanager is nil if nobody may make channels.
	Alertmanager *Alertmanager `yaml:"alertmanager,omitempty"`
	// Restart is nil if nothing may be restarted.
	Restart *Restart `yaml:"restart,omitempty"`

	foreign map[string]string // the modules that were left out, by name, with their probers
}

// Foreign returns the names of the modules that were left out because of Options.IgnoreForeignModules, each with its prober.
func (c *Config) Foreign() map[string]string { return c.foreign }

// Target returns the target of this name in the configuration file, or nil if there is none.
func (c *Config) Target(name string) *Target {
	for i := range c.Targets {
		if name != "" && c.Targets[i].Name == name {
			return &c.Targets[i]
		}
	}
	return nil
}

// hasSources reports whether there may be targets that are not in the file.
func (c *Config) hasSources() bool {
	return len(c.TargetFiles) > 0 || len(c.TargetAPIs) > 0 || c.Managed.Targets
}
