package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/logging"
)

// maxTimeoutOffset is the longest believable --timeout-offset in seconds.
const maxTimeoutOffset = 3600

// memoryShare is how much of the memory of its cgroup the Go runtime may use. The rest is for what it does not count: the code of
// the program and the buffers of the kernel.
const memoryShare = 0.8

// serveOptions are the flags of the serve command: options of the exporter, and values from which finish makes more of them.
type serveOptions struct {
	app.Options

	check         bool
	autoReload    bool
	timeoutOffset float64 // seconds

	logLevel, logFormat, logProber string
}

func addServe(p *program) {
	var o serveOptions
	c := p.Command("serve", "Serve /probe and the exporter's own metrics. This is the default command.").Default()
	ignoresForeign(c, &o.IgnoreForeignModules)
	c.Flag("config.check", "Check the configuration file and exit.").BoolVar(&o.check)
	c.Flag("config.enable-auto-reload", "Reload when the configuration file, or a file that it names, has changed.").BoolVar(&o.autoReload)
	c.Flag("config.auto-reload-interval", "How often to look for changes; a number without a unit is seconds.").Default("30s").SetValue((*interval)(&o.AutoReload))
	c.Flag("timeout-offset", "Seconds to subtract from the scrape timeout, at most a tenth of it.").Default("0.5").Float64Var(&o.timeoutOffset)
	c.Flag("probe-all.max-targets", "How many targets one scrape of /probe/all may have.").Default("1000").IntVar(&o.ProbeAllMax)
	c.Flag("history.limit", "How many probes to keep for /probes and /logs, and how many failed ones in addition.").Default("100").IntVar(&o.HistoryLimit)
	c.Flag("storage.path", "Directory for what is known of targets, the states of restarts and their audit log. It is created only if the configuration has targets, users or a restart section.").Default("data/").StringVar(&o.StoragePath)
	o.Web = kingpinflag.AddFlags(c, ":10115")
	c.Flag("web.external-url", "URL under which the exporter is reachable from outside, for example behind a proxy.").StringVar(&o.ExternalURL)
	c.Flag("web.route-prefix", "Path below which everything is served. Default: the path of --web.external-url.").StringVar(&o.RoutePrefix)
	c.Flag("web.page.viewers", "How many browsers may be told at a time what changes on the page. 0: none.").Default("200").IntVar(&o.PageViewers)
	c.Flag("web.enable-pprof", "Serve Go profiles below /debug/pprof/.").BoolVar(&o.EnablePprof)
	c.Flag("log.level", "Least severe level to log: debug, info, warn or error.").Default("info").EnumVar(&o.logLevel, "debug", "info", "warn", "error")
	c.Flag("log.format", "Log format: logfmt or json.").Default("logfmt").EnumVar(&o.logFormat, "logfmt", "json")
	c.Flag("log.prober", "Least severe level to log for probes: info logs when a target of the inventory changes its state, debug logs every probe, none logs nothing.").Default("info").EnumVar(&o.logProber, "none", "debug", "info", "warn", "error")
	p.readsConfig(c, &o.ConfigFile)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return serve(ctx, out, errOut, o) })
}

// serve runs the exporter until ctx ends.
func serve(ctx context.Context, out, errOut io.Writer, o serveOptions) int {
	if err := o.finish(errOut); err != nil {
		complain(errOut, err)
		return ExitUsage
	}
	if o.check {
		if o.ConfigFile == "" {
			complain(errOut, errors.New("--config.check needs --config.file"))
			return ExitUsage
		}
		return check(ctx, out, errOut, checkOptions{TimeoutOffset: o.TimeoutOffset, IgnoreForeign: o.IgnoreForeignModules, Files: []string{o.ConfigFile}, Web: *o.Web.WebConfigFile})
	}
	// Near the limit of its container the garbage collector works harder, so that the kernel does not kill the process.
	// GOMEMLIMIT takes precedence. Without a limit nothing happens.
	_, _ = memlimit.Set(memlimit.WithRatio(memoryShare))
	hup := make(chan os.Signal, 1) // from here on the signal reloads; before, it would kill the process
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	exporter, err := app.New(o.Options) //nolint:contextcheck // it takes a bounded time
	if err != nil {
		complain(errOut, err)
		return ExitUsage
	}
	if err := exporter.Run(ctx, hup); err != nil {
		complain(errOut, err)
		return ExitFailed
	}
	return ExitSuccess
}

// complain writes an error. One of several lines begins on a line of its own.
func complain(w io.Writer, err error) {
	text, sep := err.Error(), " "
	if strings.Contains(text, "\n") {
		sep = "\n"
	}
	fmt.Fprintf(w, "%s:%s%s\n", Name, sep, text)
}

// finish checks the flags and makes the options of the exporter from them. Logs go to errOut.
func (o *serveOptions) finish(errOut io.Writer) error {
	if !(o.timeoutOffset >= 0 && o.timeoutOffset <= maxTimeoutOffset) { // written this way to catch NaN
		return fmt.Errorf("--timeout-offset is %g, want 0 to %d", o.timeoutOffset, maxTimeoutOffset)
	}
	if o.StoragePath == "" {
		return errors.New("--storage.path is empty, want a directory")
	}
	o.TimeoutOffset = time.Duration(o.timeoutOffset * float64(time.Second))
	switch {
	case !o.autoReload:
		o.AutoReload = 0
	case o.AutoReload <= 0:
		return fmt.Errorf("--config.auto-reload-interval is %s, want more than 0", o.AutoReload)
	case o.ConfigFile == "":
		return errors.New("--config.enable-auto-reload needs --config.file")
	}
	return o.loggers(errOut)
}

// loggers makes the logger of the exporter and the logger of the probes, which has its own level.
func (o *serveOptions) loggers(w io.Writer) error {
	level, err := logging.ParseLevel(o.logLevel)
	if err != nil {
		return err
	}
	format, err := logging.ParseFormat(o.logFormat)
	if err != nil {
		return err
	}
	proberLevel := logging.LevelNone
	if o.logProber != "none" {
		if proberLevel, err = logging.ParseLevel(o.logProber); err != nil {
			return err
		}
	}
	o.Logger = logging.New(logging.Options{Level: level, Format: format, Writer: w})
	o.ProbeLogger = logging.New(logging.Options{Level: proberLevel, Format: format, Writer: w}).With("component", "prober")
	return nil
}

// An interval is the value of a flag: a duration, or a number of seconds as blackbox_exporter has it.
type interval time.Duration

// Set implements kingpin.Value.
func (i *interval) Set(s string) error {
	if seconds, err := strconv.ParseUint(s, 10, 31); err == nil {
		*i = interval(time.Duration(seconds) * time.Second) //nolint:gosec // it has 31 bits
		return nil
	}
	d, err := time.ParseDuration(s)
	*i = interval(d)
	return err
}

// String implements kingpin.Value.
func (i *interval) String() string { return time.Duration(*i).String() }
