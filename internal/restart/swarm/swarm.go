// Package swarm restarts a service of Docker Swarm as docker service update --force does: a counter in its specification
// changes, and the swarm replaces the tasks by the service's own rules.
package swarm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// Config says which service.
type Config struct {
	// Service is its name, with that of the stack if it has one, such as "shop_web".
	Service string
	// Engine has to be a manager.
	Engine engine.Config
}

// A Backend restarts one service, with all of its tasks.
type Backend struct {
	name   string
	client *engine.Client
}

// New makes a back-end from a checked configuration.
func New(cfg Config) (*Backend, error) {
	client, err := engine.New(cfg.Engine)
	return &Backend{cfg.Service, client}, err
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "swarm" }

// Inspect implements restart.Backend.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	s, err := b.get(ctx)
	if once.Answered(err, http.StatusNotFound) {
		return restart.Status{Unfit: restart.UnfitMissing, Detail: "the swarm has no service " + b.name}, nil
	}
	if err != nil {
		return restart.Status{}, err
	}
	return s.status(), nil
}

// Restart implements restart.Backend: it looks at the service once more and sends one update, which the swarm refuses if
// the service has changed since.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	s, err := b.get(ctx)
	if err != nil {
		return err
	}
	if err := a.Admit(fmt.Sprintf("the service %q", b.name), "was updated", s.status()); err != nil {
		return err
	}
	spec, err := forced(s.Spec)
	if err != nil {
		return fmt.Errorf("%w: reading the service %q: %w", restart.ErrRefused, b.name, err)
	}
	err = b.client.Do(ctx, engine.Request{
		Method: http.MethodPost, Path: "/services/" + s.ID + "/update", Body: spec,
		// The credentials for the registry stay as they are.
		Query: url.Values{"version": {strconv.FormatUint(s.Version.Index, 10)}, "registryAuthFrom": {"spec"}},
	}, nil)
	switch {
	case err == nil:
		return nil
	case outOfSequence(err):
		return fmt.Errorf("%w: the service %q was changed by somebody else in this moment: %w", restart.ErrRefused, b.name, err)
	case once.NotDone(err):
		return fmt.Errorf("%w: updating the service %q: %w", restart.ErrRefused, b.name, err)
	default:
		return fmt.Errorf("updating the service %q: %w", b.name, err)
	}
}

// get asks for the service. An error is a refusal.
func (b *Backend) get(ctx context.Context) (*service, error) {
	var s service
	err := b.client.Do(ctx, engine.Request{Method: http.MethodGet, Path: "/services/" + b.name}, &s)
	switch {
	case once.Answered(err, http.StatusServiceUnavailable):
		err = fmt.Errorf("%w; want the engine of a manager", err)
	case once.Answered(err, http.StatusForbidden):
		err = fmt.Errorf("%w; a proxy in front of the engine does not allow this", err)
	case err == nil && s.Spec.name() != b.name:
		err = fmt.Errorf("got the service %q: want its name, not the beginning of its ID", s.Spec.name())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: looking at the service %q: %w", restart.ErrRefused, b.name, err)
	}
	return &s, nil
}

// outOfSequence reports whether somebody else has changed the service since the version that the update names. The engine
// answers 500 to that.
func outOfSequence(err error) bool {
	status := (*once.StatusError)(nil)
	return errors.As(err, &status) && strings.Contains(status.Message, "update out of sequence")
}

// forced returns a specification with one more forced update. Everything else stays as it is, including what is not known
// here.
func forced(spec specification) (map[string]any, error) {
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader(spec))
	decoder.UseNumber() // nanoseconds do not fit into a float64
	if err := decoder.Decode(&all); err != nil {
		return nil, err
	}
	template, ok := all["TaskTemplate"].(map[string]any)
	if !ok {
		return nil, errors.New("it has no TaskTemplate")
	}
	counter := uint64(0)
	if n, ok := template["ForceUpdate"].(json.Number); ok {
		var err error
		if counter, err = strconv.ParseUint(n.String(), 10, 64); err != nil {
			return nil, errors.New("ForceUpdate is not a number")
		}
	}
	template["ForceUpdate"] = counter + 1
	return all, nil
}
