// Package docker restarts a container by the API of the Docker Engine.
//
// The Engine's restart starts what is stopped and lets go on what is paused. So it is only asked for while the container
// runs.
package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// Config says which container, and how to reach its Engine.
type Config struct {
	// URL is that of the Engine, or of a proxy before it: "unix:///path/of/socket", "https://host:port" or "http://host:port".
	URL string
	// Container is its name; or else Label is a label, with or without a value, that it alone has.
	Container, Label string
	TLSConfig        commonconfig.TLSConfig
}

// A Backend restarts one container.
type Backend struct {
	cfg    Config
	engine *engine
}

// New makes a back-end of a checked configuration.
func New(cfg Config) (*Backend, error) {
	e, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{cfg, e}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "docker" }

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	_, s, err := b.look(ctx)
	return s, err
}

// A target is what to restart: the version of the API, the container as it is to be called, and how long to let it stop.
type target struct {
	version, name string
	stop          time.Duration
}

// look finds the container and what speaks against its restart. What goes wrong is a refusal: nothing was touched.
func (b *Backend) look(ctx context.Context) (target, restart.Status, error) {
	t := target{name: b.cfg.Container}
	version, err := b.engine.version(ctx)
	if err != nil {
		return t, restart.Status{}, fmt.Errorf("%w: asking Docker for its version: %w", restart.ErrRefused, err)
	}
	t.version = version
	if b.cfg.Label != "" {
		ids, err := b.engine.labelled(ctx, version, b.cfg.Label)
		switch {
		case err != nil:
			return t, restart.Status{}, fmt.Errorf("%w: looking for the %s: %w", restart.ErrRefused, b.what(), err)
		case len(ids) == 0:
			return t, missing, nil
		case len(ids) > 1:
			return t, restart.Status{}, fmt.Errorf("%w: %d containers are a %s, want one", restart.ErrRefused, len(ids), b.what())
		}
		t.name = ids[0]
	}
	c, err := b.engine.inspect(ctx, version, t.name)
	switch {
	case isStatus(err, http.StatusNotFound):
		return t, missing, nil
	case err != nil:
		return t, restart.Status{}, fmt.Errorf("%w: looking at the %s: %w", restart.ErrRefused, b.what(), err)
	}
	if service, ok := c.Config.Labels["com.docker.swarm.service.name"]; ok {
		return t, restart.Status{}, fmt.Errorf("%w: the %s is a task of the service %q, which the swarm itself starts and stops", restart.ErrRefused, b.what(), service)
	}
	if t.stop = c.stopTimeout(); t.stop < 0 {
		return t, restart.Status{}, fmt.Errorf("%w: the %s may take for ever to stop (StopTimeout -1)", restart.ErrRefused, b.what())
	}
	s := c.status(time.Now())
	return t, s, nil
}

var missing = restart.Status{Unfit: restart.UnfitMissing, Detail: "Docker has no such container"}

// what is the container in words.
func (b *Backend) what() string {
	if b.cfg.Label != "" {
		return fmt.Sprintf("container with the label %q", b.cfg.Label)
	}
	return fmt.Sprintf("container %q", b.cfg.Container)
}

// Restart implements restart.Backend: it looks at the container once more and asks for one restart, if the container can be
// stopped and started in time.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	t, s, err := b.look(ctx)
	if err != nil {
		return err
	}
	if err := a.Admit("the "+b.what(), s); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < t.stop {
		return fmt.Errorf("%w: the %s may take %s to stop, and there are %s left", restart.ErrRefused, b.what(), t.stop, time.Until(deadline).Round(time.Second))
	}
	err = b.engine.restart(ctx, t)
	var status *statusError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUndelivered), errors.As(err, &status) && status.code < http.StatusInternalServerError:
		return fmt.Errorf("%w: restarting the %s: %w", restart.ErrRefused, b.what(), err)
	default:
		return fmt.Errorf("restarting the %s: %w", b.what(), err)
	}
}

// restart asks for one restart, and for the container to be killed when it has not stopped in its time.
func (e *engine) restart(ctx context.Context, t target) error {
	query := url.Values{"t": {strconv.Itoa(int(t.stop / time.Second))}}
	return e.call(ctx, http.MethodPost, "/v"+t.version+"/containers/"+url.PathEscape(t.name)+"/restart", query, nil)
}
