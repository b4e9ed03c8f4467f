package inventory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A source is one entry of target_files or target_apis, or what a Supplier has.
type source struct {
	name     string
	settings settings
	fetcher  fetcher
	interval time.Duration // 0: it is not asked without cause
	// local is true if a fetch waits for nobody else. Then Apply fetches at once; otherwise Run does.
	local    bool
	reviewed bool // see Entry
	supplied bool // by a Supplier, which knows all or nothing
	quiet    bool // nothing is said of it as long as it has nothing

	state
}

// settings are what the configuration says about a source, and about what its documents are checked against.
type settings struct {
	Entry   any // a config.TargetFile or a config.TargetAPI
	Modules map[string]config.Module
}

// The state of a source outlives a reload.
type state struct {
	docs    map[string]*document // the last good ones
	asked   bool                 // whether it was tried at least once
	success time.Time            // when it last answered; zero: never
	errors  uint64               // how often it failed to answer
	failure string               // why it does not answer at present
}

// A document is the content of a file, or the answer of an API.
type document struct {
	data     []byte
	next     string // the hash of the file at the last look, if that was not data; empty: it was data
	absent   bool   // whether the file was missing at the last look
	targets  []*config.Target
	problems []error // as many as are kept
	wrong    int     // how many there are
}

// A fetcher knows where documents come from and how to read them. It is immutable.
type fetcher interface {
	// fetch returns the documents by name. It gets the last good ones, and keeps those that have not changed. Together with
	// an error it returns the good ones.
	fetch(ctx context.Context, last map[string]*document) (map[string]*document, error)
	// again reads a document of an earlier fetcher of the same name. It fails if the document makes no sense any more.
	again(ctx context.Context, name string, last *document) (*document, error)
	// close frees what the fetcher holds. It is called when the fetcher is no longer needed.
	close()
}

// inherit reads the documents again: modules and expressions may have changed. A document that makes no sense any more is
// dropped, and then the source counts as never asked.
func (s *source) inherit(ctx context.Context) {
	docs := map[string]*document{}
	for name, doc := range s.docs {
		if again, err := s.fetcher.again(ctx, name, doc); err == nil {
			docs[name] = again
		}
	}
	s.asked = s.asked && len(docs) == len(s.docs)
	s.docs = docs
}

// documents returns the documents in the order of their names.
func (s *source) documents() []*document {
	names := make([]string, 0, len(s.docs))
	for name := range s.docs {
		names = append(names, name)
	}
	slices.Sort(names)
	docs := make([]*document, len(names))
	for i, name := range names {
		docs[i] = s.docs[name]
	}
	return docs
}

func (s *source) targets() []*config.Target {
	var all []*config.Target
	for _, doc := range s.documents() {
		all = append(all, doc.targets...)
	}
	return all
}

// hidden reports whether nothing is said of the source.
func (s *source) hidden() bool {
	return s.quiet && s.failure == "" && s.wrong() == 0 && len(s.targets()) == 0
}

// wrong returns how many problems there are with single targets.
func (s *source) wrong() int {
	n := 0
	for _, doc := range s.docs {
		n += doc.wrong
	}
	return n
}

// problems returns the first of them.
func (s *source) problems() []error {
	var all []error
	for _, doc := range s.documents() {
		all = append(all, doc.problems[:min(len(doc.problems), maxProblems-len(all))]...)
	}
	return all
}

func sameDocuments(a, b map[string]*document) bool {
	if len(a) != len(b) {
		return false
	}
	for name, doc := range a {
		if other := b[name]; other == nil || !doc.same(other) {
			return false
		}
	}
	return true
}

// same reports whether both say the same.
func (d *document) same(o *document) bool {
	return d == o || bytes.Equal(d.data, o.data) && slices.Equal(d.targets, o.targets) &&
		slices.EqualFunc(d.problems, o.problems, func(a, b error) bool { return a.Error() == b.Error() })
}

// decodeTime bounds how long the documents of a source may take to decode. On a busy machine, the expressions of a map take a
// few seconds for 10,000 targets.
const decodeTime = 30 * time.Second

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
