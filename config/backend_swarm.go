package config

import (
	"fmt"
	"net/url"
	"regexp"

	commonconfig "github.com/prometheus/common/config"
)

// Swarm is the back-end that restarts a service of Docker Swarm.
type Swarm struct {
	// Service is its name.
	Service string `yaml:"service"`
	// Host is where the engine of a manager listens: unix:///PATH or tcp://HOST:PORT. Empty: unix:///var/run/docker.sock.
	Host string `yaml:"host,omitempty"`
	// TLSConfig is for tcp. nil: without TLS.
	TLSConfig *commonconfig.TLSConfig `yaml:"tls_config,omitempty"`
}

func (*Swarm) limits() Limits { return clusterLimits }

func (*Swarm) shown() []string {
	return []string{
		"service", "host", "tls_config.ca_file", "tls_config.cert_file", "tls_config.key_file", "tls_config.server_name",
	}
}

func (b *Swarm) unit() (id, what string) {
	return fmt.Sprintf("%q %q", b.Host, b.Service), "service of a swarm"
}

// swarmService is what a service of a swarm may be called.
var swarmService = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func (b *Swarm) check(c *checker, p place) {
	if !swarmService.MatchString(b.Service) {
		c.fail(c.sub(p, "service"), "got %q, want the name of a service, as docker service ls shows it", b.Service)
	}
	c.engine(p, b.Host, b.TLSConfig)
}

// engine checks where a Docker Engine listens.
func (c *checker) engine(p place, host string, tls *commonconfig.TLSConfig) {
	u, err := url.Parse(host)
	switch {
	case host == "" || err == nil && u.Scheme == "unix" && u.Host == "" && u.Path != "":
		if tls != nil {
			c.fail(c.sub(p, "tls_config"), "has no effect on a unix socket")
		}
	case err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.Port() == "" || !validPort(u) || u.Path != "" || u.User != nil:
		c.fail(c.sub(p, "host"), "got %q, want unix:///PATH or tcp://HOST:PORT", host)
	case tls != nil:
		client := commonconfig.HTTPClientConfig{TLSConfig: *tls}
		c.client(p, &client)
	}
}
