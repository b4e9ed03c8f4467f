package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestWriteExplanation(t *testing.T) {
	var b bytes.Buffer
	writeExplanation(&b, explained(nil), time.UTC)
	const want = `shop (LIVE, web, by pm2, mode enforce): cooldown
  http://127.0.0.1:8080/health
  asked for by an alert that was last told at 10:27:32 (in 0s) and is not
      resolved

GUARD        SAYS  VALUE                LIMIT                NEXT
mode         ok    enforce              observe or enforce   -
unconfirmed  ok    3 failures           3, at least 1s       -
                                        apart
cooldown     held  1m20s since the      5m0s                 10:31:12 (in 3m40s)
                   last attempt

held by cooldown: 1m20s since the last attempt, want 5m0s; allows at 10:31:12
    (in 3m40s)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestWriteServices(t *testing.T) {
	var b bytes.Buffer
	e := explained(func(e *restart.Explanation) {
		e.Budget, e.LastAttempt = restart.Budget{Hour: 2, Day: 5}, morning.Add(-80*time.Second)
	})
	writeServices(&b, []restart.Explanation{*e, {Service: "new", Backend: "command", Mode: restart.ModeObserve, Phase: restart.PhaseUnarmed}}, time.UTC)
	const want = `SERVICE  ENVIRONMENT  MODE     PHASE     PROBE            LEFT
shop     LIVE         enforce  cooldown  connect_refused  2/h 5/d
  by pm2; held by cooldown until 10:31:12 (in 3m40s); last attempt 10:26:12
      (1m20s ago)
new      -            observe  unarmed   none             0/h 0/d
  by command; no attempt yet
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// An asked is an exporter that remembers what it was asked.
type asked struct {
	method, path, body string
	status             int
	answer             any
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.method, a.path, a.body = r.Method, r.URL.EscapedPath(), string(body)
	if a.status != http.StatusOK {
		http.Error(w, "no such\x1b service", a.status)
		return
	}
	_ = json.NewEncoder(w).Encode(a.answer)
}

// ordering is a command without what every test has.
func ordering(command func(context.Context, io.Writer, io.Writer, restartsOptions) int) func(out, errOut io.Writer, o restartsOptions) int {
	return func(out, errOut io.Writer, o restartsOptions) int {
		return command(context.Background(), out, errOut, o)
	}
}

func pauseFor(d time.Duration) func(out, errOut io.Writer, o restartsOptions) int {
	return func(out, errOut io.Writer, o restartsOptions) int {
		o.Duration = d
		return pauseRestarts(context.Background(), out, errOut, o)
	}
}

func TestOrders(t *testing.T) {
	paused := restart.Ordered{Explanation: *explained(func(e *restart.Explanation) {
		e.Pause, e.Phase = restart.Pause{Until: morning.Add(time.Hour), Who: "jo"}, restart.PhaseVerifying
	}), Warning: "disk full"}
	for _, tc := range []struct {
		name   string
		do     func(out, errOut io.Writer, o restartsOptions) int
		o      restartsOptions
		asked  asked // what is answered, and what is to be asked
		status int
		out    string // part of it
		err    string // likewise
	}{
		{
			"pause", pauseFor(90 * time.Minute),
			restartsOptions{Service: "a/b", Who: "jo", Reason: "x"},
			asked{"POST", "/hc/api/v1/restarts/a%2Fb/pause", `{"duration":"1h30m0s","who":"jo","reason":"x"}`, 200, paused},
			ExitSuccess, "Paused shop until ", "warning: disk full\n",
		},
		{
			"pause, as JSON", pauseFor(time.Hour),
			restartsOptions{Service: "shop", Format: "json"},
			asked{"POST", "/hc/api/v1/restarts/shop/pause", fmt.Sprintf(`{"duration":"1h0m0s","who":%q}`, systemUser()), 200, paused},
			ExitSuccess, `"warning":"disk full"`, "",
		},
		{"pause for ever", pauseFor(25 * time.Hour), restartsOptions{Service: "shop"}, asked{status: 200}, ExitUsage, "", "--duration is 25h0m0s, want more than 0 and at most 24h0m0s\n"},
		{"pause for nothing", pauseFor(0), restartsOptions{Service: "shop"}, asked{status: 200}, ExitUsage, "", "--duration is 0s"},
		{
			"resume", ordering(resumeRestarts),
			restartsOptions{Service: "shop", Who: "jo"},
			asked{"POST", "/hc/api/v1/restarts/shop/resume", `{"who":"jo"}`, 200, restart.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "shop is not paused.\n", "",
		},
		{
			"unlock", ordering(unlockRestarts),
			restartsOptions{Service: "shop", Who: "jo", Reason: "repaired"},
			asked{"POST", "/hc/api/v1/restarts/shop/unlock", `{"who":"jo","reason":"repaired"}`, 200, restart.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "shop is not locked out.\n", "",
		},
		{
			"request", ordering(requestRestart),
			restartsOptions{Service: "shop", Who: "cron"},
			asked{"POST", "/hc/api/v1/restarts/shop/request", `{"who":"cron"}`, 200, restart.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "Requested for shop: held by cooldown", "",
		},
		{
			"release the brake", ordering(releaseBrake),
			restartsOptions{Scope: "group/web", Who: "jo", Reason: "x"},
			asked{"POST", "/hc/api/v1/restarts-brake/release", `{"scope":"group/web","who":"jo","reason":"x"}`, 200, restart.Release{Scope: "group/web", Released: true}},
			ExitSuccess, "The brake of group/web is released for what fails now.\n", "",
		},
		{
			"release what is off", ordering(releaseBrake),
			restartsOptions{Who: "jo", Reason: "x"},
			asked{"POST", "/hc/api/v1/restarts-brake/release", `{"who":"jo","reason":"x"}`, 200, restart.Release{Scope: "fleet"}},
			ExitSuccess, "The brake of fleet is not on.\n", "",
		},
		{
			"refused", ordering(unlockRestarts),
			restartsOptions{Service: "x", Who: "jo"},
			asked{"POST", "/hc/api/v1/restarts/x/unlock", `{"who":"jo"}`, 404, nil},
			ExitFailed, "", "status 404, want 200: no such� service\n",
		},
		{
			"explain", ordering(explainRestart),
			restartsOptions{Service: "shop"},
			asked{"GET", "/hc/api/v1/restarts/shop/explain", "", 200, explained(nil)},
			ExitSuccess, "\nheld by cooldown: ", "",
		},
		{
			"list", ordering(listRestarts),
			restartsOptions{},
			asked{"GET", "/hc/api/v1/restarts", "", 200, restart.Explanations{Services: []restart.Explanation{*explained(nil)}}},
			ExitSuccess, "\nshop ", "",
		},
		{
			"somebody else", ordering(listRestarts),
			restartsOptions{},
			asked{"GET", "/hc/api/v1/restarts", "", 200, "hello"},
			ExitFailed, "", "is not that of a healthcheck_exporter",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := asked{status: tc.asked.status, answer: tc.asked.answer}
			s := httptest.NewServer(&got)
			defer s.Close()
			tc.o.Exporter.URL = s.URL + "/hc/"
			var out, errOut bytes.Buffer
			if status := tc.do(&out, &errOut, tc.o); status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			if got.method != tc.asked.method || got.path != tc.asked.path || got.body != tc.asked.body {
				t.Errorf("asked %s %s %s, want %s %s %s", got.method, got.path, got.body, tc.asked.method, tc.asked.path, tc.asked.body)
			}
			if !strings.Contains(out.String(), tc.out) || (tc.out == "") != (out.Len() == 0) {
				t.Errorf("stdout is %q, want %q", &out, tc.out)
			}
			if !strings.Contains(errOut.String(), tc.err) || (tc.err == "") != (errOut.Len() == 0) {
				t.Errorf("stderr is %q, want %q", &errOut, tc.err)
			}
		})
	}
}
