package config

import (
	"fmt"
	"regexp"
)

// Docker is the back-end that restarts a container.
type Docker struct {
	// Container is its name, or else Label is a label, with or without a value, that it alone has.
	Container string `yaml:"container,omitempty"`
	Label     string `yaml:"label,omitempty"`
	// Engine is the one that runs the container.
	Engine `yaml:",inline"`
}

func (*Docker) shown() []string { return shownWithEngine("container", "label") }

func (b *Docker) unit() (id, what string) {
	return fmt.Sprintf("%q %q %q", b.id(), b.Container, b.Label), "container"
}

// containerName is that of a container, which becomes a part of a path.
var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

func (b *Docker) check(c *checker, p place) {
	switch {
	case (b.Container == "") == (b.Label == ""):
		c.fail(p, "want exactly one of container and label")
	case b.Container != "" && !containerName.MatchString(b.Container):
		c.fail(c.sub(p, "container"), "got %q, want the name of a container", b.Container)
	}
	c.prints(c.sub(p, "label"), b.Label)
	b.Engine.check(c, p)
}
