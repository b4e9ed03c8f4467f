// Package engine is a client of the API of a Docker Engine, in the version of that engine.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// DefaultHost is the socket that most engines listen on.
const DefaultHost = "unix:///var/run/docker.sock"

// Config says which engine.
type Config struct {
	// Host is unix:///PATH or tcp://HOST:PORT, as in DOCKER_HOST. Empty: DefaultHost.
	Host string
	// TLSConfig is for tcp. nil: the connection is not encrypted, such as to a proxy beside the exporter.
	TLSConfig *commonconfig.TLSConfig
}

// A Client sends requests to one engine.
type Client struct {
	base      *url.URL
	transport http.RoundTripper
}

// New makes a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	host := cfg.Host
	if host == "" {
		host = DefaultHost
	}
	u, err := url.Parse(host)
	if err != nil {
		return nil, errors.New("the host is not a URL")
	}
	c := &Client{base: &url.URL{Scheme: "http", Host: u.Host}}
	client := commonconfig.HTTPClientConfig{}
	var options []commonconfig.HTTPClientOption
	switch {
	case u.Scheme == "unix" && u.Host == "" && u.Path != "" && cfg.TLSConfig == nil:
		c.base.Host = "docker" // a request has to name one
		options = append(options, once.Socket(u.Path))
	case u.Scheme == "tcp" && u.Port() != "" && u.Path == "":
		if cfg.TLSConfig != nil {
			c.base.Scheme, client.TLSConfig = "https", *cfg.TLSConfig
		}
	default:
		return nil, fmt.Errorf("the host is %q, want unix:///PATH, or tcp://HOST:PORT with or without TLS", host)
	}
	if c.transport, err = once.RoundTripper(client, options...); err != nil {
		return nil, fmt.Errorf("preparing the connection to the engine: %w", err)
	}
	return c, nil
}

// A Request is one request.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path begins with a slash and has no version. Query may be nil.
	Path  string
	Query url.Values
	// Body is sent as JSON. nil: no body.
	Body any
}

// Do asks the engine for the version of its API, and sends one request in that version, as once.Send does.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	header, err := once.Send(ctx, c.transport, once.Request{Method: http.MethodGet, URL: c.base.JoinPath("_ping")}, says, nil)
	if err != nil {
		return fmt.Errorf("%w: asking for the version: %w", once.ErrNotSent, err)
	}
	version := header.Get("Api-Version")
	if !numbers.MatchString(version) {
		return fmt.Errorf("%w: asking for the version: got %q: it is not a Docker Engine", once.ErrNotSent, printable.Line(version, once.MaxMessage))
	}
	u := c.base.JoinPath("v"+version, r.Path)
	u.RawQuery = r.Query.Encode()
	_, err = once.Send(ctx, c.transport, once.Request{Method: r.Method, URL: u, Body: r.Body}, says, out)
	return err
}

var numbers = regexp.MustCompile(`^\d{1,3}\.\d{1,3}$`)

// says returns the message of an error of the engine. Anything else, such as the page of a proxy, is not quoted.
func says(body []byte) string {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Message
}
