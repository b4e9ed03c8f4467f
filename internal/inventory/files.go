package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

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

func (f *files) again(ctx context.Context, name string, last *document) (*document, error) {
	doc, err := f.decode(ctx, name, last.data)
	if err == nil {
		doc.next, doc.absent = last.next, last.absent
	}
	return doc, err
}

// fetch reads the files. A change counts once the file was the same twice: a program may be writing it. A file that is gone
// counts until it was missing twice: some programs remove a file to replace it.
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

// names returns the files that exist. It is an error if there are none although the pattern names one, or if that cannot be
// known.
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
		return []string{f.pattern}, nil // reading it says what is wrong
	case !strings.ContainsAny(dir, special):
		if _, err := os.ReadDir(dir); err != nil { // Glob ignores such errors
			return nil, fmt.Errorf("looking for %q: %w", f.pattern, errors.Unwrap(err))
		}
	}
	return names, nil
}

// read reads a file. It returns the last document if the file has not changed, may be half written, or cannot be read.
func (f *files) read(ctx context.Context, name string, last *document) (*document, error) {
	info, err := os.Stat(name) // before opening, which could block for ever on a pipe
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
