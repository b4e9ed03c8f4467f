package hint_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

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
			"by a proxy",
			prober.HTTPResult{Method: "GET", Path: "/health", StatusCode: 503, MaybeProxy: true},
			config.HTTP{},
			"GET /health answered 503, want 2xx: the proxy may have answered itself: can it reach the target? Its log says so. If it was the target: the service answers, but has a problem: look into its log",
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
			"POST / answered 405, want 2xx: does the health path want another method? method of the module sets it.",
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
			"GET / answered 503, want 2xx: the service answers, but has a problem: look into its log",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := prober.Result{Reason: prober.ReasonStatus, Err: errors.New("x"), HTTP: &tc.h}
			if diff := cmp.Diff(tc.want, hint.For(&r, &config.Module{HTTP: tc.m})); diff != "" {
				t.Errorf("hint (-want +got):\n%s", diff)
			}
		})
	}
}
