//go:build !nosystemd

package systemd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// connect makes a new connection for every use, so that none is left that could break unnoticed.
var connect = func(ctx context.Context, name string) (manager, error) {
	conn, err := dbus.NewConnection(func() (*godbus.Conn, error) { return dial(ctx, address(name)) })
	if err != nil {
		return nil, err
	}
	return &bus{conn}, nil
}

// address returns where the bus is. It never starts a bus, as D-Bus' own way to find that of a user may do.
func address(name string) string {
	if name != "user" {
		return cmp.Or(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"), "unix:path=/run/dbus/system_bus_socket")
	}
	dir := cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), "/run/user/"+strconv.Itoa(os.Getuid()))
	return cmp.Or(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "unix:path="+filepath.Join(dir, "bus"))
}

// dial makes a connection that ends with ctx.
func dial(ctx context.Context, address string) (*godbus.Conn, error) {
	conn, err := godbus.Dial(address, godbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err = conn.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		_ = conn.Close() // it has failed already
		return nil, cmp.Or(ctx.Err(), err)
	}
	return conn, nil
}

// A bus is a manager behind D-Bus.
type bus struct{ conn *dbus.Conn }

func (b *bus) close() { b.conn.Close() }

func (b *bus) properties(ctx context.Context, unit string) (map[string]any, error) {
	all, err := b.conn.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	if all["LoadState"] != "loaded" { // a missing unit does not have the properties of a service
		return all, nil
	}
	service, err := b.conn.GetUnitTypePropertiesContext(ctx, unit, "Service")
	maps.Copy(all, service)
	return all, cmp.Or(ctx.Err(), err)
}

// alive is how often the connection is checked during a job: if it breaks, no signal tells of the end of the job.
const alive = time.Second

func (b *bus) restart(ctx context.Context, unit string) (string, error) {
	// Signals go to those who ask for them; the connection that is told of its own jobs is another one.
	if err := b.conn.Subscribe(); err != nil {
		return "", fmt.Errorf("%w: subscribing to the end of jobs: %w", restart.ErrRefused, err)
	}
	ended := make(chan string, 1)
	// "fail" rather than "replace": a job that somebody else has asked for stays theirs.
	if _, err := b.conn.RestartUnitContext(ctx, unit, "fail", ended); err != nil {
		if refused(err) {
			err = fmt.Errorf("%w: %w", restart.ErrRefused, err)
		}
		return "", err
	}
	look := time.NewTicker(alive)
	defer look.Stop()
	for {
		select {
		case result := <-ended:
			return result, nil
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for the job, which goes on: %w", ctx.Err())
		case <-look.C:
			if !b.conn.Connected() {
				return "", errors.New("the connection to the bus ended while the job was under way")
			}
		}
	}
}

// refused reports whether systemd itself, or polkit for it, has answered that there is no job. If systemd has ended or takes too
// long, the bus answers instead, and then it is not known.
func refused(err error) bool {
	var answer godbus.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Name {
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut",
		"org.freedesktop.DBus.Error.Disconnected":
		return false
	default:
		return true
	}
}
