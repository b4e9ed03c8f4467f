// Package hook restarts a service by one HTTP request, such as a platform's deploy hook.
package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// Config says what to send.
type Config struct {
	// Method is that of the request. Empty: POST.
	Method string
	// URL is where the request goes. Otherwise URLFile is a file that holds the URL, read for every request. All of the URL may
	// be secret.
	URL, URLFile string
	// Headers are sent besides those of Client.
	Headers map[string]string
	// Body is sent, or the contents of BodyFile, read for every request. Empty: no body.
	Body, BodyFile string
	// Statuses are the status codes of an accepted request. nil: 2xx.
	Statuses Statuses
	// Client holds authentication, TLS, proxy and more headers. Its settings for redirects and HTTP/2 have no effect. It must
	// not have oauth2: a request to a hanging token endpoint would not end with the context.
	Client commonconfig.HTTPClientConfig
}

// Statuses are status codes, with a text for people.
type Statuses interface {
	Contains(code int) bool
	String() string
}

// maxFile is how large a file may be, and maxAnswer how much of an answer is read, in bytes.
const (
	maxFile   = 1 << 20
	maxAnswer = 64 << 10
)

// A Backend sends one request.
type Backend struct {
	cfg       Config
	transport http.RoundTripper
}

// New makes a back-end from a checked configuration.
func New(cfg Config) (*Backend, error) {
	transport, err := once.RoundTripper(cfg.Client)
	if err != nil {
		return nil, fmt.Errorf("preparing the HTTP client: %w", err)
	}
	return &Backend{cfg: cfg, transport: transport}, nil
}

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "http" }

// Inspect implements restart.Backend. A hook knows nothing about the service, which is verified by probes alone.
func (*Backend) Inspect(context.Context) (restart.Status, error) { return restart.Status{}, nil }

// Restart sends the request once and follows no redirect. It succeeds if the answer has one of the wanted statuses; the rest
// of the answer is ignored.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	req, err := b.request(ctx, a)
	if err != nil {
		return fmt.Errorf("%w: %w", restart.ErrRefused, err)
	}
	// Not with a client, which would follow redirects and quote the URL in its errors.
	resp, sent, err := once.Do(b.transport, req)
	switch {
	case err != nil && !sent:
		return fmt.Errorf("%w: sending %s to %s: %w", restart.ErrRefused, req.Method, shown(req.URL), bare(err))
	case err != nil:
		return fmt.Errorf("sending %s to %s: %w", req.Method, shown(req.URL), bare(err))
	}
	defer resp.Body.Close()
	// Some servers abort their work if the client does not wait for the end of the answer.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if b.accepts(resp.StatusCode) {
		return nil
	}
	err = fmt.Errorf("sending %s to %s: status %d, want %s", req.Method, shown(req.URL), resp.StatusCode, b.wanted())
	if slices.Contains(notNow, resp.StatusCode) {
		err = fmt.Errorf("%w: %w", restart.ErrRefused, err)
	}
	return err
}

// notNow are the answers of a platform that does nothing for now, such as during a deploy (RFC 9110, RFC 4918, RFC 6585). Any
// other unwanted answer, such as 401, stays until somebody repairs its cause.
var notNow = []int{http.StatusConflict, http.StatusLocked, http.StatusTooManyRequests}

// request returns the request of an attempt.
func (b *Backend) request(ctx context.Context, a restart.Attempt) (*http.Request, error) {
	u, err := b.url()
	if err != nil {
		return nil, err
	}
	body := b.cfg.Body
	if b.cfg.BodyFile != "" {
		if body, err = read(b.cfg.BodyFile); err != nil {
			return nil, err
		}
	}
	method := b.cfg.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be made") // the error holds the URL
	}
	req.Header.Set("User-Agent", "healthcheck_exporter/"+version.Version)
	for name, value := range b.cfg.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	req.Header.Set("Idempotency-Key", a.ID)
	return req, nil
}

func (b *Backend) url() (*url.URL, error) {
	text := b.cfg.URL
	if b.cfg.URLFile != "" {
		var err error
		if text, err = read(b.cfg.URLFile); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("the URL of the hook is not an absolute http or https URL without a user")
	}
	return u, nil
}

// read returns the text of a file of the configuration.
func read(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxFile:
		return "", fmt.Errorf("reading %q: more than %d bytes", file, maxFile)
	}
	return string(b), nil
}

func (b *Backend) accepts(code int) bool {
	if b.cfg.Statuses == nil {
		return 200 <= code && code <= 299
	}
	return b.cfg.Statuses.Contains(code)
}

func (b *Backend) wanted() string {
	if b.cfg.Statuses == nil {
		return "2xx"
	}
	return b.cfg.Statuses.String()
}

// shown returns what may be shown of a URL. The path of a hook is often its secret.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host }

// bare returns err without the URL, if it has one.
func bare(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
