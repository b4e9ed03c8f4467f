// Package supervisord restarts a process of supervisord, over its XML-RPC interface.
//
// There is no call that restarts a process: one call stops it, and another starts it. Once the first has been sent the second
// is tried whatever happens, and if the exporter ends in between, the next exporter finishes it. The interface also has
// supervisor.restart, which ends supervisord with all its processes. It is never called.
package supervisord

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// Config says which process, and how to reach its supervisord.
type Config struct {
	// Process is its name, or "group:name" where it is in a group of another name.
	Process string
	// URL is that of supervisord: "unix:///path/of/socket" or "http://host:port".
	URL string
	// BasicAuth is the user and password for it. nil: none.
	BasicAuth *commonconfig.BasicAuth
}

// A Backend restarts one process.
type Backend struct {
	cfg    Config
	client *client
	least  time.Duration // how long a start is tried after a stop, at least
}

// New makes a back-end from a checked configuration.
func New(cfg Config) (*Backend, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{cfg, c, finishTime}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "supervisord" }

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	_, s, err := b.look(ctx)
	return s, err
}

func (b *Backend) look(ctx context.Context) (process, restart.Status, error) {
	p, err := b.process(ctx)
	switch {
	case isFault(err, faultBadName):
		return p, restart.Status{Unfit: restart.UnfitMissing, Detail: "supervisord has no process of this name"}, nil
	case err != nil:
		return p, restart.Status{}, fmt.Errorf("%w: asking supervisord for the process %q: %w", restart.ErrRefused, b.cfg.Process, err)
	}
	s := p.status(time.Now())
	return p, s, nil
}

// Restart implements restart.Backend: it looks at the process once more, stops it if it runs, and starts it. Once it may
// have been stopped it is started even if ctx ends.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	p, s, err := b.look(ctx)
	if err != nil {
		return err
	}
	if err := a.Admit(fmt.Sprintf("the process %q", b.cfg.Process), "was restarted", s); err != nil {
		return err
	}
	if p.state == fatal {
		err := b.start(ctx, &p)
		if isFault(err, faultAlreadyStarted, faultBadName, faultShutdown) {
			err = fmt.Errorf("%w: %w", restart.ErrRefused, err)
		}
		return err
	}
	_, err = b.client.call(ctx, "supervisor.stopProcess", p.name, true)
	switch {
	case err == nil:
		return b.finish(ctx, &p, nil)
	case isFault(err, faultNotRunning, faultBadName, faultShutdown), errors.Is(err, restart.ErrRefused):
		return fmt.Errorf("%w: stopping the process %q: %w", restart.ErrRefused, p.name, err)
	case isAnswer(err): // it could not be stopped
		return fmt.Errorf("stopping the process %q: %w", p.name, err)
	default: // it may be stopping, or be about to
		return b.finish(ctx, &p, err)
	}
}

// Finish implements restart.Finisher. The attempt has stopped the process if it is still the same run that has ended by a
// stop, and that happened when the attempt was under way.
func (b *Backend) Finish(ctx context.Context, a restart.Attempt) (bool, error) {
	p, _, err := b.look(ctx)
	if err != nil || p.identity() != a.Before.Identity || !p.stoppedWithin(time.Since(a.At)) {
		return false, err
	}
	return true, b.finish(ctx, &p, nil)
}

// finishTime is how long a start is tried, at least. It is also how long after the beginning of an attempt a stop counts as
// that attempt's own.
const finishTime = 30 * time.Second

// stoppedWithin reports whether the process was stopped by an attempt that began so long ago. Times are in whole seconds.
func (p *process) stoppedWithin(began time.Duration) bool {
	switch ago := time.Duration(p.now-p.stop) * time.Second; p.state {
	case stopping:
		return began <= p.finishTime()
	case stopped:
		return p.stop > 0 && ago <= began+time.Second && ago >= began-p.finishTime()
	default:
		return false
	}
}

func (p *process) finishTime() time.Duration { return max(finishTime, p.takes) }

// pause is the time between two looks at a process that is stopping.
const pause = 100 * time.Millisecond

// finish starts a process that was stopped, or is being stopped. If that is not certain, unsure is why. It has time of its own:
// to stop a process and not to start it would be the worst outcome.
func (b *Backend) finish(ctx context.Context, p *process, unsure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(b.least, p.takes))
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		is, err := b.now(ctx)
		switch {
		case err == nil && is.identity() != p.identity(): // somebody was faster
			return nil
		case err == nil && is.state == running && unsure != nil: // it runs as long as it has not stopped
			err = unsure
		case err == nil && (is.state == stopped || is.state == exited): // or it has ended by itself meanwhile
			if err = b.start(ctx, p); err == nil || isAnswer(err) {
				return err
			}
		case err == nil && is.state != stopping && is.state != running: // supervisord itself is at work
			return fmt.Errorf("starting the process %q: supervisord says %s since it was stopped", p.name, is.stateName())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			// As a text: a call that was not sent is not a refusal here, because the process was touched before.
			return fmt.Errorf("starting the process %q after it was to stop: %w", p.name, errors.New(err.Error()))
		}
	}
}

// isAnswer reports whether err is supervisord's own answer to the call.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*fault](err)
	return ok
}

// start starts a process that does not run and waits until supervisord calls it RUNNING.
func (b *Backend) start(ctx context.Context, p *process) error {
	if _, err := b.client.call(ctx, "supervisor.startProcess", p.name, true); err != nil {
		return fmt.Errorf("starting the process %q: %w", p.name, err)
	}
	return nil
}
