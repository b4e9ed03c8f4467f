package status

import (
	"testing"
	"testing/synctest"
	"time"
)

// A target that is taken away and given again while it is probed is not probed a second time beside that. The same with another
// interval is the same target.
func TestSelfProbeGiveWhileProbing(t *testing.T) {
	for name, steps := range map[string][][]Subject{
		"interval": {subjects(1, 20*time.Second), subjects(1, 40*time.Second)},
		"gone":     {nil, subjects(1, 30*time.Second)},
		"flicker":  {nil, subjects(1, 30*time.Second), nil, subjects(1, 30*time.Second)},
		"off":      {nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.takes = func(string) time.Duration { return 25 * time.Second }
				p := w.prober()
				p.Give(subjects(1, 30*time.Second))
				running(t, p)
				time.Sleep(longestFirst + time.Second)
				for _, all := range steps {
					p.Give(all)
					time.Sleep(2 * time.Second)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				w.mu.Lock()
				defer w.mu.Unlock()
				if n, stays := w.own["target-0"], steps[len(steps)-1] != nil; stays != (n > 5) {
					t.Errorf("it was probed %d times in ten minutes; given at the end: %t", n, stays)
				}
			})
		})
	}
}

// What the exporter remembers from before it was started, or before a target was given, does not make it probe everything at
// once.
func TestSelfProbeSpreadsTheFirst(t *testing.T) {
	for name, known := range map[string]time.Duration{"unknown": 0, "remembered": time.Hour} {
		for _, after := range []time.Duration{0, 10 * time.Minute} {
			t.Run(name+" "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					p := w.prober()
					all := subjects(300, 30*time.Second)
					for _, s := range all {
						if known > 0 {
							w.last[s.Name] = seen{at: time.Now().Add(-known), took: time.Millisecond}
						}
					}
					running(t, p)
					time.Sleep(after)
					p.Give(all)
					given := time.Now()
					time.Sleep(longestFirst)
					synctest.Wait()
					w.mu.Lock()
					defer w.mu.Unlock()
					seconds := map[int64]int{}
					for _, times := range w.probes {
						seconds[int64(times[0].Sub(given)/time.Second)]++
					}
					if len(w.probes) != 300 || len(seconds) < 4 {
						t.Errorf("%d of 300 targets are probed, in %d different seconds", len(w.probes), len(seconds))
					}
				})
			})
		}
	}
}

// A clock that is set back, by however much, holds no probe back: neither those that wait, nor those made later.
func TestSelfProbeClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Millisecond, time.Minute, 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const interval = 30 * time.Second
				w := newWorld()
				p := w.prober()
				p.Give(subjects(50, interval))
				running(t, p)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				w.mu.Lock()
				for name, s := range w.last { // as if the clock had been ahead so far
					s.at = s.at.Add(back)
					w.last[name] = s
				}
				clear(w.probes)
				w.mu.Unlock()
				set := time.Now()
				time.Sleep(10 * interval)
				synctest.Wait()
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, s := range subjects(50, interval) {
					times := w.probes[s.Name]
					if len(times) < 8 || times[0].Sub(set) > 3*interval {
						t.Errorf("%s was probed %d times in ten intervals", s.Name, len(times))
					}
				}
			})
		})
	}
}
