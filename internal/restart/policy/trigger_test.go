package policy

import (
	"strconv"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// withoutAlert is the policy of a service that needs no alert.
func withoutAlert() Policy {
	p := testPolicy()
	p.WithoutAlertAfter = 2 * time.Minute
	return p
}

// A service asks for a restart by itself when one row of failures that a restart repairs lasts for long enough.
func TestWithoutAlert(t *testing.T) {
	lacking := Evidence{Reason: prober.ReasonLocalResource}
	down := func(r *run, d time.Duration) { r.probes(int(d/(15*time.Second)), 15*time.Second, refused) }
	for _, tt := range []struct {
		name string
		do   func(r *run)
		want int
	}{
		{"down for as long", func(r *run) { down(r, 135*time.Second) }, 1},
		{"a little shorter", func(r *run) { down(r, 105*time.Second) }, 0},
		{"turned off", func(r *run) { r.policy.WithoutAlertAfter = 0; down(r, time.Hour) }, 0},
		{"a 404", func(r *run) { r.probes(100, 15*time.Second, status(404)) }, 0},
		{"too small a part of it", func(r *run) { r.probes(100, 15*time.Second, partly(1, 4)) }, 0},
		{"for want of our own resources", func(r *run) { r.probes(100, 15*time.Second, lacking) }, 0},
		{"healthy in between", func(r *run) {
			for range 20 {
				down(r, 105*time.Second)
				r.probe(healthy)
				r.wait(15 * time.Second)
			}
		}, 0},
		{"a 404 in between", func(r *run) {
			for range 20 {
				down(r, 105*time.Second)
				r.probe(status(404))
				r.wait(15 * time.Second)
			}
		}, 0},
		{"lacked something in between", func(r *run) { down(r, time.Minute); r.probe(lacking); down(r, 90*time.Second) }, 1},
		{"nobody looked in between", func(r *run) {
			for range 20 {
				down(r, 105*time.Second)
				r.wait(r.policy.ProbeGap)
			}
		}, 0},
		{"only lacked something for long in between", func(r *run) {
			for range 20 {
				down(r, 105*time.Second)
				r.probes(10, 15*time.Second, lacking)
			}
		}, 0},
		{"the exporter ends in between", func(r *run) {
			for range 20 {
				down(r, 105*time.Second)
				r.event(Event{Started: &Definition{Checks: r.state.Definition}})
			}
		}, 0},
		{"the clock jumps in between", func(r *run) {
			down(r, time.Minute)
			r.wait(time.Hour)
			r.event(Event{Probed: &refused, Jump: time.Hour})
			down(r, time.Minute)
		}, 0},
		{"other checks in between", func(r *run) {
			for i := range 20 {
				down(r, 105*time.Second)
				r.event(Event{Redefined: &Definition{Checks: strconv.Itoa(i)}})
				r.state.Armed = true
			}
		}, 0},
		{"turned on meanwhile", func(r *run) {
			r.policy.WithoutAlertAfter = 0
			down(r, time.Hour)
			r.policy.WithoutAlertAfter = 2 * time.Minute
			down(r, 105*time.Second)
		}, 0},
		{"turned on long ago", func(r *run) {
			r.policy.WithoutAlertAfter = 0
			down(r, time.Minute)
			r.policy.WithoutAlertAfter = 2 * time.Minute
			down(r, 135*time.Second)
		}, 1},
		{"an alert, too", func(r *run) { r.alert(); down(r, 5*time.Minute) }, 1},
		{"the alert is resolved", func(r *run) {
			r.event(Event{Paused: &Pause{Until: r.now.Add(3 * time.Minute), Who: "jo", Reason: "test"}})
			r.alert()
			down(r, 150*time.Second)
			r.resolved("1")
			down(r, 2*time.Minute)
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, withoutAlert()).arm()
			tt.do(r)
			if got := r.restarts(); got != tt.want {
				t.Errorf("restarted %d times, want %d; the state is %+v", got, tt.want, r.state)
			}
		})
	}
}

