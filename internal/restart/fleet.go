package restart

import (
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A fleet is the policy.Fleet that the watchers of all services share.
type fleet struct {
	deciding sync.Mutex // held while a service decides to restart, so that no two do at a time

	mu     sync.Mutex // protects the following
	shared *policy.Fleet
}

func newFleet() *fleet { return &fleet{shared: policy.NewFleet()} }

func (f *fleet) limit(l policy.BrakeLimits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Limit(l)
}

func (f *fleet) join(name, group string, dependsOn []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Join(name, group, dependsOn)
}

func (f *fleet) leave(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Leave(name)
}

func (f *fleet) attempted(name string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Attempted(name, at)
}

func (f *fleet) withdrawn(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Withdrawn(name)
}

func (f *fleet) recall(name string, attempts []time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Recall(name, attempts)
}

func (f *fleet) excuse(name string, w policy.Window) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Excuse(name, w)
}

func (f *fleet) update(name string, s *policy.State, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared.Update(name, s, now)
}

func (f *fleet) inFlight() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shared.InFlight()
}

func (f *fleet) world(name string, p *policy.Policy, now time.Time) policy.World {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shared.World(name, p, now)
}

func (f *fleet) brakes(now time.Time) map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shared.Brakes(now)
}

func (f *fleet) release(scope string, now time.Time) (failing []string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shared.Release(scope, now)
}
