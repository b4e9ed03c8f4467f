package restart

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// ErrUnknownService is returned for a service that is not configured.
var ErrUnknownService = errors.New("no such service")

// ErrInvalid is returned for an order that cannot be carried out as it was given.
var ErrInvalid = errors.New("invalid order")

// ErrNotLoaded is returned while the state of the service could not be loaded: once it is, it would replace the order.
var ErrNotLoaded = errors.New("the state of the service is not known yet")

// ErrNotPersisted is returned for an order that holds, but that may not outlive the exporter.
var ErrNotPersisted = errors.New("the order holds, but could not be persisted")

// ErrTooMany is returned for an order that comes too soon after others. RetryAfter later one more is taken.
var ErrTooMany = errors.New("too many orders, one a second is taken")

// RetryAfter is after how long an order is taken that got ErrTooMany.
const RetryAfter = orderEvery

// Pause keeps a service from being restarted until p.Until, which must be within MaxPause. It replaces a pause that
// there is, and does not end an attempt that is under way. An error other than ErrNotPersisted means that nothing has changed.
// The same holds for Resume and Unlock.
func (c *Controller) Pause(service string, p policy.Pause) error {
	left := time.Until(p.Until)
	switch {
	case missing(p.Reason):
		return fmt.Errorf("%w: want the reason of the pause", ErrInvalid)
	case left <= 0:
		return fmt.Errorf("%w: the pause would be over already", ErrInvalid)
	case left > policy.MaxPause:
		return fmt.Errorf("%w: the pause would last %s, want at most %s", ErrInvalid, left.Round(time.Second), policy.MaxPause)
	}
	return c.order(service, policy.Event{Paused: &p}, "Paused service", policy.Operator{Who: p.Who, Reason: p.Reason, SaidBy: p.SaidBy})
}

// Resume ends a pause.
func (c *Controller) Resume(service string, o policy.Operator) error {
	return c.order(service, policy.Event{Resumed: &o}, "Resumed service", o)
}

// Unlock ends a lock-out. The attempts that led to it still count for the budget and for the cool-down.
func (c *Controller) Unlock(service string, o policy.Operator) error {
	if missing(o.Reason) {
		return fmt.Errorf("%w: want the reason of the unlock", ErrInvalid)
	}
	return c.order(service, policy.Event{Unlocked: &o}, "Unlocked service", o)
}

// Request demands a restart as an alert does: every guard is asked. It ends when the service's own checks are healthy again
// for VerifyProbes rounds since, and for ArmTime, or after SuspectTime without a repetition.
func (c *Controller) Request(service string, o policy.Operator) error {
	return c.order(service, policy.Event{Requested: &o}, "Requested restart", o)
}

// ReleaseBrake takes the mass brake of a scope off, policy.ScopeFleet or "group/NAME", and reports whether it was on. It is audited
// with every service of the scope that fails. Like the brake it does not outlive the exporter.
func (c *Controller) ReleaseBrake(scope string, o policy.Operator) (released bool, err error) {
	if missing(o.Who) || missing(o.Reason) {
		return false, fmt.Errorf("%w: want who releases the brake, and the reason", ErrInvalid)
	}
	if err := short(o); err != nil {
		return false, err
	}
	now := time.Now()
	if _, known := c.fleet.brakes(now)[scope]; !known {
		return false, fmt.Errorf("%w: no such scope: %q", ErrInvalid, scope)
	}
	if !c.releases.take(now) {
		return false, ErrTooMany
	}
	failing, on := c.fleet.release(scope, now)
	if !on {
		return false, nil
	}
	c.log.Info("Released the brake", "scope", scope, "who", o.By(), "reason", o.Reason)
	for _, name := range failing {
		if w := c.watcher(name); w != nil {
			_, _ = w.feed(policy.Event{Released: &o}) // an error is told, and holds
			w.wake()
		}
	}
	return true, nil
}

func (c *Controller) order(service string, ev policy.Event, message string, o policy.Operator) error {
	w := c.watcher(service)
	if w == nil {
		return fmt.Errorf("%w: %q", ErrUnknownService, service)
	}
	if missing(o.Who) {
		return fmt.Errorf("%w: want who gives the order, as who or --who", ErrInvalid)
	}
	if err := short(o); err != nil {
		return err
	}
	if loaded, reason := w.known(); !loaded {
		return fmt.Errorf("%w: %s", ErrNotLoaded, cmp.Or(reason, "its last attempt is still under way"))
	}
	if !w.orders.take(time.Now()) {
		return ErrTooMany
	}
	before := w.current()
	_, err := w.feed(ev)
	if errors.Is(err, ErrStopped) {
		return err
	}
	if after := w.current(); !after.SameOrders(&before) {
		w.log.Info(message, "who", o.By(), "reason", o.Reason) //nolint:sloglint // one of a few constants
		w.wake()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotPersisted, err)
	}
	return nil
}

// The longest texts of an order in bytes: they are written down at every change of the state.
const (
	maxWho    = 128
	maxReason = 512
)

func missing(text string) bool { return strings.TrimSpace(text) == "" }

// short checks the texts of an order.
func short(o policy.Operator) error {
	return errors.Join(oneLine("who", o.Who, maxWho), oneLine("who", o.SaidBy, maxWho), oneLine("reason", o.Reason, maxReason))
}

// oneLine refuses what could pretend to be something else in a log or on a terminal.
func oneLine(what, text string, limit int) error {
	switch {
	case len(text) > limit:
		return fmt.Errorf("%w: %s has %d bytes, want at most %d", ErrInvalid, what, len(text), limit)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }):
		return fmt.Errorf("%w: %s has characters that do not print, want one line of text", ErrInvalid, what)
	default:
		return nil
	}
}

func (w *watcher) current() policy.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// known reports whether the state is that of the journal, or else says why not.
func (w *watcher) known() (loaded bool, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.entry.loaded, w.entry.reason
}
