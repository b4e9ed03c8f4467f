// Package remote sends requests to another program over HTTP. The settings of the client are read from a file, in the format of
// every Prometheus component.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxAnswer is the longest answer that is read, in bytes, unless Options say otherwise.
const maxAnswer = 256 << 20

// Timeout is how long a server may take to answer.
const Timeout = 30 * time.Second

// Options say where a server is.
type Options struct {
	Name       string // in errors, such as "the exporter"
	Kind       string // what it should be, such as "a healthcheck_exporter"
	URL        string
	ClientFile string                         // HTTP client settings, as in every Prometheus component; empty: those of Client
	Client     *commonconfig.HTTPClientConfig // nil: the defaults
	ClientFlag string                         // the flag that names ClientFile
	User       string                         // the command that asks, as a name of the client
	MaxAnswer  int64                          // how much of an answer is read, in bytes; 0: 256 MiB
	// NoRedirects makes a redirect an answer like any other, whatever the settings say: for what must not go anywhere else.
	NoRedirects bool
}

// A Server is asked over HTTP. Its creator closes it.
type Server struct {
	base   *url.URL
	client *http.Client
	kind   string
	flag   string
	login  bool
	most   int64 // bytes of an answer
}

// Connect prepares requests to a server; it sends nothing. An error is one of usage.
func Connect(o Options) (*Server, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the URL of %s is not valid, want http://host:port or https://host:port%s", o.Name, config.MeantURL(o.URL))
	}
	cfg := commonconfig.DefaultHTTPClientConfig
	if o.Client != nil {
		cfg = *o.Client
	}
	if o.ClientFile != "" {
		loaded, _, err := commonconfig.LoadHTTPConfigFile(o.ClientFile)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", o.ClientFile, err)
		}
		cfg = *loaded
	}
	if o.NoRedirects {
		cfg.FollowRedirects = false
	}
	client, err := commonconfig.NewClientFromConfig(cfg, o.User)
	if err != nil {
		return nil, err
	}
	return &Server{base: u, client: client, kind: o.Kind, flag: o.ClientFlag, login: cfg.BasicAuth != nil, most: cmp.Or(o.MaxAnswer, maxAnswer)}, nil
}

// Close ends the connections.
func (s *Server) Close() { s.client.CloseIdleConnections() }

// String is the URL of the server, without a password.
func (s *Server) String() string { return s.base.Redacted() }

// HasLogin reports whether the credentials name a user.
func (s *Server) HasLogin() bool { return s.login }

// Get requests a path, which is relative to the URL of the server, has escaped elements, and may have a query. It returns the body
// of the answer. An answer other than 200 is a *StatusError.
func (s *Server) Get(ctx context.Context, path string) ([]byte, error) {
	a, err := s.Do(ctx, Request{Method: http.MethodGet, Path: path})
	return a.Body, err
}

// GetJSON decodes the answer to Get.
func (s *Server) GetJSON(ctx context.Context, path string, answer any) error {
	body, err := s.Get(ctx, path)
	if err != nil {
		return err
	}
	return s.Decode(body, answer)
}

// Post sends a value as JSON. Otherwise it is like Get.
func (s *Server) Post(ctx context.Context, path string, value any) ([]byte, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	a, err := s.Do(ctx, Request{Method: http.MethodPost, Path: path, JSON: body})
	return a.Body, err
}

// A Request is what a server is asked, or told to change.
type Request struct {
	Method string
	Path   string // as in Get
	JSON   []byte // the body; nil: it has none
	// IfMatch is the ETag on which a change depends. Empty: it depends on none.
	IfMatch string
	// IfNoneMatch is the ETag of what is known already: if nothing is newer, the answer is a *StatusError with 304. Empty: nothing is.
	IfNoneMatch string
}

// An Answer is what a server answers. Its Body may be empty.
type Answer struct {
	Body []byte
	ETag string
}

// Do sends a request. An answer that is not a success is a *StatusError.
func (s *Server) Do(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	path, query, found := strings.Cut(r.Path, "?")
	at := s.base.JoinPath(path)
	if found {
		at.RawQuery = query
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, at.String(), bytes.NewReader(r.JSON))
	if err != nil {
		return Answer{}, err
	}
	if r.JSON != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.IfMatch != "" {
		req.Header.Set("If-Match", r.IfMatch)
	}
	if r.IfNoneMatch != "" {
		req.Header.Set("If-None-Match", r.IfNoneMatch)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the error without the URL
		}
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, s.most))
	if err != nil {
		return Answer{}, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return Answer{}, s.refused(resp, body)
	}
	return Answer{Body: body, ETag: resp.Header.Get("ETag")}, nil
}

// Decode decodes an answer that is JSON.
func (s *Server) Decode(body []byte, answer any) error {
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("the answer does not come from %s: %w", s.kind, err)
	}
	return nil
}

// A StatusError is an answer that is not a success.
type StatusError struct {
	Code int
	// Problems are what is wrong with what was sent, each with its place (RFC 9457). Their texts fit on a line.
	Problems []Problem
	// RetryAfter is after how long the same request may succeed. 0: the answer does not say.
	RetryAfter time.Duration

	complaint string
}

// StatusCode is the status of the answer.
func (e *StatusError) StatusCode() int { return e.Code }

// Said is what the answer says in plain text, in one line and cut. It may be empty.
func (e *StatusError) Said() string { return strings.TrimPrefix(e.complaint, ": ") }

// A Problem is one thing that is wrong. Pointer is where it is (RFC 6901), "" for the whole.
type Problem struct{ Pointer, Detail string }

// Error implements error. It does not have the Problems.
func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d, want 200%s", e.Code, e.complaint)
}

// IsStatus reports whether err is an answer with this status.
func IsStatus(err error, code int) bool {
	e, ok := errors.AsType[*StatusError](err)
	return ok && e.Code == code
}

// maxProblems is how many problems of an answer are told.
const maxProblems = 1000

// refused is the error for an answer that is not a success.
func (s *Server) refused(resp *http.Response, body []byte) error {
	e := &StatusError{Code: resp.StatusCode}
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second //nolint:gosec // it is at most 65,535
	}
	var text string
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch kind {
	case "text/plain":
		text = string(body)
	case "application/json": // Alertmanager sends a string
		_ = json.Unmarshal(body, &text) // anything else says nothing to a person
	case "application/problem+json": // RFC 9457
		var p struct {
			Title, Detail string
			Errors        []Problem
		}
		_ = json.Unmarshal(body, &p) // likewise
		text = p.Detail
		if text == "" && len(p.Errors) > 0 {
			text = p.Title
		}
		for _, one := range p.Errors[:min(len(p.Errors), maxProblems)] {
			e.Problems = append(e.Problems, Problem{printable.Line(one.Pointer, printable.MaxURL), printable.Line(one.Detail, printable.MaxError)})
		}
	}
	if text = printable.Line(text, printable.MaxURL); text != "" {
		e.complaint = ": " + text
	}
	if e.Code == http.StatusUnauthorized {
		e.complaint += "; give credentials with " + s.flag
	}
	return e
}
