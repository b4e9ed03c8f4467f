package prober

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// credentials add what only the target may see to a request: authorization, private headers, and headers from files.
// Files are read again for every request. If one cannot be read, the probe fails rather than going on without it.
type credentials struct {
	authorize func(ctx context.Context, h http.Header) error // nil: nothing to add
	headers   *commonconfig.Headers
	tokens    *tokenSource // nil: no OAuth2
}

func newCredentials(c *commonconfig.HTTPClientConfig) (*credentials, error) {
	cr := &credentials{headers: c.HTTPHeaders}
	switch {
	case c.BasicAuth != nil:
		cr.authorize = basicAuth(*c.BasicAuth)
	case c.OAuth2 != nil:
		tokens, err := newTokenSource(c.OAuth2)
		if err != nil {
			return nil, err
		}
		cr.tokens, cr.authorize = tokens, tokens.authorize
	case c.Authorization != nil:
		cr.authorize = authorization(*c.Authorization)
	}
	return cr, nil
}

// add puts the credentials into h. Its error is a localError, because the target is not to blame.
func (c *credentials) add(ctx context.Context, h http.Header) error {
	if err := c.addHeaders(h); err != nil {
		return &localError{err}
	}
	if c.authorize == nil {
		return nil
	}
	if err := c.authorize(ctx, h); err != nil {
		return &localError{err}
	}
	return nil
}

// hasHeaders reports whether headers are sent that only the target may see.
func (c *credentials) hasHeaders() bool { return c.headers != nil && len(c.headers.Headers) > 0 }

func (c *credentials) addHeaders(h http.Header) error {
	if c.headers == nil {
		return nil
	}
	for name, header := range c.headers.Headers {
		for _, v := range header.Values {
			h.Add(name, v)
		}
		for _, v := range header.Secrets {
			h.Add(name, string(v))
		}
		for _, file := range header.Files {
			v, err := readSecret(file)
			if err != nil {
				return err
			}
			h.Add(name, v)
		}
	}
	return nil
}

// rejected notes that the target did not accept the credentials, so that a cached token is not used again.
func (c *credentials) rejected() {
	if c.tokens != nil {
		c.tokens.forget()
	}
}

func basicAuth(c commonconfig.BasicAuth) func(context.Context, http.Header) error {
	return func(_ context.Context, h http.Header) error {
		username, err := secretOr(c.UsernameFile, c.Username)
		if err != nil {
			return err
		}
		password, err := secretOr(c.PasswordFile, string(c.Password))
		if err != nil {
			return err
		}
		req := http.Request{Header: h}
		req.SetBasicAuth(username, password)
		return nil
	}
}

func authorization(c commonconfig.Authorization) func(context.Context, http.Header) error {
	return func(_ context.Context, h http.Header) error {
		token, err := secretOr(c.CredentialsFile, string(c.Credentials))
		if err != nil {
			return err
		}
		h.Set("Authorization", c.Type+" "+token)
		return nil
	}
}

func secretOr(file, inline string) (string, error) {
	if file == "" {
		return inline, nil
	}
	return readSecret(file)
}

// readSecret reads a credential file without the line end that editors add.
func readSecret(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading credentials: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
