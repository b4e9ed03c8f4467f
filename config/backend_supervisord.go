package config

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// Supervisord is the back-end that restarts a process of supervisord.
type Supervisord struct {
	// Process is its name, or "group:name" where it is in a group of another name.
	Process string `yaml:"process"`
	// URL is that of supervisord: "unix:///path/of/socket" or "http://host:port".
	URL string `yaml:"url"`
	// BasicAuth is the user and password that it wants.
	BasicAuth *commonconfig.BasicAuth `yaml:"basic_auth,omitempty"`
}

func (*Supervisord) shown() []string {
	return []string{"process", "url", "basic_auth.username", "basic_auth.username_file", "basic_auth.password_file"}
}

func (b *Supervisord) unit() (id, what string) {
	name := b.Process
	if !strings.Contains(name, ":") {
		name += ":" + name
	}
	return fmt.Sprintf("%q %q", b.URL, name), "process"
}

// processName matches the name of one process. With a * or nothing after the colon it would be a whole group.
var processName = regexp.MustCompile(`^[^\s:*/]+(:[^\s:*/]+)?$`)

func (b *Supervisord) check(c *checker, p place) {
	switch process := c.sub(p, "process"); {
	case b.Process == "":
		c.fail(process, "missing, want the name of a process, or group:name")
	case !processName.MatchString(b.Process):
		c.fail(process, "got %q, want the name of one process, or group:name", b.Process)
	}
	at := c.sub(p, "url")
	u, err := url.Parse(b.URL)
	switch {
	case b.URL == "":
		c.fail(at, "missing, want unix:///run/supervisor.sock, or http://127.0.0.1:9001")
	case err == nil && u.User != nil:
		c.fail(at, "has a user, want basic_auth instead")
	case err != nil || u.RawQuery != "" || u.Fragment != "" || !socketURL(u) && !serverURL(u):
		c.fail(at, "want unix:// and the absolute path of a socket, or http:// and a host, with or without a port")
	}
	if b.BasicAuth != nil {
		c.client(p, &commonconfig.HTTPClientConfig{BasicAuth: b.BasicAuth})
	}
}

// socketURL reports whether u names a unix socket.
func socketURL(u *url.URL) bool { return u.Scheme == "unix" && u.Host == "" && path.IsAbs(u.Path) }

// serverURL reports whether u names an HTTP server, and nothing on it.
func serverURL(u *url.URL) bool {
	return u.Scheme == "http" && u.Hostname() != "" && validPort(u) && (u.Path == "" || u.Path == "/")
}
