package restart

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"
)

// A unit is one service under watch. Its fields belong to the goroutine of run; others reach it by the channels.
type unit struct {
	name    string // never changes
	service Service
	next    *Service // a new definition that waits until the service is at rest; nil: none
	state   State
	held    Guard // the guard that refused last, to tell a change from a repetition
	log     *slog.Logger
	metrics *metrics

	began   time.Time // when the last round of checks began
	probing bool      // it is still under way
	urgent  bool      // an alert came since
	fresh   time.Time // a round that began before then is no evidence any more

	alerts      chan struct{} // holds one: a second firing alert says nothing new
	definitions chan Service  // holds one: the latest
	executed    chan Executed // holds the outcome of the attempt under way
	rounds      chan Evidence // holds the outcome of the round under way
}

func newUnit(s Service, log *slog.Logger, m *metrics) *unit {
	return &unit{
		name: s.Name, service: s, log: log.With("service", s.Name), metrics: m,
		alerts: make(chan struct{}, 1), definitions: make(chan Service, 1),
		executed: make(chan Executed, 1), rounds: make(chan Evidence, 1),
	}
}

// run watches the service until ctx is done. An attempt under way is finished first: half a restart is worse
// than either none or a whole one.
func (u *unit) run(ctx context.Context) {
	u.metrics.know(&u.service)
	u.metrics.phase(&u.service, &u.state)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			u.finish(ctx)
			return
		case s := <-u.definitions:
			u.next = &s
		case <-u.alerts:
			u.urgent = true
			u.apply(ctx, Event{Alerted: true})
		case e := <-u.executed:
			u.fresh = time.Now() // what was seen before the restart says nothing about what is there now
			u.apply(ctx, Event{Executed: &e})
		case <-timer.C:
			u.probe(ctx)
		case e := <-u.rounds:
			u.probing = false
			u.takeDefinition()                                // it may forbid what the round would lead to
			if !u.began.Before(u.fresh) && ctx.Err() == nil { // cut off, it would be no evidence either
				u.apply(ctx, Event{Probed: &e})
			}
		}
		u.redefine()
		if !u.probing {
			timer.Reset(time.Until(u.began.Add(u.interval())))
		}
	}
}

// probe makes a round of checks in a goroutine of its own: a target that hangs must not keep an alert waiting.
func (u *unit) probe(ctx context.Context) {
	u.began, u.probing, u.urgent = time.Now(), true, false
	service := u.service
	go func() { u.rounds <- service.probe(ctx) }()
}

// finish waits for what is under way.
func (u *unit) finish(ctx context.Context) {
	if u.probing {
		<-u.rounds
	}
	if !u.state.ExecutingSince.IsZero() {
		e := <-u.executed
		u.apply(ctx, Event{Executed: &e})
	}
}

// interval is the time from one round of checks to the next.
func (u *unit) interval() time.Duration {
	if p := u.state.Phase(); u.urgent || p == PhaseSuspect || p == PhaseVerifying {
		return u.service.Policy.ConfirmInterval
	}
	return u.service.CheckInterval
}

// takeDefinition takes over a definition that waits in the channel, if there is one.
func (u *unit) takeDefinition() {
	select {
	case s := <-u.definitions:
		u.next = &s
	default:
	}
	u.redefine()
}

// redefine takes over a new definition as soon as no attempt is under way. Other checks have to prove themselves anew.
func (u *unit) redefine() {
	if u.next == nil || !u.state.ExecutingSince.IsZero() || !u.state.VerifyUntil.IsZero() {
		return
	}
	if !u.service.sameChecks(u.next) {
		u.state.Armed, u.state.Successes, u.state.Failures = false, 0, 0
	}
	u.service, u.next, u.fresh = *u.next, nil, time.Now()
	u.metrics.know(&u.service)
	u.metrics.phase(&u.service, &u.state)
}

// apply lets the policy judge, then tells and does what it decided.
func (u *unit) apply(ctx context.Context, ev Event) {
	before := u.state.Phase()
	state, d := u.service.Policy.Next(u.state, ev, time.Now())
	u.state = state
	if ev.Executed != nil && ev.Executed.Err != nil {
		u.log.Warn("Restart command failed", "err", ev.Executed.Err)
	}
	u.tell(before, d)
	if ev.Probed != nil {
		u.held = d.Hold
	}
	if d.Restart {
		u.execute(ctx)
	}
}

// execute has the back-end do its work in a goroutine of its own; run waits for its outcome. The work has its own
// time limit and does not end with ctx.
func (u *unit) execute(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.service.ExecTimeout)
	backend, attempt := u.service.Backend, Attempt{ID: rand.Text()}
	u.log.Info("Restarting service", "attempt", attempt.ID, "backend", backend.Kind())
	go func() {
		defer cancel()
		start := time.Now()
		before, err := backend.Inspect(ctx)
		if err == nil {
			attempt.Before = before
			err = backend.Restart(ctx, attempt)
		}
		u.metrics.duration.WithLabelValues(backend.Kind(), "execute").Observe(time.Since(start).Seconds())
		u.executed <- Executed{Err: err}
	}()
}

// tell logs a line for every transition and counts. A repetition is neither.
func (u *unit) tell(before Phase, d Decision) {
	u.metrics.phase(&u.service, &u.state)
	if after := u.state.Phase(); after != before {
		u.log.Info("Service changed state", "from", string(before), "to", string(after), "reason", string(u.state.Last.Reason))
	}
	switch {
	case d.Restart:
		u.metrics.decision(u.service.Name, "restart", "")
	case d.WouldRestart:
		u.metrics.decision(u.service.Name, "would_restart", "")
		u.log.Warn("Would restart service", "mode", string(u.service.Policy.Mode), "reason", string(u.state.Last.Reason))
	case d.Hold != "" && d.Hold != u.held:
		u.metrics.decision(u.service.Name, "hold", d.Hold)
		last := d.Guards[len(d.Guards)-1]
		u.log.Info("Held restart", "guard", string(d.Hold), "value", last.Value, "limit", last.Limit)
	}
	if d.Outcome != OutcomeNone {
		u.metrics.attempt(&u.service, d.Outcome)
		u.log.Info("Restart ended", "outcome", string(d.Outcome), "unverified", u.state.Unverified)
	}
}
