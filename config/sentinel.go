package config

import (
	"net"
	"net/url"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// A Sentinel is a URL that shows by any answer that the network works. In a file it may be just the URL.
type Sentinel struct {
	URL string `yaml:"url"`
	// Module says how it is asked, such as through which proxy. Empty: SentinelModule.
	Module string `yaml:"module,omitempty"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Sentinel) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&s.URL)
	}
	type plain Sentinel
	return n.Decode((*plain)(s))
}

// MaxSentinels is how many there may be. All are asked at the same time.
const MaxSentinels = 8

// SentinelModule is the module of a sentinel that does not name one: any answer will do.
func SentinelModule() Module {
	client := commonconfig.DefaultHTTPClientConfig
	client.FollowRedirects = false
	client.TLSConfig.InsecureSkipVerify = true
	return Module{
		Prober: "http", HTTP: HTTP{Method: "HEAD", IPProtocolFallback: true, Client: client},
	}
}

// Loopback reports whether a URL is on the exporter's own machine, by its address or by the name localhost. Other names are
// not looked up.
func Loopback(u *url.URL) bool {
	name, addr, err := parseHost(u.Hostname())
	if err == nil && addr.IsValid() {
		return addr.IsLoopback() || addr.IsUnspecified() // the system takes it for itself
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// endpoint returns the host and the port of a URL, as the same text however the URL is written.
func endpoint(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https", u.Scheme == "wss":
		port = "443"
	default:
		port = "80"
	}
	name, _, _ := parseHost(u.Hostname())
	return net.JoinHostPort(name, port)
}

// sentinels checks that each sentinel tells something about a check of a service, and does not go down with it.
func (c *checker) sentinels(p place, cfg *Config) {
	all := cfg.Restart.Sentinels
	if len(all) > MaxSentinels {
		c.fail(p, "has %d sentinels, want at most %d", len(all), MaxSentinels)
	}
	local, remote, watched := cfg.Restart.checked(cfg)
	seen := map[string]string{}
	for i := range all {
		s, at := &all[i], c.at(p.item(i))
		m, known := cfg.Modules[s.Module]
		if s.Module != "" && (!known || m.Prober != "http") {
			c.fail(c.sub(at, "module"), "got %q, want the name of a module with prober: http", s.Module)
		}
		u, err := ParseTargetURL(s.URL)
		if err == nil && webSocketScheme(u.Scheme) {
			c.fail(c.sub(at, "url"), "got the scheme %q, want http or https", u.Scheme)
			continue
		}
		if err != nil {
			c.fail(c.sub(at, "url"), "%v", err)
			continue
		}
		if known {
			c.pair(at, m, s.URL)
		}
		c.unique(c.sub(at, "url"), seen, CanonicalURL(u), "sentinel")
		switch loopback := Loopback(u); {
		case slices.Contains(watched, endpoint(u)):
			c.fail(c.sub(at, "url"), "has the host and port of a check of a service: it would be down whenever that is")
		case loopback && !local:
			c.fail(c.sub(at, "url"), "is on a loopback address, which shows nothing about the network that the checks of services need")
		case !loopback && !remote:
			c.fail(c.sub(at, "url"), "is never asked: every check of a service is on a loopback address, which needs no network")
		}
	}
}

// checked reports whether services have checks on loopback addresses and on others, and what hosts and ports they have.
func (r *Restart) checked(cfg *Config) (local, remote bool, watched []string) {
	for i := range r.Services {
		for _, check := range r.Services[i].Checks {
			address := check.URL
			if check.Target != "" {
				t := cfg.Target(check.Target)
				if t == nil { // a target of another source may be anywhere
					local, remote = true, true
					continue
				}
				address = t.URL
			}
			u, err := url.Parse(address)
			if err != nil || u.Host == "" {
				continue // it is reported elsewhere
			}
			local, remote = local || Loopback(u), remote || !Loopback(u)
			watched = append(watched, endpoint(u))
		}
	}
	return local, remote, watched
}
