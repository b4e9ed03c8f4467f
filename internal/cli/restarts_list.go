package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// listRestarts lists the services of a running exporter on out. It returns the exit status.
func listRestarts(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	var all policy.Explanations
	status := o.ask(ctx, out, errOut, func(*remote.Server) request {
		return request{path: "api/v1/restarts", answer: &all}
	})
	if status == ExitSuccess && o.Format != formatJSON {
		writeServices(out, all.Services, time.Local)
	}
	return status
}

// writeServices writes the services as a table.
func writeServices(out io.Writer, all []policy.Explanation, zone *time.Location) {
	var rows table
	rows.add("SERVICE", "ENVIRONMENT", "MODE", "PHASE", "PROBE", "LEFT")
	for i := range all {
		e := &all[i]
		rows.add(e.Service, e.Environment, string(e.Mode), string(e.Phase), lastProbe(e), fmt.Sprintf("%d/h %d/d", e.Budget.Hour, e.Budget.Day))
		rows.note(inShort(e, zone))
	}
	rows.write(out)
}

// inShort says which back-end restarts a service, what holds it back, and when it was restarted last.
func inShort(e *policy.Explanation, zone *time.Location) string {
	text := "by " + e.Backend
	if e.Hold != "" {
		text += "; held by " + string(e.Hold)
		if !e.Next.IsZero() {
			text += " until " + clock(e.Next, e.Time, zone)
		}
	}
	if e.LastAttempt.IsZero() {
		return text + "; no attempt yet"
	}
	return text + "; last attempt " + clock(e.LastAttempt, e.Time, zone)
}

func lastProbe(e *policy.Explanation) string {
	switch {
	case e.LastProbe.IsZero():
		return "none"
	case e.Healthy:
		return "healthy"
	default:
		return string(e.Reason)
	}
}
