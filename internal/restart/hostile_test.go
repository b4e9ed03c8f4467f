package restart

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Of two alerts for one service one is resolved, and before, between or after that the exporter is restarted or loads its
// configuration anew: the other one remains a demand, and the service is repaired when it fails.
func TestDemandOutlastsTheExporter(t *testing.T) {
	type step string
	const first, second, over, reload, restart = "first fires", "second fires", "first is over", "reload", "restart"
	story := []step{first, second, over}
	for _, between := range []step{reload, restart} {
		for at := range len(story) + 1 {
			steps := slices.Insert(slices.Clone(story), at, between)
			t.Run(fmt.Sprintf("%s at %d", between, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, n := &simulated{helps: true}, newNotebook()
					service := s.service("shop", shopTarget)
					c, _, stop := watchWith(t, n, io.Discard, service)
					time.Sleep(3 * time.Minute)
					tell := func(prometheus string, resolved bool) {
						labels := map[string]string{"instance": shopTarget, "prometheus": prometheus}
						if selected, err := c.Handle(labels, policy.Alert{Resolved: resolved}); !selected || err != nil {
							t.Fatalf("the alert of %s: selected %t, %v", prometheus, selected, err)
						}
					}
					for _, do := range steps {
						switch do {
						case first:
							tell("a", false)
						case second:
							tell("b", false)
						case over:
							tell("a", true)
						case reload:
							c.Apply(configured(s.service("shop", shopTarget)))
						case restart:
							stop()
							c, _, stop = watchWith(t, n, io.Discard, s.service("shop", shopTarget))
						}
						time.Sleep(time.Second)
					}
					time.Sleep(5 * time.Minute) // well for long, and the warm-up is over
					if demands := c.Services()[0].State.Demands; len(demands) != 1 {
						t.Errorf("%d demands are left, want that of the other alert: %+v", len(demands), demands)
					}
					s.broken.Store(true)
					time.Sleep(2 * time.Minute)
					stop()
					if got := s.restarts.Load(); got != 1 {
						t.Errorf("restarted %d times, want once", got)
					}
				})
			})
		}
	}
}

// A remnant is a service that is down for good and that no restart brings back.
type remnant struct {
	name   string
	unlike func(s *simulated) // a service that can be repaired
	asked  bool               // an alert asks for its restart
	window bool               // a maintenance window of it is open
	passes bool               // it keeps nobody waiting even while it has just begun to fail
}

var remnants = []remnant{
	{name: "locked out", unlike: func(s *simulated) { s.helps = false }, asked: true},
	{name: "refused", unlike: func(s *simulated) { s.refuses = true }, asked: true},
	{name: "nobody asks", unlike: func(*simulated) {}},
	{name: "not repairable", unlike: func(s *simulated) { s.reason = prober.ReasonTLSExpired }, asked: true, passes: true},
	{name: "in maintenance", unlike: func(*simulated) {}, asked: true, window: true, passes: true},
	{
		name: "stopped", asked: true, passes: true,
		unlike: func(s *simulated) { s.status.Store(&Status{Identity: "1", Unfit: UnfitStopped, Detail: "by jo"}) },
	},
}

// A disaster is a fleet in which some become remnants, one after the other. Then one more fails, that a restart repairs.
type disaster struct {
	fleet    int
	remnants []remnant
	wave     bool          // all fail at once and recover, before that
	gap      time.Duration // from each to the next, and to the new failure
}

// repaired is how long the new failure takes to be repaired; 0: it is not.
func (d *disaster) repaired(t *testing.T) (after time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		all, services := simulatedFleet(d.fleet, nil)
		for i, r := range d.remnants {
			r.unlike(all[i])
			services[i].Maintenance = func(time.Time) policy.Window {
				if r.window && all[i].broken.Load() {
					return policy.Window{Name: "night"}
				}
				return policy.Window{}
			}
		}
		c, _, stop := watch(t, io.Discard, services...)
		defer stop()
		time.Sleep(3 * time.Minute)
		if d.wave { // all fail, and recover
			for i, s := range all {
				s.broken.Store(true)
				firing(c, services[i].Checks[0].Target)
			}
			time.Sleep(time.Minute)
			for _, s := range all {
				s.broken.Store(false)
			}
		}
		for i, r := range d.remnants {
			all[i].broken.Store(true)
			if r.asked {
				firing(c, services[i].Checks[0].Target)
			}
			time.Sleep(d.gap)
		}
		last := d.fleet - 1
		all[last].broken.Store(true)
		firing(c, services[last].Checks[0].Target)
		began := time.Now()
		for time.Since(began) < 3*time.Hour {
			time.Sleep(5 * time.Second)
			if all[last].restarts.Load() > 0 {
				after = time.Since(began)
				return
			}
		}
		e, err := c.Service(strconv.Itoa(last))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range e.Guards {
			if g.Guard == e.Hold {
				t.Logf("held by %s: %s", g.Guard, g.Value)
			}
		}
	})
	return after
}

// What is left over of earlier trouble keeps no other service from its repair, in fleets of any size.
func TestRemnantsHoldNobody(t *testing.T) {
	const soon, braked = 2 * time.Minute, 12 * time.Minute
	check := func(name string, d disaster, within time.Duration) {
		t.Run(name, func(t *testing.T) {
			if after := d.repaired(t); after == 0 || after > within {
				t.Errorf("repaired after %s, want within %s", after, within)
			}
		})
	}
	for fleet := 1; fleet <= 10; fleet++ {
		check(fmt.Sprintf("none of %d", fleet), disaster{fleet: fleet}, soon)
		for _, r := range remnants {
			if fleet < 2 {
				continue
			}
			name := fmt.Sprintf("%s of %d", r.name, fleet)
			check(name, disaster{fleet, []remnant{r}, false, 30 * time.Minute}, soon)
			check(name+" after a wave", disaster{fleet, []remnant{r}, true, 30 * time.Minute}, soon)
			if r.passes {
				check(name+" at the same time", disaster{fleet, []remnant{r}, false, 0}, braked)
				check(name+" a moment before", disaster{fleet, []remnant{r}, false, 2 * time.Minute}, braked)
			}
		}
		if len(remnants) < fleet {
			name := fmt.Sprintf("each of %d", fleet)
			check(name, disaster{fleet, remnants, false, 10 * time.Minute}, soon)
			check(name+" after a wave", disaster{fleet, remnants, true, 10 * time.Minute}, soon)
		}
	}
}

