package restart

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ErrUnknownService is returned for a service that is not configured.
var ErrUnknownService = errors.New("no such service")

// ErrInvalid is returned for an order that cannot be carried out as it was given.
var ErrInvalid = errors.New("invalid order")

// Pause keeps a service from being restarted until p.Until, which must be within MaxPause. It replaces a pause that
// there is. An error other than ErrUnknownService and ErrInvalid says that the order holds, but may not outlive the
// exporter.
func (c *Controller) Pause(service string, p Pause) error {
	left := time.Until(p.Until)
	switch {
	case p.Who == "" || p.Reason == "":
		return fmt.Errorf("%w: want who pauses, and the reason", ErrInvalid)
	case left <= 0:
		return fmt.Errorf("%w: the pause would be over already", ErrInvalid)
	case left > MaxPause:
		return fmt.Errorf("%w: the pause would last %s, want at most %s", ErrInvalid, round(left), MaxPause)
	}
	return c.order(service, Event{Paused: &p}, "Paused service", p.Who, p.Reason)
}

// Resume ends a pause.
func (c *Controller) Resume(service string, o Operator) error {
	return c.order(service, Event{Resumed: &o}, "Resumed service", o.Who, o.Reason)
}

// Unlock ends a lock-out. The attempts that led to it still count for the budget and for the cool-down.
func (c *Controller) Unlock(service string, o Operator) error {
	return c.order(service, Event{Unlocked: &o}, "Unlocked service", o.Who, o.Reason)
}

func (c *Controller) order(service string, ev Event, message, who, why string) error {
	u := c.unit(service)
	if u == nil {
		return fmt.Errorf("%w: %q", ErrUnknownService, service)
	}
	if who == "" {
		return fmt.Errorf("%w: want who gives the order", ErrInvalid)
	}
	_, err := u.apply(ev)
	u.log.Info(message, "who", who, "reason", why) //nolint:sloglint // one of three constants
	u.wake()
	return err
}

func (c *Controller) unit(service string) *unit {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.units[service]
}

// An Explanation is what the controller thinks of a service.
type Explanation struct {
	Service     string   `json:"service"`
	Group       string   `json:"group,omitempty"`
	Environment string   `json:"environment,omitempty"`
	Backend     string   `json:"backend"`
	Targets     []string `json:"targets"` // without secrets
	Mode        Mode     `json:"mode"`
	Phase       Phase    `json:"phase"`
	// Hold is the first guard that refuses; empty: none.
	Hold Guard `json:"hold,omitempty"`
	// Next is when the guards would allow a restart, if nothing else changes; zero: not known, or now.
	Next time.Time `json:"next,omitzero"`
	// Guards are all of them, in order.
	Guards []GuardResult `json:"guards"`
	State  State         `json:"state"`
}

// Services explains every service by what is known already, sorted by name.
func (c *Controller) Services() []Explanation {
	c.mu.RLock()
	units := maps.Clone(c.units)
	c.mu.RUnlock()
	all := make([]Explanation, 0, len(units))
	for _, name := range slices.Sorted(maps.Keys(units)) {
		all = append(all, units[name].explain(nil))
	}
	return all
}

// Explain asks all guards about a service, and its back-end about the unit. Nothing changes by that.
func (c *Controller) Explain(ctx context.Context, service string) (Explanation, error) {
	u := c.unit(service)
	if u == nil {
		return Explanation{}, fmt.Errorf("%w: %q", ErrUnknownService, service)
	}
	definition := u.definition()
	ctx, cancel := context.WithTimeout(ctx, min(definition.ExecTimeout, maxInspect))
	defer cancel()
	f, _ := definition.preflight(ctx)
	return u.explain(&f), nil
}

// explain asks all guards, with the back-end's answer f if there is one.
func (u *unit) explain(f *Preflight) Explanation {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	ev := Event{}
	u.surround(&ev, now)
	s := u.state
	if f != nil {
		f.At, f.StartedAt = wall(now), wall(f.StartedAt)
		s.Preflight = *f
	}
	e := Explanation{
		Service: u.name, Group: u.service.Group, Environment: u.service.Environment, Backend: u.service.Backend.Kind(),
		Mode: u.service.Policy.Mode, Phase: s.Phase(), State: s,
	}
	for _, check := range u.service.Checks {
		e.Targets = append(e.Targets, check.Name)
	}
	e.Guards, e.Hold, e.Next = u.service.Policy.Explain(s, ev.World, now)
	return e
}

// Explain asks all guards, also those after the first that refuses. Next is when they would all allow, if nothing else
// changes; it is zero when that is not known, or when they do.
func (p Policy) Explain(s State, w World, now time.Time) (results []GuardResult, hold Guard, next time.Time) {
	s = s.at(wall(now), 0)
	q := question{policy: &p, state: &s, world: &w, now: wall(now), table: guards}
	known := true
	for _, g := range guards {
		r := g.ask(&q)
		r.Guard = g.guard
		r.OK = r.OK || g.guard == GuardFresh && !s.LastProbe.IsZero() // one is made before anything is done
		results = append(results, r)
		if r.OK {
			continue
		}
		if hold == "" {
			hold = g.guard
		}
		known = known && !r.Next.IsZero()
		if r.Next.After(next) {
			next = r.Next
		}
	}
	if !known {
		next = time.Time{}
	}
	return results, hold, next
}
