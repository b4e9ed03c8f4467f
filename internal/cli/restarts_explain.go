package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// explainRestart writes to out what every guard of a service says, and the verdict. It returns the exit status.
func explainRestart(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	var e policy.Explanation
	status := o.ask(ctx, out, errOut, func(*remote.Server) request {
		return request{path: o.path("explain"), answer: &e}
	})
	if status == ExitSuccess && o.Format != formatJSON {
		writeExplanation(out, &e, time.Local)
	}
	return status
}

// writeExplanation writes what is known of a service, a line for every guard, and the verdict.
func writeExplanation(out io.Writer, e *policy.Explanation, zone *time.Location) {
	var about []string
	for _, s := range []string{e.Environment, e.Group} {
		if s != "" {
			about = append(about, s)
		}
	}
	about = append(about, "by "+e.Backend, "mode "+string(e.Mode))
	paragraph(out, "", fmt.Sprintf("%s (%s): %s", e.Service, strings.Join(about, ", "), e.Phase))
	for _, t := range e.Targets {
		say(out, "  %s", t)
	}
	if e.Hint != "" {
		say(out, "  fails by %s. Hint: %s", e.Reason, e.Hint)
	}
	if !e.RequestedAt.IsZero() {
		paragraph(out, "  ", fmt.Sprintf("asked for by %s at %s: %s", e.Request.By(), clock(e.RequestedAt, e.Time, zone), cmp.Or(e.Request.Reason, "no reason given")))
	}
	if e.Alerts > 0 {
		paragraph(out, "  ", fmt.Sprintf("asked for by an alert that last came at %s and is not resolved", clock(e.AlertedAt, e.Time, zone)))
	}
	if !e.OwnChecksAt.IsZero() && !e.OwnChecksAt.After(e.Time) {
		paragraph(out, "  ", fmt.Sprintf("asked for by its own checks since %s: they have failed for without_alert_after", clock(e.OwnChecksAt, e.Time, zone)))
	}
	if e.Trigger != "" {
		say(out, "  trigger: %s", e.Trigger)
	}
	fmt.Fprintln(out)
	var rows table
	rows.add("GUARD", "SAYS", "VALUE", "LIMIT", "NEXT")
	for _, g := range e.Guards {
		says, next := "ok", ""
		if !g.OK {
			says = "held"
			if e.Healthy && g.Guard.JudgesFailure() {
				says = "-"
			}
		}
		if !g.Next.IsZero() {
			next = clock(g.Next, e.Time, zone)
		}
		rows.add(string(g.Guard), says, g.Value, g.Limit, next)
	}
	rows.write(out)
	fmt.Fprintln(out)
	paragraph(out, "", verdict(e, zone))
}
