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

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// An asked is an exporter that remembers its last request.
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

// ordering returns a command without the arguments that all tests share.
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
	paused := policy.Ordered{Explanation: *explained(func(e *policy.Explanation) {
		e.Pause, e.Phase = policy.Pause{Until: morning.Add(time.Hour), Who: "jo"}, policy.PhaseVerifying
	}), Warning: "disk full"}
	for _, tc := range []struct {
		name   string
		do     func(out, errOut io.Writer, o restartsOptions) int
		o      restartsOptions
		asked  asked // the answer, and the request that is wanted
		status int
		out    string // part of it
		err    string // part of it
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
			asked{"POST", "/hc/api/v1/restarts/shop/resume", `{"who":"jo"}`, 200, policy.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "shop is not paused.\n", "",
		},
		{
			"unlock", ordering(unlockRestarts),
			restartsOptions{Service: "shop", Who: "jo", Reason: "repaired"},
			asked{"POST", "/hc/api/v1/restarts/shop/unlock", `{"who":"jo","reason":"repaired"}`, 200, policy.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "shop is not locked out.\n", "",
		},
		{
			"request", ordering(requestRestart),
			restartsOptions{Service: "shop", Who: "cron"},
			asked{"POST", "/hc/api/v1/restarts/shop/request", `{"who":"cron"}`, 200, policy.Ordered{Explanation: *explained(nil)}},
			ExitSuccess, "Requested for shop: held by cooldown", "",
		},
		{
			"release the brake", ordering(releaseBrake),
			restartsOptions{Scope: "group/web", Who: "jo", Reason: "x"},
			asked{"POST", "/hc/api/v1/restarts-brake/release", `{"scope":"group/web","who":"jo","reason":"x"}`, 200, policy.Release{Scope: "group/web", Released: true}},
			ExitSuccess, "The brake of group/web is released for what fails now.\n", "",
		},
		{
			"release what is off", ordering(releaseBrake),
			restartsOptions{Who: "jo", Reason: "x"},
			asked{"POST", "/hc/api/v1/restarts-brake/release", `{"who":"jo","reason":"x"}`, 200, policy.Release{Scope: "fleet"}},
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
			asked{"GET", "/hc/api/v1/restarts", "", 200, policy.Explanations{Services: []policy.Explanation{*explained(nil)}}},
			ExitSuccess, "\nshop ", "",
		},
		{
			"somebody else", ordering(listRestarts),
			restartsOptions{},
			asked{"GET", "/hc/api/v1/restarts", "", 200, "hello"},
			ExitFailed, "", "does not come from a healthcheck_exporter",
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
