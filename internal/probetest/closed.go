package probetest

import (
	"net"
	"testing"
)

// ClosedPort returns an address of 127.0.0.1 where nothing listens by TCP, and nothing else gets the port to listen until the
// test ends: it is that of a client.
func ClosedPort(t testing.TB) string {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", Silent(t).Addr)
	if err != nil {
		t.Fatalf("probetest: connecting: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}
