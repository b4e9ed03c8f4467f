package config

import (
	"maps"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// overlay checks what the target changes in its module.
func (c *checker) overlay(p place, t *Target, m Module) {
	headers := c.sub(p, "headers")
	c.headerNames(headers, slices.Sorted(maps.Keys(t.Headers)))
	for name, value := range t.Headers {
		at := c.at(headers.entry(name))
		c.length(at, value, longestHeader)
		c.headerValue(at, value)
		c.overlayHeader(at, name, value, m)
	}
	if m.Prober != "http" && (t.Method != "" || len(t.ValidStatusCodes) > 0) {
		c.fail(p, "method and valid_status_codes are for the http prober, and the module %q has another one", t.Module)
		return
	}
	if t.Method != "" && !token(t.Method) {
		c.fail(c.sub(p, "method"), "%q is not an HTTP method token", t.Method)
	}
}

func (c *checker) overlayHeader(p place, name, value string, m Module) {
	if m.Prober == "websocket" {
		c.handshakeHeader(p, name, &m.WebSocket)
		if strings.EqualFold(name, "Host") {
			c.host(p, value)
		}
		return
	}
	c.protocolHeader(p, name, value, &m.HTTP)
	if strings.EqualFold(name, "Accept-Encoding") && m.HTTP.Compression != "" && !AcceptsEncoding(value, m.HTTP.Compression) {
		c.fail(p, "does not allow the configured compression %q", m.HTTP.Compression)
	}
}

// Overlay returns the module with what the target changes: its own timeout, method and status codes, and its headers added to
// those of the module. Headers of the same name are replaced.
func (t *Target) Overlay(m Module) Module {
	m.Timeout = t.Timeout
	if t.Method != "" {
		m.HTTP.Method = t.Method
	}
	if len(t.ValidStatusCodes) > 0 {
		m.HTTP.ValidStatusCodes = t.ValidStatusCodes
	}
	switch {
	case len(t.Headers) == 0:
	case m.Prober == "websocket":
		own := make(map[string]commonconfig.Header, len(t.Headers))
		for name, value := range t.Headers {
			own[name] = commonconfig.Header{Values: []string{value}}
		}
		m.WebSocket.Headers.Headers = laidOver(own, m.WebSocket.Headers.Headers)
	default:
		m.HTTP.Headers = laidOver(maps.Clone(t.Headers), m.HTTP.Headers)
	}
	return m
}

// laidOver adds to own the headers of the module that it does not have. The case of names does not matter.
func laidOver[V any](own, module map[string]V) map[string]V {
	known := map[string]bool{}
	for name := range own {
		known[strings.ToLower(name)] = true
	}
	for name, value := range module {
		if !known[strings.ToLower(name)] {
			own[name] = value
		}
	}
	return own
}
