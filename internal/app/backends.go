package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/ecs"
	hook "github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/http"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/pm2"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/supervisord"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/swarm"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/systemd"
)

// backend makes the one back-end of a service. It is the one place that knows all of them; a block whose fields are those
// of the back-end's own Config is converted as it is.
func backend(b *config.Backends) (restart.Backend, error) {
	switch {
	case b.Command != nil:
		return command.New(program(b.Command)), nil
	case b.PM2 != nil:
		return pm2.New(pm2Config(b.PM2)), nil
	case b.Systemd != nil:
		return systemd.New(systemd.Config(*b.Systemd))
	case b.Kubernetes != nil:
		return kubernetes.New(kubernetesConfig(b.Kubernetes))
	case b.Docker != nil:
		return docker.New(docker.Config{Container: b.Docker.Container, Label: b.Docker.Label, Engine: engine.Config(b.Docker.Engine)})
	case b.Supervisord != nil:
		return supervisord.New(supervisord.Config(*b.Supervisord))
	case b.ECS != nil:
		return ecs.New(ecs.Config(*b.ECS))
	case b.Swarm != nil:
		return swarm.New(swarm.Config{Service: b.Swarm.Service, Engine: engine.Config(b.Swarm.Engine)})
	default:
		return hook.New(hookConfig(b.HTTP))
	}
}

// backendDefinition identifies everything that backend makes a back-end of: the settings, and the file that is read then. All
// others are read when they are needed.
func backendDefinition(b *config.Backends) (string, error) {
	definition, err := b.Fingerprint()
	if err == nil && b.Kubernetes != nil && b.Kubernetes.KubeconfigFile != "" {
		definition += fmt.Sprintf(" %x", checksum(b.Kubernetes.KubeconfigFile))
	}
	return definition, err
}

func program(c *config.Command) command.Program {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		env = append(env, name+"="+c.Env[name])
	}
	return command.Program{Argv: c.Argv, Env: env, Dir: c.Dir, Secrets: slices.Collect(maps.Values(c.Env))}
}

func pm2Config(b *config.PM2) pm2.Config {
	return pm2.Config{App: b.App, Home: b.Home, Program: b.Program, Node: b.Node, Reload: b.Action == "reload"}
}

func hookConfig(h *config.Hook) hook.Config {
	return hook.Config{
		Method: h.Method, URL: h.URL, URLFile: h.URLFile, Headers: h.Headers,
		Body: h.Body, BodyFile: h.BodyFile, Statuses: h.ValidStatusCodes, Client: h.Client(),
	}
}

func kubernetesConfig(k *config.Kubernetes) kubernetes.Config {
	return kubernetes.Config{Kind: k.Kind, Namespace: k.Namespace, Name: k.Name, Kubeconfig: k.KubeconfigFile, Context: k.Context}
}
