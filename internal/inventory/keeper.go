package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// filePoll is how often the files of target_files are looked at.
const filePoll = 5 * time.Second

// Options are what a Keeper needs to know.
type Options struct {
	// Mask makes of a URL what people may see.
	Mask func(*url.URL) string
	// Offset is how much of a scrape is not for the probe; see config.Options.
	Offset time.Duration
	Log    *slog.Logger
}

// A Keeper keeps the inventory up to date. Make it with NewKeeper, give it a Plan, and Run it.
type Keeper struct {
	opts    Options
	current atomic.Pointer[Inventory] // never nil after the first Apply
	applied chan struct{}             // has room for one; tells Run of new sources

	mu         sync.Mutex // protects the following, and the state of the sources
	cfg        *config.Config
	changed    func(*Inventory)
	sources    []*source
	complaints map[string][sha256.Size]byte // the hash of what is wrong with targets at present, by source
}

// A source is one entry of target_files or target_apis.
type source struct {
	name     string
	says     definition
	fetcher  fetcher
	interval time.Duration
	first    time.Duration // the pause before the first fetch of Run
	reviewed bool          // see Entry

	state
}

// A definition is what the configuration says of a source, and of what its documents are checked against.
type definition struct {
	File    *config.TargetFile // nil: it is an API
	API     *config.TargetAPI  // nil: it is files
	Modules map[string]config.Module
}

// The state of a source outlives a reload.
type state struct {
	docs    map[string]*document // the last good ones
	asked   bool                 // whether it was tried at least once
	success time.Time            // when it last answered; zero: never
	errors  uint64               // how often it did not
	failure string               // why it does not answer at present
}

// NewKeeper makes a Keeper without an inventory, and registers its metrics.
func NewKeeper(o Options, r prometheus.Registerer) *Keeper {
	k := &Keeper{opts: o, applied: make(chan struct{}, 1), complaints: map[string][sha256.Size]byte{}}
	r.MustRegister(&metrics{keeper: k, now: time.Now})
	return k
}

// A Plan is what the Keeper will do by a configuration.
type Plan struct {
	cfg     *config.Config
	changed func(*Inventory)
	sources []*source
	made    []*source // those of them that were not there before
}

// Plan makes what can fail of a configuration. It opens no socket. A Plan that is not applied must be discarded. A source that
// the configuration does not change goes on as it is: a fetch that is under way, and when the next one is due. Changed is
// called with every inventory that is checked against the configuration, one call at a time: no other comes between.
func (k *Keeper) Plan(cfg *config.Config, changed func(*Inventory)) (*Plan, error) {
	p := &Plan{cfg: cfg, changed: changed}
	reader := config.TargetReader{Modules: cfg.Modules, Offset: k.opts.Offset}
	add := func(name string, says definition, fresh func() (*source, error)) error {
		if s := k.unchanged(name, says); s != nil {
			p.sources = append(p.sources, s)
			return nil
		}
		s, err := fresh()
		if err != nil {
			return err
		}
		s.name, s.says = name, says
		p.sources, p.made = append(p.sources, s), append(p.made, s)
		return nil
	}
	var errs []error
	for _, file := range cfg.TargetFiles {
		errs = append(errs, add("file:"+file.Path, definition{File: &file, Modules: cfg.Modules}, func() (*source, error) {
			return &source{fetcher: newFiles(file, reader, k.opts.Mask), interval: filePoll, first: filePoll, reviewed: true}, nil
		}))
	}
	for _, api := range cfg.TargetAPIs {
		errs = append(errs, add("api:"+api.Name, definition{API: &api, Modules: cfg.Modules}, func() (*source, error) {
			a, err := newAPI(api, reader, k.opts.Mask)
			return &source{fetcher: a, interval: time.Duration(api.Interval)}, err
		}))
	}
	if err := errors.Join(errs...); err != nil {
		p.Discard()
		return nil, err
	}
	return p, nil
}

// unchanged is the source of that name, where it is defined as before; nil: it is not.
func (k *Keeper) unchanged(name string, says definition) *source {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.sources, func(s *source) bool { return s.name == name })
	if i < 0 || !config.Same(k.sources[i].says, says) {
		return nil
	}
	return k.sources[i]
}

// Discard frees what a Plan holds.
func (p *Plan) Discard() {
	for _, s := range p.made {
		s.fetcher.close()
	}
}

// Apply puts a plan into force. What a source had by the name that it had it keeps until it gives something else. New files are
// read at once, APIs are asked by Run.
func (k *Keeper) Apply(p *Plan) {
	ctx, cancel := context.WithTimeout(context.Background(), decodeTime) // for all of them
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range p.sources {
		if slices.Contains(k.sources, s) {
			continue
		}
		if i := slices.IndexFunc(k.sources, func(old *source) bool { return old.name == s.name }); i >= 0 {
			s.state = k.sources[i].state
			s.inherit(ctx)
		}
		if f, ok := s.fetcher.(*files); ok {
			docs, err := f.fetch(ctx, s.docs)
			k.note(s, docs, err)
		}
	}
	k.cfg, k.changed, k.sources = p.cfg, p.changed, p.sources
	k.merge()
	select {
	case k.applied <- struct{}{}:
	default:
	}
}

