package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// writeServices writes a table.
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

// inShort says by what a service is restarted, what holds it, and when it was restarted last.
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
		paragraph(out, "  ", fmt.Sprintf("asked for by %s at %s: %s", e.Request.Who, clock(e.RequestedAt, e.Time, zone), cmp.Or(e.Request.Reason, "no reason given")))
	}
	if e.Demanded && (e.Alerts > 0 || e.RequestedAt.IsZero()) {
		paragraph(out, "  ", fmt.Sprintf("asked for by an alert that was last told at %s and is not resolved", clock(e.AlertedAt, e.Time, zone)))
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

// verdict is what follows from what the guards say, in one sentence.
func verdict(e *policy.Explanation, zone *time.Location) string {
	held := heldBy(e, zone)
	switch {
	case e.Phase == policy.PhaseExecuting:
		return "a restart is under way"
	case e.Phase == policy.PhaseVerifying:
		return "restarted; its probes have to prove that it helped until " + clock(e.VerifyUntil, e.Time, zone)
	case e.Healthy && held == "":
		return "healthy: there is nothing to restart, and nothing would hold a restart"
	case e.Healthy:
		return "healthy: there is nothing to restart; if it failed it would be " + held
	case held != "":
		return held
	case !e.Demanded:
		return "allowed, but no alert asks for it: nothing is restarted without one" + undemanded(e, zone)
	case e.Mode == policy.ModeObserve:
		return "allowed, but the mode is observe: it is told, and nothing is done"
	default:
		return "allowed: the next failed probe restarts it"
	}
}

// undemanded says what became of the last alert.
func undemanded(e *policy.Explanation, zone *time.Location) string {
	came := "; the last one came at " + clock(e.AlertedAt, e.Time, zone)
	switch {
	case e.AlertedAt.IsZero():
		return ""
	case e.ResolvedAt.IsZero():
		return came + ", and was neither resolved nor told again within suspect_time"
	default:
		return came + ", and was resolved at " + clock(e.ResolvedAt, e.Time, zone)
	}
}

// heldBy says which guard holds and until when, and which others do. Empty: none.
func heldBy(e *policy.Explanation, zone *time.Location) string {
	if e.Hold == "" {
		return ""
	}
	var text string
	var others []string
	for _, g := range e.Guards {
		switch {
		case g.Guard == e.Hold:
			text = fmt.Sprintf("held by %s: %s, want %s", g.Guard, oneLine(g.Value), oneLine(g.Limit))
		case g.OK, e.Healthy && g.Guard.JudgesFailure():
		default:
			others = append(others, string(g.Guard))
		}
	}
	if len(others) > 0 {
		text += "; and by " + strings.Join(others, ", ")
	}
	if e.Next.IsZero() {
		return text + "; when it allows is not known"
	}
	return text + "; allows at " + clock(e.Next, e.Time, zone)
}

// clock is a time for people who read it now: with the day if that is another one, and how far away it is.
func clock(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	layout := time.TimeOnly
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		layout = time.DateTime
	}
	away := t.Sub(now).Round(time.Second)
	if away < 0 {
		return fmt.Sprintf("%s (%s ago)", t.Format(layout), -away)
	}
	return fmt.Sprintf("%s (in %s)", t.Format(layout), away)
}
