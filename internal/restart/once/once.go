// Package once sends a request over HTTP once, whatever happens, and says whether it was sent at all.
package once

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// RoundTripper makes one that uses every connection once. A connection that was used before may be dead unnoticed, and net/http
// sends a request again that fails on it, above all one with an Idempotency-Key, which it takes for permission to do so.
// HTTP/2 also sends a request again if the server asks for it.
func RoundTripper(c commonconfig.HTTPClientConfig, options ...commonconfig.HTTPClientOption) (http.RoundTripper, error) {
	options = append(options, commonconfig.WithKeepAlivesDisabled(), commonconfig.WithHTTP2Disabled())
	return commonconfig.NewRoundTripperFromConfig(c, "restart", options...)
}

// Socket makes RoundTripper connect to the Unix socket at path, whatever host a request names.
func Socket(path string) commonconfig.HTTPClientOption {
	return commonconfig.WithDialContextFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	})
}

// Do sends req and follows no redirect. After an error, sent reports whether the other end may have got the request: there
// was a connection, and the handshake of TLS was over.
func Do(transport http.RoundTripper, req *http.Request) (resp *http.Response, sent bool, err error) {
	req.GetBody = nil // net/http must not send it again
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent = true }})
	resp, err = transport.RoundTrip(req.WithContext(ctx))
	return resp, sent, err
}

// A Request is one request whose body is JSON.
type Request struct {
	Method string
	URL    *url.URL
	// ContentType is that of Body. Empty: JSON.
	ContentType string
	// Body is sent as JSON. nil: no body.
	Body any
}

// ErrNotSent is wrapped by the error of Send when the other end cannot have got the request.
var ErrNotSent = errors.New("nothing was sent")

// MaxMessage is how much of a message from the other end an error has, in bytes.
const MaxMessage = 400

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 8 << 20

// Send sends a request, follows no redirect, and decodes the answer into out unless that is nil. An answer other than 2xx is
// returned as a *StatusError; explain extracts the server's message from its body.
func Send(ctx context.Context, transport http.RoundTripper, r Request, explain func(body []byte) string, out any) (http.Header, error) {
	req, err := r.build(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	resp, sent, err := Do(transport, req)
	switch {
	case err != nil && !sent:
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	case err != nil:
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, &StatusError{Code: resp.StatusCode, Message: printable.Line(explain(body), MaxMessage)}
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case out == nil:
		return resp.Header, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return resp.Header, nil
}

func (r *Request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "healthcheck_exporter/"+version.Version)
	req.Header.Set("Accept", "application/json")
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	return req, nil
}

// A StatusError is the answer of a server that did not do what it was asked.
type StatusError struct {
	// Code is the status code.
	Code int
	// Message is the server's message for people. Empty: there was none.
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

// Answered reports whether err is an answer of the server with this status code.
func Answered(err error, code int) bool {
	status := (*StatusError)(nil)
	return errors.As(err, &status) && status.Code == code
}

// NotDone reports whether err means that the server has changed nothing.
func NotDone(err error) bool {
	status := (*StatusError)(nil)
	return errors.Is(err, ErrNotSent) || errors.As(err, &status) && 400 <= status.Code && status.Code <= 499
}
