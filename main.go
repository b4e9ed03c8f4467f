// Command healthcheck_exporter probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what
// is down if it may.
package main

import (
	"cmp"
	"context"
	_ "embed" // VERSION
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/cli"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/logging"
)

const name = "healthcheck_exporter"

// maxTimeoutOffset is the longest believable --timeout-offset in seconds.
const maxTimeoutOffset = 3600

// memoryShare is how much of the memory of its cgroup the process may take by its own reckoning, which knows neither the
// program's text nor the kernel's buffers.
const memoryShare = 0.8

// built is the version of the source, for a build that does not set it.
//
//go:embed VERSION
var built string

func main() {
	version.Version = cmp.Or(version.Version, strings.TrimSpace(built)+"-dev")
	// Nothing of ours uses the standard logger. net/http writes to it what a target sends unasked, of which the
	// probe's reason tells already.
	slog.SetDefault(slog.New(slog.DiscardHandler)) //nolint:forbidigo // the standard logger has no other switch
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// flags are what the command line said.
type flags struct {
	version                        string // what --version says
	logLevel, logFormat, logProber string
	configNamed, configCheck       bool
	autoReload                     bool
	timeoutOffset                  float64
	checkFiles                     []string
	server                         app.Options
	probe                          cli.ProbeOptions
	targets                        cli.TargetsOptions
	imports                        cli.ImportOptions
	restarts                       cli.RestartsOptions
	replay                         cli.ReplayOptions
	alertTest                      cli.AlertTestOptions
}

// run is main with its edges as parameters; it returns the exit status.
func run(args []string, out, errOut io.Writer) int {
	f := flags{version: version.Print(name)}
	if slices.Contains(args, "--help-man") { // its head is one line
		f.version = version.Version
	}
	a := application(&f)
	a.UsageWriter(out).ErrorWriter(errOut)
	if completesCommand(args) { // kingpin offers none beside a default command
		fmt.Fprintln(out, strings.Join(commands, "\n"))
		return cli.ExitSuccess
	}
	command, err := a.Parse(args)
	switch n := len(args); {
	case err != nil:
		err = cli.BlameFlag(a.Model(), args, err)
	case n > 0 && args[n-1] == "--config.file": // kingpin loses it for the sake of the default command
		err = errors.New("expected argument for flag '--config.file'")
	case command == commandProbe && f.probe.Target == "" && f.probe.Name == "":
		err = errors.New("required argument 'target' not provided")
	case f.configNamed && f.server.ConfigFile == "": // such as --config.file=$UNSET, which would watch nothing
		err = errors.New("--config.file is empty, want the path of a configuration file")
	}
	if err != nil {
		text := cli.UsageError(err, name, args, commands)
		fmt.Fprintf(errOut, "%s: %s, try --help\n", name, text)
		return cli.ExitUsage
	}
	f.probe.ConfigFile, f.replay.ConfigFile = f.server.ConfigFile, f.server.ConfigFile

	ctx, cancel := untilSignal()
	defer cancel()
	switch command {
	case commandCheck:
		return cli.Check(ctx, out, errOut, config.Options{TimeoutOffset: config.DefaultTimeoutOffset}, f.checkFiles)
	case commandProbe:
		return cli.Probe(ctx, out, errOut, f.probe)
	case commandTargets:
		return cli.Targets(ctx, out, errOut, f.targets)
	case commandImport:
		return cli.Import(out, errOut, f.imports)
	case commandList:
		return cli.ListRestarts(ctx, out, errOut, f.restarts)
	case commandExplain:
		return cli.ExplainRestart(ctx, out, errOut, f.restarts)
	case commandPause:
		return cli.PauseRestarts(ctx, out, errOut, f.restarts)
	case commandResume:
		return cli.ResumeRestarts(ctx, out, errOut, f.restarts)
	case commandUnlock:
		return cli.UnlockRestarts(ctx, out, errOut, f.restarts)
	case commandRequest:
		return cli.RequestRestart(ctx, out, errOut, f.restarts)
	case commandRelease:
		return cli.ReleaseBrake(ctx, out, errOut, f.restarts)
	case commandReplay:
		return cli.Replay(out, errOut, f.replay)
	case commandAlertTest:
		return cli.AlertTest(ctx, out, errOut, f.alertTest)
	case commandServe:
		return runServer(ctx, out, errOut, &f)
	default:
		return cli.ExitUsage
	}
}

// completesCommand reports whether the shell asks how the first word may go on.
func completesCommand(args []string) bool {
	return len(args) == 2 && args[0] == "--completion-bash" && !strings.HasPrefix(args[1], "-")
}

// untilSignal is a context that ends with the first signal to end. By then the default holds again: a second signal
// ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}

// complain writes an error, several lines of it below each other.
func complain(w io.Writer, err error) {
	text, sep := err.Error(), " "
	if strings.Contains(text, "\n") {
		sep = "\n"
	}
	fmt.Fprintf(w, "%s:%s%s\n", name, sep, text)
}

func runServer(ctx context.Context, out, errOut io.Writer, f *flags) int {
	if err := f.finish(errOut); err != nil {
		complain(errOut, err)
		return cli.ExitUsage
	}
	if f.configCheck {
		if f.server.ConfigFile == "" {
			fmt.Fprintf(errOut, "%s: --config.check needs --config.file\n", name)
			return cli.ExitUsage
		}
		return cli.Check(ctx, out, errOut, config.Options{TimeoutOffset: f.server.TimeoutOffset}, []string{f.server.ConfigFile})
	}
	// Near the limit of its container the garbage collector works harder, before the kernel ends the process. GOMEMLIMIT wins,
	// and without a limit there is nothing to do.
	_, _ = memlimit.Set(memlimit.WithRatio(memoryShare))
	hup := make(chan os.Signal, 1) // before the configuration is read: until then the signal would kill
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	exporter, err := app.New(f.server) //nolint:contextcheck // it takes a bounded time
	if err != nil {
		complain(errOut, err)
		return cli.ExitUsage
	}
	if err := exporter.Run(ctx, hup); err != nil {
		complain(errOut, err)
		return cli.ExitFailed
	}
	return cli.ExitSuccess
}

// finish turns the flags of the server into its options.
func (f *flags) finish(errOut io.Writer) error {
	if !(f.timeoutOffset >= 0 && f.timeoutOffset <= maxTimeoutOffset) { // written so that it holds for NaN
		return fmt.Errorf("--timeout-offset is %g, want 0 to %d", f.timeoutOffset, maxTimeoutOffset)
	}
	if f.server.StoragePath == "" {
		return errors.New("--storage.path is empty, want a directory")
	}
	f.server.TimeoutOffset = time.Duration(f.timeoutOffset * float64(time.Second))
	switch {
	case !f.autoReload:
		f.server.AutoReload = 0
	case f.server.AutoReload <= 0:
		return fmt.Errorf("--config.auto-reload-interval is %s, want more than 0", f.server.AutoReload)
	case f.server.ConfigFile == "":
		return errors.New("--config.enable-auto-reload needs --config.file")
	}
	return f.loggers(errOut)
}

// loggers makes the exporter's logger and that of the probes, which has a level of its own.
func (f *flags) loggers(w io.Writer) error {
	level, err := logging.ParseLevel(f.logLevel)
	if err != nil {
		return err
	}
	format, err := logging.ParseFormat(f.logFormat)
	if err != nil {
		return err
	}
	proberLevel := logging.LevelNone
	if f.logProber != "none" {
		if proberLevel, err = logging.ParseLevel(f.logProber); err != nil {
			return err
		}
	}
	f.server.Logger = logging.New(logging.Options{Level: level, Format: format, Writer: w})
	f.server.ProbeLogger = logging.New(logging.Options{Level: proberLevel, Format: format, Writer: w}).With("component", "prober")
	return nil
}

// The commands.
const (
	commandServe   = "serve"
	commandCheck   = "check"
	commandProbe   = "probe"
	commandTargets = "targets"
	commandImport  = "import"

	commandAlertTest = "alert-test"

	commandRestarts = "restarts"
	commandList     = "restarts list"
	commandExplain  = "restarts explain"
	commandPause    = "restarts pause"
	commandResume   = "restarts resume"
	commandUnlock   = "restarts unlock"
	commandRequest  = "restarts request"
	commandRelease  = "restarts release-brake"
	commandReplay   = "restarts replay"
)

var commands = []string{commandServe, commandCheck, commandProbe, commandTargets, commandImport, commandAlertTest, commandRestarts}

func application(f *flags) *kingpin.Application {
	a := kingpin.New(name, "Probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what is down if it may.")
	a.UsageTemplate(cli.UsageTemplate)
	a.HelpFlag.Short('h').Help("Show help; after a command, the help of that command.")
	a.Version(f.version)
	a.Flag("config.file", "Configuration file, of serve, probe and restarts replay. Without one the embedded default configuration is used.").
		IsSetByUser(&f.configNamed).StringVar(&f.server.ConfigFile)

	serve := a.Command(commandServe, "Serve /probe and the exporter's own metrics. This is the default command.").Default()
	serverFlags(serve, f)

	check := a.Command(commandCheck, "Check configuration files, and the files of targets that they name, and name every mistake in them. Exit status: 0 all are good, 2 one is not.")
	check.Arg("file", "Configuration files; - is standard input.").Required().StringsVar(&f.checkFiles)

	probe := a.Command(commandProbe, "Probe one target once and explain the outcome. Exit status: 0 success, 1 the probe failed, 2 usage or configuration.")
	p := &f.probe
	probe.Arg("target", "URL of the target; http:// may be left out.").StringVar(&p.Target)
	probe.Flag("name", "Target of the inventory of --config.file, instead of a URL: probed by its own module, timeout and headers, as the server does.").StringVar(&p.Name)
	probe.Flag("module", "Module to probe with. Default: http_2xx, and websocket for ws:// and wss://.").StringVar(&p.Module)
	probe.Flag("hostname", "Host header and TLS server name, if not the target's own.").StringVar(&p.Hostname)
	probe.Flag("attempts", "How many times to try a failing target; 0: as the module says.").Default("0").IntVar(&p.Attempts)
	probe.Flag("retry-delay", "Pause between two attempts; negative: as the module says.").Default("-1s").DurationVar(&p.RetryDelay)
	probe.Flag("timeout", "Time for all attempts together; 0: as the module says, or 10s for each attempt.").Default("0").DurationVar(&p.Timeout)
	probe.Flag("format", "Output format: text or json.").Default("text").EnumVar(&p.Format, "text", "json")
	probe.Flag("debug", "Also show step by step what happened.").BoolVar(&p.Debug)

	targets := a.Command(commandTargets, "List the targets of a running exporter and what their last probes found. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	t := &f.targets
	exporterFlags(targets, &t.Exporter, &t.Format)
	targets.Flag("environment", "Only targets of this environment; may be repeated.").StringsVar(&t.Environments)
	targets.Flag("name", "Only this target; may be repeated.").StringsVar(&t.Names)

	imports := a.Command(commandImport, "Write a configuration made of other files to stdout, and what could not be taken over to stderr. Exit status: 0 success, 2 a file cannot be read.")
	i := &f.imports
	imports.Flag("blackbox", "Configuration file of blackbox_exporter, for its modules; without one they are those of the default configuration.").StringsVar(&i.Blackbox)
	imports.Flag("prometheus", "Configuration file of Prometheus, for the targets of scrape jobs that go through /probe.").StringsVar(&i.Prometheus)
	imports.Flag("servers", "JSON list of servers with hostName, host, port, type (2, 3, 4: WebSocket; 1, 6: HTTP), environment and notification.").StringsVar(&i.Servers)
	alertTestCommand(a, &f.alertTest)
	restartsCommands(a, f)
	return a
}

// exporterFlags are the flags of every command that asks a running exporter.
func exporterFlags(c *kingpin.CmdClause, e *cli.Exporter, format *string) {
	c.Flag("url", "URL of the exporter.").Envar("HEALTHCHECK_EXPORTER_URL").Default("http://localhost:10115").StringVar(&e.URL)
	c.Flag("http.config.file", "File with authentication and TLS, as for promtool.").Envar("HEALTHCHECK_EXPORTER_HTTP_CONFIG").StringVar(&e.ClientFile)
	c.Flag("format", "Output format: text or json.").Default("text").EnumVar(format, "text", "json")
}

func alertTestCommand(a *kingpin.Application, o *cli.AlertTestOptions) {
	c := a.Command(commandAlertTest, "Send a test alert through Alertmanager, say at each hop how far it came, and end it. It has the label healthcheck_test=\"true\": "+
		"people see that it is a test, and the restart receiver does nothing. Exit status: 0 it came through, 1 a hop failed, 2 usage.")
	o.Labels = map[string]string{}
	c.Flag("alertmanager.url", "URL of Alertmanager.").Default("http://localhost:9093").StringVar(&o.Alertmanager.URL)
	c.Flag("alertmanager.http.config.file", "File with authentication and TLS for Alertmanager.").StringVar(&o.Alertmanager.ClientFile)
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("target", "Target of the exporter's inventory; the alert gets its labels. Without one target is alert-test, in no environment.").StringVar(&o.Target)
	c.Flag("label", "One more label of the alert, such as environment=LIVE; may be repeated. Wins over those of the target.").PlaceHolder("NAME=VALUE").StringMapVar(&o.Labels)
	c.Flag("wait", "Time for each hop. Notifications take the group_wait of the route.").Default("45s").DurationVar(&o.Wait)
}

// restartsCommands are the operators' levers of the restart controller.
func restartsCommands(a *kingpin.Application, f *flags) {
	restarts := a.Command(commandRestarts, "Look at what a running exporter may restart, and hold it back. With the credentials of the restart receiver.")
	r := &f.restarts
	command := func(name, help string) *kingpin.CmdClause {
		c := restarts.Command(strings.TrimPrefix(name, commandRestarts+" "), help)
		exporterFlags(c, &r.Exporter, &r.Format)
		return c
	}
	service := func(c *kingpin.CmdClause) { c.Arg("service", "Name of the service.").Required().StringVar(&r.Service) }
	who := func(c *kingpin.CmdClause) {
		c.Flag("who", "Who gives the order; without one the name of the basic authentication, or else the user of the operating system.").Envar("USER").StringVar(&r.Who)
	}
	command(commandList, "List the services and what holds them. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")

	service(command(commandExplain, "Say what every guard of a service says, and when it would be restarted. Exit status: 0 the exporter answered, whether the service is held or not, "+
		"1 it did not, or has no such service, 2 usage."))

	pause := command(commandPause, "Keep a service from being restarted for a while. Exit status: 0 it is paused, 1 the exporter refused or did not answer, 2 usage.")
	service(pause)
	who(pause)
	pause.Flag("duration", "How long, at most 24h.").Required().DurationVar(&r.Duration)
	pause.Flag("reason", "Why; for the others.").Required().StringVar(&r.Reason)

	resume := command(commandResume, "End the pause of a service. Exit status: 0 it is not paused, 1 the exporter refused or did not answer, 2 usage.")
	service(resume)
	who(resume)
	resume.Flag("reason", "Why; for the others.").StringVar(&r.Reason)

	unlock := command(commandUnlock, "End the lock-out of a service whose restarts did not help. Exit status: 0 it is not locked out, 1 the exporter refused or did not answer, 2 usage.")
	service(unlock)
	who(unlock)
	unlock.Flag("reason", "What has changed; for the others.").Required().StringVar(&r.Reason)

	request := command(commandRequest, "Ask for a restart of a service as an alert does: it comes when its checks confirm and every guard agrees. "+
		"Exit status: 0 accepted, whether something holds it or not, 1 the exporter refused or did not answer, 2 usage.")
	service(request)
	who(request)
	request.Flag("reason", "Why; for the others.").StringVar(&r.Reason)

	release := command(commandRelease, "Take the mass brake off for what fails now. Exit status: 0 it is not on, 1 the exporter refused or did not answer, 2 usage.")
	release.Arg("scope", "fleet, or group/NAME; without one fleet.").StringVar(&r.Scope)
	who(release)
	release.Flag("reason", "What has changed; for the others.").Required().StringVar(&r.Reason)

	replay := restarts.Command(strings.TrimPrefix(commandReplay, commandRestarts+" "), "Feed an audit log through the policies that wrote it, and with --config.file through those of that file. "+
		"Exit status: 0 the decisions are the same, 1 one differs or the log was changed, 2 usage, or a file cannot be read.")
	replay.Arg("dir", "Directory of the audit log.").Required().StringVar(&f.replay.Dir)
	replay.Flag("format", "Output format: text or json.").Default("text").EnumVar(&f.replay.Format, "text", "json")
}

func serverFlags(serve *kingpin.CmdClause, f *flags) {
	o := &f.server
	serve.Flag("config.check", "Check the configuration file and exit.").BoolVar(&f.configCheck)
	serve.Flag("config.enable-auto-reload", "Reload when the configuration file, or a file that it names, has changed.").BoolVar(&f.autoReload)
	serve.Flag("config.auto-reload-interval", "How often to look for changes; a number without a unit is seconds.").Default("30s").SetValue((*cli.Interval)(&o.AutoReload))
	serve.Flag("timeout-offset", "Seconds to subtract from the scrape timeout, at most a tenth of it.").Default("0.5").Float64Var(&f.timeoutOffset)
	serve.Flag("probe-all.max-targets", "How many targets one scrape of /probe/all may have.").Default("1000").IntVar(&o.ProbeAllMax)
	serve.Flag("history.limit", "How many probes, and how many failed ones besides, are kept for the landing page.").Default("100").IntVar(&o.HistoryLimit)
	serve.Flag("storage.path", "Directory of what is kept of restarts. It is made and used only if the configuration has restarts.").Default("data/").StringVar(&o.StoragePath)
	o.Web = kingpinflag.AddFlags(serve, ":10115")
	serve.Flag("web.external-url", "URL under which the exporter is reachable from outside, for example behind a proxy.").StringVar(&o.ExternalURL)
	serve.Flag("web.route-prefix", "Path below which everything is served. Default: the path of --web.external-url.").StringVar(&o.RoutePrefix)
	serve.Flag("web.enable-pprof", "Serve Go profiles below /debug/pprof/.").BoolVar(&o.EnablePprof)
	serve.Flag("log.level", "Least severe level to log: debug, info, warn or error.").Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	serve.Flag("log.format", "Log format: logfmt or json.").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	serve.Flag("log.prober", "Least severe level to log of probes: a change of state of a target of the inventory is info, every probe is debug; none is silent.").Default("info").EnumVar(&f.logProber, "none", "debug", "info", "warn", "error")
}
