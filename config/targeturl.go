package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ParseTargetURL reads the URL of a target. The error does not repeat it: it may hold credentials.
func ParseTargetURL(s string) (*url.URL, error) {
	const want = "want an absolute URL with the scheme http, https, ws or wss"
	if s == "" {
		return nil, errors.New("missing, " + want)
	}
	u, err := url.Parse(s)
	switch {
	case !strings.Contains(s, "://"):
		meant := MeantURL(s)
		if meant == "" {
			meant = ", such as http://shop.example.com:8080/health"
		}
		return nil, errors.New("got no scheme, " + want + meant)
	case err != nil:
		return nil, errors.New("not a valid URL, " + want + MeantURL(s))
	case !probeScheme(u.Scheme):
		return nil, fmt.Errorf("got the scheme %q, %s", u.Scheme, want)
	case u.Hostname() == "":
		return nil, errors.New("got no host, " + want + MeantURL(s))
	case !validPort(u):
		return nil, errors.New("got a port that is not from 1 to 65535, " + want)
	}
	if strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") { // url.Parse checks that for http and https alone
		return nil, errors.New("want a URL with the IPv6 address in brackets, or with one port" + MeantURL(s))
	}
	if ascii, err := httpguts.PunycodeHostPort(u.Host); err != nil || !httpguts.ValidHostHeader(ascii) {
		return nil, errors.New("want a URL with a valid host name")
	}
	return u, nil
}

func probeScheme(s string) bool { return s == "http" || s == "https" || webSocketScheme(s) }

func webSocketScheme(s string) bool { return s == "ws" || s == "wss" }

// CanonicalURL returns the same text for all ways to write the URL of one target. The case of scheme and host, the default port,
// an empty path and the fragment make no difference, nor does the choice between HTTP and WebSocket. Everything else does,
// including user and query.
func CanonicalURL(u *url.URL) string {
	c := *u
	c.Scheme = strings.ToLower(c.Scheme)
	if webSocketScheme(c.Scheme) {
		c.Scheme = "http" + strings.TrimPrefix(c.Scheme, "ws")
	}
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	switch {
	case port == "", c.Scheme == "http" && port == "80", c.Scheme == "https" && port == "443":
	default:
		host += ":" + port
	}
	c.Host, c.Fragment, c.RawFragment, c.ForceQuery = host, "", "", false
	if c.Path == "" {
		c.Path, c.RawPath = "/", ""
	}
	return c.String()
}
