package cli

import (
	_ "embed" // the template
	"fmt"
	"slices"
	"strings"
)

// UsageTemplate is kingpin's template for --help. Where no command is named it also shows the flags of the default
// command.
//
//go:embed usage.tmpl
var UsageTemplate string

// UsageError says what is wrong with the command line args of program. A parser of kingpin takes a first word that is no
// command for an argument of the default command, and repeats it; it may be a target, with credentials.
func UsageError(err error, program string, args, commands []string) string {
	word, ok := strings.CutPrefix(err.Error(), "unexpected ")
	if !ok {
		return err.Error()
	}
	text := fmt.Sprintf("unexpected argument %q", word)
	if strings.ContainsAny(word, ":/@.") {
		text = "unexpected argument"
	}
	if slices.ContainsFunc(args, func(arg string) bool { return slices.Contains(commands, arg) }) {
		return text
	}
	return fmt.Sprintf("%s, want a command: %s; to probe a target: %s probe URL", text, strings.Join(commands, ", "), program)
}
