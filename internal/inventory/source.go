package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"golang.org/x/oauth2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A document is what one file, or one API, has said.
type document struct {
	data     []byte
	next     string // the hash of what the file was at the last look, where that is not data; empty: it was data
	absent   bool   // whether the file was missing at the last look
	targets  []config.Target
	problems []error // as many as are kept
	wrong    int     // how many there are
}

// A fetcher knows where documents come from and what they look like. It is not changed.
type fetcher interface {
	// fetch returns the documents by name. It gets the last good ones, of which it keeps what has not changed. Together
	// with an error there are those that are good.
	fetch(ctx context.Context, last map[string]*document) (map[string]*document, error)
	// decode reads a document of an earlier fetcher of the same name. It is false where it makes no sense any more.
	decode(ctx context.Context, name string, data []byte) (*document, error)
	// close frees what the fetcher holds when it is not needed any more.
	close()
}

// files is the fetcher of one pattern of target_files.
type files struct {
	pattern string
	reader  config.TargetReader
	mask    func(*url.URL) string
}

func newFiles(cfg config.TargetFile, reader config.TargetReader, mask func(*url.URL) string) *files {
	reader.Module = cfg.Module
	return &files{pattern: cfg.Path, reader: reader, mask: mask}
}

func (f *files) close() {}

func (f *files) decode(ctx context.Context, name string, data []byte) (*document, error) {
	if err := decoding.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("reading %q: waiting for other documents: %w", name, err)
	}
	defer decoding.Release(1)
	d := decoder{reader: f.reader, mask: f.mask}
	d.reader.File = name
	if err := d.file(ctx, data); err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return d.document(data), nil
}

// fetch reads the files. What has changed counts when two looks have seen the same: a program may be about to write it. A
// file that is gone counts until it is missing twice: some programs replace a file by removing it first.
func (f *files) fetch(ctx context.Context, last map[string]*document) (map[string]*document, error) {
	names, err := f.names()
	if err != nil {
		return last, err
	}
	ctx, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	docs, errs := map[string]*document{}, []error(nil)
	size, targets := 0, 0
	for _, name := range names {
		doc, err := f.read(ctx, name, last[name])
		if err != nil && len(errs) < maxComplaints {
			errs = append(errs, err)
		}
		if doc == nil {
			continue
		}
		docs[name] = doc
		size, targets = size+len(doc.data), targets+len(doc.targets)
		if err := errors.Join(limit("bytes in all its files", size, maxSource), limit("targets in all its files", targets, maxTargets)); err != nil {
			return last, fmt.Errorf("reading %q: %w", f.pattern, err)
		}
	}
	for name, doc := range last {
		if docs[name] == nil && !slices.Contains(names, name) && !doc.absent {
			missing := *doc
			missing.absent = true
			docs[name] = &missing
		}
	}
	return docs, errors.Join(errs...)
}

// names are the files that there are. That there is none is an error where one is named, or where it cannot be known.
func (f *files) names() ([]string, error) {
	names, err := filepath.Glob(f.pattern)
	if err != nil {
		return nil, fmt.Errorf("looking for %q: %w", f.pattern, err) // it was checked at load
	}
	if err := limit("files", len(names), maxFiles); err != nil {
		return nil, fmt.Errorf("looking for %q: %w", f.pattern, err)
	}
	const special = `*?[\`
	switch dir := filepath.Dir(f.pattern); {
	case len(names) > 0:
	case !strings.ContainsAny(f.pattern, special):
		return []string{f.pattern}, nil // which says why
	case !strings.ContainsAny(dir, special):
		if _, err := os.ReadDir(dir); err != nil { // of which Glob says nothing
			return nil, fmt.Errorf("looking for %q: %w", f.pattern, errors.Unwrap(err))
		}
	}
	return names, nil
}

// read reads a file. Where it is as it was, may be half written, or cannot be read, it returns the last document.
func (f *files) read(ctx context.Context, name string, last *document) (*document, error) {
	info, err := os.Stat(name) // before opening, which could wait for ever at a pipe
	switch {
	case err != nil:
		return last, fmt.Errorf("reading %q: %w", name, errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return last, fmt.Errorf("reading %q: not a regular file", name)
	}
	data, err := readFile(name)
	hash := sha256.Sum256(data)
	next := string(hash[:])
	switch {
	case err != nil:
		return last, fmt.Errorf("reading %q: %w", name, err)
	case last != nil && bytes.Equal(data, last.data):
		next = ""
	case last == nil || next == last.next:
		doc, err := f.decode(ctx, name, data)
		if err != nil {
			return last, err // and reads it again next time
		}
		return doc, nil
	}
	same := *last
	same.next, same.absent = next, false
	return &same, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return readAll(file)
}

// readAll reads up to maxDocument bytes.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it has more than %d MiB", maxDocument>>20)
	}
	return data, nil
}

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

func (a *api) decode(ctx context.Context, _ string, data []byte) (*document, error) {
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
		return nil, errors.New("reading the answer: got HTML or XML, such as the page of a login, want JSON")
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return d.document(data), nil
}

// decodeTime bounds how long a source may take to become targets. Expressions of a map take a few seconds for 10,000 of them where
// the machine is busy.
const decodeTime = 30 * time.Second

// answer is the name of the one document that an API has.
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
	doc, err := a.decode(ctx, answer, data)
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
		return nil, fmt.Errorf("got status %d, which leads to another host or scheme, or in circles, and is not followed; want the URL that answers 200", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("got status %d, want 200", resp.StatusCode)
	}
	data, err := readAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return data, nil
}

// withoutSecrets drops the URL from an error of the client, and the answer of a token's issuer.
func withoutSecrets(err error) error {
	if token, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if token.Response != nil {
			return fmt.Errorf("getting a token: got status %d", token.Response.StatusCode)
		}
		return errors.New("getting a token: not given")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
