package policy

import (
	"fmt"
	"time"
)

// ScopeFleet is the scope of the brake of all services; groupScope is that of a group.
const ScopeFleet = "fleet"

func groupScope(group string) string { return "group/" + group }

// A brake is the mass brake of one scope.
type brake struct {
	since    time.Time // when it was last put on; zero: it is off
	calm     time.Time // since when so few hold it that it may be released; zero: too many do
	released time.Time // when it was last calm before its release, or an operator released it; what failed before no longer counts

	// What the last census found.
	armed   int
	failing int       // how many of them began to fail within the window
	holding int       // how many of those a restart may repair: they keep the brake on
	limit   int       // how many failing ones put the brake on; 0: it stays off
	newest  time.Time // when the last of them began to fail, in whatever way

	trial trial
}

// counts reports whether a failure belongs to what happens now: it began within the window, and after the last release. While the
// brake is on, the window ends when it was put on.
func (b *brake) counts(failing time.Time, window time.Duration, now time.Time) bool {
	from := now
	if !b.since.IsZero() {
		from = b.since
	}
	return !failing.IsZero() && !failing.Before(from.Add(-window)) && failing.After(b.released)
}

// most is how many services may hold a brake that is released anyway: one, or as many as are less than the percentage.
func (b *brake) most(percent int) int { return max(1, (b.armed*percent-1)/100) }

// scopes makes a brake for every scope, and removes those of scopes that are gone.
func (f *Fleet) scopes() {
	f.changed = true
	used := map[string]bool{ScopeFleet: true}
	for _, m := range f.members {
		if m.group != "" {
			used[groupScope(m.group)] = true
		}
	}
	for scope := range f.brakes {
		if !used[scope] {
			delete(f.brakes, scope)
		}
	}
	for scope := range used {
		if f.brakes[scope] == nil {
			f.brakes[scope] = &brake{}
		}
	}
	for _, m := range f.members {
		m.brakes = []*brake{f.brakes[ScopeFleet]}
		if m.group != "" {
			m.brakes = append(m.brakes, f.brakes[groupScope(m.group)])
		}
	}
}

// Brakes reports for every scope whether it is braked.
func (f *Fleet) Brakes(now time.Time) map[string]bool {
	f.judge(now)
	on := make(map[string]bool, len(f.brakes))
	for scope, b := range f.brakes {
		on[scope] = !b.since.IsZero()
	}
	return on
}

// Release takes the brake of a scope off, as an operator orders it, and returns who fails in the scope. What fails now does not
// put it on again; what begins to fail later may. It reports whether the brake was on.
func (f *Fleet) Release(scope string, now time.Time) (failing []string, on bool) {
	f.judge(now)
	b := f.brakes[scope]
	if b == nil || b.since.IsZero() {
		return nil, false
	}
	*b = brake{released: now}
	f.changed = true
	for name, m := range f.members {
		if m.in(b) && !m.failing.IsZero() {
			failing = append(failing, name)
		}
	}
	f.judge(now)
	return failing, true
}

// in reports whether the brake is one of the member's.
func (m *member) in(b *brake) bool { return m.brakes[0] == b || m.brakes[len(m.brakes)-1] == b }

// census counts the armed members of every scope.
func (f *Fleet) census(now time.Time) {
	for _, b := range f.brakes {
		b.armed, b.failing, b.holding, b.limit, b.newest = 0, 0, 0, 0, time.Time{}
	}
	f.healthy = false
	for _, m := range f.members {
		if !m.armed {
			continue
		}
		f.healthy = f.healthy || m.healthy
		for _, b := range m.brakes {
			b.armed++
			if !b.counts(m.began(), f.limits.Window, now) {
				continue
			}
			b.failing++
			if m.holds {
				b.holding++
			}
			if m.failing.After(b.newest) {
				b.newest = m.failing
			}
		}
	}
	for scope, b := range f.brakes {
		switch {
		case scope == ScopeFleet:
			percent := (b.armed*f.limits.Percent + 99) / 100
			// All of them, if there are at least two, are a mass failure.
			b.limit = min(max(1, f.limits.Min, min(percent, f.limits.Max)), max(b.armed, 2))
		case b.armed >= 2:
			b.limit = b.armed
		}
	}
}

// judgeEvery is how often brakes are judged while nothing changes. Time alone can only release them, and with a thousand services
// to count that is not done at every probe of each.
const judgeEvery = 100 * time.Millisecond

// judge puts brakes on and releases them.
func (f *Fleet) judge(now time.Time) {
	if since := now.Sub(f.judged); !f.changed && 0 <= since && since < judgeEvery {
		return
	}
	f.judged, f.changed = now, false
	f.census(now)
	for _, b := range f.brakes {
		switch {
		case b.since.IsZero():
			if b.limit > 0 && b.failing >= b.limit {
				b.since, b.calm, b.trial = now, time.Time{}, trial{}
			}
		case b.holding > b.most(f.limits.ReleasePercent) || b.holding > 0 && b.holding >= b.limit:
			b.calm = time.Time{}
		case b.calm.IsZero():
			b.calm = now
		case now.Sub(b.calm) >= f.limits.ReleaseTime:
			// What is left does not put it on again. What has begun to fail since it was calm may be another wave.
			*b = brake{released: b.calm, armed: b.armed, limit: b.limit}
			f.changed = true
		}
	}
	if f.changed { // at once: nothing must come between the two waves
		f.judge(now)
	}
}

// brakeOf is the brake that concerns a member: the first that is on for it, or else the one of the fleet.
func (f *Fleet) brakeOf(me *member, now time.Time) Brake {
	var first Brake
	for i, b := range me.brakes {
		result := Brake{
			On: !b.since.IsZero(), Scope: ScopeFleet, Failing: b.failing, Armed: b.armed, Limit: b.limit, Holding: b.holding,
		}
		if i > 0 {
			result.Scope = groupScope(me.group)
		}
		if result.On {
			f.release(&result, b, me, now)
		} else {
			f.settle(&result, b, me, now)
		}
		if result.On {
			return result
		}
		if i == 0 {
			first = result
		}
	}
	return first
}

// release says when a brake that is on lets go, and whether it already does for this member.
func (f *Fleet) release(result *Brake, b *brake, me *member, now time.Time) {
	l := &f.limits
	result.Release = fmt.Sprintf("at most %d that a restart may repair for %s", b.most(l.ReleasePercent), l.ReleaseTime)
	if !b.calm.IsZero() {
		result.Next = Wall(b.calm.Add(l.ReleaseTime))
	}
	f.try(result, b, me, now)
}

// settle holds while members that were not probed since this one failed could make it a mass failure. They are probed once in an
// interval, and the first one of a rack that an alert is about must not be restarted before the others were seen.
func (f *Fleet) settle(result *Brake, b *brake, me *member, now time.Time) {
	began := me.began()
	until := began.Add(f.limits.Settle)
	if me.failing.IsZero() || !now.Before(until) {
		return
	}
	unseen := 0
	for _, m := range f.members {
		if m.in(b) && m != me && m.armed && !b.counts(m.began(), f.limits.Window, now) && !m.probed.After(began) {
			unseen++
		}
	}
	if unseen > 0 && b.limit > 0 && b.failing+unseen >= b.limit {
		result.On, result.Unseen, result.Next = true, unseen, Wall(until)
	}
}
