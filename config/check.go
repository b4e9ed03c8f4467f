package config

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// maxAttempts bounds how often a target is tried within one probe.
const maxAttempts = 10

// A checker checks values after they were read. It does not report what could not be read.
type checker struct {
	*decoder
}

// fail reports a problem, unless the value at p could not be read: that was reported before.
func (c *checker) fail(p place, format string, args ...any) {
	if c.read(p) {
		c.report(p, format, args...)
	}
}

// read reports whether everything at p that the file has was read.
func (c *checker) read(p place) bool {
	return !slices.ContainsFunc(c.unread, func(path string) bool { return within(path, p.path) || within(p.path, path) })
}

// sub returns the place of a key of p.
func (c *checker) sub(p place, key string) place { return c.at(p.field(key)) }

func (c *checker) module(p place, m *Module) {
	c.prober(p, m.Prober)
	if m.Attempts < 0 || m.Attempts > maxAttempts {
		c.fail(c.sub(p, "attempts"), "got %d, want 0 to %d", m.Attempts, maxAttempts)
	}
	if pauses := m.RetryDelay * Duration(max(m.Attempts-1, 0)); m.Timeout > 0 && pauses >= m.Timeout {
		c.fail(c.sub(p, "retry_delay"), "the pauses between %d attempts take the whole timeout of %s", m.Attempts, time.Duration(m.Timeout))
	}
	if m.RetryDelay > 0 && m.Attempts <= 1 && c.read(p.field("attempts")) {
		c.fail(c.sub(p, "retry_delay"), "has no effect without attempts, want attempts of 2 or more")
	}
	c.referenced(p, reflect.ValueOf(*m))
	c.credentialHosts(c.sub(p, "credentials_for"), m)
	if m.Prober == "websocket" {
		c.foreign(c.sub(p, "http"), m.Prober)
		c.websocket(c.sub(p, "websocket"), &m.WebSocket)
	} else {
		c.foreign(c.sub(p, "websocket"), m.Prober)
		c.http(c.sub(p, "http"), &m.HTTP)
	}
}

// prober checks the prober of a module. If it is a foreign one, nothing more is said about its block.
func (c *checker) prober(module place, name string) {
	p := c.sub(module, "prober")
	switch name {
	case "http", "websocket":
	case "":
		c.fail(p, `missing, want "http" or "websocket"`)
	default:
		if slices.Contains(foreignProbers, name) {
			block := module.field(name).path // nothing more is said about it
			c.problems = slices.DeleteFunc(c.problems, func(found Problem) bool { return found.Path == block })
			c.fail(p, NotWith+"%q", name)
			return
		}
		c.fail(p, `got %q, want "http" or "websocket"`, name)
	}
}

// foreign refuses the block of another prober, which would check nothing.
func (c *checker) foreign(p place, prober string) {
	if c.lines[p.path] != 0 {
		c.fail(p, "is the block of another prober: this module has prober: %s", prober)
	}
}

func (c *checker) http(p place, h *HTTP) {
	c.request(p, h)
	c.protocol(p, h)
	c.compression(p, h)
	c.headerMatches(c.sub(p, "fail_if_header_matches"), h.FailIfHeaderMatches)
	c.headerMatches(c.sub(p, "fail_if_header_not_matches"), h.FailIfHeaderNotMatches)
	if h.NoFollowRedirects != nil {
		h.Client.FollowRedirects = !*h.NoFollowRedirects
		h.NoFollowRedirects = nil
	}
	c.client(p, &h.Client)
	c.contradictions(p, h)
	if h.EnableHTTP3 {
		c.http3(p, h)
	}
}

func (c *checker) request(p place, h *HTTP) {
	c.message(p, message{h.Method, h.Body, h.BodyFile, h.Headers, h.Client.HTTPHeaders}, func(p place, name, value string) {
		c.protocolHeader(p, name, value, h)
	})
}

// A message is what a request is made of, whoever sends it.
type message struct {
	method, body, bodyFile string
	headers                map[string]string
	private                *commonconfig.Headers
}

// message checks a message; header is called for every header, with an empty value for a private one.
func (c *checker) message(p place, m message, header func(p place, name, value string)) {
	if m.method != "" && !token(m.method) {
		c.fail(c.sub(p, "method"), "%q is not an HTTP method token", m.method)
	}
	if m.body != "" && m.bodyFile != "" {
		c.fail(c.sub(p, "body_file"), "at most one of body and body_file must be configured")
	}
	headers := c.sub(p, "headers")
	c.headerNames(headers, slices.Sorted(maps.Keys(m.headers)))
	for name, value := range m.headers {
		at := c.at(headers.entry(name))
		c.headerValue(at, value)
		header(at, name, value)
	}
	if m.private != nil {
		private := c.sub(p, "http_headers")
		for name := range m.private.Headers {
			header(c.at(private.entry(name)), name, "")
		}
	}
}

