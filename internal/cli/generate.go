package cli

import (
	_ "embed" // the templates
	"io"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/roff"
)

//go:embed man.tmpl
var manTemplate string

//go:embed fish.tmpl
var fishTemplate string

// zshTemplate is there because kingpin's does nothing when zsh loads it: the first completion of each shell would be lost.
//
//go:embed zsh.tmpl
var zshTemplate string

// generated are the files that the program writes about itself, by the hidden flag that asks for one. The completion of bash is
// kingpin's.
var generated = map[string]string{
	"--help-man":               manTemplate,
	"--completion-script-zsh":  zshTemplate,
	"--completion-script-fish": fishTemplate,
}

// generate writes a file about the program.
func generate(out io.Writer, tmpl string, p *program) error {
	model := p.Model()
	funcs := template.FuncMap{
		"Roff": roff.Escape,
		"Fish": fishQuote,
		"Date": buildDate,
		// A list of a shell has one line for each help.
		"Sentence": func(help string) string {
			first, _, _ := strings.Cut(help, ". ")
			return strings.TrimSuffix(first, ".")
		},
		"Char": func(r rune) string { return string(r) },
		// The flags of a command, or of the program as a whole.
		"Flags":  func(f *kingpin.FlagGroupModel) []*kingpin.FlagModel { return shown(f.Flags) },
		"Many":   many,
		"Reads":  func(c *kingpin.CmdModel) bool { return p.readers[c.FullCommand] != nil },
		"Typing": func(c *kingpin.CmdModel) string { return typing(model, c) },
		"Words":  func(group *kingpin.CmdModel) string { return words(group.Commands) },
		"Group":  func(of string, flags *kingpin.FlagGroupModel) flagsOf { return flagsOf{of, flags} },
	}
	t, err := template.New(Name).Funcs(funcs).Parse(tmpl)
	if err != nil {
		return err
	}
	return t.Execute(out, struct {
		App      *kingpin.ApplicationModel
		Commands []*kingpin.CmdModel // in the order of --help, without groups
		Version  string
	}{model, model.FlattenedCommands(), version.Version})
}

// shown returns the flags that are not hidden.
func shown(flags []*kingpin.FlagModel) []*kingpin.FlagModel {
	var some []*kingpin.FlagModel
	for _, f := range flags {
		if !f.Hidden {
			some = append(some, f)
		}
	}
	return some
}

// many reports whether a flag or an argument may be repeated.
func many(v kingpin.Value) bool {
	c, ok := v.(interface{ IsCumulative() bool })
	return ok && c.IsCumulative()
}

// fishQuote quotes a text for fish.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// buildDate is the day of the build, which a release takes from its commit, or nothing.
func buildDate() string {
	day, err := time.Parse("20060102-15:04:05", version.BuildDate)
	if err != nil {
		return ""
	}
	return day.Format(time.DateOnly)
}

// flagsOf are flags, and the condition under which a shell offers them. Without one it always does.
type flagsOf struct {
	Of    string
	Group *kingpin.FlagGroupModel
}

// typing is the condition of fish that a command is being typed: its words are on the line or, for the default command, no word of
// another one is.
func typing(model *kingpin.ApplicationModel, c *kingpin.CmdModel) string {
	if c.Default {
		others := slices.DeleteFunc(slices.Clone(model.Commands), func(other *kingpin.CmdModel) bool { return other.Name == c.Name })
		return "not __fish_seen_subcommand_from " + words(others)
	}
	var seen []string
	for word := range strings.FieldsSeq(c.FullCommand) {
		seen = append(seen, "__fish_seen_subcommand_from "+word)
	}
	return strings.Join(seen, "; and ")
}

// words are the names of commands.
func words(commands []*kingpin.CmdModel) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}
