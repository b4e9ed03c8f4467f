package managed

import (
	"context"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// untilHealthy is who ends a maintenance because the target is healthy.
var untilHealthy = Author{Name: "until_healthy", Role: "exporter", May: func(...string) error { return nil }}

// A vigil is what is known of one maintenance until healthy.
type vigil struct {
	period *calendar.Period // of the state; another one is another vigil
	recovery
	saved bool      // that the target was seen failing
	end   time.Time // when it was healthy for long enough; zero: not yet
}

// due reports whether there is something to keep.
func (v *vigil) due() bool { return !v.end.IsZero() || v.failing && !v.saved }

// vigils are those of all targets.
type vigils struct {
	mu    sync.Mutex // protects the following; never held while something is written
	known map[string]*vigil
	// failed says that what was due last could not be kept.
	failed bool
	// wake has a value if something is due.
	wake chan struct{}
}

// Observe tells of a probe of a target that counts: a maintenance until it is healthy may end by it. It never waits for a disk.
func (r *Registry) Observe(target string, healthy bool, at time.Time) {
	o := r.state().overlays[target]
	if o == nil || o.Maintenance == nil || !o.Maintenance.UntilHealthy || !o.Maintenance.Contains(at) || !r.holds(target, o.Maintenance) {
		return
	}
	r.vigils.mu.Lock()
	defer r.vigils.mu.Unlock()
	v := r.vigils.known[target]
	if v == nil || v.period != o.Maintenance {
		v = &vigil{period: o.Maintenance, recovery: recovery{failing: o.SeenFailing}, saved: o.SeenFailing}
		r.vigils.known[target] = v
	}
	if v.see(healthy, at) && v.end.IsZero() {
		v.end = at
	}
	if v.due() {
		select {
		case r.vigils.wake <- struct{}{}:
		default: // it was woken already
		}
	}
}

// tendEvery is how often it is looked what has ended or is gone.
const tendEvery = 10 * time.Minute

// tend keeps what was observed, and drops what is over, until stop is closed.
func (r *Registry) tend(stop <-chan struct{}) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			r.settle()
		case <-r.vigils.wake:
			r.settle()
		}
	}
}

// settle makes an edit of what is due. What cannot be kept is tried again at the next observation of the target.
func (r *Registry) settle() {
	due := r.due()
	_, err := r.submit(context.Background(), func(w *work) error {
		for name, v := range due {
			w.settle(name, v)
		}
		w.expire()
		return nil
	})
	r.vigils.mu.Lock()
	defer r.vigils.mu.Unlock()
	failed := err != nil
	if failed && !r.vigils.failed { // once, not at every probe until it can be kept again
		r.options.Log.Error("What ends a maintenance cannot be kept", "err", err)
	}
	r.vigils.failed = failed
	for name, v := range due {
		if failed {
			break
		}
		if known := r.vigils.known[name]; known != nil && known.period == v.period {
			known.saved = known.saved || v.failing
		}
	}
}

// due returns a copy of what there is to keep, and forgets what is over.
func (r *Registry) due() map[string]vigil {
	overlays := r.state().overlays
	r.vigils.mu.Lock()
	defer r.vigils.mu.Unlock()
	due := map[string]vigil{}
	for name, v := range r.vigils.known {
		if overlays[name].period(Maintenance) != v.period {
			delete(r.vigils.known, name)
		} else if v.due() {
			due[name] = *v
		}
	}
	return due
}

// settle keeps what was observed of one target, unless its maintenance is another one by now.
func (w *work) settle(name string, v vigil) {
	o := w.overlays[name]
	if o == nil || o.Maintenance != v.period {
		return
	}
	if v.end.IsZero() {
		seen := *o
		seen.SeenFailing = true
		w.setOverlay(name, &seen)
		return
	}
	w.next()
	ended := *o.Maintenance
	ended.End = v.end.Round(0).UTC()
	w.replace(untilHealthy, name, Maintenance, &ended)
}
