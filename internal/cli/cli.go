// Package cli is the command line: it parses the arguments and runs the command that they name. Each command has a file of
// the same name, which registers its help and its flags and does its work.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

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

// configFlag names the configuration file, for the commands that read it.
const configFlag = "config.file"

// A program is the command line: its commands and flags, and what each command does.
type program struct {
	*kingpin.Application

	// The keys of the following are the full names of commands.
	actions map[string]action
	readers map[string]*string // where to put --config.file; only commands that read it have one

	// Every command accepts --config.file, before and after its name, even if it reads no configuration.
	configFile  string // empty: the embedded default configuration
	configNamed bool
}

// An action does the work of a command, once all flags have their values. It returns the exit status.
type action func(ctx context.Context, out, errOut io.Writer) int

// newProgram registers all commands, in the order of --help.
func newProgram(about string) *program {
	p := &program{
		Application: kingpin.New(Name, "Probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what is down if it may."),
		actions:     map[string]action{},
		readers:     map[string]*string{},
	}
	p.UsageTemplate(usageTemplate).UsageFuncs(template.FuncMap{"Used": p.used})
	p.HelpFlag.Short('h').Help("Show help; after a command, the help of that command.")
	p.Version(about)
	p.Flag(configFlag, "Configuration file, for serve, probe and restarts replay. Default: the embedded configuration.").
		IsSetByUser(&p.configNamed).StringVar(&p.configFile)
	for _, add := range []func(*program){addServe, addInit, addCheck, addProbe, addTargets, addEvents, addMute, addMaintenance, addManaged, addImport, addChannels, addAlertTest, addAlertmanagerSync, addRestarts} {
		add(p)
	}
	return p
}

// does registers what a command does.
func (p *program) does(c *kingpin.CmdClause, a action) { p.actions[c.FullCommand()] = a }

// readsConfig registers that a command reads the configuration, and where to put --config.file.
func (p *program) readsConfig(c *kingpin.CmdClause, file *string) { p.readers[c.FullCommand()] = file }

// used returns those of the flags that a command uses. A nil command is the program as a whole.
func (p *program) used(c *kingpin.CmdModel, flags []*kingpin.FlagModel) []*kingpin.FlagModel {
	if c == nil || p.readers[c.FullCommand] != nil {
		return flags
	}
	return slices.DeleteFunc(flags, func(f *kingpin.FlagModel) bool { return f.Name == configFlag })
}

// names returns the names of the commands; a group counts as one.
func (p *program) names() []string {
	var names []string
	for _, c := range p.Model().Commands {
		names = append(names, c.Name)
	}
	return names
}

// Run runs the command that args name and returns the exit status. The command ends with ctx.
func Run(ctx context.Context, args []string, out, errOut io.Writer) int {
	p := newProgram(version.Print(Name))
	p.UsageWriter(out).ErrorWriter(errOut)
	if tmpl := generated[strings.Join(args, " ")]; tmpl != "" {
		if err := generate(out, tmpl, p); err != nil {
			complain(errOut, err)
			return ExitFailed
		}
		return ExitSuccess
	}
	names := p.names()
	if completesCommand(args) { // kingpin completes no commands if there is a default one
		fmt.Fprintln(out, strings.Join(names, "\n"))
		return ExitSuccess
	}
	command, err := p.Parse(args)
	switch n := len(args); {
	case err != nil:
		err = usageError(blameFlag(p.Model(), args, err), args, names)
	case n > 0 && args[n-1] == "--"+configFlag: // kingpin drops it when it falls back to the default command
		err = errors.New("expected argument for flag '--config.file'")
	case p.configNamed && p.configFile == "": // such as --config.file=$UNSET: the exporter would watch nothing
		err = errors.New("--config.file is empty, want the path of a configuration file")
	}
	if err != nil {
		fmt.Fprintf(errOut, "%s: %v, try --help\n", Name, err)
		return ExitUsage
	}
	if file := p.readers[command]; file != nil {
		*file = p.configFile
	}
	return p.actions[command](ctx, out, errOut)
}

// completesCommand reports whether the shell asks for completions of the first word.
func completesCommand(args []string) bool {
	return len(args) == 2 && args[0] == "--completion-bash" && !strings.HasPrefix(args[1], "-")
}
