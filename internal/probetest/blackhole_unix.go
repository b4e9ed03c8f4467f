//go:build unix

package probetest

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// Blackhole starts a listener that accepts nothing and whose queue is full, so that a connection to it is neither
// established nor refused. It skips the test on systems that do not work like that.
func Blackhole(t testing.TB) *Server {
	t.Helper()
	l := listen(t)
	raw, err := l.Listener.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatalf("probetest: %v", err)
	}
	var listenErr error
	err = raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }) // Shrinks the queue.
	if err = errors.Join(err, listenErr); err != nil {
		t.Fatalf("probetest: shrinking queue of listener: %v", err)
	}
	addr := l.Addr().String()
	dialer := net.Dialer{Timeout: 100 * time.Millisecond}
	for range 8 {
		c, err := dialer.DialContext(t.Context(), "tcp", addr)
		timeout, ok := errors.AsType[net.Error](err)
		switch {
		case err == nil:
			t.Cleanup(func() { _ = c.Close() })
		case ok && timeout.Timeout():
			return &Server{URL: "http://" + addr, Addr: addr, l: l}
		default:
			t.Fatalf("probetest: filling queue of listener: %v", err)
		}
	}
	t.Skip("this system queues connections without end")
	return nil
}
