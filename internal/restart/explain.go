package restart

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Services explains every service by what is known already.
func (c *Controller) Services() []policy.Explanation {
	c.mu.RLock()
	units := maps.Clone(c.units)
	c.mu.RUnlock()
	all := make([]policy.Explanation, 0, len(units))
	for _, name := range slices.Sorted(maps.Keys(units)) {
		all = append(all, units[name].explain(nil))
	}
	return all
}

// Service explains a service by what is known already.
func (c *Controller) Service(name string) (policy.Explanation, error) {
	u := c.unit(name)
	if u == nil {
		return policy.Explanation{}, fmt.Errorf("%w: %q", ErrUnknownService, name)
	}
	return u.explain(nil), nil
}

// Explain asks all guards about a service, and its back-end about the unit. Nothing changes by that.
func (c *Controller) Explain(ctx context.Context, service string) (policy.Explanation, error) {
	u := c.unit(service)
	if u == nil {
		return policy.Explanation{}, fmt.Errorf("%w: %q", ErrUnknownService, service)
	}
	definition := u.definition()
	ctx, cancel := context.WithTimeout(ctx, min(definition.ExecTimeout, maxInspect))
	defer cancel()
	f, _ := definition.preflight(ctx)
	return u.explain(&f), nil
}

// explain asks all guards, with the back-end's answer f if there is one.
func (u *unit) explain(f *policy.Preflight) policy.Explanation {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	ev := policy.Event{}
	u.surround(&ev, now)
	s := u.service.Policy.Aged(u.state, now)
	if f != nil {
		f.At, f.StartedAt, f.FitAt = policy.Wall(now), policy.Wall(f.StartedAt), policy.Wall(f.FitAt)
		s.Preflight = *f
	}
	p := &u.service.Policy
	hour, day := s.Spent(policy.Wall(now))
	e := policy.Explanation{
		Time: policy.Wall(now), Service: u.name, Group: u.service.Group, Environment: u.service.Environment, Backend: u.service.Backend.Kind(),
		Targets: []string{}, Mode: p.Mode, Phase: s.Phase(),
		Healthy: s.Last.Healthy, Reason: s.Last.Reason, LastProbe: s.LastProbe,
		Demanded: s.Demanded(), AlertedAt: s.AlertedAt, ResolvedAt: s.ResolvedAt, TestedAt: policy.Wall(u.tested),
		Unverified: s.Unverified, LockedAt: s.LockedAt, CooldownUntil: s.CooldownUntil, VerifyUntil: s.VerifyUntil, Pause: s.Pause,
		Budget: policy.Budget{Hour: max(0, p.BudgetHour-hour), Day: max(0, p.BudgetDay-day)},
		State:  s,
	}
	if !e.Healthy && e.Reason != prober.ReasonNone {
		e.Hint = u.hint
	}
	request, requested := s.Request()
	if e.Alerts = len(s.Demands); requested {
		e.Alerts--
	}
	e.Request, e.RequestedAt = request.Request, request.At
	e.LastAttempt, e.Refused = s.LastAttempt(), s.Refused
	for _, check := range u.service.Checks {
		e.Targets = append(e.Targets, check.Name)
	}
	e.Guards, e.Hold, e.Next = p.Explain(s, ev.World, now)
	return e
}
