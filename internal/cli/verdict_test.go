package cli

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

var morning = time.Date(2026, 11, 21, 10, 27, 32, 0, time.UTC)

// explained is an explanation of a service in its cool-down.
func explained(change func(*restart.Explanation)) *restart.Explanation {
	e := &restart.Explanation{
		Time: morning, Service: "shop", Environment: "LIVE", Group: "web", Backend: "pm2", Targets: []string{"http://127.0.0.1:8080/health"},
		Mode: restart.ModeEnforce, Phase: restart.PhaseCooldown, Reason: "connect_refused", LastProbe: morning, Demanded: true, AlertedAt: morning,
		Hold: restart.GuardCooldown, Next: morning.Add(220 * time.Second),
		Guards: []restart.GuardResult{
			{Guard: restart.GuardMode, OK: true, Value: "enforce", Limit: "observe or enforce"},
			{Guard: restart.GuardConfirmed, OK: true, Value: "3 failures", Limit: "3, at least 1s apart"},
			{Guard: restart.GuardCooldown, Value: "1m20s since the last attempt", Limit: "5m0s", Next: morning.Add(220 * time.Second)},
		},
	}
	if change != nil {
		change(e)
	}
	return e
}

func allows(e *restart.Explanation) {
	e.Hold, e.Next, e.Phase = "", time.Time{}, restart.PhaseSuspect
	e.Guards[2] = restart.GuardResult{Guard: restart.GuardCooldown, OK: true, Value: "no attempt", Limit: "5m0s"}
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(e *restart.Explanation)
		want   string
	}{
		{"held", nil, "held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12 (in 3m40s)"},
		{"held by two", func(e *restart.Explanation) {
			e.Guards = append(e.Guards, restart.GuardResult{Guard: restart.GuardLockedOut, Value: "2", Limit: "less than 2"})
			e.Next = time.Time{}
		}, "held by cooldown: 1m20s since the last attempt, want 5m0s; and by locked_out; when it allows is not known"},
		{
			"tomorrow", func(e *restart.Explanation) { e.Next = morning.Add(24 * time.Hour) },
			"held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 2026-11-22 10:27:32 (in 24h0m0s)",
		},
		{"healthy", func(e *restart.Explanation) {
			allows(e)
			e.Healthy = true
			e.Guards[1].OK = false
		}, "healthy: there is nothing to restart, and nothing would hold a restart"},
		{"healthy and held", func(e *restart.Explanation) {
			e.Healthy = true
			e.Guards[1].OK = false
		}, "healthy: there is nothing to restart; if it failed it would be held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12 (in 3m40s)"},
		{"executing", func(e *restart.Explanation) { e.Phase = restart.PhaseExecuting }, "a restart is under way"},
		{"verifying", func(e *restart.Explanation) {
			e.Phase, e.VerifyUntil = restart.PhaseVerifying, morning.Add(time.Minute)
		}, "restarted; its probes have to prove that it helped until 10:28:32 (in 1m0s)"},
		{"no alert", func(e *restart.Explanation) {
			allows(e)
			e.Demanded, e.AlertedAt = false, time.Time{}
		}, "allowed, but no alert asks for it: nothing is restarted without one"},
		{"resolved", func(e *restart.Explanation) {
			allows(e)
			e.Demanded, e.ResolvedAt = false, morning.Add(-time.Minute)
			e.AlertedAt = morning.Add(-2 * time.Minute)
		}, "allowed, but no alert asks for it: nothing is restarted without one; the last one came at 10:25:32 (2m0s ago), and was resolved at 10:26:32 (1m0s ago)"},
		{"lapsed", func(e *restart.Explanation) {
			allows(e)
			e.Demanded, e.AlertedAt = false, morning.Add(-6*time.Hour)
		}, "allowed, but no alert asks for it: nothing is restarted without one; the last one came at 04:27:32 (6h0m0s ago), " +
			"and was neither resolved nor told again within suspect_time"},
		{"observe", func(e *restart.Explanation) {
			allows(e)
			e.Mode = restart.ModeObserve
		}, "allowed, but the mode is observe: it is told, and nothing is done"},
		{"allowed", allows, "allowed: the next failed probe restarts it"},
		{
			"evil", func(e *restart.Explanation) { e.Guards[2].Value = "\x1b[2Jcannot\n be" },
			"held by cooldown: �[2Jcannot be, want 5m0s; allows at 10:31:12 (in 3m40s)",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := verdict(explained(tc.change), time.UTC); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
