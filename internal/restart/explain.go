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
	services := c.selection().services
	all := make([]policy.Explanation, 0, len(services))
	for _, name := range slices.Sorted(maps.Keys(services)) {
		all = append(all, services[name].explain(nil))
	}
	return all
}

// Service explains a service by what is known already.
func (c *Controller) Service(name string) (policy.Explanation, error) {
	w := c.watcher(name)
	if w == nil {
		return policy.Explanation{}, fmt.Errorf("%w: %q", ErrUnknownService, name)
	}
	return w.explain(nil), nil
}

// Explain asks all guards about a service, and its back-end about the unit. Nothing changes by that.
func (c *Controller) Explain(ctx context.Context, name string) (policy.Explanation, error) {
	w := c.watcher(name)
	if w == nil {
		return policy.Explanation{}, fmt.Errorf("%w: %q", ErrUnknownService, name)
	}
	service := w.configured()
	ctx, cancel := context.WithTimeout(ctx, min(service.ExecTimeout, maxInspect))
	defer cancel()
	f, _ := service.preflight(ctx)
	return w.explain(&f), nil
}

// explain asks all guards, with the back-end's answer f if there is one.
func (w *watcher) explain(f *policy.Preflight) policy.Explanation {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	ev := policy.Event{}
	w.surround(&ev, now)
	s := w.service.Policy.Aged(w.state, now)
	if f != nil {
		f.At, f.StartedAt, f.FitAt = policy.Wall(now), policy.Wall(f.StartedAt), policy.Wall(f.FitAt)
		s.Preflight = *f
	}
	p := &w.service.Policy
	hour, day := s.Spent(policy.Wall(now))
	e := policy.Explanation{
		Time: policy.Wall(now), Service: w.name, Group: w.service.Group, Environment: w.service.Environment, Backend: w.service.Backend.Kind(),
		Targets: []string{}, Mode: p.Mode, Phase: s.Phase(),
		Healthy: s.Last.Healthy, Reason: s.Last.Reason, LastProbe: s.LastProbe,
		Demanded: s.Demanded(), Trigger: s.Trigger(), OwnChecksAt: p.OwnChecksAt(&s), AlertedAt: s.AlertedAt, ResolvedAt: s.ResolvedAt, TestedAt: policy.Wall(w.tested),
		Unverified: s.Unverified, LockedAt: s.LockedAt, CooldownUntil: s.CooldownUntil, VerifyUntil: s.VerifyUntil, Pause: s.Pause,
		Budget: policy.Budget{Hour: max(0, p.BudgetHour-hour), Day: max(0, p.BudgetDay-day)},
		State:  s,
	}
	if !e.Healthy && e.Reason != prober.ReasonNone {
		e.Hint = w.hint
	}
	request, requested := s.Request()
	if e.Alerts = len(s.Demands); requested {
		e.Alerts--
	}
	e.Request, e.RequestedAt = request.Request, request.At
	e.LastAttempt, e.Refused = s.LastAttempt(), s.Refused
	for _, check := range w.service.Checks {
		e.Targets = append(e.Targets, check.Name)
	}
	e.Guards, e.Hold, e.Next = p.Explain(s, ev.World, now)
	return e
}
