package config

import (
	"fmt"
	"maps"
	"slices"
)

// foreignProbers are those of blackbox_exporter that this exporter does not have.
var foreignProbers = []string{"tcp", "dns", "icmp", "grpc", "unix"}

// NotWith begins the text about a module of such a prober.
const NotWith = `this exporter probes with "http" and "websocket", and not with `

// leaveOut removes the modules of foreign probers, with everything that was said about them: it is for blackbox_exporter to
// judge them. What asks for one of them is told why it is not there.
func (d *decoder) leaveOut(modules place, c *Config) {
	d.leftOutModules = map[string]string{}
	for name, m := range c.Modules {
		if !slices.Contains(foreignProbers, m.Prober) {
			continue
		}
		d.leftOutModules[name] = m.Prober
		delete(c.Modules, name)
		path := modules.entry(name).path
		d.problems = slices.DeleteFunc(d.problems, func(p Problem) bool { return within(p.Path, path) })
	}
	c.foreign = d.leftOutModules
	if len(c.Modules) == 0 && len(d.leftOutModules) > 0 {
		d.report(d.at(modules), "all modules are left out, because they are of other probers; want at least one of http or websocket")
	}
}

// unknownModule says that there is no such module, and why.
func (d *decoder) unknownModule(name string, modules map[string]Module) string {
	if prober, ok := d.leftOutModules[name]; ok {
		return fmt.Sprintf("got module %q, which was left out: %s%q", name, NotWith, prober)
	}
	return fmt.Sprintf("got unknown module %q, want one of %q", name, slices.Sorted(maps.Keys(modules)))
}
