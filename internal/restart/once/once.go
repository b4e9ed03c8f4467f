// Package once sends a request over HTTP once, whatever happens, and tells whether it was sent at all. What it sends and
// gets is JSON.
package once

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

// RoundTripper makes one that uses every connection once. A connection that was used before may be dead without anybody
// knowing, and a request that fails on it would be sent again by net/http; above all one with an Idempotency-Key, which it
// takes for the permission to do so. HTTP/2 also sends one again when the server asks for it.
func RoundTripper(c commonconfig.HTTPClientConfig, options ...commonconfig.HTTPClientOption) (http.RoundTripper, error) {
	options = append(options, commonconfig.WithKeepAlivesDisabled(), commonconfig.WithHTTP2Disabled())
	return commonconfig.NewRoundTripperFromConfig(c, "restart", options...)
}

// A Request is one request.
type Request struct {
	Method string
	URL    *url.URL
	// ContentType is that of Body. Empty: JSON.
	ContentType string
	// Body is sent as JSON. nil: no body.
	Body any
}

// ErrNotSent is wrapped by the errors of requests of which nothing was sent.
var ErrNotSent = errors.New("nothing was sent")

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 8 << 20

// Send sends a request, follows no redirect, and decodes the answer into out, unless that is nil. An answer other than 2xx
// is a *StatusError; explain finds in it what the server says.
func Send(ctx context.Context, transport http.RoundTripper, r Request, explain func(body []byte) string, out any) (http.Header, error) {
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	req, err := r.build(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	resp, err := transport.RoundTrip(req)
	switch {
	case err != nil && !connected:
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	case err != nil:
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, &StatusError{Code: resp.StatusCode, Message: Line(explain(body))}
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
	req.GetBody = nil // nobody is to send it again
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

// Answered tells whether err is the server's answer with this code.
func Answered(err error, code int) bool {
	status := (*StatusError)(nil)
	return errors.As(err, &status) && status.Code == code
}

// NotDone tells whether err means that the server has changed nothing.
func NotDone(err error) bool {
	status := (*StatusError)(nil)
	return errors.Is(err, ErrNotSent) || errors.As(err, &status) && 400 <= status.Code && status.Code <= 499
}

// maxLine is how long a Line is, in bytes.
const maxLine = 400

// Line is the beginning of what somebody else says, on one line.
func Line(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text))
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return text
}
