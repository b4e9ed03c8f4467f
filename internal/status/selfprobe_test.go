package status

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A world is targets, and who has probed them.
type world struct {
	mu     sync.Mutex // protects the following
	last   map[string]seen
	probes map[string][]time.Time // by whomever
	own    map[string]int
	under  map[string]bool
	late   []time.Duration

	takes func(name string) time.Duration
	mute  map[string]bool // a probe of these says nothing
}

type seen struct {
	at   time.Time
	took time.Duration
	own  bool
}

func newWorld() *world {
	return &world{
		last: map[string]seen{}, probes: map[string][]time.Time{}, own: map[string]int{}, under: map[string]bool{}, mute: map[string]bool{},
		takes: func(string) time.Duration { return time.Millisecond },
	}
}

func (w *world) prober() *SelfProber {
	return &SelfProber{
		Last: func(name string) (time.Time, time.Duration, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			s := w.last[name]
			return s.at, s.took, s.own
		},
		Probe: func(ctx context.Context, name string) { w.probe(ctx, name, true) },
		Late: func(d time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.late = append(w.late, d)
		},
	}
}

func (w *world) probe(ctx context.Context, name string, own bool) {
	began := time.Now()
	w.mu.Lock()
	if own && w.under[name] {
		panic("two probes of one target at a time")
	}
	w.under[name] = own
	w.probes[name] = append(w.probes[name], began)
	took := w.takes(name)
	w.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under[name] = false
	if own {
		w.own[name]++
	}
	if !w.mute[name] {
		w.last[name] = seen{began, took, own}
	}
}

func subjects(n int, interval time.Duration) (all []Subject) {
	for i := range n {
		all = append(all, Subject{fmt.Sprintf("target-%d", i), interval})
	}
	return all
}

// running runs p in a bubble, and lets it end with the test.
func running(t *testing.T, p *SelfProber) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// closest is the shortest time between two probes of a target, and longest the longest.
func gaps(times []time.Time) (closest, longest time.Duration) {
	closest = time.Hour
	for i := 1; i < len(times); i++ {
		d := times[i].Sub(times[i-1])
		closest, longest = min(closest, d), max(longest, d)
	}
	return closest, longest
}

// Alone, every target is probed at its interval, spread over time.
func TestSelfProbeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 30 * time.Second
		w := newWorld()
		p := w.prober()
		p.Give(subjects(300, interval))
		began := time.Now()
		running(t, p)
		time.Sleep(10 * interval)
		synctest.Wait()
		seconds, tenths := map[int64]int{}, map[time.Duration]int{}
		for name, times := range w.probes {
			if first := times[0].Sub(began); first > longestFirst {
				t.Errorf("%s is first probed after %s", name, first)
			}
			if closest, longest := gaps(times[:3]); closest < interval/2 || longest > 3*interval/2 {
				t.Errorf("%s is first probed from %s to %s apart, want half an interval to one and a half", name, closest, longest)
			}
			if closest, longest := gaps(times[2:]); closest < interval-time.Millisecond || longest > interval+time.Millisecond {
				t.Errorf("%s is probed from %s to %s apart, want %s", name, closest, longest, interval)
			}
			last := times[len(times)-1].Sub(began) % interval
			tenths[last*10/interval]++
			seconds[int64(times[0].Sub(began)/time.Second)]++
		}
		if len(w.probes) != 300 || len(seconds) < 4 {
			t.Errorf("%d of 300 targets are probed, in %d different seconds", len(w.probes), len(seconds))
		}
		for i := range time.Duration(10) {
			if n := tenths[i]; n < 15 || n > 50 {
				t.Errorf("%d of 300 targets are probed in tenth %d of the interval: they are not spread over it", n, i)
			}
		}
	})
}

