package config

import (
	"cmp"
	"net/url"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// Engine says where a Docker Engine listens, and how to be let in.
type Engine struct {
	// Host is unix:///PATH or tcp://HOST:PORT. Empty: unix:///var/run/docker.sock.
	Host string `yaml:"host,omitempty"`
	// TLSConfig is for tcp. nil: without TLS.
	TLSConfig *commonconfig.TLSConfig `yaml:"tls_config,omitempty"`
}

// shownWithEngine are the keys of a block with an Engine whose texts are not secrets; own are its own.
func shownWithEngine(own ...string) []string {
	return append(own, "host", "tls_config.ca_file", "tls_config.cert_file", "tls_config.key_file", "tls_config.server_name")
}

// id is the one way to write where an engine listens; /var/run is /run nearly everywhere.
func (e *Engine) id() string {
	if path, ok := strings.CutPrefix(e.Host, "unix:///var/run/"); ok {
		return "unix:///run/" + path
	}
	return cmp.Or(e.Host, "unix:///run/docker.sock")
}

// check reports what is wrong with the keys, which are those of the block at p.
func (e *Engine) check(c *checker, p place) {
	u, err := url.Parse(e.Host)
	switch {
	case e.Host == "" || err == nil && socketURL(u) && u.RawQuery == "" && u.Fragment == "":
		if e.TLSConfig != nil {
			c.fail(c.sub(p, "tls_config"), "has no effect on a unix socket")
		}
	case err != nil: // it may hold a password
		c.fail(c.sub(p, "host"), "is not a URL, want unix:///PATH or tcp://HOST:PORT")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		c.fail(c.sub(p, "host"), "has more than unix:///PATH or tcp://HOST:PORT; use tls_config to authenticate")
	case u.Scheme != "tcp" || u.Hostname() == "" || u.Port() == "" || !validPort(u) || u.Path != "":
		c.fail(c.sub(p, "host"), "got %q, want unix:///PATH or tcp://HOST:PORT", e.Host)
	case e.TLSConfig != nil:
		client := commonconfig.HTTPClientConfig{TLSConfig: *e.TLSConfig}
		c.client(p, &client)
	}
}
