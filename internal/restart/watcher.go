package restart

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A watcher watches one service. Alerts and orders reach it by feed, from any goroutine; all else is done by the goroutine of run.
type watcher struct {
	name       string       // never changes
	log        *slog.Logger // with the name
	metrics    *metrics
	journal    Journal
	fleet      *fleet                                // of all watchers
	started    time.Time                             // when the exporter was
	leadership func(now time.Time) policy.Leadership // whether this exporter may act

	woken          chan struct{}         // holds one: an alert or an order has come
	configurations chan Service          // holds one: the latest
	rounds         chan observation      // holds the outcome of the round under way
	inspections    chan policy.Preflight // holds the outcome of the inspection under way
	networks       chan policy.Network   // holds what the sentinels show
	looks          chan policy.Evidence  // holds the outcome of the last look under way
	executed       chan policy.Executed  // holds the outcome of the attempt under way
	tried          chan policy.Executed  // holds the outcome of the dry run under way
	orders         bucket
	shown          atomic.Pointer[policy.Phase] // that of the state, for those who must not wait while it is saved; nil: it has no state yet

	mu      sync.Mutex // protects the following
	service Service    // as it is configured now
	state   policy.State
	entry   entry
	last    time.Time // of the last event; with the monotonic clock
	stopped bool      // no event is taken any more
	hint    string    // what to do about the failure that the last round found
	tested  time.Time // when the last test alert came; zero: none did

	testLogged time.Time // when one was last logged

	// The following belong to run.
	next       *Service  // a new configuration that waits until no attempt is under way; nil: none
	began      time.Time // when the last round of checks began
	probing    bool      // it is still under way
	inspecting bool      // the back-end is being asked
	asking     bool      // the sentinels are being asked
	looking    bool      // the last look before a restart is under way
	looked     time.Time // when it began
	trying     bool      // it is trying a restart out
	moot       bool      // the back-end is being asked about another unit than the one that is configured now
	before     Status    // what it answered last
	urgent     bool      // an alert came since the last round began
	fresh      time.Time // a round that began before then no longer counts as evidence
}

func newWatcher(c *Controller, s Service) *watcher {
	return &watcher{
		name: s.Name, log: c.log.With("service", s.Name), metrics: c.metrics, journal: c.journal, fleet: c.fleet,
		started: c.started, leadership: c.leadership,
		woken: make(chan struct{}, 1), configurations: make(chan Service, 1),
		rounds: make(chan observation, 1), inspections: make(chan policy.Preflight, 1), networks: make(chan policy.Network, 1),
		looks: make(chan policy.Evidence, 1), executed: make(chan policy.Executed, 1), tried: make(chan policy.Executed, 1),
		service: s,
	}
}

// begin makes the service known and gives it the state that it had.
func (w *watcher) begin() {
	w.mu.Lock()
	w.join(&Service{})
	w.metrics.show(&w.service, &w.state, time.Now())
	w.mu.Unlock()
	w.load()
}

