package restart

import (
	"reflect"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// reconfigure hands a new configuration to the watcher; one that it has not looked at yet is replaced.
func (w *watcher) reconfigure(s Service) {
	select {
	case <-w.configurations:
	default:
	}
	w.configurations <- s
}

// takeConfiguration takes over the configuration that waits in the channel, if there is one.
func (w *watcher) takeConfiguration() {
	select {
	case s := <-w.configurations:
		w.next = &s
	default:
	}
	w.switchOver()
}

// switchOver takes over a new configuration as soon as no attempt is under way. If it changes nothing, nothing happens: anybody
// may ask for a reload, and must not hold back a restart by that. The next round of checks uses the new probers in any case,
// since a file that they read may have changed. If the unit is the same, its back-end stays, which remembers what it has done.
func (w *watcher) switchOver() {
	if w.next == nil {
		return
	}
	w.mu.Lock()
	if w.state.InFlight() {
		w.mu.Unlock()
		return
	}
	before := w.service
	w.service, w.next = *w.next, nil
	now := &w.service
	evidence, supervised := now.sameEvidence(&before), now.sameUnit(&before)
	if !evidence {
		w.fresh = time.Now()
	}
	if supervised {
		now.Backend = before.Backend
	}
	w.moot = w.moot || w.inspecting && !supervised
	if !evidence || !supervised || !now.sameElse(&before) {
		w.join(&before)
		w.metrics.show(now, &w.state, time.Now())
	}
	checks := now.definition()
	w.mu.Unlock()
	if !supervised || checks != before.definition() {
		_, _ = w.feed(policy.Event{Redefined: &policy.Definition{Checks: checks}})
	}
}

// join makes the service known as it is configured now, and no longer as it was before. It is called with mu held.
func (w *watcher) join(before *Service) {
	w.metrics.know(&w.service, before)
	w.fleet.join(w.name, w.service.Group, w.service.DependsOn)
	w.metrics.brake(w.fleet.brakes(time.Now()))
}

// sameEvidence reports whether a round of checks finds the same with both configurations. That includes which failures the policy
// has repaired by a restart.
func (s *Service) sameEvidence(o *Service) bool {
	p, q := &s.Policy, &o.Policy
	return s.definition() == o.definition() &&
		slices.EqualFunc(s.Checks, o.Checks, func(a, b Check) bool { return a.Timeout == b.Timeout && a.sameSentinels(&b) }) &&
		slices.Equal(p.RestartOn, q.RestartOn) && slices.Equal(p.RestartOnReasons, q.RestartOnReasons) &&
		slices.Equal(p.NeverRestartOn, q.NeverRestartOn) && slices.Equal(p.NeverRestartOnReasons, q.NeverRestartOnReasons)
}

// sameUnit reports whether both back-ends restart the same unit in the same way.
func (s *Service) sameUnit(o *Service) bool {
	return s.BackendDefinition != "" && s.BackendDefinition == o.BackendDefinition
}

// sameElse reports whether the rest of two configurations is the same, as far as it is shown to anybody.
func (s *Service) sameElse(o *Service) bool {
	named := func(a, b Check) bool { return a.Name == b.Name && a.Inventory == b.Inventory }
	return s.Group == o.Group && s.Environment == o.Environment && slices.Equal(s.DependsOn, o.DependsOn) &&
		reflect.DeepEqual(s.Policy, o.Policy) && slices.EqualFunc(s.Checks, o.Checks, named)
}
