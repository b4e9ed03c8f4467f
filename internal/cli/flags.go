package cli

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// An Interval is the value of a flag: a duration, or a number of seconds, which is how blackbox_exporter writes it.
type Interval time.Duration

// Set implements kingpin.Value.
func (i *Interval) Set(s string) error {
	if seconds, err := strconv.ParseUint(s, 10, 31); err == nil {
		*i = Interval(time.Duration(seconds) * time.Second) //nolint:gosec // it has 31 bits
		return nil
	}
	d, err := time.ParseDuration(s)
	*i = Interval(d)
	return err
}

// String implements kingpin.Value.
func (i *Interval) String() string { return time.Duration(*i).String() }

// systemUser is the name of the user of this process by the operating system. Empty: it has none.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// gotAndWant says what is wrong with the value of a flag.
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

// BlameFlag says which flag of args has the value that err is about: the parser tells what is wrong with it alone.
func BlameFlag(model *kingpin.ApplicationModel, args []string, err error) error {
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
