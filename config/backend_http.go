package config

import (
	"fmt"
	"net/url"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// Hook is the back-end that sends an HTTP request. It is not redirected, and speaks HTTP/1.1.
type Hook struct {
	// Method is that of the request. Empty: "POST".
	Method string `yaml:"method,omitempty"`
	// URL is where it goes. Otherwise URLFile is a file that holds the URL, read for every request. All of the URL may be secret.
	URL     string `yaml:"url,omitempty"`
	URLFile string `yaml:"url_file,omitempty"`
	// Headers are sent, and HTTPHeaders, which may be secrets or in files.
	Headers     map[string]string     `yaml:"headers,omitempty"`
	HTTPHeaders *commonconfig.Headers `yaml:"http_headers,omitempty"`
	// Body is sent, or else what is in BodyFile, read for every request.
	Body     string `yaml:"body,omitempty"`
	BodyFile string `yaml:"body_file,omitempty"`
	// ValidStatusCodes are those of an accepted request. Empty: 2xx.
	ValidStatusCodes StatusRanges `yaml:"valid_status_codes,omitempty"`

	BasicAuth                *commonconfig.BasicAuth     `yaml:"basic_auth,omitempty"`
	Authorization            *commonconfig.Authorization `yaml:"authorization,omitempty"`
	TLSConfig                commonconfig.TLSConfig      `yaml:"tls_config,omitempty"`
	commonconfig.ProxyConfig `yaml:",inline"`
}

// Client is the part that all Prometheus components share, as they have it.
func (h *Hook) Client() commonconfig.HTTPClientConfig {
	return commonconfig.HTTPClientConfig{
		BasicAuth: h.BasicAuth, Authorization: h.Authorization, TLSConfig: h.TLSConfig, ProxyConfig: h.ProxyConfig,
		HTTPHeaders: h.HTTPHeaders,
	}
}

// shown implements backendBlock. A hook has the keys of a module, which are listed there.
func (*Hook) shown() []string { return nil }

// unit tells requests apart.
func (h *Hook) unit() (id, what string) {
	return fmt.Sprintf("%q %q %q %q %q %q", h.Method, h.URL, h.URLFile, h.Body, h.BodyFile, h.Headers), "request"
}

func (h *Hook) check(c *checker, p place) {
	at := c.sub(p, "url")
	switch {
	case (h.URL == "") == (h.URLFile == ""):
		c.fail(p, "want exactly one of url and url_file")
	case h.URL != "":
		u, err := url.Parse(h.URL)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u):
			c.fail(at, "want an absolute URL with the scheme http or https%s", MeantURL(h.URL))
		case u.User != nil:
			c.fail(at, "has a user, want basic_auth instead")
		}
	}
	c.message(p, message{h.Method, h.Body, h.BodyFile, h.Headers, h.HTTPHeaders}, c.hookHeader)
	client := h.Client()
	c.client(p, &client)
}

// hookHeader refuses the header that the exporter sets for every attempt, and a Host that is not valid.
func (c *checker) hookHeader(p place, name, value string) {
	switch strings.ToLower(name) {
	case "idempotency-key":
		c.fail(p, "is set by the exporter: the ID of the attempt")
	case "host":
		c.host(p, value)
	}
}
