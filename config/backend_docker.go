package config

import (
	"fmt"
	"net/url"
	"regexp"

	commonconfig "github.com/prometheus/common/config"
)

// Docker is the back-end that restarts a container.
type Docker struct {
	// URL is that of the Engine, or of a proxy before it: "unix:///path/of/socket", "https://host:port" or "http://host:port".
	URL string `yaml:"url"`
	// Container is its name, or else Label is a label, with or without a value, that it alone has.
	Container string                 `yaml:"container,omitempty"`
	Label     string                 `yaml:"label,omitempty"`
	TLSConfig commonconfig.TLSConfig `yaml:"tls_config,omitempty"`
}

func (*Docker) shown() []string {
	return []string{"url", "container", "label", "tls_config.ca_file", "tls_config.cert_file", "tls_config.key_file", "tls_config.server_name"}
}

func (b *Docker) unit() (id, what string) {
	return fmt.Sprintf("%q %q %q", b.URL, b.Container, b.Label), "container"
}

// containerName is that of a container, or the beginning of its ID.
var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

func (b *Docker) check(c *checker, p place) {
	switch {
	case (b.Container == "") == (b.Label == ""):
		c.fail(p, "want exactly one of container and label")
	case b.Container != "" && !containerName.MatchString(b.Container):
		c.fail(c.sub(p, "container"), "got %q, want the name of a container", b.Container)
	}
	at := c.sub(p, "url")
	u, err := url.Parse(b.URL)
	switch {
	case b.URL == "":
		c.fail(at, "missing, want unix:///run/docker.sock, or the URL of a proxy")
	case err == nil && u.User != nil:
		c.fail(at, "has a user, which Docker does not know; want a certificate in tls_config")
	case err != nil || u.RawQuery != "" || u.Fragment != "" || !socketURL(u) && !serverURL(u, "http", "https"):
		c.fail(at, "want unix:// and the absolute path of a socket, or http:// or https:// and a host, with or without a port")
	case u.Scheme != "https" && c.lines[p.field("tls_config").path] != 0:
		c.fail(c.sub(p, "tls_config"), "has no effect, want a url with https://")
	}
	c.client(p, &commonconfig.HTTPClientConfig{TLSConfig: b.TLSConfig})
}
