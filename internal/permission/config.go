package permission

import "github.com/healthcheck-exporter/healthcheck_exporter/config"

// uses are ours for those of a configuration.
var uses = map[config.FileUse]Use{
	config.SecretFile: Secret, config.PublicFile: Trusted, config.ProgramFile: Program,
	config.ArgumentFile: Argument, config.ListFile: Targets,
}

// CheckConfig looks at the configuration file at path, and at all files that it names.
func CheckConfig(path string, c *config.Config) []Finding {
	all := []File{{Path: path, Use: Config}}
	switch {
	case c.Restart != nil:
		all[0].Use = Powerful
	case c.Access != nil:
		all[0].Use = Access
	}
	if c.HoldsSecret() {
		all = append(all, File{Path: path, Use: Inline})
	}
	for _, f := range c.Named() {
		all = append(all, File{Place: f.Place, Path: f.Path, Use: uses[f.Use], Home: f.Home})
	}
	if a := c.Alertmanager; a != nil {
		all = append(all, File{Place: "alertmanager.dir", Path: a.Dir, Use: Outbox})
	}
	return Check(all...)
}
