// Package systemd restarts a service unit of systemd, over D-Bus.
//
// It asks for a restart job and waits for its end. On the system bus polkit decides who may do that. On the bus of a user nobody
// has to: the manager obeys only that user. It never asks for anything else; above all it does not reset what systemd counts.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// Config says which unit.
type Config struct {
	// Unit is its full name, such as "shop.service".
	Unit string
	// Bus is "system", or "user" for the manager of the exporter's user. Empty: "system".
	Bus string
}

// A manager is the part of systemd that the back-end needs.
type manager interface {
	// properties returns those of a unit, of the D-Bus interfaces org.freedesktop.systemd1.Unit and .Service together.
	properties(ctx context.Context, unit string) (map[string]any, error)
	// restart asks for one restart job, which fails rather than change another job. The error wraps restart.ErrRefused if there
	// is no job. Otherwise restart waits for the job and returns its result.
	restart(ctx context.Context, unit string) (result string, err error)
	close()
}

// A Backend restarts one unit.
type Backend struct {
	cfg     Config
	connect func(ctx context.Context, bus string) (manager, error)
}

// New makes a back-end from a checked configuration. It fails if the back-end was left out of the build.
func New(cfg Config) (*Backend, error) {
	if connect == nil {
		return nil, errors.New("this build cannot restart units of systemd: it was built with the tag nosystemd")
	}
	return &Backend{cfg: cfg, connect: connect}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "systemd" }

// Inspect implements restart.Backend. Everybody may look at units; it changes nothing.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	m, err := b.dial(ctx)
	if err != nil {
		return restart.Status{}, err
	}
	defer m.close()
	return b.inspect(ctx, m)
}

// Restart implements restart.Backend: it looks at the unit once more, asks for one restart, and waits for the end of the
// job. That systemd calls it done does not mean that the service answers, only that its process was started.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	m, err := b.dial(ctx)
	if err != nil {
		return err
	}
	defer m.close()
	s, err := b.inspect(ctx, m)
	if err != nil {
		return err
	}
	if err := a.Admit(fmt.Sprintf("the unit %q", b.cfg.Unit), "was restarted", s); err != nil {
		return err
	}
	result, err := m.restart(ctx, b.cfg.Unit)
	switch {
	case err != nil:
		return fmt.Errorf("restarting the unit %q: %w", b.cfg.Unit, err)
	case result != "done":
		return fmt.Errorf("restarting the unit %q: the job of systemd ended with %q, want \"done\"%s", b.cfg.Unit, result, b.after(ctx, m))
	}
	return nil
}

func (b *Backend) dial(ctx context.Context) (manager, error) {
	m, err := b.connect(ctx, b.cfg.Bus)
	if err != nil {
		return nil, fmt.Errorf("%w: connecting to systemd: %w", restart.ErrRefused, err)
	}
	return m, nil
}

func (b *Backend) inspect(ctx context.Context, m manager) (restart.Status, error) {
	all, err := m.properties(ctx, b.cfg.Unit)
	if err != nil {
		return restart.Status{}, fmt.Errorf("%w: asking systemd for the unit %q: %w", restart.ErrRefused, b.cfg.Unit, err)
	}
	return unitOf(all).status(time.Now()), nil
}

// after returns the state in which a failed job has left the unit.
func (b *Backend) after(ctx context.Context, m manager) string {
	all, err := m.properties(ctx, b.cfg.Unit)
	if err != nil {
		return ""
	}
	u := unitOf(all)
	return fmt.Sprintf("; it is %s now", u.state())
}
