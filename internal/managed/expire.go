package managed

import "time"

// keptAfter is for how long an overlay is kept after its end, since restarts look back, and after its target went.
const keptAfter = 24 * time.Hour

// expire drops the overlays that ended long ago, and those of targets that went long ago. When a target went is known since the
// exporter was started.
func (w *work) expire() {
	gone := w.r.gone
	for name := range gone {
		if _, ok := w.overlays[name]; !ok {
			delete(gone, name)
		}
	}
	for name, o := range w.overlays {
		for _, k := range []Kind{Mute, Maintenance} {
			if p := o.period(k); p != nil && w.now.Sub(p.End) >= keptAfter {
				o = o.with(k, nil)
				w.setOverlay(name, o)
			}
		}
		if o != nil && w.lost(name) {
			w.setOverlay(name, nil)
			delete(gone, name)
		}
	}
}

// lost reports whether a target went long ago.
func (w *work) lost(name string) bool {
	gone := w.r.gone
	source, _ := w.r.options.Owner(name)
	if _, managed := w.targets[name]; managed || source != "" {
		delete(gone, name)
		return false
	}
	since, known := gone[name]
	if !known {
		gone[name] = w.now
		return false
	}
	return w.now.Sub(since) >= keptAfter
}
