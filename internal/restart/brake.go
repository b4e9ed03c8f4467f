package restart

import "time"

// ScopeFleet is the scope of the brake of all services; groupScope is that of a group.
const ScopeFleet = "fleet"

func groupScope(group string) string { return "group/" + group }

// A brake is the mass brake of one scope.
type brake struct {
	since time.Time // when it was last put on; zero: it is off
	calm  time.Time // since when few enough fail to release it; zero: they do not

	// What the last census found.
	armed   int
	failing int // of them, that began to fail within the window
	limit   int // that many failing brake; 0: none does
}

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

// Brakes tells for every scope whether it is braked.
func (f *Fleet) Brakes(now time.Time) map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.judge(now)
	on := make(map[string]bool, len(f.brakes))
	for scope, b := range f.brakes {
		on[scope] = !b.since.IsZero()
	}
	return on
}

// census counts the armed members of every scope. One that was failing long before does not count: it is no part of
// what happens now. While a scope is braked its window is that of the brake.
func (f *Fleet) census(now time.Time) {
	for _, b := range f.brakes {
		b.armed, b.failing, b.limit = 0, 0, 0
	}
	for _, m := range f.members {
		if !m.armed {
			continue
		}
		for _, b := range m.brakes {
			b.armed++
			from := now
			if !b.since.IsZero() {
				from = b.since
			}
			if !m.failing.IsZero() && !m.failing.Before(from.Add(-f.limits.Window)) {
				b.failing++
			}
		}
	}
	for scope, b := range f.brakes {
		switch {
		case scope == ScopeFleet:
			percent := (b.armed*f.limits.Percent + 99) / 100
			b.limit = max(1, f.limits.Min, min(percent, f.limits.Max))
		case b.armed >= 2:
			b.limit = b.armed
		}
	}
}

// judgeEvery is how often brakes are judged while nothing happens but that time passes, which can only release them: with a
// thousand services to count, not at every probe of each.
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
				b.since, b.calm = now, time.Time{}
			}
		case b.failing > 0 && b.failing*100 >= b.armed*f.limits.ReleasePercent:
			b.calm = time.Time{}
		case b.calm.IsZero():
			b.calm = now
		case now.Sub(b.calm) >= f.limits.ReleaseTime:
			b.since, b.calm = time.Time{}, time.Time{}
		}
	}
}

// brakeOf is the brake that concerns a member: the first that is on, or else the one of the fleet.
func (f *Fleet) brakeOf(me *member, now time.Time) Brake {
	var first Brake
	for i, b := range me.brakes {
		result := Brake{On: !b.since.IsZero(), Scope: ScopeFleet, Failing: b.failing, Armed: b.armed, Limit: b.limit}
		if i > 0 {
			result.Scope = groupScope(me.group)
		}
		if !b.calm.IsZero() {
			result.Next = wall(b.calm.Add(f.limits.ReleaseTime))
		}
		if !result.On {
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

// settle holds while members that were not probed since this one failed could make it a mass failure: they are probed
// once in an interval, and the first of a rack that somebody complains about must not be restarted before the others
// are seen.
func (f *Fleet) settle(result *Brake, b *brake, me *member, now time.Time) {
	until := me.failing.Add(f.limits.Settle)
	if me.failing.IsZero() || !now.Before(until) {
		return
	}
	unseen := 0
	for _, m := range f.members {
		in := m.brakes[0] == b || m.brakes[len(m.brakes)-1] == b
		if in && m != me && m.armed && m.failing.IsZero() && !m.probed.After(me.failing) {
			unseen++
		}
	}
	if unseen > 0 && b.limit > 0 && b.failing+unseen >= b.limit {
		result.On, result.Unseen, result.Next = true, unseen, wall(until)
	}
}
