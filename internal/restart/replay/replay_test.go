package replay

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// standard is the policy of the incident.
var standard = policy.Policy{
	Mode: policy.ModeEnforce, ArmProbes: 1, ConfirmProbes: 2, ConfirmInterval: time.Second, ConfirmAge: time.Minute,
	ProbeGap: time.Minute, SuspectTime: time.Hour, Cooldown: 5 * time.Minute, CooldownMax: time.Hour, BudgetHour: 3, BudgetDay: 6,
	Concurrency: 1, ConcurrencyGroup: 1, FleetBudget: 5, FleetWindow: 15 * time.Minute, VerifyProbes: 1, VerifyTimeout: time.Minute,
	MaxUnverified: 2, UnlockTime: time.Hour,
}

// incident writes the audit log of an incident: a service fails, is restarted, and fails again in its cool-down.
func incident(t *testing.T, change func(*policy.Record)) (dir string) {
	t.Helper()
	healthy, refused := policy.Evidence{Healthy: true}, policy.Evidence{Reason: "connect_refused"}
	var s policy.State
	now := time.Date(2026, 11, 21, 10, 27, 32, 0, time.UTC)
	dir = t.TempDir()
	log, err := audit.Open(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range []policy.Event{
		{Started: &policy.Definition{Checks: "x"}},
		{Probed: &healthy},
		{Alerted: true},
		{Probed: &refused},
		{Probed: &refused},
		{Preflighted: &policy.Preflight{Attempt: "1"}},
		{Looked: &refused},
		{Executed: &policy.Executed{Attempt: "1"}},
		{Probed: &healthy},
		{Alerted: true},
		{Probed: &refused},
		{Probed: &refused},
	} {
		now = now.Add(10 * time.Second)
		ev.World.Uptime = time.Hour
		after, d := standard.Next(s, ev, now)
		r := policy.Record{Time: now, Service: "shop", From: s.Phase(), To: after.Phase(), Decision: d, Event: ev, Policy: standard, State: s, After: after}
		s = after
		if change != nil {
			change(&r)
		}
		if err := log.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit changes the audit log in a directory.
func edit(t *testing.T, dir string, change func([]byte) []byte) string {
	t.Helper()
	name := filepath.Join(dir, audit.FileName)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// instead tries another policy for a service.
func instead(service string, change func(*policy.Policy)) map[string]policy.Policy {
	p := standard
	change(&p)
	return map[string]policy.Policy{service: p}
}

func TestRun(t *testing.T) {
	type first struct{ Recorded, Replayed string } // of the differences or changes
	for _, tc := range []struct {
		name     string
		change   func(*policy.Record)
		edit     func([]byte) []byte
		policies map[string]policy.Policy
		want     Report // its counts
		first    first
	}{
		{"same", nil, nil, nil, Report{}, first{}},
		{"same by another policy", nil, nil, instead("shop", func(p *policy.Policy) { p.UnlockTime = 2 * time.Hour }), Report{}, first{}},
		{
			"shorter cool-down", nil, nil,
			instead("shop", func(p *policy.Policy) { p.Cooldown = 10 * time.Second }),
			Report{ChangeCount: 1},
			first{"held by cooldown: 50s since the last attempt, want 5m0s", "ask the back-end"},
		},
		{"observe", nil, nil, instead("shop", func(p *policy.Policy) { p.Mode = policy.ModeObserve }), Report{ChangeCount: 1}, first{"restart", "would restart"}},
		{"another service", nil, nil, instead("other", func(*policy.Policy) {}), Report{Unknown: 12}, first{}},
		{"another decision", func(r *policy.Record) { r.Decision.Restart = false }, nil, nil, Report{DifferenceCount: 1}, first{"nothing to decide", "restart"}},
		{"another state", func(r *policy.Record) { r.After.Unverified = 7 }, nil, nil, Report{DifferenceCount: 12}, first{"nothing to decide", "nothing to decide, and another state"}},
		{
			"another limit", func(r *policy.Record) {
				for i := range r.Decision.Guards {
					r.Decision.Guards[i].Limit = "x"
				}
			}, nil, nil,
			Report{DifferenceCount: 6},
			first{"held by unconfirmed: 1 failure, want x", "held by unconfirmed: 1 failure, want 2, at least 1s apart, with other values or limits"},
		},
		{"not a decision", func(r *policy.Record) { r.Service = "" }, nil, nil, Report{Skipped: 12}, first{}},
		{
			"too long to be kept whole", func(r *policy.Record) {
				if r.Decision.Restart {
					r.Event.World.Journal = strings.Repeat("x", 1<<17)
				}
			}, nil, nil,
			Report{Skipped: 1},
			first{},
		},
		{"changed line", nil, func(b []byte) []byte { return bytes.Replace(b, []byte(`"shop"`), []byte(`"shop" `), 1) }, nil, Report{BreakCount: 1}, first{}},
		{
			"another type", nil,
			func(b []byte) []byte { return bytes.Replace(b, []byte(`"shop"`), []byte(`["hunter2"]`), 1) },
			nil,
			Report{BreakCount: 1, DifferenceCount: 1},
			first{"a record of another kind", "nothing"},
		},
		{"part of a line", nil, func(b []byte) []byte { return append(b, `{"ts`...) }, nil, Report{Partial: true}, first{}},
		{
			"steers the terminal", func(r *policy.Record) {
				for i := range r.Decision.Guards {
					r.Decision.Guards[i].Value = "\x1b[2Jx\ny"
				}
			}, nil, nil,
			Report{DifferenceCount: 6},
			first{"held by unconfirmed: \ufffd[2Jx y, want 2, at least 1s apart", "held by unconfirmed: 1 failure, want 2, at least 1s apart, with other values or limits"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := incident(t, tc.change)
			if tc.edit != nil {
				edit(t, dir, tc.edit)
			}
			r, err := Run(Options{Dir: dir, Policies: tc.policies})
			if err != nil {
				t.Fatal(err)
			}
			tc.want.Records = 12
			if diff := cmp.Diff(tc.want, *r, cmpopts.IgnoreFields(Report{}, "First", "Last", "Breaks", "Differences", "Changes")); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			var got first
			for _, d := range append(r.Differences, r.Changes...) {
				got = first{d.Recorded, d.Replayed}
				break
			}
			if got != tc.first {
				t.Errorf("the first difference is %q, want %q", got, tc.first)
			}
			if same := tc.want.BreakCount+tc.want.DifferenceCount+tc.want.ChangeCount == 0; r.Same() != same {
				t.Errorf("Same is %t, want %t", r.Same(), same)
			}
		})
	}
}

func TestRunWithoutALog(t *testing.T) {
	for dir, want := range map[string]string{t.TempDir(): "has no records of an audit log", "/nonexistent": "listing the audit log"} {
		if _, err := Run(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", dir, err, want)
		}
	}
}
