package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/report"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// probeOptions are the arguments of the probe command.
type probeOptions struct {
	ConfigFile string // empty: the embedded default configuration
	Module     string // empty: the default for the target
	Target     string
	Name       string // of a target of the inventory, which has its own module; empty: Target is probed
	Hostname   string // empty: the target's
	// IgnoreForeign leaves out modules of probers that only blackbox_exporter has.
	IgnoreForeign bool
	Attempts      int           // 0: the module's
	RetryDelay    time.Duration // negative: the module's
	Timeout       time.Duration // 0: the module's, or 10 s for each attempt
	Format        string        // "text" or "json"
	Debug         bool          // for text: also show each step
}

func addProbe(p *program) {
	var o probeOptions
	c := p.Command("probe", "Probe one target once and explain the outcome. Exit status: 0 success, 1 the probe failed, 2 usage or configuration.")
	c.Arg("target", "URL of the target; http:// may be left out.").StringVar(&o.Target)
	c.Flag("name", "Target from the inventory of --config.file, instead of a URL. It is probed with its own module, timeout and headers, as the server probes it.").StringVar(&o.Name)
	c.Flag("module", "Module to probe with. Default: http_2xx, or websocket for ws:// and wss://.").StringVar(&o.Module)
	c.Flag("hostname", "Host header and TLS server name, if not the target's own.").StringVar(&o.Hostname)
	c.Flag("attempts", "How many times to try a failing target; 0: as the module says.").Default("0").IntVar(&o.Attempts)
	c.Flag("retry-delay", "Pause between two attempts; negative: as the module says.").Default("-1s").DurationVar(&o.RetryDelay)
	c.Flag("timeout", "Time for all attempts together; 0: as the module says, or 10s for each attempt.").Default("0").DurationVar(&o.Timeout)
	c.Flag("format", "Output format: text or json.").Default(formatText).EnumVar(&o.Format, formatText, formatJSON)
	c.Flag("debug", "Also show step by step what happened.").BoolVar(&o.Debug)
	c.Validate(func(*kingpin.CmdClause) error {
		if o.Target == "" && o.Name == "" {
			return errors.New("required argument 'target' not provided")
		}
		return nil
	})
	ignoresForeign(c, &o.IgnoreForeign)
	p.readsConfig(c, &o.ConfigFile)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return probe(ctx, out, errOut, o) })
}

// probe probes one target once and explains the outcome on out. It returns the exit status.
func probe(ctx context.Context, out, errOut io.Writer, o probeOptions) int {
	m, rules, err := o.module(ctx)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	if err := collector.CheckHostname(o.Hostname, m); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	u, err := prober.ParseTarget(o.Target, m.Prober)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	if err := m.CheckCredentials(u, o.Hostname); err != nil {
		fmt.Fprintf(errOut, "module %q: %v\n", o.Module, err)
		return ExitUsage
	}
	p, err := prober.New(m, rules)
	if err != nil {
		fmt.Fprintf(errOut, "module %q: %v\n", o.Module, err)
		return ExitUsage
	}
	timeout := o.timeout(m)
	probing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	rep := report.Report{
		Target: prober.MaskURL(u),
		Module: o.Module,
		Result: p.Probe(probing, prober.Request{URL: u, Hostname: o.Hostname, Excerpt: true}),
	}
	rep.Result.Timeout = timeout // not what was left of it when the probe began
	if !rep.Result.Success() && ctx.Err() != nil {
		fmt.Fprintln(errOut, "interrupted before the probe ended, which says nothing about the target")
		return ExitUsage
	}
	rep.Hint = hint.For(&rep.Result, &m)
	if o.Format == formatJSON {
		err = writeJSON(out, &rep)
	} else {
		rep.Steps = o.Debug
		err = rep.WriteText(out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errOut, err)
		return ExitUsage
	case !rep.Result.Success():
		return ExitFailed
	default:
		return ExitSuccess
	}
}

