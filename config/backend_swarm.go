package config

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"

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
	return fmt.Sprintf("%q %q", engineID(b.Host), b.Service), "service of a swarm"
}

// swarmService is what a service of a swarm may be called.
var swarmService = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func (b *Swarm) check(c *checker, p place) {
	if !swarmService.MatchString(b.Service) {
		c.fail(c.sub(p, "service"), "got %q, want the name of a service, as docker service ls shows it", b.Service)
	}
	c.engine(p, b.Host, b.TLSConfig)
}

// engineID is the one way to write where an engine listens; /var/run is /run nearly everywhere.
func engineID(host string) string {
	if path, ok := strings.CutPrefix(host, "unix:///var/run/"); ok {
		return "unix:///run/" + path
	}
	return cmp.Or(host, "unix:///run/docker.sock")
}

// engine checks where a Docker Engine listens.
func (c *checker) engine(p place, host string, tls *commonconfig.TLSConfig) {
	u, err := url.Parse(host)
	switch {
	case host == "" || err == nil && socketURL(u) && u.RawQuery == "" && u.Fragment == "":
		if tls != nil {
			c.fail(c.sub(p, "tls_config"), "has no effect on a unix socket")
		}
	case err != nil: // nobody knows what is in it
		c.fail(c.sub(p, "host"), "is no URL, want unix:///PATH or tcp://HOST:PORT")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		c.fail(c.sub(p, "host"), "has more than unix:///PATH or tcp://HOST:PORT; want tls_config to be let in")
	case u.Scheme != "tcp" || u.Hostname() == "" || u.Port() == "" || !validPort(u) || u.Path != "":
		c.fail(c.sub(p, "host"), "got %q, want unix:///PATH or tcp://HOST:PORT", host)
	case tls != nil:
		client := commonconfig.HTTPClientConfig{TLSConfig: *tls}
		c.client(p, &client)
	}
}
