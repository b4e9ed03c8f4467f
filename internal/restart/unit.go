package restart

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A unit is one service under watch. Alerts and orders reach it by apply, from any goroutine; all else is done by the
// goroutine of run.
type unit struct {
	*Controller
	name string       // never changes
	log  *slog.Logger // with the name

	woken       chan struct{}         // holds one: an alert or an order has come
	definitions chan Service          // holds one: the latest
	rounds      chan observation      // holds the outcome of the round under way
	inspections chan policy.Preflight // holds the outcome of the inspection under way
	networks    chan policy.Network   // holds what the sentinels show
	looks       chan policy.Evidence  // holds the outcome of the last look under way
	executed    chan policy.Executed  // holds the outcome of the attempt under way
	tried       chan policy.Executed  // holds the outcome of the dry run under way
	orders      bucket

	mu      sync.Mutex // protects the following
	service Service
	state   policy.State
	kept    keeping
	last    time.Time // of the last event; with the monotonic clock
	stopped bool      // nothing is applied any more
	hint    string    // what to do about the failure that the last round found
	tested  time.Time // when the last test alert came; zero: none did

	testLogged time.Time // when one was last logged

	// The following belong to run.
	next       *Service  // a new definition that waits until no attempt is under way; nil: none
	began      time.Time // when the last round of checks began
	probing    bool      // it is still under way
	inspecting bool      // the back-end is being asked
	asking     bool      // the sentinels are being asked
	looking    bool      // the last look before a restart is under way
	looked     time.Time // when it began
	trying     bool      // it is trying a restart out
	moot       bool      // it is that of another unit than the present definition's
	before     Status    // what it answered last
	urgent     bool      // an alert came since the last round began
	fresh      time.Time // a round that began before then is no evidence any more
}

func newUnit(c *Controller, s Service) *unit {
	return &unit{
		Controller: c, name: s.Name, service: s, log: c.log.With("service", s.Name),
		woken: make(chan struct{}, 1), definitions: make(chan Service, 1),
		rounds: make(chan observation, 1), inspections: make(chan policy.Preflight, 1), networks: make(chan policy.Network, 1), looks: make(chan policy.Evidence, 1), executed: make(chan policy.Executed, 1),
		tried: make(chan policy.Executed, 1),
	}
}

// run watches the service until ctx is done. An attempt under way is finished first: half a restart is worse
// than either none or a whole one.
func (u *unit) run(ctx context.Context) {
	u.probe(ctx)
	timer := time.NewTimer(u.interval())
	defer timer.Stop()
	timer.Stop() // until the round has ended
	for {
		select {
		case <-ctx.Done():
			u.finish(ctx)
			return
		case s := <-u.definitions:
			u.next = &s
		case <-u.woken:
			u.urgent = true
		case e := <-u.executed:
			u.fresh = time.Now() // what was seen before the restart says nothing about what is there now
			u.carryOut(ctx, policy.Event{Executed: &e})
		case e := <-u.tried:
			u.trying = false
			u.carryOut(ctx, policy.Event{Tried: &e})
		case f := <-u.inspections:
			u.takeDefinition() // it may forbid what the answer would lead to, or be about another unit
			moot := u.moot
			u.inspecting, u.moot = false, false
			if !moot && ctx.Err() == nil { // if it is, the next failed probe asks again
				u.carryOut(ctx, policy.Event{Preflighted: &f})
			}
		case n := <-u.networks:
			u.asking = false
			u.takeDefinition()
			if ctx.Err() == nil { // cut off, it says nothing
				u.carryOut(ctx, policy.Event{Network: &n})
			}
		case e := <-u.looks:
			u.looking = false
			u.takeDefinition()
			if !u.looked.Before(u.fresh) && ctx.Err() == nil {
				u.carryOut(ctx, policy.Event{Looked: &e})
			}
		case <-timer.C:
			u.probe(ctx)
		case r := <-u.rounds:
			u.probing = false
			u.takeDefinition()
			if !u.began.Before(u.fresh) && ctx.Err() == nil { // cut off, it would be no evidence either
				u.advise(r.hint)
				u.carryOut(ctx, policy.Event{Probed: &r.evidence})
			}
		}
		u.redefine()
		if !u.probing {
			timer.Reset(time.Until(u.began.Add(u.interval())))
		}
	}
}

// carryOut applies an event and does what was decided.
func (u *unit) carryOut(ctx context.Context, ev policy.Event) {
	began := time.Now()
	d, _ := u.apply(ev) // an error is told, and holds
	switch {
	case d.Restart:
		u.execute(ctx, began)
	case d.WouldRestart:
		u.tryOut(ctx)
	case d.AskNetwork:
		u.askSentinels(ctx)
	case d.Look:
		u.look(ctx)
	case d.Inspect:
		u.inspect(ctx)
	}
}

// probe makes a round of checks in a goroutine of its own: a target that hangs must not keep an alert waiting.
func (u *unit) probe(ctx context.Context) {
	u.reload()
	if u.orphaned() { // also one of which the journal could not tell before
		u.inspect(ctx)
	}
	u.began, u.probing, u.urgent = time.Now(), true, false
	service := u.definition()
	go func() { u.rounds <- service.round(ctx) }()
}

func (u *unit) advise(hint string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.hint = hint
}

