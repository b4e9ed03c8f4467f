package config

import (
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"

	commonconfig "github.com/prometheus/common/config"
)

// client checks the part of a module that all Prometheus components share. It ends with that part's own Validate, which also
// turns the deprecated bearer_token into authorization.
func (c *checker) client(p place, cl *commonconfig.HTTPClientConfig) {
	before := len(c.problems)
	// Validate stops at its first error, so it gets one independent part after the other.
	auth := commonconfig.HTTPClientConfig{
		BasicAuth: cl.BasicAuth, Authorization: cl.Authorization, OAuth2: cl.OAuth2,
		BearerToken: cl.BearerToken, BearerTokenFile: cl.BearerTokenFile,
	}
	c.clientError(p, auth.Validate())
	c.clientError(p, cl.ProxyConfig.Validate())
	c.proxy(p, cl.ProxyConfig)
	if cl.HTTPHeaders != nil {
		c.httpHeaders(c.sub(p, "http_headers"), cl.HTTPHeaders.Headers)
	}
	c.tls(c.sub(p, "tls_config"), &cl.TLSConfig)
	if cl.OAuth2 != nil {
		c.oauth2(c.sub(p, "oauth2"), cl.OAuth2)
	}
	if len(c.problems) == before {
		c.clientError(p, cl.Validate())
	}
}

var keyForm = regexp.MustCompile(`[a-z0-9_]+`)

// clientError reports an error of Validate, which has no path, at the last key of the block that it mentions.
func (c *checker) clientError(p place, err error) {
	if err == nil {
		return
	}
	at := p
	known := keysOf(reflect.TypeFor[commonconfig.HTTPClientConfig]()).fields
	for _, word := range keyForm.FindAllString(err.Error(), -1) {
		key := p.field(word)
		if _, ok := known[word]; !ok || c.lines[key.path] == 0 {
			continue
		}
		if !c.read(key) {
			return // it may follow from what was not read
		}
		if key = c.at(key); at == p || key.line >= at.line {
			at = key
		}
	}
	c.fail(at, "%v", err)
}

// proxy checks the proxy of the http block or that of its oauth2.
func (c *checker) proxy(p place, cfg commonconfig.ProxyConfig) {
	if u := cfg.ProxyURL.URL; u != nil && u.String() != "" {
		at := c.sub(p, "proxy_url")
		switch {
		case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
			c.fail(at, "want a URL with the scheme http, https, socks5 or socks5h")
		case u.Hostname() == "":
			c.fail(at, "want a URL with a host")
		}
	}
	headers := c.sub(p, "proxy_connect_header")
	c.headerNames(headers, slices.Sorted(maps.Keys(cfg.ProxyConnectHeader)))
	for name, values := range cfg.ProxyConnectHeader {
		for i, v := range values {
			c.headerValue(c.at(headers.entry(name).item(i)), string(v))
		}
	}
}

func (c *checker) httpHeaders(p place, headers map[string]commonconfig.Header) {
	c.headerNames(p, slices.Sorted(maps.Keys(headers)))
	for name, h := range headers {
		at := c.at(p.entry(name))
		one := commonconfig.Headers{Headers: map[string]commonconfig.Header{name: h}}
		if err := one.Validate(); err != nil {
			c.fail(at, "%v", err)
		}
		c.headerValues(at, h)
	}
}

func (c *checker) headerValues(p place, h commonconfig.Header) {
	for i, v := range h.Values {
		c.headerValue(c.at(p.field("values").item(i)), v)
	}
	for i, v := range h.Secrets {
		c.headerValue(c.at(p.field("secrets").item(i)), string(v))
	}
}

func (c *checker) oauth2(p place, o *commonconfig.OAuth2) {
	c.proxy(p, o.ProxyConfig)
	c.tls(c.sub(p, "tls_config"), &o.TLSConfig)
	if u, err := url.Parse(o.TokenURL); o.TokenURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") {
		c.fail(c.sub(p, "token_url"), "want an absolute URL with the scheme http or https%s", MeantURL(o.TokenURL))
	}
	switch o.GrantType {
	case "", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer":
	default:
		c.fail(c.sub(p, "grant_type"), `got %q, want "client_credentials" or "urn:ietf:params:oauth:grant-type:jwt-bearer"`, o.GrantType)
	}
}

func (c *checker) tls(p place, cfg *commonconfig.TLSConfig) {
	if cfg.MinVersion != 0 && cfg.MaxVersion != 0 && cfg.MinVersion > cfg.MaxVersion {
		c.fail(c.sub(p, "max_version"), "got %s, want at least the min_version %s", &cfg.MaxVersion, &cfg.MinVersion)
	}
	ca := commonconfig.TLSConfig{CA: cfg.CA, CAFile: cfg.CAFile}
	pair := commonconfig.TLSConfig{Cert: cfg.Cert, CertFile: cfg.CertFile, Key: cfg.Key, KeyFile: cfg.KeyFile}
	c.material(c.eitherOf(p, "ca", "ca_file"), &ca)
	c.material(c.eitherOf(p, "cert", "cert_file"), &pair)
}

// eitherOf returns the place of a value, or of the file that holds it.
func (c *checker) eitherOf(p place, key, file string) place {
	if at := p.field(file); c.lines[at.path] != 0 {
		return c.at(at)
	}
	return c.sub(p, key)
}

// material tries to load the certificates and keys of cfg. What is missing was reported before.
func (c *checker) material(p place, cfg *commonconfig.TLSConfig) {
	if cfg.Validate() != nil {
		return
	}
	for _, file := range []string{cfg.CAFile, cfg.CertFile, cfg.KeyFile} {
		if file != "" && readable(file) != nil {
			return
		}
	}
	if _, err := commonconfig.NewTLSConfig(cfg); err != nil {
		c.fail(p, "%v", err)
	}
}
