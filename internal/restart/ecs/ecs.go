// Package ecs restarts a service of Amazon ECS by a forced new deployment of what it runs already: ECS replaces the tasks
// by the service's own rules.
package ecs

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// Config says which service, and where it is.
type Config struct {
	// Cluster and Service are their names or ARNs.
	Cluster, Service string
	// Region is that of the cluster, such as "eu-central-1".
	Region string
	// Profile is a profile of AWS' own configuration. Empty: the one that the environment names.
	Profile string
	// Endpoint is a URL. Empty: that of the region.
	Endpoint string
}

// A Backend restarts one service, with all of its tasks.
type Backend struct {
	cfg Config
	api api

	mu   sync.Mutex // protects the following
	made string     // the deployment of the last restart; empty: there was none
}

// An api is the part of ECS that the back-end needs.
type api interface {
	// describe returns nil if there is no such service.
	describe(ctx context.Context) (*service, error)
	// redeploy makes a new deployment and returns its ID. It sends one request; sent reports whether that may have arrived.
	redeploy(ctx context.Context) (id string, sent bool, err error)
}

// New makes a back-end from a checked configuration. It sends nothing.
func New(cfg Config) (*Backend, error) {
	if connect == nil {
		return nil, errors.New("this build cannot restart services of ECS: it was built with the tag noaws")
	}
	a, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{cfg: cfg, api: a}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "ecs" }

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	s, err := b.api.describe(ctx)
	switch {
	case err != nil:
		return restart.Status{}, fmt.Errorf("%w: looking at the service %q: %w", restart.ErrRefused, b.cfg.Service, err)
	case s == nil:
		return restart.Status{Unfit: restart.UnfitMissing, Detail: fmt.Sprintf("ECS has no service %q in the cluster %q", b.cfg.Service, b.cfg.Cluster)}, nil
	}
	out := s.status()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made != "" && b.made != out.Identity {
		out.Detail += "; the deployment " + b.made + " of the restart is no longer the latest: ECS has taken it back, or somebody has deployed since"
	}
	return out, nil
}

// Restart implements restart.Backend: it looks at the service once more and asks for one deployment. ECS has nothing that
// would refuse it if somebody deploys in between, and no way to tell a repeated request from a second one.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	s, err := b.Inspect(ctx)
	if err != nil {
		return err
	}
	if err := a.Admit(fmt.Sprintf("the service %q", b.cfg.Service), "was deployed", s); err != nil {
		return err
	}
	id, sent, err := b.api.redeploy(ctx)
	switch {
	case err != nil && !sent:
		return fmt.Errorf("%w: deploying the service %q: %w", restart.ErrRefused, b.cfg.Service, err)
	case err != nil:
		return fmt.Errorf("deploying the service %q: %w", b.cfg.Service, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = id
	return nil
}
