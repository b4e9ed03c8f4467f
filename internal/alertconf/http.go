package alertconf

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxMetrics is how much of the metrics of an Alertmanager has to be read, in bytes. It has some 100 kB of them.
const MaxMetrics = 8 << 20

// An answer is what an API says of a request that was not answered with 200.
type answer interface {
	error
	StatusCode() int
	Said() string
}

// refusal is the status of an Alertmanager that does not load its configuration.
const refusal = 500

// An HTTPServer is a Server that is reached by its API.
type HTTPServer struct {
	name   string
	api    API
	client *Client
}

// NewHTTPServer makes a Server of an Alertmanager. The name is for people.
func NewHTTPServer(name string, api API) *HTTPServer {
	return &HTTPServer{name, api, NewClient(api)}
}

// Name implements Server.
func (s *HTTPServer) Name() string { return s.name }

// Reload implements Server.
func (s *HTTPServer) Reload(ctx context.Context) error {
	_, err := s.api.Post(ctx, "-/reload", struct{}{})
	a, answered := errors.AsType[answer](err)
	if !answered || a.StatusCode() != refusal {
		return err
	}
	name := s.name
	if setup, err := s.client.Setup(ctx); err == nil && setup.Version != "" {
		name = fmt.Sprintf("%s (%s)", s.name, setup.Version)
	}
	said := strings.TrimPrefix(a.Said(), "failed to reload config: ")
	return &RefusedError{Server: name, Text: cmp.Or(said, "it does not say why it refuses the configuration: see its log")}
}

// hashMetric is the metric whose value is LoadedHash of what an Alertmanager runs.
var hashMetric = []byte("alertmanager_config_hash ")

// Loaded implements Server.
func (s *HTTPServer) Loaded(ctx context.Context) (hash float64, known bool, err error) {
	text, err := s.api.Get(ctx, "metrics")
	if a, answered := errors.AsType[answer](err); answered && a.StatusCode() == 404 {
		return 0, false, nil // a proxy may keep them to itself
	}
	if err != nil {
		return 0, false, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, hashMetric); ok {
			hash, err := strconv.ParseFloat(string(bytes.TrimSpace(rest)), 64)
			return hash, err == nil, nil
		}
	}
	return 0, false, nil
}
