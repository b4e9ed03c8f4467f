package config

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

func (c *checker) websocket(p place, w *WebSocket) {
	c.ipProtocol(p, w.IPProtocol)
	c.client(c.sub(p, "http_config"), &w.Client)
	c.handshake(p, w)
	for i := range w.QueryResponse {
		c.step(c.at(p.field("query_response").item(i)), &w.QueryResponse[i])
	}
	if w.MessageSizeLimit != nil && *w.MessageSizeLimit == 0 {
		c.fail(c.sub(p, "message_size_limit"), "got 0, want a limit: a message is kept in memory")
	}
	for i, code := range w.ExpectCloseCodes {
		if !closeCode(code) {
			c.fail(c.at(p.field("expect_close_codes").item(i)),
				"got %d, want a code that a server can close with: 1000 to 1003, 1005 (a close without a code), 1006 (no close at all), "+
					"1007 to 1013, 3000 to 4999", code)
		}
	}
}

// closeCode reports whether a probe can see the code (RFC 6455 section 7.4). 1004 is reserved, 1015 never leaves a browser,
// and 1014 is newer than the WebSocket library, which takes it for a violation of the protocol.
func closeCode(code int) bool {
	return 1000 <= code && code <= 1013 && code != 1004 || 3000 <= code && code <= 4999
}

func (c *checker) handshake(p place, w *WebSocket) {
	if w.Headers.Headers != nil {
		c.handshakeHeaders(c.sub(p, "headers"), w)
	}
	if h := w.Client.HTTPHeaders; h != nil {
		private := c.sub(c.sub(p, "http_config"), "http_headers")
		for name := range h.Headers {
			c.handshakeHeader(c.at(private.entry(name)), name, w)
		}
	}
	if u, err := url.Parse(w.Origin); w.Origin != "" && w.Origin != "null" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
		c.fail(c.sub(p, "origin"), "got %q, want an origin such as https://www.example.com, without a path", w.Origin)
	}
	seen := map[string]bool{}
	for i, name := range w.Subprotocols {
		at := c.at(p.field("subprotocols").item(i))
		switch {
		case !token(name):
			c.fail(at, "%q is not the name of a subprotocol", name)
		case seen[name]:
			c.fail(at, "%q is offered already", name)
		}
		seen[name] = true
	}
}

func (c *checker) handshakeHeaders(p place, w *WebSocket) {
	headers := w.Headers.Headers
	c.headerNames(p, slices.Sorted(maps.Keys(headers)))
	for name, h := range headers {
		at := c.at(p.entry(name))
		if len(h.Values)+len(h.Secrets)+len(h.Files) == 0 {
			c.fail(at, "got no value, want values, secrets or files")
		}
		c.handshakeHeader(at, name, w)
		c.headerValues(at, h)
		if strings.EqualFold(name, "Host") {
			for i, v := range h.Values {
				c.host(c.at(at.field("values").item(i)), v)
			}
		}
	}
}

// handshakeHeader refuses the headers that make up the handshake (RFC 6455 section 4.1).
func (c *checker) handshakeHeader(p place, name string, w *WebSocket) {
	switch lower := strings.ToLower(name); lower {
	case "upgrade", "connection", "sec-websocket-key", "sec-websocket-version":
		c.fail(p, "is set by the handshake itself")
	case "sec-websocket-extensions":
		c.fail(p, "want permessage_deflate: true instead")
	case "sec-websocket-protocol":
		if len(w.Subprotocols) > 0 {
			c.fail(p, "contradicts subprotocols, want only one of them")
		}
	case "origin":
		if w.Origin != "" {
			c.fail(p, "contradicts origin, want only one of them")
		}
	}
}

func (c *checker) step(p place, s *Step) {
	expectations := 0
	for _, set := range []bool{s.Expect.Regexp != nil, s.ExpectBinary != "", s.ExpectJSON != nil} {
		if set {
			expectations++
		}
	}
	switch {
	case expectations > 1:
		c.fail(p, "want at most one of expect, expect_binary and expect_json")
	case s.Send != "" && s.SendBinary != "":
		c.fail(p, "want at most one of send and send_binary")
	case expectations == 0 && s.Send == "" && s.SendBinary == "":
		c.fail(p, "the step does nothing, want expect, expect_binary, expect_json, send or send_binary")
	case expectations == 0 && s.SkipUntilMatch:
		c.fail(c.sub(p, "skip_until_match"), "has no effect without expect, expect_binary or expect_json")
	}
}
