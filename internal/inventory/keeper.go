package inventory

import (
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

// Options are the settings of a Keeper.
type Options struct {
	// Mask returns what people may see of a URL.
	Mask func(*url.URL) string
	// Offset is how much of a scrape is not available to the probe; see config.Options.
	Offset time.Duration
	// Supplier has the targets of ManagedSource. nil: there are none.
	Supplier Supplier
	// Overlays are those of every Inventory. nil: there are none.
	Overlays Overlays
	Log      *slog.Logger
}

// A Keeper keeps the inventory up to date. Make it with NewKeeper, give it a Plan, and Run it.
type Keeper struct {
	opts    Options
	current atomic.Pointer[Inventory] // never nil after the first Apply
	applied chan struct{}             // has room for one; tells Run of new sources
	// resupplies is how often Resupply was called.
	resupplies atomic.Uint64

	mu         sync.Mutex // protects the following, and the state of the sources
	cfg        *config.Config
	changed    func(*Inventory)
	sources    []*source
	resupplied uint64                       // of the resupplies, those that the last one was about
	complaints map[string][sha256.Size]byte // the hash of the present problems with targets, by source
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
	made    []*source // the new ones among them
}

// Plan makes everything of a configuration that can fail. It opens no socket. A Plan that is not applied must be discarded. A
// source that the configuration does not change goes on as it is, with a fetch that is under way and the time of the next
// one. Changed is called with every inventory that is checked against the configuration, one call at a time: no other comes
// between.
func (k *Keeper) Plan(cfg *config.Config, changed func(*Inventory)) (*Plan, error) {
	p := &Plan{cfg: cfg, changed: changed}
	reader := config.TargetReader{Modules: cfg.Modules, Foreign: cfg.Foreign(), Offset: k.opts.Offset}
	add := func(name string, is settings, fresh func() (*source, error)) error {
		if s := k.unchanged(name, is); s != nil {
			p.sources = append(p.sources, s)
			return nil
		}
		s, err := fresh()
		if err != nil {
			return err
		}
		s.name, s.settings = name, is
		p.sources, p.made = append(p.sources, s), append(p.made, s)
		return nil
	}
	var errs []error
	for _, file := range cfg.TargetFiles {
		errs = append(errs, add("file:"+file.Path, settings{Entry: file, Modules: cfg.Modules}, func() (*source, error) {
			return &source{fetcher: newFiles(file, reader, k.opts.Mask), interval: filePoll, local: true, reviewed: true}, nil
		}))
	}
	if k.opts.Supplier != nil {
		p.sources = append(p.sources, k.supply(cfg, reader))
	}
	for _, api := range cfg.TargetAPIs {
		errs = append(errs, add("api:"+api.Name, settings{Entry: api, Modules: cfg.Modules}, func() (*source, error) {
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

// unchanged returns the source of that name if its settings are the same as before, and nil if they are not.
func (k *Keeper) unchanged(name string, is settings) *source {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.sources, func(s *source) bool { return s.name == name })
	if i < 0 || !config.Same(k.sources[i].settings, is) {
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

// Apply puts a plan into force. A source keeps what another of the same name had, until it has something else. New local
// sources are fetched at once, and all others are asked by Run.
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
		if s.local {
			docs, err := s.fetcher.fetch(ctx, s.docs)
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
			if running[s] == nil && s.interval > 0 {
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
	first := s.interval // Apply has fetched it
	if !s.local {
		first = 0
	}
	timer := time.NewTimer(first)
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
		return // the error is not about the source
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.sources, s) {
		return // another source has replaced it
	}
	if k.note(s, docs, err) {
		k.merge()
	}
}

// note keeps the result of a fetch, and reports whether the targets have changed. The caller holds mu.
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
			k.opts.Log.Warn("Asking a target source failed; its last answer is used", "component", "inventory", "target_source", s.name, "err", strings.TrimSpace(line))
		}
	}
	s.failure = failure
	return changed
}

// merge makes a new inventory of what all sources have. The caller holds mu.
func (k *Keeper) merge() {
	parts := []Part{{Source: StaticSource, Reviewed: true, Targets: k.cfg.Targets}}
	for _, s := range k.sources {
		if !s.hidden() {
			parts = append(parts, Part{Source: s.name, Reviewed: s.reviewed, More: s.targets(), Problems: s.wrong()})
		}
	}
	inv := mergeAfter(k.current.Load(), k.cfg, parts, k.opts.Mask)
	inv.Answered, inv.Overlays = k.answered(), k.opts.Overlays
	k.current.Store(inv)
	k.complain(StaticSource, inv.problems[StaticSource], inv.wrong[StaticSource])
	for _, s := range k.sources {
		k.complain(s.name, append(s.problems(), inv.problems[s.name]...), inv.wrong[s.name])
	}
	k.changed(inv)
}

// maxComplaints is how many wrong targets of a source are logged one by one.
const maxComplaints = 20

// complain logs what is wrong with single targets, if that has changed. Problems may be only the first of all.
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
		k.opts.Log.Warn("Something is wrong with a target; all others are used", "component", "inventory", "target_source", source, "err", err)
	}
	if wrong > maxComplaints {
		k.opts.Log.Warn("More targets have problems than are listed here", "component", "inventory", "target_source", source, "count", wrong)
	}
}

// Inventory returns the present inventory.
func (k *Keeper) Inventory() *Inventory { return k.current.Load() }

func (k *Keeper) answered() bool {
	return !slices.ContainsFunc(k.sources, func(s *source) bool { return !s.asked || s.success.IsZero() })
}
