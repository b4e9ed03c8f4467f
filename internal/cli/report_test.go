package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestWaterfall(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name   string
		phases []prober.Phase
		want   string
	}{
		{"nothing", nil, ""},
		{"one at once", []prober.Phase{{Name: prober.PhaseResolve}}, "  resolve        0.0 ms  |=\n"},
		{"in turn", []prober.Phase{
			{Name: prober.PhaseResolve, Duration: 10 * ms},
			{Name: prober.PhaseConnect, Start: 10 * ms, Duration: 20 * ms},
			{Name: prober.PhaseProcessing, Start: 30 * ms, Duration: 10 * ms},
		}, "  resolve       10.0 ms  |==========\n" +
			"  connect       20.0 ms  |          ====================\n" +
			"  processing    10.0 ms  |                              ==========\n"},
		{"with a gap, and a short one", []prober.Phase{
			{Name: prober.PhaseConnect, Start: 20 * ms, Duration: 1000},
			{Name: prober.PhaseTransfer, Start: 30 * ms, Duration: 10 * ms},
		}, "  connect        0.0 ms  |                    =\n" +
			"  transfer      10.0 ms  |                              ==========\n"},
		{"hours", []prober.Phase{
			{Name: prober.PhaseTransfer, Start: 2000 * time.Hour, Duration: 2000 * time.Hour},
		}, "  transfer   7200000000.0 ms  |                    ====================\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			waterfall(&b, prober.Result{Phases: tc.phases, Duration: 1500 * time.Microsecond, Timeout: 9999999 * time.Microsecond})
			want := tc.want + "  total          1.5 ms  of 10s allowed\n"
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("waterfall (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromNow(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{0, "in 0 hours"},
		{90 * time.Minute, "in 1 hour"},
		{23*time.Hour + 59*time.Minute, "in 23 hours"},
		{24 * time.Hour, "in 1 day"},
		{49 * time.Hour, "in 2 days"},
		{-5 * time.Hour, "5 hours ago"},
		{-30 * time.Hour, "1 day ago"},
		{-100 * 24 * time.Hour, "100 days ago"},
	} {
		if got := fromNow(tc.d); got != tc.want {
			t.Errorf("fromNow(%s) is %q, want %q", tc.d, got, tc.want)
		}
	}
}

// TestEveryReasonHasAHint walks the closed list of reasons.
func TestEveryReasonHasAHint(t *testing.T) {
	known := map[prober.Reason]bool{}
	for _, info := range prober.Reasons() {
		known[info.Reason] = true
		r := prober.Result{
			Reason: info.Reason, Err: errors.New("x"),
			HTTP: &prober.HTTPResult{Method: "GET", StatusCode: 500}, WebSocket: &prober.WebSocketResult{StatusCode: 500},
		}
		got := hint(r, config.Module{})
		switch {
		case got == "":
			t.Errorf("%s has no hint", info.Reason)
		case strings.ContainsAny(got, "\n") || strings.TrimSpace(got) != got:
			t.Errorf("the hint of %s is not one line: %q", info.Reason, got)
		}
	}
	for reason := range hints {
		if !known[reason] {
			t.Errorf("there is a hint for %q, which is no reason", reason)
		}
	}
	if got := hint(prober.Result{}, config.Module{}); got != "" {
		t.Errorf("a healthy target has the hint %q, want none", got)
	}
}

func TestStatusHint(t *testing.T) {
	follow := commonconfig.HTTPClientConfig{FollowRedirects: true}
	for _, tc := range []struct {
		name string
		h    prober.HTTPResult
		m    config.HTTP
		want string
	}{
		{
			"not found",
			prober.HTTPResult{Method: "GET", Path: "/health", StatusCode: 404},
			config.HTTP{},
			"GET /health answered 404, want 2xx: is /health the health path? valid_status_codes: [404] accepts it.",
		},
		{
			"no path",
			prober.HTTPResult{Method: "HEAD", StatusCode: 404},
			config.HTTP{},
			"HEAD / answered 404, want 2xx: is / the health path? valid_status_codes: [404] accepts it.",
		},
		{
			"other codes wanted",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 200},
			config.HTTP{ValidStatusCodes: config.StatusRanges{{From: 404, To: 404}, {From: 500, To: 599}}},
			"GET / answered 200, want 404, 5xx: is that the answer of a healthy service? valid_status_codes: [200] accepts it.",
		},
		{
			"unauthorized",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 401},
			config.HTTP{},
			"GET / answered 401, want 2xx: does the health path need credentials? basic_auth, authorization and http_headers send them. valid_status_codes: [401] accepts it.",
		},
		{
			"forbidden",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 403},
			config.HTTP{},
			"GET / answered 403, want 2xx: does the health path need credentials? basic_auth, authorization and http_headers send them. valid_status_codes: [403] accepts it.",
		},
		{
			"method",
			prober.HTTPResult{Method: "POST", Path: "/", StatusCode: 405},
			config.HTTP{},
			"POST / answered 405, want 2xx: does the health path want another method? valid_status_codes: [405] accepts it.",
		},
		{
			"too often",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 429},
			config.HTTP{},
			"GET / answered 429, want 2xx: the target limits how often it is asked: probe less often. valid_status_codes: [429] accepts it.",
		},
		{
			"redirect",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 302},
			config.HTTP{},
			"GET / answered 302, want 2xx: follow_redirects: true would follow it. valid_status_codes: [302] accepts it.",
		},
		{
			"redirect that leads nowhere",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 304},
			config.HTTP{Client: follow},
			"GET / answered 304, want 2xx: is that the answer of a healthy service? valid_status_codes: [304] accepts it.",
		},
		{
			"trouble",
			prober.HTTPResult{Method: "GET", Path: "/", StatusCode: 503},
			config.HTTP{},
			"GET / answered 503, want 2xx: the service answers and is in trouble: look into its log",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := prober.Result{Reason: prober.ReasonStatus, Err: errors.New("x"), HTTP: &tc.h}
			if diff := cmp.Diff(tc.want, hint(r, config.Module{HTTP: tc.m})); diff != "" {
				t.Errorf("hint (-want +got):\n%s", diff)
			}
		})
	}
}
