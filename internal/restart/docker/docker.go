// Package docker restarts a container over the API of the Docker Engine.
//
// The Engine's restart would start a stopped container and resume a paused one. So it is asked for only while the container
// runs.
package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// Config says which container, and how to reach its Engine.
type Config struct {
	// Container is its name. Otherwise Label is a label that it alone has, with or without a value.
	Container, Label string
	Engine           engine.Config
}

// A Backend restarts one container.
type Backend struct {
	cfg    Config
	client *engine.Client
}

// New makes a back-end from a checked configuration.
func New(cfg Config) (*Backend, error) {
	client, err := engine.New(cfg.Engine)
	return &Backend{cfg, client}, err
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "docker" }

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	_, s, err := b.look(ctx)
	return s, err
}

// A found is a container that was found: how to name it to the Engine, and how long it may take to stop.
type found struct {
	name string
	stop time.Duration
}

// look finds the container and what speaks against its restart. An error is a refusal: nothing was touched.
func (b *Backend) look(ctx context.Context) (found, restart.Status, error) {
	t := found{name: b.cfg.Container}
	if b.cfg.Label != "" {
		ids, err := b.labelled(ctx)
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
	var c container
	err := b.client.Do(ctx, engine.Request{Method: http.MethodGet, Path: "/containers/" + t.name + "/json"}, &c)
	if err == nil && (c.ID == "" || c.State.Status == "") {
		err = errors.New("the answer is not about a container")
	}
	switch {
	case once.Answered(err, http.StatusNotFound):
		return t, missing, nil
	case err != nil:
		return t, restart.Status{}, fmt.Errorf("%w: looking at the %s: %w", restart.ErrRefused, b.what(), err)
	}
	if b.cfg.Label == "" && strings.TrimPrefix(c.Name, "/") != b.cfg.Container {
		return t, restart.Status{Unfit: restart.UnfitMissing, Detail: "Docker has no container of this name, but one whose ID begins with it"}, nil
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

// what returns the container in words.
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
	if err := a.Admit("the "+b.what(), "was restarted", s); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < t.stop {
		return fmt.Errorf("%w: the %s may take %s to stop, and there are %s left", restart.ErrRefused, b.what(), t.stop, time.Until(deadline).Round(time.Second))
	}
	// The Engine would use the same time by default, but it may have changed since it was compared.
	query := url.Values{"t": {strconv.Itoa(int(t.stop / time.Second))}}
	err = b.client.Do(ctx, engine.Request{Method: http.MethodPost, Path: "/containers/" + t.name + "/restart", Query: query}, nil)
	switch {
	case err == nil:
		return nil
	case once.NotDone(err):
		return fmt.Errorf("%w: restarting the %s: %w", restart.ErrRefused, b.what(), err)
	default:
		return fmt.Errorf("restarting the %s: %w", b.what(), err)
	}
}

// labelled returns the IDs of all containers with the label, whether they run or not.
func (b *Backend) labelled(ctx context.Context) ([]string, error) {
	filters, err := json.Marshal(map[string][]string{"label": {b.cfg.Label}})
	if err != nil {
		return nil, err
	}
	var all []struct {
		ID string `json:"Id"`
	}
	query := url.Values{"all": {"true"}, "filters": {string(filters)}}
	err = b.client.Do(ctx, engine.Request{Method: http.MethodGet, Path: "/containers/json", Query: query}, &all)
	ids := make([]string, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids, err
}
