package policy

import (
	"slices"
	"time"
)

// BrakeLimits are the numbers of the mass brake. The zero BrakeLimits brake as soon as anything fails.
type BrakeLimits struct {
	// Percent of the armed services, but at least Min and at most Max of them, put the brake on if they begin to fail
	// within Window. If fewer than Min are armed, all of them do, provided that they are at least two.
	Percent, Min, Max int
	Window            time.Duration
	// Settle is how long a service waits for the others to be probed, if they could make it a mass failure.
	Settle time.Duration
	// The brake is released when for ReleaseTime at most one service, or less than ReleasePercent, has failed in a way that a
	// restart may repair. When no failure has begun for as long, it lets go of one service at a time.
	ReleasePercent int
	ReleaseTime    time.Duration
}

// A Fleet knows about all services what the guards of one service need to know about the others. Its callers give it the time, as
// read from one clock that does not jump. It is not safe for concurrent use.
type Fleet struct {
	limits   BrakeLimits
	members  map[string]*member
	brakes   map[string]*brake      // by scope; there is one for every scope
	judged   time.Time              // when they were last judged
	changed  bool                   // something has happened since that could put one on
	healthy  bool                   // at least one armed member is healthy
	attempts map[string][]time.Time // by service, also of those that are gone, as far as any window reaches
}

// A member is what the fleet knows of a service.
type member struct {
	group     string
	dependsOn []string
	armed     bool
	inFlight  bool
	excused   bool      // a maintenance window of it is open
	healthy   bool      // by its last probe
	failing   time.Time // since when; zero: it was healthy, or nothing is known
	turned    time.Time // when a failure that a restart does not repair became one that it may repair; zero: it did not
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
	f.changed = f.changed || f.limits != l
	f.limits = l
}

// Join makes a service a member, or changes its group and what it depends on.
func (f *Fleet) Join(name, group string, dependsOn []string) {
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
	delete(f.members, name)
	f.scopes()
}

// Attempted notes an attempt of a service.
func (f *Fleet) Attempted(name string, at time.Time) {
	f.attempts[name] = append(f.attempts[name], at)
}

// Withdrawn forgets the last attempt of a service, because nothing was done.
func (f *Fleet) Withdrawn(name string) {
	if n := len(f.attempts[name]); n > 0 {
		f.attempts[name] = f.attempts[name][:n-1]
	}
}

// Recall sets the attempts of a service, so that those of one that comes back do not count twice.
func (f *Fleet) Recall(name string, attempts []time.Time) {
	f.attempts[name] = slices.Clone(attempts)
}

// Excuse notes whether a maintenance window of a member is open: then its failure holds no brake. Update takes it into account.
func (f *Fleet) Excuse(name string, w Window) {
	if m := f.members[name]; m != nil {
		m.excused = w.Name != ""
	}
}

// Update notes what became of a member.
func (f *Fleet) Update(name string, s *State, now time.Time) {
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
	m.holds = m.holds && !s.LockedOut && !s.onPurpose() && !m.excused
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

// attempted counts the attempts of all services within a window, and forgets those that are too old for any window.
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
			if n == 0 || Wall(t).Before(oldest) {
				oldest = Wall(t)
			}
			n++
		}
	}
	return n, oldest
}

// Wall is a time as a State and an Event have it.
func Wall(t time.Time) time.Time { return t.Round(0).UTC() }
