package restart

import (
	"slices"
	"sync"
	"time"
)

// BrakeLimits are the numbers of the mass brake. The zero BrakeLimits brake as soon as anything fails.
type BrakeLimits struct {
	// Percent of the armed services, but at least Min and at most Max of them, brake when they begin to fail
	// within Window. So do all of them, where they are less than Min but at least two.
	Percent, Min, Max int
	Window            time.Duration
	// Settle is how long a service waits for the others to be probed, where they could make it a mass failure.
	Settle time.Duration
	// The brake is released when not more than one, or less than ReleasePercent, have been failing for ReleaseTime in a way
	// that a restart may repair. When no failure has begun for as long, it lets go of one at a time.
	ReleasePercent int
	ReleaseTime    time.Duration
}

// A Fleet knows of all services what the guards of one have to know of the others. Its times are those that its callers
// give it: readings of one clock that does not jump.
type Fleet struct {
	mu       sync.Mutex // protects the following
	limits   BrakeLimits
	members  map[string]*member
	brakes   map[string]*brake      // by scope; there is one for every scope
	judged   time.Time              // when they were last judged
	changed  bool                   // something since that could put one on
	healthy  bool                   // any armed member is
	attempts map[string][]time.Time // by service, also of those that are gone, as far as any window reaches
}

// A member is what the fleet knows of a service.
type member struct {
	group     string
	dependsOn []string
	armed     bool
	inFlight  bool
	healthy   bool      // by its last probe
	failing   time.Time // since when; zero: it was healthy, or nothing is known
	turned    time.Time // when a failure that no restart repairs became one that a restart may repair; zero: it did not
	holds     bool      // its failure is one that a restart may repair, it is not locked out, and nobody wants it to be down
	reach     reach     // what its failure proves
	probed    time.Time // when the last probe that has ended began
	brakes    []*brake  // of its scopes: the fleet's, and that of its group if it has one
}

// began is when its failure began to be what it is.
func (m *member) began() time.Time {
	if m.turned.After(m.failing) {
		return m.turned
	}
	return m.failing
}

// longest is the longest window of a fleet rate.
const longest = 24 * time.Hour

// NewFleet makes a fleet without members.
func NewFleet() *Fleet {
	return &Fleet{members: map[string]*member{}, brakes: map[string]*brake{}, attempts: map[string][]time.Time{}}
}

// Limit sets the numbers of the mass brake.
func (f *Fleet) Limit(l BrakeLimits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = f.changed || f.limits != l
	f.limits = l
}

// Join makes a service a member, or changes its group and what it depends on.
func (f *Fleet) Join(name, group string, dependsOn []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	if m == nil {
		m = &member{}
		f.members[name] = m
	}
	m.group, m.dependsOn = group, dependsOn
	f.scopes()
}

// Leave removes a member. Its attempts count on.
func (f *Fleet) Leave(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members, name)
	f.scopes()
}

// Attempted notes an attempt of a service.
func (f *Fleet) Attempted(name string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts[name] = append(f.attempts[name], at)
}

// Withdrawn forgets the last attempt of a service, of which nothing came.
func (f *Fleet) Withdrawn(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.attempts[name]); n > 0 {
		f.attempts[name] = f.attempts[name][:n-1]
	}
}

// Recall makes these the attempts of a service. One that comes back has made no more than it had when it went.
func (f *Fleet) Recall(name string, attempts []time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts[name] = slices.Clone(attempts)
}

// Update notes what became of a member.
func (f *Fleet) Update(name string, s *State, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[name]
	if m == nil {
		return
	}
	armed, failing, holds, turned := m.armed, m.failing, m.holds, m.turned
	if m.inFlight && !s.InFlight() && !s.lastRefused() {
		for _, b := range m.brakes {
			b.trial.note(s.Unverified == 0, now)
		}
	}
	m.armed, m.inFlight = s.Armed, s.InFlight()
	m.healthy = s.Successes > 0 && !m.inFlight
	switch {
	case s.Successes > 0:
		m.failing = time.Time{}
	case !s.FailingSince.IsZero() && m.failing.IsZero():
		m.failing = now
	}
	if !s.Last.Healthy && s.Last != (Evidence{}) { // otherwise it is what it was: nobody has looked
		m.holds, m.reach = s.Failures > 0 || s.InFlight() && m.holds, s.Last.way().reach
	}
	m.holds = m.holds && !s.LockedOut && !s.onPurpose()
	switch {
	case m.failing.IsZero():
		m.turned = time.Time{}
	case m.holds && !holds && !failing.IsZero():
		m.turned = now
	}
	f.changed = f.changed || armed != m.armed || holds != m.holds || !failing.Equal(m.failing) || !turned.Equal(m.turned)
	if !s.LastProbe.IsZero() && s.LastProbe.Equal(s.Seen) {
		m.probed = now.Add(-s.Last.Took)
	}
	f.judge(now)
}

// InFlight counts the services that are being restarted or verified.
func (f *Fleet) InFlight() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, m := range f.members {
		if m.inFlight {
			n++
		}
	}
	return n
}

// World is what the policy of a member has to know of the others.
func (f *Fleet) World(name string, p *Policy, now time.Time) World {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.judge(now)
	var w World
	me := f.members[name]
	if me == nil {
		return w
	}
	for _, other := range me.dependsOn {
		// One that was not probed since this one failed may have failed first.
		if m := f.members[other]; m == nil || !m.healthy || !me.failing.IsZero() && !m.probed.After(me.failing) {
			w.Down = append(w.Down, other)
		}
	}
	for other, m := range f.members {
		if !m.inFlight || other == name {
			continue
		}
		w.InFlight++
		if m.group != "" && m.group == me.group {
			w.InGroup++
		}
	}
	w.FleetAttempts, w.FleetOldest = f.attempted(p.FleetWindow, now)
	w.Brake = f.brakeOf(me, now)
	return w
}

// attempted counts the attempts of all services within a window, and forgets those that are in none.
func (f *Fleet) attempted(window time.Duration, now time.Time) (n int, oldest time.Time) {
	for name, attempts := range f.attempts {
		attempts = slices.DeleteFunc(attempts, func(t time.Time) bool { return now.Sub(t) > longest })
		if f.attempts[name] = attempts; len(attempts) == 0 {
			delete(f.attempts, name)
		}
		for _, t := range attempts {
			if now.Sub(t) >= window {
				continue
			}
			if n == 0 || wall(t).Before(oldest) {
				oldest = wall(t)
			}
			n++
		}
	}
	return n, oldest
}

// wall is a time as a State and an Event have it.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }
