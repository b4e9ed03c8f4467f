package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/replay"
)

// restarting writes a configuration that may restart a service.
func restarting(t *testing.T, service, mode string) (file string) {
	t.Helper()
	return configFile(t, `
modules: {http_2xx: {prober: http}}
restart:
  mode: `+mode+`
  receiver: {bearer_token: s3cret}
  defaults: {arm_probes: 1, arm_time: 1s, confirm_probes: 2, verify_probes: 1, cooldown: 1m, start_grace: 1s}
  services:
    - {name: `+service+`, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true]}}
`)
}

// audited writes the audit log of a service that fails, by the policy of a configuration, and returns its directory.
func audited(t *testing.T, file string) string {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	p := app.Policies(c)["shop"]
	dir := t.TempDir()
	log, err := audit.Open(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var s policy.State
	now := morning
	healthy, refused := policy.Evidence{Healthy: true}, policy.Evidence{Reason: "connect_refused"}
	for _, ev := range []policy.Event{{Started: &policy.Definition{Checks: "x"}}, {Probed: &healthy}, {Probed: &healthy}, {Alerted: true}, {Probed: &refused}, {Probed: &refused}} {
		now = now.Add(10 * time.Second)
		ev.World.Uptime = time.Hour
		after, d := p.Next(s, ev, now)
		r := policy.Record{Time: now, Service: "shop", From: s.Phase(), To: after.Phase(), Decision: d, Event: ev, Policy: p, State: s, After: after}
		s = after
		if err := log.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReplayLog(t *testing.T) {
	enforce := restarting(t, "shop", "enforce")
	dir := audited(t, enforce)
	for _, tc := range []struct {
		name   string
		o      replayOptions
		status int
		out    []string // in turn
		err    string
	}{
		{"same", replayOptions{Dir: dir}, ExitSuccess, []string{"6 records from 20", "chain: whole\n", "replay: the same decisions and states\n"}, ""},
		{"same with the file", replayOptions{Dir: dir, ConfigFile: enforce}, ExitSuccess, []string{"healthcheck.yml: decisions that would differ: 0\n"}, ""},
		{"never", replayOptions{Dir: dir, ConfigFile: restarting(t, "shop", "'off'")}, ExitFailed, []string{
			"replay: the same decisions and states\n", "healthcheck.yml: decisions that would differ: 2\n", `shop: was "ask the back-end", is "held by mode: off, want observe or enforce"`,
		}, ""},
		{"another service", replayOptions{Dir: dir, ConfigFile: restarting(t, "other", "enforce")}, ExitSuccess, []string{"not judged: 6 of services that it does not have\n"}, ""},
		{"no log", replayOptions{Dir: t.TempDir()}, ExitUsage, nil, "has no records of an audit log"},
		{"broken file", replayOptions{Dir: dir, ConfigFile: restarting(t, "shop", "on")}, ExitUsage, nil, "restart.mode"},
		{"no restarts", replayOptions{Dir: dir, ConfigFile: filepath.Join("..", "..", "config", "default.yml")}, ExitUsage, nil, "has no restart section"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if status := replayLog(&out, &errOut, tc.o); status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			rest := out.String()
			for _, want := range tc.out {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("stdout is %q, want %q", &out, want)
				}
				rest = after
			}
			if !strings.Contains(errOut.String(), tc.err) || (tc.err == "") != (errOut.Len() == 0) {
				t.Errorf("stderr is %q, want %q", &errOut, tc.err)
			}
			if tc.status == ExitUsage {
				return
			}
			tc.o.Format = formatJSON
			var asJSON bytes.Buffer
			var r replay.Report
			if status := replayLog(&asJSON, &errOut, tc.o); status != tc.status {
				t.Errorf("as JSON: exit status %d, want %d", status, tc.status)
			}
			if err := json.Unmarshal(asJSON.Bytes(), &r); err != nil || r.Records != 6 {
				t.Errorf("as JSON: %v: %s", err, &asJSON)
			}
		})
	}
}

func TestWriteReplay(t *testing.T) {
	d := replay.Difference{File: "audit.jsonl", Line: 7, Time: morning, Service: "shop", Recorded: "restart", Replayed: "would restart"}
	var b bytes.Buffer
	writeReplay(&b, &replay.Report{
		Records: 12, First: morning, Last: morning.Add(time.Hour), Skipped: 1, Partial: true,
		Breaks: []audit.Break{{File: "audit.jsonl", Number: 2, Reason: "prev_hash"}}, BreakCount: 2,
		Differences: []replay.Difference{d}, DifferenceCount: 3,
		ConfigFile: "new.yml", Changes: []replay.Difference{d}, ChangeCount: 5, Unknown: 4,
	})
	const want = `12 records from 2026-11-21T10:27:32Z to 2026-11-21T11:27:32Z
skipped: 1 that were cut because of their length, or are not decisions
the log ends in the middle of a line, which is still being written or was cut off by a crash
chain: broken at audit.jsonl:2: prev_hash
  and 1 more
replay: 3 differ, the first at audit.jsonl:7 2026-11-21T10:27:32Z shop: was "restart", is "would restart"
with new.yml: decisions that would differ: 5
  audit.jsonl:7 2026-11-21T10:27:32Z shop: was "restart", is "would restart"
  and 4 more
  not judged: 4 of services that it does not have
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}
