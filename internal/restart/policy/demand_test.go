package policy

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"time"
)

func (r *run) told(key string, started time.Duration) {
	r.event(Event{Told: &Alert{Key: key, StartsAt: start.Add(started)}})
}

func (r *run) resolved(key string) {
	r.event(Event{Told: &Alert{Key: key, Resolved: true, EndsAt: start.Add(60)}})
}

// failAgain has a service be well for as long as closes an episode, and fail again.
func (r *run) failAgain() (restarted bool) {
	r.probes(10, 15*time.Second, healthy)
	n := r.restarts()
	r.probes(10, time.Second, refused)
	return r.restarts() > n
}

// What was told as firing and not as resolved is a demand, whatever the service's own probes found in between.
func TestDemand(t *testing.T) {
	for _, tt := range []struct {
		name string
		told func(r *run)
		want bool
	}{
		{"nothing", func(*run) {}, false},
		{"firing", func(r *run) { r.told("1", 0) }, true},
		{"resolved", func(r *run) { r.told("1", 0); r.resolved("1") }, false},
		{"fires again", func(r *run) { r.told("1", 0); r.resolved("1"); r.told("1", 90) }, true},
		{"resolved, of an earlier failure, comes late", func(r *run) { r.told("1", 90); r.resolved("1") }, true},
		{"resolved without a time", func(r *run) { r.told("1", 90); r.event(Event{Told: &Alert{Key: "1", Resolved: true}}) }, false},
		{"resolved twice", func(r *run) { r.told("1", 0); r.resolved("1"); r.resolved("1") }, false},
		{"one of two is resolved", func(r *run) { r.told("1", 0); r.told("2", 0); r.resolved("1") }, true},
		{"both are", func(r *run) { r.told("1", 0); r.told("2", 0); r.resolved("1"); r.resolved("2") }, false},
		{"another one is resolved", func(r *run) { r.told("1", 0); r.resolved("2") }, true},
		{"told as earlier versions did", func(r *run) { r.event(Event{Alerted: true}) }, true},
		{"told so, and resolved", func(r *run) { r.event(Event{Alerted: true}); r.resolved("1") }, false},
		{"told long ago", func(r *run) { r.told("1", 0); r.wait(r.policy.SuspectTime) }, false},
		{"one of two was told long ago", func(r *run) {
			r.told("1", 0)
			r.wait(r.policy.SuspectTime / 2)
			r.told("2", 0)
			r.wait(r.policy.SuspectTime / 2)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, testPolicy()).arm()
			tt.told(r)
			if got := r.failAgain(); got != tt.want {
				t.Errorf("restarted: %t, want %t", got, tt.want)
			}
		})
	}
}

// A service that was restarted, was well and fails again is restarted again while the alert fires, when the pause is over.
func TestDemandOutlastsRecovery(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.told("1", 0)
	for n := 1; n <= 2; n++ {
		for r.restarts() < n {
			r.wait(time.Second)
			if r.now.Sub(start) > time.Hour {
				t.Fatalf("restarted %d times, held by %q in phase %s", r.restarts(), r.state.Hold, r.state.Phase())
			}
			r.probe(refused)
		}
		r.executed(Executed{})
		r.probes(10, 15*time.Second, healthy)
	}
}

// A service remembers so many demands, and writes a repetition once in a while.
func TestDemandsAreBounded(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	for i := range 10 * maxDemands {
		r.told(strconv.Itoa(i), 0)
		r.wait(time.Millisecond)
	}
	if n := len(r.state.Demands); n != maxDemands || r.state.Demands[0].Key != strconv.Itoa(9*maxDemands) {
		t.Errorf("%d demands are remembered, the first is %+v, want the last %d", n, r.state.Demands[0], maxDemands)
	}
	writes := 0
	for range 600 {
		before := r.state
		r.told("319", 0)
		r.wait(time.Second)
		if !before.SameDurable(&r.state) {
			writes++
		}
	}
	if writes > 10 {
		t.Errorf("an alert that is repeated for 10 minutes is written %d times, want once a minute", writes)
	}
}

// A state of the version before demands loads, and what was an open episode is demanded.
func TestStateOfEarlierVersion(t *testing.T) {
	const text = `{"seen":"2026-03-29T00:00:00Z","definition":"x","armed":true,"failures":3,"calm":0,
		"failing_since":"2026-03-28T23:59:00Z","last_probe":"2026-03-29T00:00:00Z","last":{"reason":"connect_refused"},
		"episode_at":"2026-03-28T23:59:00Z","alerted_at":"2026-03-28T23:59:00Z","hold":"cooldown","attempts":["2026-03-28T23:00:00Z"]}`
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	var s State
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	r := newRun(t, testPolicy())
	r.state = s
	r.wait(time.Second)
	if d := r.probe(refused); !d.Restart {
		t.Errorf("the decision is %+v in phase %s, want a restart", d, r.state.Phase())
	}
}