// Who scrapes is not disturbed. Where he stops the exporter goes on within 2.5 intervals, and stops at once where he comes back.
func TestSelfProbeTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval, targets = 15 * time.Second, 50
		w := newWorld()
		p := w.prober()
		all := subjects(targets, interval)
		scrape := func(rounds int) {
			for range rounds {
				for _, s := range all {
					w.probe(t.Context(), s.Name, false)
					time.Sleep(interval/targets - time.Millisecond)
				}
			}
		}
		scrape(1)
		p.Give(all)
		running(t, p)
		scrape(20)
		w.mu.Lock()
		n := len(w.own)
		w.mu.Unlock()
		if n > 0 {
			t.Errorf("%d targets were probed while they were scraped", n)
		}
		time.Sleep(10 * interval)
		synctest.Wait()
		w.mu.Lock()
		for name, times := range w.probes {
			if _, longest := gaps(times); longest > 5*interval/2 {
				t.Errorf("%s was not probed for %s, want it within 2.5 intervals of %s", name, longest, interval)
			}
			if w.own[name] < 7 {
				t.Errorf("%s was probed %d times in ten intervals", name, w.own[name])
			}
		}
		for _, s := range all { // from here on the two may meet once
			w.probes[s.Name] = nil
			w.own[s.Name] = 0
		}
		w.mu.Unlock()
		scrape(20)
		w.mu.Lock()
		defer w.mu.Unlock()
		for name, n := range w.own {
			if n > 1 {
				t.Errorf("%s was probed %d times although it was scraped again", name, n)
			}
		}
	})
}

// Targets that hang delay no others.
func TestSelfProbeHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 15 * time.Second
		w := newWorld()
		hanging := map[string]bool{}
		all := subjects(1100, interval)
		for _, s := range all[:1000] {
			hanging[s.Name] = true
		}
		w.takes = func(name string) time.Duration {
			if hanging[name] {
				return 10 * time.Second
			}
			return 5 * time.Millisecond
		}
		p := w.prober()
		p.Give(all)
		running(t, p)
		time.Sleep(20 * interval)
		synctest.Wait()
		for _, s := range all[1000:] {
			if _, longest := gaps(w.probes[s.Name][2:]); longest > interval+interval/10 || len(w.probes[s.Name]) < 19 {
				t.Errorf("%s was probed %d times, up to %s apart, want %s", s.Name, len(w.probes[s.Name]), longest, interval)
			}
		}
		for name := range hanging {
			if len(w.probes[name]) < 10 {
				t.Errorf("%s was probed %d times in 20 intervals", name, len(w.probes[name]))
			}
		}
		slices.Sort(w.late)
		if p99 := w.late[len(w.late)*99/100]; p99 > interval/10 {
			t.Errorf("99 of 100 probes are up to %s late", p99)
		}
	})
}

// However little room there is, what hangs leaves some for the others.
func TestSelfProbeLittleRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		w := newWorld()
		w.takes = func(name string) time.Duration {
			if name == "quick" {
				return time.Millisecond
			}
			return 9 * time.Second
		}
		p := w.prober()
		p.AtOnce = 6
		p.Give(append(subjects(100, interval), Subject{"quick", interval}))
		running(t, p)
		time.Sleep(10 * time.Minute) // until all are known to be slow
		w.mu.Lock()
		w.probes["quick"] = nil
		w.mu.Unlock()
		time.Sleep(10 * interval)
		synctest.Wait()
		if _, longest := gaps(w.probes["quick"]); longest > interval+interval/10 || len(w.probes["quick"]) < 9 {
			t.Errorf("the quick one was probed %d times, up to %s apart", len(w.probes["quick"]), longest)
		}
	})
}

// A probe that says nothing about its target, such as one for want of a file, is made again after an interval and not at once.
func TestSelfProbeInconclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.mute["target-0"] = true
		p := w.prober()
		p.Give(subjects(1, time.Minute))
		running(t, p)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := w.own["target-0"]; n < 9 || n > 11 {
			t.Errorf("it was probed %d times in ten minutes", n)
		}
	})
}

// Targets come, change their interval and go.
func TestSelfProbeGive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.prober()
		running(t, p)
		time.Sleep(time.Minute)
		p.Give(subjects(2, time.Minute))
		time.Sleep(10 * time.Minute)
		p.Give(subjects(1, 10*time.Second))
		time.Sleep(time.Second) // for a probe under way
		synctest.Wait()
		w.mu.Lock()
		before, gone := w.own["target-0"], w.own["target-1"]
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := w.own["target-0"] - before; n < 58 || n > 61 {
			t.Errorf("with another interval it was probed %d times in ten minutes, want 60", n)
		}
		if n := w.own["target-1"]; n != gone || gone < 9 {
			t.Errorf("the one that is gone was probed %d times, and %d before", n-gone, gone)
		}
	})
}