// look makes the last look before a restart: one more round of checks, beside the one that may be under way. It is as far apart
// from the failure that confirmed as those are from each other, but waits no longer than a check may take.
func (u *unit) look(ctx context.Context) {
	u.looking, u.looked = true, time.Now()
	u.mu.Lock()
	service, last := u.service, u.state.LastFailure
	u.mu.Unlock()
	longest := time.Duration(0)
	for i := range service.Checks {
		longest = max(longest, service.Checks[i].Timeout)
	}
	wait := min(time.Until(last.Add(service.Policy.ConfirmInterval)), longest)
	go func() {
		select {
		case <-time.After(max(wait, 0)):
			u.looks <- service.probe(ctx)
		case <-ctx.Done():
			u.looks <- policy.Evidence{}
		}
	}()
}

// orphaned tells whether there is an attempt of which nobody knows what it did.
func (u *unit) orphaned() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.Intent.Orphaned
}

func (u *unit) definition() Service {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.service
}

// finish waits for what is under way.
func (u *unit) finish(ctx context.Context) {
	if u.probing {
		<-u.rounds
	}
	if u.inspecting {
		<-u.inspections
	}
	if u.asking {
		<-u.networks
	}
	if u.looking {
		<-u.looks
	}
	if u.trying {
		<-u.tried
	}
	if u.phase() == policy.PhaseExecuting && !u.orphaned() {
		e := <-u.executed
		u.carryOut(ctx, policy.Event{Executed: &e})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = true
}

func (u *unit) phase() policy.Phase {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.Phase()
}

// interval is the time from one round of checks to the next. A suspect that is held by something that takes its time is
// asked about as often as a healthy service.
func (u *unit) interval() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	soon := false
	switch u.state.Phase() { //nolint:exhaustive // in the others nothing is urgent
	case policy.PhaseVerifying:
		soon = true
	case policy.PhaseSuspect:
		h := u.state.Hold
		soon = h == "" || h == policy.GuardConfirmed || h == policy.GuardFresh
	}
	if soon || u.urgent {
		return u.service.Policy.ConfirmInterval
	}
	return u.service.CheckInterval
}

// maxInspect is how long a back-end may take to look at its unit.
const maxInspect = 10 * time.Second

// maxTakes bounds what a unit's own settings give an attempt: the others wait for it.
const maxTakes = 15 * time.Minute

// inspect asks the back-end in a goroutine of its own, unless it is being asked or has just answered. Half a restart of an earlier exporter is
// made a whole one before.
func (u *unit) inspect(ctx context.Context) {
	if u.inspecting || u.asking || u.looking {
		return
	}
	u.inspecting = true
	service, finish := u.definition(), u.finisher(ctx)
	ctx, cancel := context.WithTimeout(ctx, min(service.ExecTimeout, maxInspect))
	go func() {
		defer cancel()
		finished := finish()
		f, status := service.preflight(ctx)
		f.Finished = finished
		u.before = status // read only after the channel
		u.inspections <- f
	}()
}

// finisher is what makes the orphaned attempt of an earlier exporter a whole one, and tells whether it tried. There may be
// nothing to do. What an operator has forbidden since is not done.
func (u *unit) finisher(ctx context.Context) func() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	backend, ok := u.service.Backend.(Finisher)
	intent, paused := u.state.Intent, !u.state.Pause.Until.IsZero()
	if !ok || !intent.Orphaned || paused || u.service.Policy.Mode != policy.ModeEnforce {
		return func() bool { return false }
	}
	timeout := u.service.ExecTimeout
	return func() bool {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		tried, err := backend.Finish(ctx, Attempt{ID: intent.ID, At: intent.At, Before: Status{Identity: intent.Before}})
		switch {
		case err != nil:
			u.log.Error("Finishing an interrupted restart failed", "attempt", intent.ID, "err", err)
		case tried:
			u.log.Warn("Finished a restart that the end of the exporter had interrupted", "attempt", intent.ID)
		}
		return tried
	}
}

// outdated tells why what was decided is not to be done any more: to persist it may have taken long. Empty: nothing.
func (u *unit) outdated(p *policy.Policy, decided time.Time) string {
	now := time.Now()
	if took := now.Sub(decided); took > p.ConfirmAge {
		return "to persist the attempt took " + took.Round(time.Millisecond).String() + ", and the evidence is too old"
	}
	return u.leadership(now).Standby
}

// execute has the back-end do its work in a goroutine of its own; run waits for its outcome. The work has its own
// time limit and does not end with ctx.
func (u *unit) execute(ctx context.Context, decided time.Time) {
	service := u.definition()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(service.ExecTimeout, min(u.before.Takes, maxTakes)))
	u.mu.Lock()
	attempt := Attempt{ID: u.state.Intent.ID, At: u.state.Intent.At, Before: u.before}
	u.mu.Unlock()
	if why := u.outdated(&service.Policy, decided); why != "" {
		cancel()
		u.executed <- executedBy(attempt.ID, fmt.Errorf("%w: %s", ErrRefused, why))
		return
	}
	u.log.Info("Restarting service", "attempt", attempt.ID, "backend", service.Backend.Kind())
	go func() {
		defer cancel()
		start := time.Now()
		err := service.Backend.Restart(ctx, attempt)
		u.metrics.took(&service, phaseExecute, time.Since(start))
		u.executed <- executedBy(attempt.ID, err)
	}()
}

// tryOut has a back-end that can do so try out, in a goroutine of its own, what only the mode keeps from being done.
func (u *unit) tryOut(ctx context.Context) {
	service := u.definition()
	backend, ok := service.Backend.(DryRunner)
	if !ok || u.trying {
		return
	}
	u.trying = true
	u.mu.Lock()
	a := Attempt{ID: u.state.Preflight.Attempt, At: time.Now(), Before: u.before}
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, service.ExecTimeout)
	go func() {
		defer cancel()
		u.tried <- executedBy(a.ID, backend.DryRun(ctx, a))
	}()
}
