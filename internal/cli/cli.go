// Package cli is the command line: it parses the arguments and runs the command that they name. Each command has a file of
// its name, with its help, its flags and what it does.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// Name is the name of the program.
const Name = "healthcheck_exporter"

// The exit statuses of every command.
const (
	ExitSuccess = 0
	ExitFailed  = 1 // the probe failed, the exporter refused, a replay differs
	ExitUsage   = 2 // bad arguments or configuration
)

// A program is the command line: what may be said, and what it does.
type program struct {
	*kingpin.Application

	// config is --config.file. It comes before or after any command, whether that reads a configuration or not.
	config struct {
		file  string // empty: the embedded default configuration
		named bool
	}
	actions map[string]action // by the full name of their command
}

// An action does what a command is for, once all flags have their values. It returns the exit status.
type action func(ctx context.Context, out, errOut io.Writer) int

// newProgram registers all commands, in the order of --help.
func newProgram(about string) *program {
	p := &program{
		Application: kingpin.New(Name, "Probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what is down if it may."),
		actions:     map[string]action{},
	}
	p.UsageTemplate(usageTemplate)
	p.HelpFlag.Short('h').Help("Show help; after a command, the help of that command.")
	p.Version(about)
	p.Flag("config.file", "Configuration file, of serve, probe and restarts replay. Without one the embedded default configuration is used.").
		IsSetByUser(&p.config.named).StringVar(&p.config.file)
	for _, add := range []func(*program){addServe, addCheck, addProbe, addTargets, addImport, addAlertTest, addRestarts} {
		add(p)
	}
	return p
}

// does registers what a command does.
func (p *program) does(c *kingpin.CmdClause, a action) { p.actions[c.FullCommand()] = a }

// names are the names of the commands, without those of a group.
func (p *program) names() []string {
	var names []string
	for _, c := range p.Model().Commands {
		names = append(names, c.Name)
	}
	return names
}

// Run runs the command that args name and returns the exit status. The command ends with ctx.
func Run(ctx context.Context, args []string, out, errOut io.Writer) int {
	about := version.Print(Name)
	if slices.Contains(args, "--help-man") { // its head is one line
		about = version.Version
	}
	p := newProgram(about)
	p.UsageWriter(out).ErrorWriter(errOut)
	names := p.names()
	if completesCommand(args) { // kingpin offers none beside a default command
		fmt.Fprintln(out, strings.Join(names, "\n"))
		return ExitSuccess
	}
	command, err := p.Parse(args)
	switch n := len(args); {
	case err != nil:
		err = usageError(blameFlag(p.Model(), args, err), args, names)
	case n > 0 && args[n-1] == "--config.file": // kingpin loses it for the sake of the default command
		err = errors.New("expected argument for flag '--config.file'")
	case p.config.named && p.config.file == "": // such as --config.file=$UNSET, which would watch nothing
		err = errors.New("--config.file is empty, want the path of a configuration file")
	}
	if err != nil {
		fmt.Fprintf(errOut, "%s: %v, try --help\n", Name, err)
		return ExitUsage
	}
	return p.actions[command](ctx, out, errOut)
}

// completesCommand reports whether the shell asks how the first word may go on.
func completesCommand(args []string) bool {
	return len(args) == 2 && args[0] == "--completion-bash" && !strings.HasPrefix(args[1], "-")
}