// The limits of flags. They are high, so that the command can wait for a service that is starting.
const (
	maxAttempts = 1000
	maxDuration = 24 * time.Hour
)

func (o *probeOptions) check() error {
	switch {
	case o.Name != "" && (o.Target != "" || o.Module != "" || o.Hostname != ""):
		return errors.New("--name excludes a target, --module and --hostname: a target of the inventory brings its own")
	case o.Name != "" && o.ConfigFile == "":
		return errors.New("--name needs --config.file, which has the inventory")
	case o.Name == "" && o.Target == "":
		return errors.New("target is empty, want a URL, or --name of a target of the inventory")
	case o.Attempts < 0 || o.Attempts > maxAttempts:
		return fmt.Errorf("--attempts is %d, want 0 to %d", o.Attempts, maxAttempts)
	case o.RetryDelay > maxDuration:
		return fmt.Errorf("--retry-delay is %s, want at most %s", o.RetryDelay, maxDuration)
	case o.Timeout < 0 || o.Timeout > maxDuration:
		return fmt.Errorf("--timeout is %s, want 0 to %s", o.Timeout, maxDuration)
	default:
		return nil
	}
}

// module returns the configured module with the overrides of the command line, and the rules for its target.
func (o *probeOptions) module(ctx context.Context) (config.Module, config.TargetRules, error) {
	if err := o.check(); err != nil {
		return config.Module{}, config.TargetRules{}, err
	}
	c := config.Default()
	if o.ConfigFile != "" {
		var err error
		if c, err = (config.Options{TimeoutOffset: config.DefaultTimeoutOffset, IgnoreForeignModules: o.IgnoreForeign}).Load(o.ConfigFile); err != nil {
			return config.Module{}, config.TargetRules{}, err
		}
	}
	m, err := o.find(ctx, c)
	if err != nil {
		return config.Module{}, config.TargetRules{}, err
	}
	if o.Attempts > 0 {
		m.Attempts = o.Attempts
	}
	if o.RetryDelay >= 0 {
		m.RetryDelay = config.Duration(o.RetryDelay)
	}
	if o.RetryDelay > 0 && m.Attempts <= 1 {
		return config.Module{}, config.TargetRules{}, errors.New("--retry-delay has no effect on one attempt, want --attempts of 2 or more")
	}
	return m, c.TargetRules, nil
}

// find returns the module. A target of the inventory is looked up by its name, and the module is the one with which the server
// probes it, changes of the target included.
func (o *probeOptions) find(ctx context.Context, c *config.Config) (config.Module, error) {
	if o.Name == "" {
		if o.Module == "" {
			o.Module = config.DefaultModuleFor(o.Target)
		}
		m, ok := c.Modules[o.Module]
		if !ok {
			names := slices.Sorted(maps.Keys(c.Modules))
			return m, fmt.Errorf("unknown module %q, want one of %s", o.Module, strings.Join(names, ", "))
		}
		return m, nil
	}
	inv, _ := inventory.ReadFiles(ctx, c, config.DefaultTimeoutOffset, prober.MaskURL) // the command check reports errors in other files
	e := inv.ByName(o.Name)
	if e == nil {
		text := "the inventory has no target %q: the targets command lists all of a running exporter"
		if len(c.TargetAPIs) > 0 {
			text += "; target_apis are not asked, probe their targets by /probe?name=NAME&debug=true of that exporter"
		} else if c.Managed.Targets {
			text += "; managed targets are in its --storage.path alone, probe them by /probe?name=NAME&debug=true of that exporter"
		}
		return config.Module{}, fmt.Errorf(text, o.Name)
	}
	o.Target, o.Module = e.URL, e.Module
	return e.Overlay(c.Modules[e.Module]), nil
}

// timeout is the time for the whole probe. If neither the command line nor the module has one, every attempt gets the default.
func (o probeOptions) timeout(m config.Module) time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	n := time.Duration(max(m.Attempts, 1))
	return m.TimeoutOr(n*prober.DefaultTimeout + (n-1)*time.Duration(m.RetryDelay))
}
