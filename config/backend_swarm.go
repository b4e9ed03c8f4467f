package config

import (
	"fmt"
	"regexp"
)

// Swarm is the back-end that restarts a service of Docker Swarm.
type Swarm struct {
	// Service is its name.
	Service string `yaml:"service"`
	// Engine is that of a manager.
	Engine `yaml:",inline"`
}

func (*Swarm) limits() Limits { return clusterLimits }

func (*Swarm) shown() []string { return shownWithEngine("service") }

func (b *Swarm) unit() (id, what string) {
	return fmt.Sprintf("%q %q", b.id(), b.Service), "service of a swarm"
}

// swarmService is what a service of a swarm may be called.
var swarmService = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func (b *Swarm) check(c *checker, p place) {
	if !swarmService.MatchString(b.Service) {
		c.fail(c.sub(p, "service"), "got %q, want the name of a service, as docker service ls shows it", b.Service)
	}
	b.Engine.check(c, p)
}
