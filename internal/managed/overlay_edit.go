package managed

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of overlays.
const (
	maxOverlays = 50_000 // targets that have one, also one that has ended and is still kept
	maxReason   = 500    // bytes
	maxSubject  = 256    // bytes of the name of a target, wherever it is from
)

// Set makes p the overlay of a kind for all subjects, all or none; nil ends it. It returns the names of those that it changed,
// sorted. Its Condition does not count: the last one holds.
//
// A period begins now at the earliest. One that replaces another that is under way goes on from where that began.
func (r *Registry) Set(ctx context.Context, e Edit, k Kind, subjects []Subject, p *calendar.Period) ([]string, error) {
	if err := r.admit(e, r.storable()); err != nil {
		return nil, r.metrics.refuse(err)
	}
	if p != nil {
		copied := *p
		p = &copied
		p.By, p.Within = e.By.Name, slices.Clone(e.By.Environments)
	}
	if err := Invalid(string(k), checkOverlay(k, subjects, p, time.Now())); err != nil {
		return nil, r.metrics.refuse(err)
	}
	var changed []string
	_, err := r.submit(ctx, func(w *work) (err error) {
		changed, err = w.set(e, k, subjects, p)
		return err
	})
	if err != nil {
		return nil, r.metrics.refuse(err)
	}
	return changed, nil
}

// checkOverlay returns all that is wrong with what was asked for. It rounds the times of p.
func checkOverlay(k Kind, subjects []Subject, p *calendar.Period, now time.Time) (problems []Problem) {
	wrong := func(pointer, format string, args ...any) {
		problems = append(problems, Problem{pointer, fmt.Sprintf(format, args...)})
	}
	if k != Mute && k != Maintenance {
		wrong("", "got the kind %q, want %q or %q", k, Mute, Maintenance)
	}
	if len(subjects) > maxOverlays {
		wrong("", "is about %d targets, want %d at most", len(subjects), maxOverlays)
		return problems
	}
	for i, s := range subjects {
		if s.Name == "" || len(s.Name) > maxSubject {
			wrong("/targets/"+strconv.Itoa(i), "has a name of %d bytes, want 1 to %d", len(s.Name), maxSubject)
		}
	}
	if p == nil {
		return problems
	}
	p.Start, p.End = p.Start.Round(0).UTC(), p.End.Round(0).UTC() // as they are read again
	latest := now.Add(MaxPeriod)
	switch {
	case !p.End.After(now):
		wrong("/until", "is not in the future")
	case p.End.After(latest):
		wrong("/until", "is %s, want %s at the latest, which is %d days from now",
			p.End.Format(time.RFC3339), latest.UTC().Format(time.RFC3339), MaxPeriod/(24*time.Hour))
	case !p.Start.Before(p.End):
		wrong("/start", "is not before the end")
	}
	if len(p.Reason) > maxReason {
		wrong("/reason", "has %d bytes, want %d at most", len(p.Reason), maxReason)
	}
	if !printable.Is(p.Reason) {
		wrong("/reason", "has a character that does not print")
	}
	if p.UntilHealthy && k == Mute {
		wrong("/until_healthy", "is for maintenance alone")
	}
	return problems
}

// set makes p the overlay of all subjects.
func (w *work) set(e Edit, k Kind, subjects []Subject, p *calendar.Period) (changed []string, err error) {
	environments := map[string]bool{}
	made := map[string]*calendar.Period{}
	for _, s := range subjects {
		environments[cmp.Or(s.Environment, config.DefaultEnvironment)] = true
		before := w.overlays[s.Name].period(k)
		if after, differs := w.succeed(before, p); differs {
			made[s.Name] = after
		}
	}
	if k == Maintenance { // it holds these services, and its end ends their lock-outs
		for _, s := range subjects {
			for _, environment := range w.affected(s.Name) {
				environments[environment] = true
			}
		}
	}
	if len(subjects) > 0 {
		if err := e.By.may(slices.Sorted(maps.Keys(environments))...); err != nil {
			return nil, err
		}
	}
	n := len(w.overlays)
	for name := range made {
		if _, ok := w.overlays[name]; !ok {
			n++
		}
	}
	if n > maxOverlays && n > len(w.overlays) {
		return nil, &TooManyError{Err: fmt.Errorf("these would be %d muted targets and targets in maintenance, and there may be %d", n, maxOverlays)}
	}
	changed = slices.Sorted(maps.Keys(made))
	if e.DryRun || len(changed) == 0 {
		return changed, nil
	}
	w.next()
	for _, name := range changed {
		w.replace(e.By, name, k, made[name])
	}
	return changed, nil
}

