package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
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
	var all inventory.Statuses
	r := request{path: "api/v1/targets?" + query.Encode(), format: o.Format, answer: &all}
	if status := r.send(ctx, c, out, errOut); status != ExitSuccess {
		return status
	}
	if o.Format != formatJSON {
		writeTargets(out, all.Targets, time.Now())
	}
	return ExitSuccess
}

// writeTargets writes the targets as a table.
func writeTargets(out io.Writer, targets []inventory.Status, now time.Time) {
	var rows table
	rows.add("NAME", "ENVIRONMENT", "STATE", "REASON", "SINCE", "LATENCY", "SOURCE")
	for _, t := range targets {
		state, since, latency := t.State, "-", "-"
		if t.MaintenanceActive {
			state += ", maintenance"
		}
		if t.Notification == "off" {
			state += ", muted"
		}
		if t.LastProbe != nil {
			if silent := now.Sub(*t.LastProbe); silent > overdue(t.Interval) {
				state += ", not probed for " + silent.Truncate(time.Second).String()
			}
		}
		if t.Since != nil {
			since = now.Sub(*t.Since).Truncate(time.Second).String()
		}
		if t.DurationSeconds != nil {
			latency = fmt.Sprintf("%.1f ms", *t.DurationSeconds*1000)
		}
		rows.add(t.Name, t.Environment, state, t.Reason, since, latency, t.Source)
	}
	rows.write(out)
}

// overdue returns the time without a probe after which the table says so: the last state is out of date then.
func overdue(interval string) time.Duration {
	d, _ := config.ParseDuration(interval) // 0 if the exporter has another version
	return max(time.Minute, 2*time.Duration(d))
}