// What asks for a restart is the first of them that does, and stays that of the attempt.
func TestTrigger(t *testing.T) {
	jo := &Operator{Who: "jo", Reason: "cron"}
	for _, tt := range []struct {
		name string
		ask  func(r *run)
		want Trigger
	}{
		{"own checks", func(*run) {}, TriggerOwnChecks},
		{"a request", func(r *run) { r.event(Event{Requested: jo}) }, TriggerRequest},
		{"an alert", func(r *run) { r.alert() }, TriggerAlert},
		{"all", func(r *run) { r.event(Event{Requested: jo}); r.alert() }, TriggerAlert},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, withoutAlert()).arm()
			if got := r.state.Trigger(); got != "" {
				t.Errorf("healthy, and %q asks", got)
			}
			r.world.Maintenance.Name = "window"
			r.probes(10, 15*time.Second, refused)
			tt.ask(r)
			if got := r.state.Trigger(); got != tt.want || r.state.Phase() != PhaseSuspect {
				t.Errorf("%q asks in phase %s, want %q and suspect", got, r.state.Phase(), tt.want)
			}
			r.world.Maintenance.Name = ""
			if d := r.probe(refused); !d.Restart {
				t.Fatalf("decided %+v, want a restart", d)
			}
			r.executed(Executed{})
			r.resolved("1")
			if got := r.state.Trigger(); got != tt.want {
				t.Errorf("being verified, %q has asked, want %q", got, tt.want)
			}
			r.probes(10, 15*time.Second, healthy)
			if r.state.OwnDemand || !r.state.DownSince.IsZero() {
				t.Errorf("healthy, and still asks: %+v", r.state)
			}
		})
	}
}

// What its own checks ask for leaves no alert behind, and is not asked for again where the mode only observes.
func TestOwnDemandIsNotAnAlert(t *testing.T) {
	p := withoutAlert()
	p.Mode = ModeObserve
	r := newRun(t, p).arm()
	r.probes(40, 15*time.Second, refused)
	r.alert()
	r.probes(10, 15*time.Second, refused)
	r.resolved("1")
	r.probes(10, 15*time.Second, refused)
	would := 0
	for _, d := range r.decisions {
		if d.WouldRestart {
			would++
		}
	}
	if would != 1 {
		t.Errorf("would restart %d times, want once", would)
	}
	r.probe(status(404))
	if r.state.Demanded() || r.state.Hold != "" || r.state.Phase() != PhaseIdle || len(r.state.Demands) > 0 {
		t.Errorf("it fails as no restart repairs it, and is %s, held by %q, with %+v", r.state.Phase(), r.state.Hold, r.state.Demands)
	}
}

// What is down because the network of the exporter was has to fail for as long again.
func TestWithoutAlertAfterTheNetwork(t *testing.T) {
	r := newRun(t, withoutAlert()).arm()
	quietly := quiet(refused)
	r.network = Network{Out: true}
	r.probes(40, 15*time.Second, quietly)
	r.network = Network{Detail: "a sentinel answers"}
	r.probes(7, 15*time.Second, quietly)
	if r.restarts() != 0 {
		t.Errorf("restarted %d times right after the network was back", r.restarts())
	}
	r.probes(4, 15*time.Second, quietly)
	if r.restarts() != 1 {
		t.Errorf("restarted %d times, want once: held by %q", r.restarts(), r.state.Hold)
	}
}

// A row of failures is only kept where it may ask for a restart: the states of others stay as they were.
func TestDownSinceIsOptional(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.probes(40, 15*time.Second, refused)
	if !r.state.DownSince.IsZero() || r.policy.OwnChecksAt(&r.state) != (time.Time{}) {
		t.Errorf("without the rule a row is kept: %+v", r.state)
	}
	r.policy = withoutAlert()
	r.probe(refused)
	if got, want := r.policy.OwnChecksAt(&r.state), r.state.DownSince.Add(2*time.Minute); !got.Equal(want) {
		t.Errorf("its checks will ask at %s, want %s", got, want)
	}
}