// A maintenance window that was open since a lock-out, and that ends while the exporter is not running, gives one more attempt.
func TestWindowEndsWithoutTheExporter(t *testing.T) {
	const never = 1000 * time.Hour
	for _, tt := range []struct {
		name          string
		opens, closes time.Duration // after the lock-out was seen; half an hour after that the exporter ends, for 5 hours
		attempts      int32
	}{
		{"none", never, never, 2},
		{"seen to open", 10 * time.Minute, time.Hour, 3},
		{"not seen at all", time.Hour, 2 * time.Hour, 3},
		{"of a minute, not seen at all", time.Hour, time.Hour + time.Minute, 3},
		{"still open", time.Hour, never, 2},
		{"before the lock-out", -33 * time.Minute, -31 * time.Minute, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{}, newNotebook()
				locked := time.Now().Add(33 * time.Minute)
				service := s.service("shop", shopTarget)
				service.Maintenance = func(now time.Time) policy.Window {
					if now.Before(locked.Add(tt.opens)) || !now.Before(locked.Add(tt.closes)) {
						return policy.Window{}
					}
					return policy.Window{Name: "night"}
				}
				c, _, stop := watchWith(t, n, io.Discard, service)
				time.Sleep(3 * time.Minute)
				s.broken.Store(true)
				firing(c, shopTarget)
				time.Sleep(time.Until(locked))
				if e := c.Services()[0]; !e.State.LockedOut || s.restarts.Load() != 2 {
					t.Fatalf("locked out: %t after %d restarts, want after 2", e.State.LockedOut, s.restarts.Load())
				}
				time.Sleep(30 * time.Minute)
				stop()
				time.Sleep(5 * time.Hour)
				s.helps = true
				c, _, stop = watchWith(t, n, io.Discard, service)
				time.Sleep(time.Second)
				firing(c, shopTarget) // Alertmanager repeats it
				time.Sleep(10 * time.Minute)
				e := c.Services()[0]
				stop()
				if s.restarts.Load() != tt.attempts || e.State.LockedOut != (tt.attempts == 2) {
					t.Errorf("restarted %d times, locked out: %t, want %d", s.restarts.Load(), e.State.LockedOut, tt.attempts)
				}
			})
		})
	}
}

// A bother is what happens again and again while a back-end refuses every restart.
type bother struct {
	name    string
	every   time.Duration
	happens string
	most    int // attempts in a day
}

// day has it happen for a day, and counts how often the back-end was asked for its unit and for a restart.
func (b *bother) day(t *testing.T) (looks, attempts int) {
	s, n := &simulated{refuses: true}, newNotebook()
	s.status.Store(&Status{Identity: "1", Running: true})
	configuration := func() Configuration {
		service := s.service("shop", shopTarget)
		service.BackendDefinition = "shop"
		return configured(service)
	}
	c, _, stop := watchWith(t, n, io.Discard, configuration().Services...)
	defer func() { stop() }() //nolint:gocritic // it is another one by then
	time.Sleep(3 * time.Minute)
	s.broken.Store(true)
	firing(c, shopTarget)
	told := time.Now()
	for began := time.Now(); time.Since(began) < 24*time.Hour; {
		time.Sleep(b.every)
		if time.Since(told) >= 30*time.Minute || b.happens == "alert" {
			firing(c, shopTarget)
			told = time.Now()
		}
		switch b.happens {
		case "reload":
			c.Apply(configuration())
		case "restart":
			stop()
			c, _, stop = watchWith(t, n, io.Discard, configuration().Services...)
		case "well":
			s.broken.Store(false)
			time.Sleep(3 * time.Minute)
			s.broken.Store(true)
		}
	}
	synctest.Wait()
	if phase := c.Services()[0].Phase; s.restarts.Load() != 0 || phase == policy.PhaseLockedOut {
		t.Errorf("restarted %d times, phase %s", s.restarts.Load(), phase)
	}
	return int(s.looks.Load()), int(s.asked.Load())
}

// A back-end that always refuses is not asked again and again, whatever else happens to the exporter.
func TestRefusalsAreNoLoop(t *testing.T) {
	for _, b := range []bother{
		// Attempts after 0, 5, 15, 35 and 75 minutes, and then every hour.
		{"nothing", time.Hour, "", 28},
		{"reloads", time.Minute, "reload", 28},
		{"restarts of the exporter", time.Hour, "restart", 28},
		{"alerts", 10 * time.Second, "alert", 28},
		// It is well for long enough to begin a new row: then there is one in a cool-down.
		{"it is well in between", 10 * time.Minute, "well", 24 * 12},
	} {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks, attempts := b.day(t)
				t.Logf("%d looks, %d attempts in a day", looks, attempts)
				if attempts > b.most || attempts < 10 {
					t.Errorf("%d attempts in a day, want at most %d, and some", attempts, b.most)
				}
				if looks > 2*b.most {
					t.Errorf("the back-end was asked for its unit %d times in a day, want at most %d", looks, 2*b.most)
				}
			})
		})
	}
}
