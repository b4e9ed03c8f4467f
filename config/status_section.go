package config

import (
	"net"
	"net/url"
	"strconv"
)

// Status is what is known of targets, who finds it out, and how it is shown.
type Status struct {
	// Title is how the page calls itself. Empty: see TitleOr.
	Title string `yaml:"title,omitempty"`
	// SelfProbe says when the exporter probes targets by itself: SelfProbeOff or SelfProbeWhenStale. Empty: off.
	SelfProbe string `yaml:"self_probe,omitempty"`
	// Persist says whether what is known of targets outlives the exporter. nil: it does.
	Persist *bool `yaml:"persist,omitempty"`
	// Links are where the page of a target leads.
	Links StatusLinks `yaml:"links,omitempty"`
	// Public is nil if nothing is shown to the public.
	Public *PublicStatus `yaml:"public,omitempty"`
}

// StatusLinks are URLs in which NameInLink stands for the name of a target.
type StatusLinks struct {
	Prometheus   string `yaml:"prometheus,omitempty"`
	Alertmanager string `yaml:"alertmanager,omitempty"`
}

// NameInLink stands for the name of a target.
const NameInLink = "{name}"

// PublicStatus is what everybody may see, at an address of its own.
type PublicStatus struct {
	// ListenAddress is HOST:PORT, or :PORT for all addresses.
	ListenAddress string `yaml:"listen_address"`
	// Environments are those whose targets are shown.
	Environments []string `yaml:"environments"`
	// ShowReasons says that the reasons of failures are shown, and not only that there is one.
	ShowReasons bool `yaml:"show_reasons,omitempty"`
}

// When the exporter probes targets by itself.
const (
	SelfProbeOff       = "off"
	SelfProbeWhenStale = "when_stale"
)

const defaultTitle = "healthcheck"

// TitleOr is the title of the page, or the default.
func (s *Status) TitleOr() string {
	if s.Title == "" {
		return defaultTitle
	}
	return s.Title
}

// Persisted reports whether what is known of targets outlives the exporter.
func (s *Status) Persisted() bool { return s.Persist == nil || *s.Persist }

func (c *checker) status(p place, s *Status) {
	switch s.SelfProbe {
	case "", SelfProbeOff, SelfProbeWhenStale:
	default:
		c.fail(c.sub(p, "self_probe"), "got %q, want %q or %q", s.SelfProbe, SelfProbeOff, SelfProbeWhenStale)
	}
	c.text(c.sub(p, "title"), s.Title)
	links := c.sub(p, "links")
	c.link(c.sub(links, "prometheus"), s.Links.Prometheus)
	c.link(c.sub(links, "alertmanager"), s.Links.Alertmanager)
	if s.Public != nil {
		c.public(c.sub(p, "public"), s.Public)
	}
}

// link checks a URL that people follow. All of them see it, so it has no password.
func (c *checker) link(p place, link string) {
	if link == "" || !c.length(p, link, longestURL) {
		return
	}
	c.prints(p, link)
	switch u, err := url.Parse(link); {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		c.fail(p, "want an absolute URL with the scheme http or https, in which %s stands for the name of a target in the path or after it%s", NameInLink, MeantURL(link))
	case u.User != nil:
		c.fail(p, "has a user or a password, which everybody would see")
	}
}

func (c *checker) public(p place, s *PublicStatus) {
	address := c.sub(p, "listen_address")
	switch _, port, err := net.SplitHostPort(s.ListenAddress); {
	case s.ListenAddress == "":
		c.fail(address, "missing, want an address such as :8080")
	case err != nil || !isPort(port):
		c.fail(address, "got %q, want HOST:PORT, or :PORT for all addresses", s.ListenAddress)
	}
	environments := c.sub(p, "environments")
	if len(s.Environments) == 0 {
		c.fail(environments, "missing, want at least one environment whose targets everybody may see")
	}
	seen := map[string]string{}
	for i, e := range s.Environments {
		item := c.at(environments.item(i))
		c.text(item, e)
		c.unique(item, seen, e, "environment")
	}
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
