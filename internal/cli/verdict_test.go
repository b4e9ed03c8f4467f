package cli

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

var morning = time.Date(2026, 11, 21, 10, 27, 32, 0, time.UTC)

// explained returns the explanation of a service in its cool-down.
func explained(change func(*policy.Explanation)) *policy.Explanation {
	e := &policy.Explanation{
		Time: morning, Service: "shop", Environment: "LIVE", Group: "web", Backend: "pm2", Targets: []string{"http://127.0.0.1:8080/health"},
		Mode: policy.ModeEnforce, Phase: policy.PhaseCooldown, Reason: "connect_refused", LastProbe: morning, Demanded: true, Alerts: 1, AlertedAt: morning,
		Hold: policy.GuardCooldown, Next: morning.Add(220 * time.Second),
		Guards: []policy.GuardResult{
			{Guard: policy.GuardMode, OK: true, Value: "enforce", Limit: "observe or enforce"},
			{Guard: policy.GuardConfirmed, OK: true, Value: "3 failures", Limit: "3, at least 1s apart"},
			{Guard: policy.GuardCooldown, Value: "1m20s since the last attempt", Limit: "5m0s", Next: morning.Add(220 * time.Second)},
		},
	}
	if change != nil {
		change(e)
	}
	return e
}

func allows(e *policy.Explanation) {
	e.Hold, e.Next, e.Phase = "", time.Time{}, policy.PhaseSuspect
	e.Guards[2] = policy.GuardResult{Guard: policy.GuardCooldown, OK: true, Value: "no attempt", Limit: "5m0s"}
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(e *policy.Explanation)
		want   string
	}{
		{"held", nil, "held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12 (in 3m40s)"},
		{"held by two", func(e *policy.Explanation) {
			e.Guards = append(e.Guards, policy.GuardResult{Guard: policy.GuardLockedOut, Value: "2", Limit: "less than 2"})
			e.Next = time.Time{}
		}, "held by cooldown: 1m20s since the last attempt, want 5m0s; and by locked_out; when it will allow is not known"},
		{
			"tomorrow", func(e *policy.Explanation) { e.Next = morning.Add(24 * time.Hour) },
			"held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 2026-11-22 10:27:32 (in 24h0m0s)",
		},
		{"healthy", func(e *policy.Explanation) {
			allows(e)
			e.Healthy = true
			e.Guards[1].OK = false
		}, "healthy: there is nothing to restart, and nothing would hold a restart"},
		{"healthy and held", func(e *policy.Explanation) {
			e.Healthy = true
			e.Guards[1].OK = false
		}, "healthy: there is nothing to restart; if it failed it would be held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12 (in 3m40s)"},
		{"executing", func(e *policy.Explanation) { e.Phase = policy.PhaseExecuting }, "a restart is under way"},
		{"verifying", func(e *policy.Explanation) {
			e.Phase, e.VerifyUntil = policy.PhaseVerifying, morning.Add(time.Minute)
		}, "restarted; its probes have to prove that it helped, until 10:28:32 (in 1m0s)"},
		{"no alert", func(e *policy.Explanation) {
			allows(e)
			e.Demanded, e.AlertedAt = false, time.Time{}
		}, "allowed, but no alert asks for it: nothing is restarted without one"},
		{"not down for long enough", func(e *policy.Explanation) {
			allows(e)
			e.Demanded, e.AlertedAt, e.OwnChecksAt = false, time.Time{}, morning.Add(90*time.Second)
		}, "allowed, but nothing asks for it yet: its own checks do at 10:29:02 (in 1m30s), if they go on failing"},
		{"resolved", func(e *policy.Explanation) {
			allows(e)
			e.Demanded, e.ResolvedAt = false, morning.Add(-time.Minute)
			e.AlertedAt = morning.Add(-2 * time.Minute)
		}, "allowed, but no alert asks for it: nothing is restarted without one; the last alert came at 10:25:32 (2m0s ago), and was resolved at 10:26:32 (1m0s ago)"},
		{"lapsed", func(e *policy.Explanation) {
			allows(e)
			e.Demanded, e.AlertedAt = false, morning.Add(-6*time.Hour)
		}, "allowed, but no alert asks for it: nothing is restarted without one; the last alert came at 04:27:32 (6h0m0s ago), " +
			"and was neither resolved nor repeated within suspect_time"},
		{"observe", func(e *policy.Explanation) {
			allows(e)
			e.Mode = policy.ModeObserve
		}, "allowed, but the mode is observe: the restart is reported, and not done"},
		{"allowed", allows, "allowed: the next failed probe restarts it"},
		{
			"evil", func(e *policy.Explanation) { e.Guards[2].Value = "\x1b[2Jcannot\n be" },
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
