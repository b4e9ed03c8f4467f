package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// checkOptions are the arguments of the check command.
type checkOptions struct {
	// TimeoutOffset is how much earlier than its scrape a probe ends. Some settings have to leave room for that.
	TimeoutOffset time.Duration
	// IgnoreForeign leaves out modules of probers that only blackbox_exporter has.
	IgnoreForeign bool
	Files         []string // - is standard input
	// Web is the file with the passwords of users. Empty: it is not looked into.
	Web string
}

func addCheck(p *program) {
	o := checkOptions{TimeoutOffset: config.DefaultTimeoutOffset}
	c := p.Command("check", "Check configuration files and the target files that they name, and report every mistake in them. Exit status: 0 all are good, 2 one is not.")
	c.Arg("file", "Configuration files; - is standard input.").Required().StringsVar(&o.Files)
	ignoresForeign(c, &o.IgnoreForeign)
	c.Flag("web.config.file", "The file of the server's flag of that name, to see whether its users and those of the configuration go together.").StringVar(&o.Web)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return check(ctx, out, errOut, o) })
}

// ignoresForeign registers the flag by which one file serves blackbox_exporter and this one.
func ignoresForeign(c *kingpin.CmdClause, to *bool) {
	c.Flag("config.ignore-foreign-modules", "Leave out modules of blackbox_exporter's other probers (tcp, dns, icmp, grpc, unix), and say which, so that one file can serve both exporters.").BoolVar(to)
}

// check loads each file as the server would. It writes to out what is in the file, and to errOut what is wrong or doubtful in
// it.
func check(ctx context.Context, out, errOut io.Writer, o checkOptions) int {
	status := ExitSuccess
	for _, file := range o.Files {
		if file == "" { // kingpin turns "-" into this
			file = stdin
		}
		has, warnings, err := checkFile(ctx, o, file)
		for _, text := range warnings {
			fmt.Fprintf(errOut, "%s: warning: %s\n", file, text)
		}
		if err != nil {
			fmt.Fprintln(errOut, err)
			if !o.IgnoreForeign && strings.Contains(err.Error(), config.NotWith) {
				fmt.Fprintf(errOut, "%s: leave those modules to blackbox_exporter: healthcheck_exporter import --blackbox=FILE takes the others, and --config.ignore-foreign-modules reads the file without them\n", file)
			}
			status = ExitUsage
			continue
		}
		fmt.Fprintf(out, "%s: ok, %s\n", file, has)
	}
	return status
}

// stdin is the name of standard input, in arguments and messages.
const stdin = "-"

func load(o config.Options, file string) (*config.Config, error) {
	if file == stdin {
		return o.Read(file, os.Stdin)
	}
	return o.Load(file)
}

// contents counts what is in a configuration and how many targets are in its files, so that people notice a section that is
// missing by mistake.
func contents(c *config.Config, inFiles int) string {
	text := fmt.Sprintf("modules: %d", len(c.Modules))
	if n := len(c.Targets); n > 0 {
		text += fmt.Sprintf(", targets: %d", n)
	}
	if len(c.TargetFiles) > 0 {
		text += fmt.Sprintf(", targets in files: %d", inFiles)
	}
	if n := len(c.TargetAPIs); n > 0 {
		text += fmt.Sprintf(", APIs with targets: %d", n)
	}
	if c.Restart != nil {
		text += fmt.Sprintf(", services to restart: %d", len(c.Restart.Services))
	}
	return text
}

// checkFile also builds what the server would build, and reads the target files. It returns what is in the configuration and
// what is doubtful in it.
func checkFile(ctx context.Context, o checkOptions, file string) (has string, warnings []string, err error) {
	c, err := load(config.Options{TimeoutOffset: o.TimeoutOffset, IgnoreForeignModules: o.IgnoreForeign}, file)
	if err != nil {
		return "", nil, err
	}
	permissions := permission.CheckConfig(file, c)
	stranded, err := checkUsers(file, c, o.Web)
	errs := []error{permission.Err(file+": ", permissions), alertconf.CheckConfig(file, c), err}
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		if _, err := prober.New(c.Modules[name], c.TargetRules); err != nil {
			errs = append(errs, fmt.Errorf("%s: modules.%s: %w", file, name, err))
		}
	}
	n, wrong := inventory.CheckFiles(ctx, c, o.TimeoutOffset, prober.MaskURL)
	warnings = slices.Concat(permission.Warnings(permissions), c.Doubts(), stranded, undecoded(c), leftOut(c))
	return contents(c, n), warnings, errors.Join(append(errs, wrong...)...)
}

// checkUsers returns a warning for each user who can never log in, as far as the passwords in the file web say.
func checkUsers(file string, c *config.Config, web string) (warnings []string, err error) {
	passwords, err := app.WebPasswords(web)
	if err != nil {
		return nil, err
	}
	warnings = c.Access.StrandedUsers(passwords)
	if web == "" {
		for i := range warnings {
			warnings[i] += " (give check that file with --web.config.file)"
		}
	}
	return warnings, app.CheckTokens(file, c, web)
}

// leftOut returns a warning that names the modules that are left out.
func leftOut(c *config.Config) []string {
	foreign := c.Foreign()
	if len(foreign) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(foreign))
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%s)", name, foreign[name])
	}
	return []string{"left out modules of probers that this exporter does not have: " + strings.Join(names, ", ")}
}

// undecoded returns a warning for each module that asks for a compressed body but does not decompress it.
func undecoded(c *config.Config) []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		m := c.Modules[name]
		if m.Prober == "http" && m.HTTP.Compression == "" && asksForCompression(&m.HTTP) {
			warnings = append(warnings, fmt.Sprintf("modules.%s: the header Accept-Encoding asks for a compressed body, which is not decompressed: "+
				"set compression instead of the header, or conditions on the body fail", name))
		}
	}
	return warnings
}

func asksForCompression(h *config.HTTP) bool {
	for name, value := range h.Headers { // other blocks must not set this header
		accepted := func(coding string) bool { return config.AcceptsEncoding(value, coding) }
		if strings.EqualFold(name, "Accept-Encoding") && slices.ContainsFunc([]string{"gzip", "br", "deflate", "zstd"}, accepted) {
			return true
		}
	}
	return false
}
