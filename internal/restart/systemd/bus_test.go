//go:build !nosystemd

package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	godbus "github.com/godbus/dbus/v5"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ name, system, session, runtime, want string }{
		{"", "", "", "", "unix:path=/run/dbus/system_bus_socket"},
		{"system", "unix:path=/a", "unix:path=/b", "/c", "unix:path=/a"},
		{"user", "unix:path=/a", "unix:path=/b", "/c", "unix:path=/b"},
		{"user", "unix:path=/a", "", "/c", "unix:path=/c/bus"},
	} {
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", tt.system)
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", tt.session)
		t.Setenv("XDG_RUNTIME_DIR", tt.runtime)
		if got := address(tt.name); got != tt.want {
			t.Errorf("the address of %q is %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, want := range map[string]bool{
		"org.freedesktop.systemd1.NoSuchUnit":                         true,
		"org.freedesktop.systemd1.TransactionIsDestructive":           true,
		"org.freedesktop.DBus.Error.AccessDenied":                     true,
		"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": true,
		"org.freedesktop.DBus.Error.NoReply":                          false,
		"org.freedesktop.DBus.Error.Disconnected":                     false,
	} {
		if got := refused(fmt.Errorf("calling: %w", godbus.Error{Name: name})); got != want {
			t.Errorf("%s means that nothing was done: %t, want %t", name, got, want)
		}
	}
	if refused(context.DeadlineExceeded) {
		t.Error("without an answer nothing was done, want that nobody knows")
	}
}

// A bus that accepts the connection and never answers does not outlast the context.
func TestSilentBus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
	b, err := New(Config{Unit: "web.service"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Inspect(ctx); !errors.Is(err, restart.ErrRefused) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want that the time is up", err)
	}
}