// NotOverHTTP2 is the message about a header that HTTP/2 does not send.
const NotOverHTTP2 = "is not sent by HTTP/2 (RFC 9113 section 8.2.2); set enable_http2: false"

// protocolHeader refuses headers that could never be sent: the probe's fault must not look like the target's.
func (c *checker) protocolHeader(p place, name, value string, h *HTTP) {
	switch strings.ToLower(name) {
	case "host":
		c.host(p, value)
	case "upgrade", "connection", "transfer-encoding", "te":
		switch {
		case slices.Contains(harmless[strings.ToLower(name)], value):
		case h.EnableHTTP3:
			c.fail(p, "is not sent by HTTP/3 (RFC 9114 section 4.2); set enable_http3: false and enable_http2: false")
		case h.Client.EnableHTTP2:
			c.fail(p, NotOverHTTP2)
		}
	}
}

// harmless are values that a request copied from a browser has. HTTP/2 and HTTP/3 allow them, or leave them out
// (net/http/internal/httpcommon: checkConnHeaders and EncodeHeaders).
var harmless = map[string][]string{
	"connection": {"keep-alive", "Keep-Alive", "close", "Close"}, "transfer-encoding": {"chunked"}, "te": {"trailers"},
}

// host checks the value of a Host header.
func (c *checker) host(p place, value string) {
	u, err := url.Parse("http://" + value + "/")
	ascii, idnaErr := httpguts.PunycodeHostPort(value)
	if err != nil || idnaErr != nil || u.Host != value || !httpguts.ValidHostHeader(ascii) {
		c.fail(p, "%q is not a host name, with or without a port", value)
	}
}

// versions are the names that people use, with those that a Go response has.
var versions = map[string]string{
	"HTTP/1.0": "HTTP/1.0",
	"HTTP/1.1": "HTTP/1.1",
	"HTTP/2":   "HTTP/2.0",
	"HTTP/2.0": "HTTP/2.0",
	"HTTP/3":   "HTTP/3.0",
	"HTTP/3.0": "HTTP/3.0",
}

func (c *checker) protocol(p place, h *HTTP) {
	for i, v := range h.ValidHTTPVersions {
		name, ok := versions[v]
		if !ok {
			c.fail(c.at(p.field("valid_http_versions").item(i)), "got %q, want one of %s",
				v, strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
		}
		h.ValidHTTPVersions[i] = name
	}
	c.ipProtocol(p, h.IPProtocol)
}

func (c *checker) ipProtocol(p place, ip string) {
	if ip != "" && ip != "ip4" && ip != "ip6" {
		c.fail(c.sub(p, "preferred_ip_protocol"), `got %q, want "ip4" or "ip6"`, ip)
	}
}

func (c *checker) compression(p place, h *HTTP) {
	h.Compression = strings.ToLower(h.Compression)
	switch h.Compression {
	case "":
		return
	case "gzip", "br", "deflate", "identity":
	default:
		c.fail(c.sub(p, "compression"), "got %q, want gzip, br, deflate or identity", h.Compression)
		return
	}
	for name, value := range h.Headers {
		if strings.EqualFold(name, "Accept-Encoding") && !AcceptsEncoding(value, h.Compression) {
			c.fail(c.at(p.field("headers").entry(name)), "does not allow the configured compression %q", h.Compression)
		}
	}
}

func (c *checker) headerMatches(p place, matches []HeaderMatch) {
	for i, m := range matches {
		at := c.at(p.item(i))
		switch name := c.sub(at, "header"); {
		case m.Header == "":
			c.fail(name, "missing, want the name of a header")
		case !token(m.Header):
			c.fail(name, "%q is not a header name", m.Header)
		}
		if m.Regexp.Regexp == nil {
			c.fail(c.sub(at, "regexp"), "missing, want a regular expression")
		}
	}
}

// headerNames checks the names, which are sorted, of headers that are sent.
func (c *checker) headerNames(p place, names []string) {
	seen := map[string]string{}
	for _, name := range names {
		at, lower := c.at(p.entry(name)), strings.ToLower(name)
		switch other, ok := seen[lower]; {
		case !token(name):
			c.fail(at, "%q is not a header name", name)
		case ok:
			c.fail(at, "is the same header as %q", other)
		}
		seen[lower] = name
	}
}

// headerValue checks a header value (RFC 9110 section 5.5), which must not be shown.
func (c *checker) headerValue(p place, value string) {
	bad := strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
	if bad {
		c.fail(p, "the value has a control character, such as a line break; headers must not have any")
	}
}

// token reports whether s is a token (RFC 9110 section 5.6.2), as methods and header names are.
func token(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return s != "" && strings.Trim(s, letters+"!#$%&'*+-.^_`|~") == ""
}
