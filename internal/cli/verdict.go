package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// verdict sums up in one sentence what the guards say.
func verdict(e *policy.Explanation, zone *time.Location) string {
	held := heldBy(e, zone)
	switch {
	case e.Phase == policy.PhaseExecuting:
		return "a restart is under way"
	case e.Phase == policy.PhaseVerifying:
		return "restarted; its probes have to prove that it helped, until " + clock(e.VerifyUntil, e.Time, zone)
	case e.Healthy && held == "":
		return "healthy: there is nothing to restart, and nothing would hold a restart"
	case e.Healthy:
		return "healthy: there is nothing to restart; if it failed it would be " + held
	case held != "":
		return held
	case !e.Demanded && !e.OwnChecksAt.IsZero():
		return "allowed, but nothing asks for it yet: its own checks do at " + clock(e.OwnChecksAt, e.Time, zone) + ", if they go on failing" + undemanded(e, zone)
	case !e.Demanded:
		return "allowed, but no alert asks for it: nothing is restarted without one" + undemanded(e, zone)
	case e.Mode == policy.ModeObserve:
		return "allowed, but the mode is observe: the restart is reported, and not done"
	default:
		return "allowed: the next failed probe restarts it"
	}
}

// undemanded says what became of the last alert.
func undemanded(e *policy.Explanation, zone *time.Location) string {
	came := "; the last alert came at " + clock(e.AlertedAt, e.Time, zone)
	switch {
	case e.AlertedAt.IsZero():
		return ""
	case e.ResolvedAt.IsZero():
		return came + ", and was neither resolved nor repeated within suspect_time"
	default:
		return came + ", and was resolved at " + clock(e.ResolvedAt, e.Time, zone)
	}
}

// heldBy says which guard holds a service back and until when, and which others do. Empty: no guard does.
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
		return text + "; when it will allow is not known"
	}
	return text + "; allows at " + clock(e.Next, e.Time, zone)
}

// clock formats a time for people: with the date if it is not today, and with the distance from now.
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
