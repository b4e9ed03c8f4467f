package restart

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// simulatedFleet is n services that are healthy and armed.
func simulatedFleet(n int, change func(i int, s *Service)) (all []*simulated, services []Service) {
	for i := range n {
		s := &simulated{helps: true, takes: time.Second}
		service := s.service(strconv.Itoa(i), fmt.Sprintf("http://127.0.0.1:%d/", i+1))
		if change != nil {
			change(i, &service)
		}
		all, services = append(all, s), append(services, service)
	}
	return all, services
}

func restartsOf(all []*simulated) int {
	n := 0
	for _, s := range all {
		n += int(s.restarts.Load())
	}
	return n
}

// When many services fail at once none is restarted, not even the first that somebody complains about; later they are.
func TestBrake(t *testing.T) {
	large := 1000
	if raceEnabled {
		large = 100 // it takes a minute
	}
	for _, tt := range []struct {
		name           string
		fleet, failing int
		group          int // how many are in the group
		braked         bool
	}{
		{"5 of 10", 10, 5, 0, true},
		{"3 of 10", 10, 3, 0, false},
		{"3 of 3", 3, 3, 0, true},
		{fmt.Sprintf("20 of %d in one group", large), large, 20, 20, true},
		{"9 of 100", 100, 9, 0, false},
		{"2 of 10, all of a group", 10, 2, 2, true},
		{"2 of 10, in a larger group", 10, 2, 3, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all, services := simulatedFleet(tt.fleet, func(i int, s *Service) {
					if i < tt.group {
						s.Group = "rack"
					}
				})
				c, _, stop := watch(t, io.Discard, services...)
				defer stop()
				time.Sleep(3 * time.Minute)
				for i := range tt.failing {
					all[i].broken.Store(true)
				}
				for i := range tt.failing {
					firing(c, services[i].Checks[0].Target)
				}
				time.Sleep(4 * time.Minute)
				if n := restartsOf(all); (n == 0) != tt.braked {
					t.Errorf("restarted %d times, want that it is braked: %t", n, tt.braked)
				}
				on := false
				for _, b := range c.fleet.brakes(time.Now()) {
					on = on || b
				}
				if on != tt.braked {
					t.Errorf("braked %t, want %t", on, tt.braked)
				}
				if !tt.braked {
					return
				}
				// All but one are repaired by themselves: the brake is released, and that one is restarted.
				for i := 1; i < tt.failing; i++ {
					all[i].broken.Store(false)
				}
				if tt.failing < 5 { // one of them would still be too many
					all[0].broken.Store(false)
					time.Sleep(10 * time.Minute)
					all[0].broken.Store(true)
				}
				firing(c, services[0].Checks[0].Target)
				time.Sleep(10 * time.Minute)
				if n := restartsOf(all); n != 1 {
					t.Errorf("restarted %d times after the release, want the one that is still down", n)
				}
			})
		})
	}
}

// Services are restarted one after the other, and not more of them than the fleet allows.
func TestOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, services := simulatedFleet(40, func(_ int, s *Service) { s.Policy.VerifyProbes = 10 })
		c, _, stop := watch(t, io.Discard, services...)
		defer stop()
		time.Sleep(3 * time.Minute)
		for i := range 8 {
			all[i].broken.Store(true)
			firing(c, services[i].Checks[0].Target)
		}
		most := 0
		for range 10 * 60 {
			time.Sleep(time.Second)
			under := 0
			for _, e := range c.Services() {
				if e.State.InFlight() {
					under++
				}
			}
			most = max(most, under)
		}
		if n := restartsOf(all); most != 1 || n != 5 {
			t.Errorf("restarted %d, %d at a time; want the 5 that the fleet allows, one at a time", n, most)
		}
		time.Sleep(15 * time.Minute)
		if n := restartsOf(all); n != 8 {
			t.Errorf("restarted %d in the end, want all", n)
		}
	})
}

// A service is not restarted for the failure of another one that it needs.
func TestDependsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, services := simulatedFleet(2, func(i int, s *Service) {
			if i == 0 {
				s.DependsOn = []string{"1"}
			}
		})
		c, _, stop := watch(t, io.Discard, services...)
		defer stop()
		time.Sleep(3 * time.Minute)
		all[0].broken.Store(true)
		all[1].broken.Store(true)
		firing(c, services[0].Checks[0].Target)
		time.Sleep(10 * time.Minute)
		if restartsOf(all) != 0 {
			t.Errorf("restarted %d times while what it needs is down", restartsOf(all))
		}
		all[1].broken.Store(false)
		time.Sleep(time.Minute)
		if all[0].restarts.Load() != 1 {
			t.Errorf("restarted %d times afterwards, want once", all[0].restarts.Load())
		}
	})
}

// Labels of the configuration select a service instead of the name of a check.
func TestMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, services := simulatedFleet(3, func(i int, s *Service) {
			if i < 2 {
				s.Match = map[string]string{"team": "shop", "tier": []string{"web", "db"}[i]}
			}
		})
		c, _, stop := watch(t, io.Discard, services...)
		defer stop()
		synctest.Wait()
		for _, tt := range []struct {
			labels map[string]string
			want   string
		}{
			{map[string]string{"team": "shop", "tier": "web", "instance": "x"}, "0"},
			{map[string]string{"team": "shop", "tier": "db"}, "1"},
			{map[string]string{"team": "shop"}, ""},
			{map[string]string{"instance": "http://127.0.0.1:1/"}, ""},
			{map[string]string{"instance": "http://127.0.0.1:3/"}, "2"},
		} {
			var names []string
			for _, u := range c.find(tt.labels) {
				names = append(names, u.name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("%v selects %q, want %q", tt.labels, got, tt.want)
			}
		}
	})
}

// How attempts end that did not go as they should.
func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(s *simulated)
		outcome policy.Outcome
		phase   policy.Phase
	}{
		{"refused", func(s *simulated) { s.refuses = true }, policy.OutcomeRefused, policy.PhaseRefused},
		{"not restarted, but healthy", func(s *simulated) { s.status.Store(&Status{Identity: "1"}) }, policy.OutcomeIdentityUnchanged, policy.PhaseBackoff},
		{"not helped", func(s *simulated) { s.helps = false }, policy.OutcomeNotRecovered, policy.PhaseBackoff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{helps: true}, newNotebook()
				tt.change(s)
				c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
				time.Sleep(3 * time.Minute)
				s.broken.Store(true)
				firing(c, shopTarget)
				time.Sleep(3 * time.Minute)
				phase := c.Services()[0].Phase
				stop()
				var got policy.Outcome
				for i := range n.records {
					got += n.records[i].Decision.Outcome
				}
				if got != tt.outcome || phase != tt.phase {
					t.Errorf("it ended with %q in phase %s, want %q and %s", got, phase, tt.outcome, tt.phase)
				}
			})
		})
	}
}
