//go:build !unix

package probetest

import "testing"

// Blackhole skips the test: this system cannot be told to leave a connection unanswered.
func Blackhole(t testing.TB) *Server {
	t.Helper()
	t.Skip("needs a Unix")
	return nil
}
