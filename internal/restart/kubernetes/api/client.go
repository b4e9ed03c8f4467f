// Package api speaks with the API server of a Kubernetes cluster: it knows where that is, how to be let in, and how to
// send one request. Kubernetes' own client would be eighteen times as large as what is needed of it.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"unicode"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
)

// Config says which cluster. The zero Config is the one in which the exporter runs, as its service account.
type Config struct {
	// Kubeconfig is the path of a file that says where the API server is and who we are. Empty: the zero Config.
	Kubeconfig string
	// Context is one of the file's contexts. Empty: its current one.
	Context string
}

// A Client sends requests to one API server.
type Client struct {
	server    *url.URL
	transport http.RoundTripper // nil: that of the plugin
	plugin    *plugin
}

// A cluster is where an API server is and what a request needs to be let in.
type cluster struct {
	server *url.URL
	client commonconfig.HTTPClientConfig
	exec   *execConfig // nil: client has all that is needed
}

// New makes a client. It sends nothing; what the files say is read again where they may change, such as a token.
func New(cfg Config) (*Client, error) {
	var c cluster
	var err error
	if cfg.Kubeconfig == "" {
		c, err = inCluster(accountDir)
	} else {
		c, err = fromKubeconfig(cfg.Kubeconfig, cfg.Context)
	}
	if err != nil {
		return nil, err
	}
	return c.connect()
}

func (c *cluster) connect() (*Client, error) {
	client := &Client{server: c.server}
	var err error
	if c.exec != nil {
		client.plugin, err = newPlugin(c.exec, c.client)
	} else {
		client.transport, err = roundTripper(c.client)
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// roundTripper makes one that uses every connection once. A connection that was used before may be dead without anybody
// knowing: a Lease would be lost by that, and a request that fails on it would be sent again by net/http.
func roundTripper(c commonconfig.HTTPClientConfig) (http.RoundTripper, error) {
	rt, err := commonconfig.NewRoundTripperFromConfig(c, "kubernetes",
		commonconfig.WithKeepAlivesDisabled(), commonconfig.WithHTTP2Disabled())
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to the API server: %w", err)
	}
	return rt, nil
}

// The content types of a patch.
const (
	StrategicMergePatch = "application/strategic-merge-patch+json"
	MergePatch          = "application/merge-patch+json"
)

// A Request is one request.
type Request struct {
	// Method is that of HTTP.
	Method string
	// Path begins with a slash, and Query may be nil.
	Path  string
	Query url.Values
	// ContentType is that of Body, which is sent as JSON. nil: no body.
	ContentType string
	Body        any
}

// ErrNotSent is wrapped by the errors of requests of which nothing was sent.
var ErrNotSent = errors.New("nothing was sent")

// maxAnswer is how much of an answer is read, in bytes: more than the largest object that a cluster keeps.
const maxAnswer = 8 << 20

// Do sends a request once, follows no redirect, and decodes the answer into out, unless that is nil. An answer other than
// 2xx is a *StatusError.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	transport, err := c.transportFor(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	req, err := c.request(ctx, &r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	resp, err := transport.RoundTrip(req)
	switch {
	case err != nil && !connected:
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	case err != nil:
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		if resp.StatusCode == http.StatusUnauthorized && c.plugin != nil {
			c.plugin.forget()
		}
		return statusError(resp.StatusCode, body)
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

func (c *Client) transportFor(ctx context.Context) (http.RoundTripper, error) {
	if c.plugin != nil {
		return c.plugin.transport(ctx)
	}
	return c.transport, nil
}

func (c *Client) request(ctx context.Context, r *Request) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	u := c.server.JoinPath(r.Path)
	u.RawQuery = r.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // nobody is to send it again
	req.Header.Set("User-Agent", "healthcheck_exporter/"+version.Version)
	req.Header.Set("Accept", "application/json")
	if r.Body != nil {
		req.Header.Set("Content-Type", r.ContentType)
	}
	return req, nil
}

// A StatusError is the answer of an API server that did not do what it was asked.
type StatusError struct {
	// Code is that of HTTP.
	Code int
	// Message is what the server says, for people. Empty: nothing.
	Message string
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("status %d", e.Code)
	if name := http.StatusText(e.Code); name != "" {
		text += " " + name
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Answered tells whether err is the API server's answer with this code.
func Answered(err error, code int) bool {
	status := (*StatusError)(nil)
	return errors.As(err, &status) && status.Code == code
}

// maxMessage is how much of a server's message is repeated, in bytes.
const maxMessage = 400

// statusError makes an error of an answer. What is no Status of Kubernetes, such as the page of a proxy, is not repeated.
func statusError(code int, body []byte) *StatusError {
	var status struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	}
	e := &StatusError{Code: code}
	if json.Unmarshal(body, &status) == nil && status.Kind == "Status" {
		e.Message = line(status.Message)
	}
	return e
}

// line is the beginning of a text, on one line.
func line(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text))
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
