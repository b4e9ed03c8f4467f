package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// An engine is the API of one, https://docs.docker.com/reference/api/engine.
type engine struct {
	url       *url.URL
	transport http.RoundTripper
}

func newEngine(cfg Config) (*engine, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("the URL of Docker is none")
	}
	// A connection is used once: net/http sends a request again when one turns out to be closed that was used before.
	options := []commonconfig.HTTPClientOption{commonconfig.WithKeepAlivesDisabled(), commonconfig.WithHTTP2Disabled()}
	if u.Scheme == "unix" {
		path := u.Path
		options = append(options, commonconfig.WithDialContextFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}))
		u = &url.URL{Scheme: "http", Host: "docker"}
	}
	transport, err := commonconfig.NewRoundTripperFromConfig(commonconfig.HTTPClientConfig{TLSConfig: cfg.TLSConfig}, "restart", options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the HTTP client: %w", err)
	}
	return &engine{u, transport}, nil
}

// A statusError is an answer that is not the one that is wanted.
type statusError struct {
	code    int
	message string // in the words of the Engine; empty: none
}

// Error implements error.
func (e *statusError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("status %d, want 2xx", e.code)
	}
	return fmt.Sprintf("status %d, want 2xx: %s", e.code, e.message)
}

func isStatus(err error, code int) bool {
	s, ok := errors.AsType[*statusError](err)
	return ok && s.code == code
}

// errUndelivered is wrapped where nobody can have got the request.
var errUndelivered = errors.New("not delivered")

const (
	// How much of an answer is read, in bytes.
	maxAnswer = 4 << 20
	// How much of the Engine's words is told.
	maxMessage = 300
)

// call sends one request and reads a JSON answer, if there is one to be read.
func (e *engine) call(ctx context.Context, method, path string, query url.Values, into any) error {
	resp, err := e.send(ctx, method, path, query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("the answer is not one of Docker's") // it may hold the environment of a container
	}
	return nil
}

// send returns an answer with a status that is 2xx.
func (e *engine) send(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	u := e.url.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := e.transport.RoundTrip(req)
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return nil, fmt.Errorf("%w: %w", errUndelivered, op)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusOK && resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	defer resp.Body.Close()
	var said struct{ Message string }
	if json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&said) != nil {
		said.Message = "" // a proxy's page, or half a message
	}
	return nil, &statusError{resp.StatusCode, strings.ToValidUTF8(said.Message[:min(len(said.Message), maxMessage)], "")}
}

var versionForm = regexp.MustCompile(`^\d+\.\d+$`)

// version is the newest version of the API that the Engine has. A version that is none of its own is an error to it,
// and its own it always knows.
func (e *engine) version(ctx context.Context) (string, error) {
	resp, err := e.send(ctx, http.MethodGet, "/_ping", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	version := resp.Header.Get("Api-Version")
	if !versionForm.MatchString(version) {
		return "", errors.New("/_ping is answered without an Api-Version: this is no Docker")
	}
	return version, nil
}

// labelled are the IDs of all containers with a label, whether they run or not.
func (e *engine) labelled(ctx context.Context, version, label string) ([]string, error) {
	filters, err := json.Marshal(map[string][]string{"label": {label}})
	if err != nil {
		return nil, err
	}
	var all []struct {
		ID string `json:"Id"`
	}
	err = e.call(ctx, http.MethodGet, "/v"+version+"/containers/json", url.Values{"all": {"true"}, "filters": {string(filters)}}, &all)
	ids := make([]string, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (e *engine) inspect(ctx context.Context, version, name string) (*container, error) {
	c := new(container)
	if err := e.call(ctx, http.MethodGet, "/v"+version+"/containers/"+url.PathEscape(name)+"/json", nil, c); err != nil {
		return nil, err
	}
	if c.ID == "" || c.State.Status == "" {
		return nil, errors.New("the answer is not about a container")
	}
	return c, nil
}