// inherit reads the documents again: modules and expressions may be others now. What makes no sense any more is dropped, and
// then the source is as good as never asked.
func (s *source) inherit(ctx context.Context) {
	docs := map[string]*document{}
	for name, doc := range s.docs {
		again, err := s.fetcher.decode(ctx, name, doc.data)
		if err != nil {
			continue
		}
		again.next, again.absent = doc.next, doc.absent
		docs[name] = again
	}
	s.asked = s.asked && len(docs) == len(s.docs)
	s.docs = docs
}

// Run asks the sources until ctx is done.
func (k *Keeper) Run(ctx context.Context) {
	var polling sync.WaitGroup
	defer polling.Wait()
	running := map[*source]context.CancelFunc{}
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		k.mu.Lock()
		wanted := k.sources
		k.mu.Unlock()
		for s, stop := range running {
			if !slices.Contains(wanted, s) {
				stop()
				delete(running, s)
			}
		}
		for _, s := range wanted {
			if running[s] == nil {
				each, stop := context.WithCancel(ctx)
				running[s] = stop
				polling.Go(func() { k.poll(each, s) })
			}
		}
		select {
		case <-k.applied:
		case <-ctx.Done():
			return
		}
	}
}

// poll asks one source until ctx is done.
func (k *Keeper) poll(ctx context.Context, s *source) {
	defer s.fetcher.close()
	timer := time.NewTimer(s.first)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		k.refresh(ctx, s)
		timer.Reset(s.interval)
	}
}

// refresh asks a source once.
func (k *Keeper) refresh(ctx context.Context, s *source) {
	k.mu.Lock()
	last := s.docs
	k.mu.Unlock()
	docs, err := s.fetcher.fetch(ctx, last)
	if ctx.Err() != nil {
		return // it says nothing about the source
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.sources, s) {
		return // another has its place by now
	}
	if k.note(s, docs, err) {
		k.merge()
	}
}

// note keeps what a fetch has brought and tells whether the targets are others. The caller holds mu.
func (k *Keeper) note(s *source, docs map[string]*document, err error) (changed bool) {
	changed = !sameDocuments(s.docs, docs)
	s.docs, s.asked = docs, true
	failure := ""
	if err != nil {
		failure = err.Error()
		s.errors++
	} else {
		s.success = time.Now()
	}
	switch failure {
	case s.failure:
	case "":
		k.opts.Log.Info("Target source answers again", "component", "inventory", "target_source", s.name)
	default:
		for line := range strings.Lines(failure) {
			k.opts.Log.Warn("Asking a target source failed, what it last said holds", "component", "inventory", "target_source", s.name, "err", strings.TrimSpace(line))
		}
	}
	s.failure = failure
	return changed
}

func sameDocuments(a, b map[string]*document) bool {
	if len(a) != len(b) {
		return false
	}
	for name, doc := range a {
		if other := b[name]; other == nil || other != doc && !bytes.Equal(other.data, doc.data) {
			return false
		}
	}
	return true
}

// merge makes a new inventory of what all sources have. The caller holds mu.
func (k *Keeper) merge() {
	parts := []Part{{Source: StaticSource, Reviewed: true, Targets: k.cfg.Targets}}
	for _, s := range k.sources {
		parts = append(parts, Part{Source: s.name, Reviewed: s.reviewed, Targets: s.targets(), Problems: s.wrong()})
	}
	inv := Merge(k.cfg, parts, k.opts.Mask)
	k.current.Store(inv)
	k.complain(StaticSource, inv.problems[StaticSource], inv.wrong[StaticSource])
	for _, s := range k.sources {
		k.complain(s.name, append(s.problems(), inv.problems[s.name]...), inv.wrong[s.name])
	}
	k.changed(inv)
}

// maxComplaints is how many wrong targets of a source are logged one by one.
const maxComplaints = 20

// complain logs what is wrong with single targets, when that has changed. Not all that is wrong need be among the problems.
func (k *Keeper) complain(source string, problems []error, wrong int) {
	hash := sha256.Sum256(fmt.Append(nil, wrong, problems))
	if before, ok := k.complaints[source]; wrong == 0 && !ok || before == hash {
		return
	}
	k.complaints[source] = hash
	for i, err := range problems {
		if i == maxComplaints {
			break
		}
		k.opts.Log.Warn("Something is wrong with a target, all others are taken", "component", "inventory", "target_source", source, "err", err)
	}
	if wrong > maxComplaints {
		k.opts.Log.Warn("More targets are wrong than are listed here", "component", "inventory", "target_source", source, "count", wrong)
	}
}

// documents are in the order of their names.
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

func (s *source) targets() []config.Target {
	var all []config.Target
	for _, doc := range s.documents() {
		all = append(all, doc.targets...)
	}
	return all
}

// wrong is how many problems there are with single targets.
func (s *source) wrong() int {
	n := 0
	for _, doc := range s.docs {
		n += doc.wrong
	}
	return n
}

// problems are the first of them.
func (s *source) problems() []error {
	var all []error
	for _, doc := range s.documents() {
		all = append(all, doc.problems[:min(len(doc.problems), maxProblems-len(all))]...)
	}
	return all
}

// Inventory is the present one.
func (k *Keeper) Inventory() *Inventory { return k.current.Load() }

// Complete tells whether every source was asked at least once: before that targets are missing that were there before
// the exporter was started again.
func (k *Keeper) Complete() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !slices.ContainsFunc(k.sources, func(s *source) bool { return !s.asked })
}
