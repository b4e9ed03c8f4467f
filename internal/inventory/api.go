package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"golang.org/x/oauth2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// api is the fetcher of an entry of target_apis.
type api struct {
	cfg    config.TargetAPI
	reader config.TargetReader
	mask   func(*url.URL) string
	client *http.Client
}

func newAPI(cfg config.TargetAPI, reader config.TargetReader, mask func(*url.URL) string) (*api, error) {
	client, err := commonconfig.NewClientFromConfig(cfg.Client, "target_apis", commonconfig.WithUserAgent("healthcheck_exporter/"+version.Version))
	if err != nil {
		return nil, fmt.Errorf("target_apis: %s: %w", cfg.Name, err)
	}
	if cfg.Client.FollowRedirects {
		client.CheckRedirect = sameHost
	}
	reader.File = cfg.Name
	return &api{cfg: cfg, reader: reader, mask: mask, client: client}, nil
}

// sameHost follows a redirect to the same host alone: the client sends its credentials with every request.
func sameHost(r *http.Request, via []*http.Request) error {
	if first := via[0].URL; len(via) > 10 || r.URL.Host != first.Host || r.URL.Scheme != first.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

func (a *api) close() { a.client.CloseIdleConnections() }

func (a *api) again(ctx context.Context, _ string, last *document) (*document, error) {
	return a.decode(ctx, last.data)
}

func (a *api) decode(ctx context.Context, data []byte) (*document, error) {
	err := decoding.Acquire(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: waiting for other documents: %w", err)
	}
	defer decoding.Release(1)
	d := decoder{reader: a.reader, mask: a.mask}
	if a.cfg.Map != nil {
		err = d.mapped(ctx, a.cfg.Map, data)
	} else {
		err = d.json(ctx, a.cfg.Format, data)
	}
	switch {
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")):
		return nil, errors.New("reading the answer: got HTML or XML, such as a login page, want JSON")
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return d.document(data), nil
}

// answer is the name of the only document of an API.
const answer = ""

func (a *api) fetch(ctx context.Context, last map[string]*document) (map[string]*document, error) {
	data, err := a.get(ctx)
	if err != nil {
		return last, err
	}
	if doc := last[answer]; doc != nil && bytes.Equal(doc.data, data) {
		return maps.Clone(last), nil
	}
	ctx, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	doc, err := a.decode(ctx, data)
	if err != nil {
		return last, err
	}
	return map[string]*document{answer: doc}, nil
}

func (a *api) get(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(a.cfg.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.cfg.URL, http.NoBody)
	if err != nil {
		return nil, errors.New("making the request: the URL is not valid")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking: %w", withoutSecrets(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode/100 == 3 && resp.Header.Get("Location") != "" && a.cfg.Client.FollowRedirects:
		return nil, fmt.Errorf("got status %d, a redirect to another host or scheme or in a circle, which is not followed; want the URL that answers 200", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("got status %d, want 200", resp.StatusCode)
	}
	data, err := readAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return data, nil
}

// withoutSecrets drops the URL from an error of the client, and the answer of the issuer of a token.
func withoutSecrets(err error) error {
	if token, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if token.Response != nil {
			return fmt.Errorf("getting a token: got status %d", token.Response.StatusCode)
		}
		return errors.New("getting a token: got none")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
