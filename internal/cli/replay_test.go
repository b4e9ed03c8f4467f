package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

const tried = `
modules: {http_2xx: {prober: http}}
restart:
  mode: enforce
  receiver: {bearer_token: s3cret}
  defaults: {arm_probes: 1, arm_time: 1s, confirm_probes: 2, verify_probes: 1, cooldown: 1m, start_grace: 1s}
  services:
    - {name: SERVICE, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true]}}
`

// incident is the audit of a service that fails, is restarted by an exporter that was started with a policy, and fails
// again in its cool-down.
func incident(t *testing.T, change func(*restart.Record)) (dir string) {
	t.Helper()
	p := restart.Policy{
		Mode: restart.ModeEnforce, ArmProbes: 1, ConfirmProbes: 2, ConfirmInterval: time.Second, ConfirmAge: time.Minute,
		ProbeGap: time.Minute, SuspectTime: time.Hour, Cooldown: 5 * time.Minute, CooldownMax: time.Hour, BudgetHour: 3, BudgetDay: 6,
		Concurrency: 1, ConcurrencyGroup: 1, FleetBudget: 5, FleetWindow: 15 * time.Minute, VerifyProbes: 1, VerifyTimeout: time.Minute,
		MaxUnverified: 2, UnlockTime: time.Hour,
	}
	healthy, refused := restart.Evidence{Healthy: true}, restart.Evidence{Reason: "connect_refused"}
	var s restart.State
	now := morning
	dir = t.TempDir()
	log, err := audit.Open(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range []restart.Event{
		{Started: &restart.Definition{Checks: "x"}},
		{Probed: &healthy},
		{Alerted: true},
		{Probed: &refused},
		{Probed: &refused},
		{Preflighted: &restart.Preflight{Attempt: "1"}},
		{Looked: &refused},
		{Executed: &restart.Executed{Attempt: "1"}},
		{Probed: &healthy},
		{Alerted: true},
		{Probed: &refused},
		{Probed: &refused},
	} {
		now = now.Add(10 * time.Second)
		ev.World.Uptime = time.Hour
		after, d := p.Next(s, ev, now)
		r := restart.Record{Time: now, Service: "shop", From: s.Phase(), To: after.Phase(), Decision: d, Event: ev, Policy: p, State: s, After: after}
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

func TestReplay(t *testing.T) {
	configured := func(old, to string) string {
		name := filepath.Join(t.TempDir(), "new.yml")
		if err := os.WriteFile(name, []byte(strings.Replace(strings.Replace(tried, "SERVICE", "shop", 1), old, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	edit := func(dir string, change func([]byte) []byte) string {
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
	const records = "12 records from 20"
	for _, tc := range []struct {
		name   string
		o      replayOptions
		status int
		out    []string
		err    string
	}{
		{"same", replayOptions{Dir: incident(t, nil)}, ExitSuccess, []string{records, "chain: whole\n", "replay: the same decisions and states\n"}, ""},
		{"same with the file", replayOptions{Dir: incident(t, nil), ConfigFile: configured("cooldown: 1m", "cooldown: 5m")}, ExitSuccess, []string{"new.yml: 0 decisions would differ\n"}, ""},
		{"shorter cool-down", replayOptions{Dir: incident(t, nil), ConfigFile: configured("cooldown: 1m", "cooldown: 10s")}, ExitFailed, []string{
			"replay: the same decisions and states\n", "new.yml: 1 decisions would differ\n",
			`audit.jsonl:12 2026-11-21T10:29:32Z shop: was "held by cooldown: 50s since the last attempt, want 5m0s", is "ask the back-end"`,
		}, ""},
		{"observe", replayOptions{Dir: incident(t, nil), ConfigFile: configured("mode: enforce", "mode: observe")}, ExitFailed, []string{`was "restart", is "would restart"`}, ""},
		{"another service", replayOptions{Dir: incident(t, nil), ConfigFile: configured("shop", "other")}, ExitSuccess, []string{"not judged: 12 of services that it does not have\n"}, ""},
		{"another decision", replayOptions{Dir: incident(t, func(r *restart.Record) { r.Decision.Restart = false })}, ExitFailed, []string{
			`replay: 1 differ, the first at audit.jsonl:7 2026-11-21T10:28:42Z shop: was "nothing to decide", is "restart"`,
		}, ""},
		{"another state", replayOptions{Dir: incident(t, func(r *restart.Record) { r.After.Unverified = 7 })}, ExitFailed, []string{"replay: 12 differ", "and another state"}, ""},
		{"another limit", replayOptions{Dir: incident(t, func(r *restart.Record) {
			for i := range r.Decision.Guards {
				r.Decision.Guards[i].Limit = "x"
			}
		})}, ExitFailed, []string{"with other values or limits"}, ""},
		{"no decision", replayOptions{Dir: incident(t, func(r *restart.Record) { r.Service = "" })}, ExitSuccess, []string{"skipped: 12 "}, ""},
		{
			"changed line",
			replayOptions{Dir: edit(incident(t, nil), func(b []byte) []byte { return bytes.Replace(b, []byte(`"shop"`), []byte(`"shop" `), 1) })},
			ExitFailed,
			[]string{"chain: broken at audit.jsonl:2: prev_hash", "replay: the same"},
			"",
		},
		{
			"another type",
			replayOptions{Dir: edit(incident(t, nil), func(b []byte) []byte { return bytes.Replace(b, []byte(`"shop"`), []byte(`["hunter2"]`), 1) })},
			ExitFailed,
			[]string{"chain: broken at audit.jsonl:2", "a record of another kind"},
			"",
		},
		{"part of a line", replayOptions{Dir: edit(incident(t, nil), func(b []byte) []byte { return append(b, `{"ts`...) })}, ExitSuccess, []string{"part of a line"}, ""},
		{"no log", replayOptions{Dir: t.TempDir()}, ExitUsage, nil, "there is no record of an audit log in"},
		{"no directory", replayOptions{Dir: "/nonexistent"}, ExitUsage, nil, "listing the audit log"},
		{"broken file", replayOptions{Dir: incident(t, nil), ConfigFile: configured("mode: enforce", "mode: on")}, ExitUsage, nil, "restart.mode"},
		{"no restarts", replayOptions{Dir: incident(t, nil), ConfigFile: "../../config/default.yml"}, ExitUsage, nil, "there is no restart section"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if status := replayLog(&out, &errOut, tc.o); status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			for _, want := range tc.out {
				if !strings.Contains(out.String(), want) {
					t.Errorf("stdout is %q, want %q", &out, want)
				}
			}
			if !strings.Contains(errOut.String(), tc.err) || (tc.err == "") != (errOut.Len() == 0) || strings.Contains(out.String()+errOut.String(), "hunter2") {
				t.Errorf("stderr is %q, want %q", &errOut, tc.err)
			}
			if tc.status == ExitUsage {
				return
			}
			tc.o.Format = formatJSON
			var asJSON bytes.Buffer
			var r replay
			if status := replayLog(&asJSON, &errOut, tc.o); status != tc.status {
				t.Errorf("as JSON: exit status %d, want %d", status, tc.status)
			}
			if err := json.Unmarshal(asJSON.Bytes(), &r); err != nil || r.Records != 12 {
				t.Errorf("as JSON: %v: %s", err, &asJSON)
			}
		})
	}
}

// What is too long to be kept whole cannot be judged.
func TestReplayCut(t *testing.T) {
	dir := incident(t, func(r *restart.Record) {
		if r.Decision.Restart {
			r.Event.World.Journal = strings.Repeat("x", 1<<17)
		}
	})
	var out, errOut bytes.Buffer
	if status := replayLog(&out, &errOut, replayOptions{Dir: dir}); status != ExitSuccess || errOut.Len() > 0 {
		t.Errorf("exit status %d, want 0: %s", status, &errOut)
	}
	lines := strings.SplitN(out.String(), "\n", 3)
	if diff := cmp.Diff("skipped: 1 that were cut because of their length, or are no decisions", lines[1]); diff != "" {
		t.Errorf("stdout (-want +got):\n%s", diff)
	}
}
