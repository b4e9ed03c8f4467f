package app

import "time"

// loadEvery is the least time from the beginning of one load of the configuration to that of the next: anybody may ask
// for one.
const loadEvery = time.Second

// A load is one that has not begun yet. All who ask for it until then share it, so that nobody gets the outcome of one that
// began before he asked.
type load struct {
	asked bool          // for its own sake, and not only in case a file has changed
	done  chan struct{} // closed at the end, after which err is set
	err   error
}

// Reload loads the configuration again. On error the old one goes on serving; the error is logged as well, since
// a signal has nobody to return it to. It may wait for loadEvery, and for a load that is under way.
func (a *App) Reload() error { return a.share(true) }

// reloadChanged loads the configuration if it, or a file that it names, is not what it was at the last load. A
// broken configuration is tried again every time, since only it names the files that could mend it; it is reported
// once for every kind of breakage, and not every time the clock ticks.
func (a *App) reloadChanged() { _ = a.share(false) }

// share takes part in the next load, and does it if nobody else does.
func (a *App) share(asked bool) error {
	a.mu.Lock()
	if a.stage == stageStopped {
		a.mu.Unlock()
		return ErrStopped
	}
	l, first := a.next, a.next == nil
	if first {
		l = &load{done: make(chan struct{})}
		a.next = l
	}
	l.asked = l.asked || asked
	wait := time.Until(a.loaded.Add(a.loadEvery))
	a.mu.Unlock()
	if first {
		a.perform(l, wait)
	}
	<-l.done
	return l.err
}

// perform does a load when it is time.
func (a *App) perform(l *load, wait time.Duration) {
	defer close(l.done)
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-a.stopping:
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = nil // who asks from here on gets another one
	if a.stage == stageStopped {
		l.err = ErrStopped
		return
	}
	before, changed := a.whyBroken(), l.asked || a.seen.changed()
	if !changed && before == nil {
		return
	}
	l.err = a.apply()
	if changed || l.err == nil || l.err.Error() != before.Error() {
		a.tellLoad(l.err)
	}
}

// whyBroken is why the last load failed; nil: it did not.
func (a *App) whyBroken() error {
	if err := a.broken.Load(); err != nil {
		return *err
	}
	return nil
}
