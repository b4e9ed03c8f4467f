package config

import "fmt"

// Command is the back-end that runs a program.
type Command struct {
	// Argv is the program by its absolute path, and its arguments.
	Argv []string `yaml:"argv"`
	// Env is the environment, besides PATH.
	Env map[string]string `yaml:"env,omitempty"`
	// Dir is the working directory, "/" where empty.
	Dir string `yaml:"dir,omitempty"`
}

func (*Command) shown() []string { return []string{"argv", "dir"} }

func (cmd *Command) unit() (id, what string) { return fmt.Sprint(*cmd), "command" }

func (cmd *Command) check(c *checker, p place) {
	argv := c.sub(p, "argv")
	if len(cmd.Argv) == 0 {
		c.fail(argv, "missing, want a program and its arguments")
	} else {
		c.program(argv, cmd.Argv[0])
	}
	if cmd.Dir != "" {
		c.directory(c.sub(p, "dir"), cmd.Dir)
	}
}