// replace makes p the period of a kind of a target; nil leaves none.
func (w *work) replace(by Author, name string, k Kind, p *calendar.Period) {
	old := w.overlays[name]
	o := old.with(k, p)
	if o != nil {
		o.Revision = w.Revision
		o.SeenFailing = k == Mute && o.SeenFailing || k == Maintenance && goesOn(old, p)
	}
	w.setOverlay(name, o)
	switch before := old.period(k); {
	case p == nil, before != nil && !p.End.After(w.now):
		w.note(by, EntryKind(k), Deleted, name, nil)
	case before == nil || !before.End.After(w.now):
		w.note(by, EntryKind(k), Created, name, p)
	default:
		w.note(by, EntryKind(k), Updated, name, p)
	}
}

// goesOn reports whether a target was seen failing in a maintenance until it is healthy that p continues.
func goesOn(old *overlay, p *calendar.Period) bool {
	return old != nil && old.SeenFailing && p != nil && p.UntilHealthy && old.Maintenance.Start.Equal(p.Start)
}

// succeed returns what becomes of the period before if want is asked for, and whether that is something else.
func (w *work) succeed(before, want *calendar.Period) (after *calendar.Period, differs bool) {
	underWay := before.Contains(w.now)
	if want == nil {
		switch {
		case before == nil || !before.End.After(w.now):
			return nil, false
		case !underWay:
			return nil, true // it never began
		}
		ended := *before
		ended.End = w.now
		return &ended, true
	}
	next := *want
	if !next.Start.After(w.now) {
		next.Start = w.now
		if underWay {
			next.Start = before.Start
		}
	}
	if before != nil && before.Start.Equal(next.Start) && before.End.Equal(next.End) &&
		before.By == next.By && before.Reason == next.Reason && before.UntilHealthy == next.UntilHealthy &&
		slices.Equal(before.Within, next.Within) {
		return before, false
	}
	return &next, true
}

// Overlays returns those of a kind that have not ended at a time, sorted by target.
func (r *Registry) Overlays(k Kind, at time.Time) []Overlay {
	var all []Overlay
	for name, o := range r.state().overlays {
		if p := o.period(k); p != nil && at.Before(p.End) {
			all = append(all, Overlay{Target: name, Kind: k, Period: *p})
		}
	}
	slices.SortFunc(all, func(a, b Overlay) int { return strings.Compare(a.Target, b.Target) })
	return all
}

// Period returns the mute or maintenance of a target that is under way at a time, or planned. Without one it returns nil.
func (r *Registry) Period(k Kind, target string, at time.Time) *calendar.Period {
	if p := r.state().overlays[target].period(k); p != nil && at.Before(p.End) && r.holds(target, p) {
		return p
	}
	return nil
}

// Mute implements inventory.Overlays.
func (r *Registry) Mute(target string, at time.Time) *calendar.Period {
	return r.period(Mute, target, at)
}

// Maintenance implements inventory.Overlays.
func (r *Registry) Maintenance(target string, at time.Time) *calendar.Period {
	return r.period(Maintenance, target, at)
}

func (r *Registry) period(k Kind, target string, at time.Time) *calendar.Period {
	if p := r.state().overlays[target].period(k); p.Contains(at) && r.holds(target, p) {
		return p
	}
	return nil
}

// holds reports whether a period holds for a target as it is now. A name may come to be another target, of an environment in which
// whoever has set the period may do nothing.
func (r *Registry) holds(target string, p *calendar.Period) bool {
	return len(p.Within) == 0 || r.options.Environment == nil || holdsIn(r.options.Environment(target), p)
}

// holdsIn reports whether a period holds in an environment. Empty: it is not known.
func holdsIn(environment string, p *calendar.Period) bool {
	return len(p.Within) == 0 || environment == "" || slices.Contains(p.Within, environment)
}
