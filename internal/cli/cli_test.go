package cli

import "testing"

// TestEveryCommandDoesSomething: every command has an action, and every action belongs to a command.
func TestEveryCommandDoesSomething(t *testing.T) {
	p := newProgram("")
	found := map[string]bool{}
	for _, c := range p.Model().FlattenedCommands() {
		found[c.FullCommand] = true
		if p.actions[c.FullCommand] == nil {
			t.Errorf("the command %q does nothing", c.FullCommand)
		}
	}
	for name := range p.actions {
		if !found[name] {
			t.Errorf("no command is called %q, which has an action", name)
		}
	}
}
