package prober

import (
	"context"
	"net/netip"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A name is looked up once, and the address that was judged is the one that is dialled: a name server that says something
// harmless first and the metadata service next leads nowhere.
func TestRebinding(t *testing.T) {
	c, err := config.Parse("test.yml", []byte("modules: {http: {prober: http}, websocket: {prober: websocket}}"))
	if err != nil {
		t.Fatal(err)
	}
	web, err := newHTTP(c.Modules["http"].HTTP, c.TargetRules, nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := newWebSocket(c.Modules["websocket"].WebSocket, c.TargetRules)
	if err != nil {
		t.Fatal(err)
	}
	metadata, home := netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("127.0.0.1")
	for _, tt := range []struct {
		name   string
		prober Prober
		dialer *dialer
		server *probetest.Server
	}{
		{"http", web, web.dialer, probetest.Echo(t)},
		{"websocket", socket, socket.dialer, probetest.WebSocketEcho(t).Server},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := ParseTarget("http://rebinding.test"+tt.server.Addr[len("127.0.0.1"):], tt.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				first, then netip.Addr
				reason      Reason
			}{
				{home, metadata, ReasonNone},
				{metadata, home, ReasonTargetForbidden},
			} {
				lookups := 0
				tt.dialer.resolver.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
					lookups++
					if lookups == 1 {
						return []netip.Addr{step.first}, nil
					}
					return []netip.Addr{step.then}, nil
				}
				res := tt.prober.Probe(t.Context(), Request{URL: u})
				if res.Reason != step.reason || lookups != 1 || tt.server.Accepted() != 1 {
					t.Errorf("%s, then %s: reason is %q (%v) after %d look-ups, want %q after 1; the target has accepted %d connections, want 1",
						step.first, step.then, res.Reason, res.Err, lookups, step.reason, tt.server.Accepted())
				}
			}
		})
	}
}
