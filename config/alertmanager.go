package config

import (
	"cmp"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// Alertmanager says from what Alertmanager's configuration with the channels is made, where it is written, and who reads it.
type Alertmanager struct {
	// Base is the configuration to which the channels are added. Required.
	Base string `yaml:"base"`
	// Dir is where the configuration and the secrets of channels are written. Required, and absolute once it is checked.
	Dir string `yaml:"dir"`
	// SeenAs is the path of Dir for Alertmanager, which may run in a container. Empty: Dir.
	SeenAs string `yaml:"seen_as,omitempty"`
	// FileMode is the mode of what is written, in octal. Empty: 0600.
	FileMode string `yaml:"file_mode,omitempty"`
	// ChannelHosts are the hosts that URLs of channels may have. Empty: DefaultChannelHosts.
	ChannelHosts []string `yaml:"channel_hosts,omitempty"`
	// Servers are the Alertmanagers that read the configuration: all members of a cluster. Required, unless a user of RoleSync
	// fetches it for Alertmanagers elsewhere.
	Servers []AlertmanagerServer `yaml:"servers,omitempty"`
}

// AlertmanagerServer is an Alertmanager that reads its configuration from Alertmanager.Dir.
type AlertmanagerServer struct {
	// Name is for metrics and people. Required.
	Name string `yaml:"name"`
	// URL is where its API is, without api/v2. Required.
	URL string `yaml:"url"`

	// Client holds authentication, TLS, proxy and redirect settings, as in every Prometheus component.
	Client commonconfig.HTTPClientConfig `yaml:",inline"`
}

// UnmarshalYAML is like that of TargetAPI.
func (s *AlertmanagerServer) UnmarshalYAML(unmarshal func(any) error) error {
	s.Client = commonconfig.DefaultHTTPClientConfig
	type plain AlertmanagerServer
	return unmarshal((*plain)(s))
}

// DefaultChannelHosts are the hosts of Slack.
func DefaultChannelHosts() []string { return []string{"hooks.slack.com", "slack.com"} }

// Hosts are the hosts that URLs of channels may have.
func (a *Alertmanager) Hosts() []string {
	if len(a.ChannelHosts) == 0 {
		return DefaultChannelHosts()
	}
	return a.ChannelHosts
}

// fileModes are the modes of files with secrets. With the second the group of the directory reads them, which is Alertmanager's.
var fileModes = map[string]fs.FileMode{"0600": 0o600, "0640": 0o640}

// Mode is the mode of what is written.
func (a *Alertmanager) Mode() fs.FileMode { return fileModes[cmp.Or(a.FileMode, "0600")] }

// alertmanagerFile is the file in Dir that Alertmanager reads.
const alertmanagerFile = "alertmanager.yml"

// The limits of the section.
const (
	maxChannelHosts        = 100
	maxAlertmanagerServers = 16
)

// alertmanager checks the alertmanager section.
func (c *checker) alertmanager(p place, cfg *Config) {
	a := cfg.Alertmanager
	if cfg.Access == nil || len(cfg.Access.Users) == 0 {
		c.fail(p, "nobody has a name: want a user of role edit under access.users, since no channel is changed without one")
	}
	base, dir := c.sub(p, "base"), c.sub(p, "dir")
	if a.Base == "" {
		c.fail(base, "missing, want a configuration of Alertmanager with a route for channels, such as examples/alertmanager/alertmanager.base.yml")
	}
	c.referenced(p, reflect.ValueOf(*a))
	c.outputDir(dir, a)
	if sameFile(a.Base, filepath.Join(a.Dir, alertmanagerFile)) {
		c.fail(base, "is the file that is written, %s in dir: want another, which stays as you wrote it", alertmanagerFile)
	}
	seenAs := c.sub(p, "seen_as")
	if a.SeenAs != "" && !strings.HasPrefix(a.SeenAs, "/") && !filepath.IsAbs(a.SeenAs) {
		c.fail(seenAs, "got %q, want an absolute path: that of dir for Alertmanager", a.SeenAs)
	}
	c.prints(seenAs, a.SeenAs)
	if a.FileMode != "" && fileModes[a.FileMode] == 0 {
		c.fail(c.sub(p, "file_mode"), "got %q, want '0600', or '0640' where Alertmanager is in the group of dir", a.FileMode)
	}
	c.channelHosts(c.sub(p, "channel_hosts"), a.ChannelHosts)
	if len(a.Servers) == 0 && len(cfg.Syncs()) == 0 {
		c.fail(c.sub(p, "servers"), "got no server, want the Alertmanagers that read the configuration, or a user of role sync under access.users, who fetches it for one elsewhere")
	}
	c.alertmanagerServers(c.sub(p, "servers"), a.Servers)
	for i := range a.Servers {
		if slices.Contains(cfg.Syncs(), a.Servers[i].Name) {
			c.fail(c.sub(c.at(c.sub(p, "servers").item(i)), "name"), "is the name of a user of role sync, too: want another, since each is an Alertmanager of its own")
		}
	}
}

func (c *checker) outputDir(p place, a *Alertmanager) {
	if a.Dir == "" {
		c.fail(p, "missing, want the directory from which Alertmanager reads its configuration")
		return
	}
	c.prints(p, a.Dir)
	switch info, err := os.Stat(a.Dir); {
	case err != nil:
		c.fail(p, "opening %q: %v", a.Dir, withoutPath(err))
	case !info.IsDir():
		c.fail(p, "%q is not a directory", a.Dir)
	}
	if dir, err := filepath.Abs(a.Dir); err == nil {
		a.Dir = dir
	}
}

// sameFile reports whether two paths lead to one file. One that does not exist is known by its path.
func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	if errOne == nil && errOther == nil {
		return os.SameFile(one, other)
	}
	a, errOne = filepath.Abs(a)
	b, errOther = filepath.Abs(b)
	return errOne == nil && errOther == nil && a == b
}

func (c *checker) channelHosts(p place, hosts []string) {
	if len(hosts) > maxChannelHosts {
		c.fail(p, "has %d hosts, want %d at most", len(hosts), maxChannelHosts)
	}
	for i, host := range hosts {
		u, err := url.Parse("https://" + host)
		if err != nil || u.Host != host || u.Hostname() == "" || !validPort(u) || strings.ToLower(host) != host {
			c.fail(c.at(p.item(i)), "got %q, want a host in small letters such as hooks.slack.com, with a port if that is not the one of the scheme", host)
		}
	}
}

func (c *checker) alertmanagerServers(p place, servers []AlertmanagerServer) {
	if len(servers) > maxAlertmanagerServers {
		c.fail(p, "has %d servers, want %d at most", len(servers), maxAlertmanagerServers)
	}
	names := map[string]string{}
	for i := range servers {
		s, at := &servers[i], c.at(p.item(i))
		c.unique(c.sub(at, "name"), names, s.Name, "server")
		c.text(c.sub(at, "name"), s.Name)
		u, err := url.Parse(s.URL)
		if err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Hostname() == "" || !validPort(u) {
			c.fail(c.sub(at, "url"), "want an absolute URL with the scheme http or https%s", MeantURL(s.URL))
		} else if strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v2") {
			c.fail(c.sub(at, "url"), "got a path that ends in /api/v2, want the URL without that, as a browser opens it")
		}
		c.client(at, &s.Client)
	}
}
