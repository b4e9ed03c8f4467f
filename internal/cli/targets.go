package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
)

// targetsOptions are the arguments of the targets command.
type targetsOptions struct {
	Exporter     exporterOptions
	Environments []string
	Names        []string
	Format       string // "text" or "json"
}

func addTargets(p *program) {
	var o targetsOptions
	c := p.Command("targets", "List the targets of a running exporter and what their last probes found. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("environment", "Only targets of this environment; may be repeated.").StringsVar(&o.Environments)
	c.Flag("name", "Only this target; may be repeated.").StringsVar(&o.Names)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return listTargets(ctx, out, errOut, o) })
}

// listTargets asks a running exporter for its targets and lists them on out. It returns the exit status.
func listTargets(ctx context.Context, out, errOut io.Writer, o targetsOptions) int {
	c, err := o.Exporter.connect("targets")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer c.Close()
	query := url.Values{"environment": o.Environments, "name": o.Names}
	var all api.TargetList
	r := request{path: "api/v1/targets?" + query.Encode(), format: o.Format, answer: &all}
	if status := r.send(ctx, c, out, errOut); status != ExitSuccess {
		return status
	}
	if o.Format == formatJSON {
		return ExitSuccess
	}
	writeTargets(out, all.Targets, time.Now())
	switch {
	case len(all.Targets) > 0:
	case len(o.Environments)+len(o.Names) > 0:
		fmt.Fprintln(errOut, "No target matches --environment and --name.")
	default:
		fmt.Fprintln(errOut, "The exporter has no targets. Its log, and `healthcheck_exporter check`, say whether a list could not be read.")
	}
	return ExitSuccess
}

// writeTargets writes a table.
func writeTargets(out io.Writer, targets []api.Target, now time.Time) {
	var rows table
	rows.add("NAME", "ENVIRONMENT", "STATE", "REASON", "SINCE", "AGE", "LATENCY", "UPTIME")
	for i := range targets {
		t := &targets[i]
		latency := "-"
		if t.DurationSeconds != nil {
			latency = fmt.Sprintf("%.1f ms", *t.DurationSeconds*1000)
		}
		rows.add(t.Name, t.Environment, stateOf(t), string(t.Reason), ago(t.Since, now), ago(t.LastProbe, now), latency, uptimeOf(t))
	}
	rows.write(out)
}

// stateOf is how a target is, and what else there is to know about that.
func stateOf(t *api.Target) string {
	words := []string{string(t.State)}
	if t.Restarting != "" {
		words = append(words, "restarting")
	}
	if t.Flapping {
		words = append(words, "flapping")
	}
	if t.Cause != "" {
		words = append(words, "depends on "+t.Cause)
	}
	if t.MaintenanceActive {
		words = append(words, "maintenance")
	}
	if t.Notification == "off" {
		words = append(words, "muted")
	}
	if t.Stale {
		words = append(words, "stale")
	}
	return strings.Join(words, ", ")
}

// ago is how long ago a time was.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	return now.Sub(*t).Truncate(time.Second).String()
}

// uptimeOf is in how many of the probes of the last day the target was up.
func uptimeOf(t *api.Target) string {
	if t.Uptime == nil || t.Uptime.Day.Ratio == nil {
		return "-"
	}
	return percent(*t.Uptime.Day.Ratio)
}

// percent never rounds up to 100 what was not always so.
func percent(ratio float64) string {
	return fmt.Sprintf("%.2f%%", math.Floor(ratio*10_000)/100)
}
