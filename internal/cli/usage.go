package cli

import (
	_ "embed" // the template
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// usageTemplate is kingpin's template for --help. If the arguments name no command, it also shows the flags of the default one.
//
//go:embed usage.tmpl
var usageTemplate string

// usageError says what is wrong with args. Kingpin takes a first word that is not a command for an argument of the default command
// and repeats it in its error. That word may be a target with credentials.
func usageError(err error, args, commands []string) error {
	word, ok := strings.CutPrefix(err.Error(), "unexpected ")
	if !ok {
		return err
	}
	text := fmt.Sprintf("unexpected argument %q", word)
	if strings.ContainsAny(word, ":/@.") {
		text = "unexpected argument"
	}
	if slices.ContainsFunc(args, func(arg string) bool { return slices.Contains(commands, arg) }) {
		return errors.New(text)
	}
	return fmt.Errorf("%s, want a command: %s; to probe a target: %s probe URL", text, strings.Join(commands, ", "), Name)
}

// gotAndWant says which value a flag got, and which it wants.
func gotAndWant(value string, err error) string {
	_, number := errors.AsType[*strconv.NumError](err)
	switch {
	case number:
		return fmt.Sprintf("got %q, want a number", value)
	case strings.HasPrefix(err.Error(), "time: "):
		return fmt.Sprintf("got %q, want a duration with a unit, such as 30s", value)
	default:
		return err.Error()
	}
}

// blameFlag adds to err the flag whose value it is about. The parser does not name it.
func blameFlag(model *kingpin.ApplicationModel, args []string, err error) error {
	values := map[string]kingpin.Value{}
	collect := func(group *kingpin.FlagGroupModel) {
		for _, f := range group.Flags {
			values["--"+f.Name] = f.Value
		}
	}
	collect(model.FlagGroupModel)
	for _, c := range model.FlattenedCommands() {
		collect(c.FlagGroupModel)
	}
	for i, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		if !found && i+1 < len(args) {
			value = args[i+1]
		}
		if v := values[name]; v != nil {
			if again := v.Set(value); again != nil && again.Error() == err.Error() {
				return fmt.Errorf("%s: %s", name, gotAndWant(value, err))
			}
		}
	}
	return err
}
