package prober

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	a4, a6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	notFound := &net.DNSError{Err: "no such host", Name: "h", Server: "192.0.2.53:53", IsNotFound: true}
	servfail := &net.DNSError{Err: "server misbehaving", Name: "h", Server: "192.0.2.53:53", IsTemporary: true}
	for _, tt := range []struct {
		name     string
		prefer   string
		fallback bool
		host     string
		answer   []netip.Addr
		err      error
		network  string // looked up; empty: none
		want     netip.Addr
		reason   Reason
	}{
		{"default prefers ip6", "", true, "h", []netip.Addr{a4, a6}, nil, "ip", a6, ""},
		{"prefers ip4", "ip4", true, "h", []netip.Addr{a6, a4}, nil, "ip", a4, ""},
		{"falls back", "ip6", true, "h", []netip.Addr{a4}, nil, "ip", a4, ""},
		{"does not fall back", "ip6", false, "h", []netip.Addr{a4}, nil, "ip6", netip.Addr{}, ReasonResolveNotFound},
		{"mapped address", "ip4", false, "h", []netip.Addr{mapped}, nil, "ip4", a4, ""},
		{"literal", "ip6", true, "192.0.2.1", nil, nil, "", a4, ""},
		{"literal of the other family", "ip6", false, "192.0.2.1", nil, nil, "", netip.Addr{}, ReasonResolveNotFound},
		{"no such host", "ip4", true, "h", nil, notFound, "ip", netip.Addr{}, ReasonResolveNotFound},
		{"no address of the family", "ip6", false, "h", nil, &net.AddrError{Err: "no suitable address found", Addr: "h"}, "ip6", netip.Addr{}, ReasonResolveNotFound},
		{"server failure", "ip4", true, "h", nil, servfail, "ip", netip.Addr{}, ReasonResolveFailed},
		{"timeout", "ip4", true, "h", nil, context.DeadlineExceeded, "ip", netip.Addr{}, ReasonResolveFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolver(tt.prefer, tt.fallback)
			var network string
			r.lookup = func(_ context.Context, n, _ string) ([]netip.Addr, error) {
				network = n
				return tt.answer, tt.err
			}
			trace := newTrace()
			got, err := r.resolve(t.Context(), trace, tt.host)
			if got != tt.want || network != tt.network {
				t.Errorf("resolve = %v by network %q, want %v by %q", got, network, tt.want, tt.network)
			}
			if len(trace.phases) != 1 || trace.phases[0].Name != PhaseResolve {
				t.Errorf("phases are %v, want resolve", trace.phases)
			}
			if tt.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *failure
			if !errors.As(err, &f) || f.reason != tt.reason || f.phase != PhaseResolve || strings.Contains(f.Error(), "192.0.2.53") {
				t.Errorf("error is %v, want %s without the name server's address", err, tt.reason)
			}
		})
	}
}