// run watches the service until ctx is done. An attempt under way is finished first: half a restart is worse than none, and
// worse than a whole one.
func (w *watcher) run(ctx context.Context) {
	w.probe(ctx)
	timer := time.NewTimer(w.interval())
	defer timer.Stop()
	timer.Stop() // until the round has ended
	for {
		select {
		case <-ctx.Done():
			w.finish(ctx)
			return
		case s := <-w.configurations:
			w.next = &s
		case <-w.woken:
			w.urgent = true
		case e := <-w.executed:
			w.fresh = time.Now() // what was seen before the restart says nothing about what is there now
			w.carryOut(ctx, policy.Event{Executed: &e})
		case e := <-w.tried:
			w.trying = false
			w.carryOut(ctx, policy.Event{Tried: &e})
		case f := <-w.inspections:
			w.takeConfiguration() // it may forbid what the answer would lead to, or be about another unit
			moot := w.moot
			w.inspecting, w.moot = false, false
			if !moot && ctx.Err() == nil { // if it is, the next failed probe asks again
				w.carryOut(ctx, policy.Event{Preflighted: &f})
			}
		case n := <-w.networks:
			w.asking = false
			w.takeConfiguration()
			if ctx.Err() == nil { // cut off, it says nothing
				w.carryOut(ctx, policy.Event{Network: &n})
			}
		case e := <-w.looks:
			w.looking = false
			w.takeConfiguration()
			if !w.looked.Before(w.fresh) && ctx.Err() == nil {
				w.carryOut(ctx, policy.Event{Looked: &e})
			}
		case <-timer.C:
			w.probe(ctx)
		case r := <-w.rounds:
			w.probing = false
			w.takeConfiguration()
			if !w.began.Before(w.fresh) && ctx.Err() == nil { // cut off, it would be no evidence either
				w.advise(r.hint)
				w.carryOut(ctx, policy.Event{Probed: &r.evidence})
			}
		}
		w.switchOver()
		if !w.probing {
			timer.Reset(time.Until(w.began.Add(w.interval())))
		}
	}
}

// carryOut feeds an event to the policy and does what it decides.
func (w *watcher) carryOut(ctx context.Context, ev policy.Event) {
	began := time.Now()
	d, _ := w.feed(ev) // an error is told, and holds
	switch {
	case d.Restart:
		w.execute(ctx, began)
	case d.WouldRestart:
		w.tryOut(ctx)
	case d.AskNetwork:
		w.askSentinels(ctx)
	case d.Look:
		w.look(ctx)
	case d.Inspect:
		w.inspect(ctx)
	}
}

// interval is the time from the beginning of one round of checks to that of the next. A suspect that is held by something that
// takes time is probed as often as a healthy service.
func (w *watcher) interval() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	soon := false
	switch w.state.Phase() { //nolint:exhaustive // in the others nothing is urgent
	case policy.PhaseVerifying:
		soon = true
	case policy.PhaseSuspect:
		h := w.state.Hold
		soon = h == "" || h == policy.GuardConfirmed || h == policy.GuardFresh
	}
	if soon || w.urgent {
		return w.service.Policy.ConfirmInterval
	}
	// Its own checks ask for a restart at the end of a round.
	if due := w.service.Policy.OwnChecksAt(&w.state).Sub(policy.Wall(w.began)); 0 < due && due < w.service.CheckInterval {
		return max(due, w.service.Policy.ConfirmInterval)
	}
	return w.service.CheckInterval
}

// orphaned reports whether there is an attempt of an earlier exporter whose outcome is not known.
func (w *watcher) orphaned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Intent.Orphaned
}

func (w *watcher) configured() Service {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.service
}

// finish waits for what is under way.
func (w *watcher) finish(ctx context.Context) {
	if w.probing {
		<-w.rounds
	}
	if w.inspecting {
		<-w.inspections
	}
	if w.asking {
		<-w.networks
	}
	if w.looking {
		<-w.looks
	}
	if w.trying {
		<-w.tried
	}
	if w.phase() == policy.PhaseExecuting && !w.orphaned() {
		e := <-w.executed
		w.carryOut(ctx, policy.Event{Executed: &e})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// become takes over a state. The caller holds mu.
func (w *watcher) become(s *policy.State) {
	w.state = *s
	phase := s.Phase()
	w.shown.Store(&phase)
}

func (w *watcher) phase() policy.Phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Phase()
}

// testLogEvery is how often a test alert is logged.
const testLogEvery = time.Second

// noteTest notes that a test alert came.
func (w *watcher) noteTest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.testLogged.IsZero() || now.Sub(w.testLogged) >= testLogEvery {
		w.testLogged = now
		w.log.Info("Received test alert")
	}
	w.tested = now
}

// wake makes the next round of checks come soon.
func (w *watcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is about to
	}
}
