package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A Supplier has targets that change while the exporter runs, at the hands of people. It says by itself when they have changed;
// see Keeper.Resupply.
type Supplier interface {
	// Supplied returns the targets as reader reads them, sorted by name. Where neither a target nor the reader has changed, it is
	// the same pointer as before. What cannot be read is among the problems. An error says that nothing is known.
	Supplied(reader config.TargetReader) (targets []*config.Target, problems []error, err error)
}

// supply makes the source of what the Supplier has.
func (k *Keeper) supply(cfg *config.Config, reader config.TargetReader) *source {
	return &source{
		name: ManagedSource, fetcher: &supplied{k.opts.Supplier, reader}, local: true, reviewed: true,
		supplied: true, quiet: !cfg.Managed.Targets,
	}
}

// supplied is the fetcher of what a Supplier has.
type supplied struct {
	supplier Supplier
	reader   config.TargetReader
}

func (s *supplied) close() {}

func (s *supplied) fetch(_ context.Context, last map[string]*document) (map[string]*document, error) {
	targets, problems, err := s.supplier.Supplied(s.reader)
	if err != nil {
		return last, fmt.Errorf("reading what people have edited: %w", err)
	}
	doc := &document{targets: targets, problems: problems[:min(len(problems), maxProblems)], wrong: len(problems)}
	return map[string]*document{answer: doc}, nil
}

// again keeps what there was: the Supplier reads its targets again when it is asked.
func (s *supplied) again(_ context.Context, _ string, last *document) (*document, error) {
	return last, nil
}

// Resupply takes over what the Supplier has now. It returns once that is in force. Calls of one moment share a merge, which has
// begun after all of them.
func (k *Keeper) Resupply() {
	call := k.resupplies.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.resupplied >= call {
		return
	}
	k.resupplied = k.resupplies.Load()
	i := slices.IndexFunc(k.sources, func(s *source) bool { return s.supplied })
	if i < 0 {
		return // before the first Apply, which asks the Supplier
	}
	s := k.sources[i]
	docs, err := s.fetcher.fetch(context.Background(), s.docs)
	if k.note(s, docs, err) {
		k.merge()
	}
}

var errNotAsked = errors.New("some sources of targets have not been asked yet")

// Missing returns why targets may be missing that were there before the exporter was started again. Nil: it has asked every
// source at least once, and knows what people have edited.
func (k *Keeper) Missing() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.sources {
		switch {
		case !s.asked:
			return errNotAsked
		case s.supplied && s.success.IsZero():
			return errors.New(s.failure)
		}
	}
	return nil
}
