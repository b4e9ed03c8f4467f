// Package api is a client of the API server of a Kubernetes cluster: it knows where the server is, how to authenticate, and
// how to send one request. Kubernetes' own client would be eighteen times as large as what is needed of it.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// Config says which cluster. The zero Config is the one in which the exporter runs, as its service account.
type Config struct {
	// Kubeconfig is the path of a file that says where the API server is and how to authenticate. Empty: the zero Config.
	Kubeconfig string
	// Context is a context of the file. Empty: the current one.
	Context string
}

// A Client sends requests to one API server.
type Client struct {
	server    *url.URL
	transport http.RoundTripper // nil: the plugin has one
	plugin    *plugin
}

// A cluster is where an API server is, and the credentials for it.
type cluster struct {
	server *url.URL
	client commonconfig.HTTPClientConfig
	exec   *execConfig // nil: client has everything that is needed
}

// New makes a client. It sends nothing. Files that may change, such as that of a token, are read again when they are needed.
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

func roundTripper(c commonconfig.HTTPClientConfig) (http.RoundTripper, error) {
	rt, err := once.RoundTripper(c)
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
	// Method is the HTTP method.
	Method string
	// Path begins with a slash, and Query may be nil.
	Path  string
	Query url.Values
	// ContentType is that of Body, which is sent as JSON. nil: no body.
	ContentType string
	Body        any
}

// Do sends a request as once.Send does, with our credentials.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	transport := c.transport
	if c.plugin != nil {
		var err error
		if transport, err = c.plugin.transport(ctx); err != nil {
			return fmt.Errorf("%w: %w", once.ErrNotSent, err)
		}
	}
	u := c.server.JoinPath(r.Path)
	u.RawQuery = r.Query.Encode()
	_, err := once.Send(ctx, transport, once.Request{Method: r.Method, URL: u, ContentType: r.ContentType, Body: r.Body}, says, out)
	if c.plugin != nil && once.Answered(err, http.StatusUnauthorized) {
		c.plugin.forget()
	}
	return err
}

// says returns the message of a Status of Kubernetes. Anything else, such as the page of a proxy, is not quoted.
func says(body []byte) string {
	var status struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &status) != nil || status.Kind != "Status" {
		return ""
	}
	return status.Message
}
