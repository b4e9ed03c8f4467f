package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// failing is the result of a probe that failed for a reason. An empty one is a success.
func failing(reason prober.Reason) prober.Result {
	r := prober.Result{Reason: reason}
	if reason != "" {
		r.Err = errors.New("why")
	}
	return r
}

func TestConclusive(t *testing.T) {
	const own = 10 * time.Second
	for _, tc := range []struct {
		name   string
		had    time.Duration
		reason prober.Reason // "": success
		want   bool
	}{
		{"a short success", time.Millisecond, "", true},
		{"the least timeout", time.Millisecond, prober.ReasonConnectTimeout, false},
		{"a refusal within no time", time.Millisecond, prober.ReasonConnectRefused, false},
		{"just less than half", own/2 - 1, prober.ReasonRequestTimeout, false},
		{"half", own / 2, prober.ReasonRequestTimeout, true},
		{"a scrape timeout less the offset", own - own/10, prober.ReasonRequestTimeout, true},
		{"all of it", own, prober.ReasonStatus, true},
		{"a file that is gone", own, prober.ReasonLocalResource, false},
		{"a mistake of ours", own, prober.ReasonInternal, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := Probe{OwnTimeout: own, Result: failing(tc.reason)}
			p.Result.Timeout = tc.had
			if got := p.Conclusive(); got != tc.want {
				t.Errorf("conclusive is %t, want %t", got, tc.want)
			}
		})
	}
}

// A target that cannot be probed is told once, and keeps the state that it had.
func TestObserve(t *testing.T) {
	type step struct {
		reason prober.Reason // "": success
		want   Change
	}
	for _, tc := range []struct {
		name string
		p    Probe
		row  []step
	}{
		{"a target of the inventory", Probe{Name: "shop"}, []step{
			{"", None},
			{prober.ReasonStatus, Down},
			{prober.ReasonLocalResource, Unable},
			{prober.ReasonInternal, None},
			{prober.ReasonStatus, None},
			{"", Up},
			{prober.ReasonLocalResource, Unable},
			{"", None},
		}},
		{"one outside", Probe{Key: KeyOf("m", "", "http://a/")}, []step{
			{"", None},
			{prober.ReasonStatus, Down},
			{prober.ReasonLocalResource, None},
			{prober.ReasonRequestTimeout, None},
			{"", Up},
			{"", None},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tracker := NewTracker()
			for i, s := range tc.row {
				p := tc.p
				p.Result = failing(s.reason)
				if got := tracker.Observe(p); got != s.want {
					t.Errorf("step %d, %q: change is %d, want %d", i, s.reason, got, s.want)
				}
			}
		})
	}
}

// Since is when a target was first seen as it is, and the error goes with the failure.
func TestCondition(t *testing.T) {
	tracker, begin := NewTracker(), time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	if c := tracker.Condition("shop", time.Minute, begin); c != (Condition{State: StateUnknown}) || tracker.Uptime("shop", begin) != (Uptime{}) {
		t.Errorf("of a target that was never probed the condition is %+v", c)
	}
	for i, tc := range []struct {
		down  bool
		since int // the probe
		up    int
	}{{false, 0, 1}, {false, 0, 2}, {true, 2, 2}, {true, 2, 2}, {false, 4, 3}} {
		at := begin.Add(time.Duration(i) * time.Minute)
		r := prober.Result{Start: at, Duration: 1500 * time.Microsecond}
		want := Condition{State: StateUp, Since: begin.Add(time.Duration(tc.since) * time.Minute), LastProbe: at, Duration: r.Duration}
		wantUptime := Uptime{
			FirstSeen: begin,
			Hour:      Count{tc.up, i + 1 - tc.up}, Day: Count{tc.up, i + 1 - tc.up}, Week: Count{tc.up, i + 1 - tc.up}, Month: Count{tc.up, i + 1 - tc.up},
		}
		if tc.down {
			r.Reason, r.FailedPhase, r.Err = prober.ReasonStatus, prober.PhaseCheck, errors.New("status 503, want 2xx")
			r.HTTP = &prober.HTTPResult{StatusCode: 503}
			want.State, want.Reason, want.FailedPhase, want.Error, want.StatusCode = StateDown, r.Reason, r.FailedPhase, r.Err.Error(), 503
		}
		tracker.Observe(Probe{Name: "shop", Result: r})
		if diff := cmp.Diff(want, tracker.Condition("shop", time.Minute, at)) + cmp.Diff(wantUptime, tracker.Uptime("shop", at)); diff != "" {
			t.Errorf("probe %d (-want +got):\n%s", i, diff)
		}
	}
	tracker.Forget(func(string) bool { return false })
	if v := tracker.Condition("shop", time.Minute, begin); v.State != StateUnknown {
		t.Error("a target that left the inventory is known")
	}
}

// A target is stale after two intervals without a probe, and not before a minute.
func TestStale(t *testing.T) {
	begin := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		interval, silent time.Duration
		want             bool
	}{
		{time.Second, time.Minute, false},
		{time.Second, time.Minute + time.Second, true},
		{5 * time.Minute, 10 * time.Minute, false},
		{5 * time.Minute, 10*time.Minute + time.Second, true},
	} {
		tracker := NewTracker()
		tracker.Observe(Probe{Name: "shop", Result: prober.Result{Start: begin}})
		if got := tracker.Condition("shop", tc.interval, begin.Add(tc.silent)).Stale; got != tc.want {
			t.Errorf("every %s, silent for %s: stale is %t, want %t", tc.interval, tc.silent, got, tc.want)
		}
	}
}

func TestFlapping(t *testing.T) {
	begin := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	tracker := NewTracker()
	for i := range 8 {
		at := begin.Add(time.Duration(i) * time.Minute)
		r := failing(map[bool]prober.Reason{true: prober.ReasonStatus}[i%2 == 1])
		r.Start = at
		tracker.Observe(Probe{Name: "shop", Result: r})
		if got, want := tracker.Condition("shop", time.Minute, at).Flapping, i >= 4; got != want {
			t.Errorf("after %d changes: flapping is %t, want %t", i, got, want)
		}
	}
	if tracker.Condition("shop", time.Minute, begin.Add(time.Hour)).Flapping {
		t.Error("it flaps for ever")
	}
}

// What happens in a window of maintenance is shown, and not counted.
func TestMaintenanceIsNotCounted(t *testing.T) {
	tracker, at := NewTracker(), time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	r := failing(prober.ReasonStatus)
	r.Start = at
	tracker.Observe(Probe{Name: "shop", Result: r, Maintenance: true})
	if v := tracker.Condition("shop", time.Minute, at); v.State != StateDown || tracker.Uptime("shop", at) != (Uptime{}) {
		t.Errorf("the view is %+v, want it down and nothing counted", v)
	}
	if all, _ := tracker.Events(Filter{}); len(all) != 1 || !all[0].Maintenance {
		t.Errorf("the events are %+v, want one that says so", all)
	}
}

// Anybody may name any number of targets, however long.
func TestUnlistedAreBounded(t *testing.T) {
	tracker, long := NewTracker(), strings.Repeat("x", 10_000)
	before := probetest.HeapInUse(t)
	for i := range 3 * MaxUnlisted {
		p := Probe{Key: KeyOf("m", "", fmt.Sprintf("http://app.example/%d/%s", i, long)), Result: failing(prober.ReasonStatus)}
		if got := tracker.Observe(p); got != Down {
			t.Fatalf("target %d: change is %d, want down", i, got)
		}
		if n := len(tracker.unlisted); n > MaxUnlisted {
			t.Fatalf("%d targets are remembered, want at most %d", n, MaxUnlisted)
		}
	}
	if grown := int64(probetest.HeapInUse(t)) - int64(before); grown > 8<<20 {
		t.Errorf("%d targets take %d bytes, want less than 8 MiB", len(tracker.unlisted), grown)
	}
	for known := range tracker.unlisted {
		if got := tracker.Observe(Probe{Key: known, Result: failing(prober.ReasonStatus)}); got != None {
			t.Fatal("a target that is remembered was not known")
		}
		if got := tracker.Observe(Probe{Key: known}); got != Up {
			t.Fatal("a target that is remembered was not down")
		}
	}
	if n := len(tracker.unlisted); n != 0 {
		t.Errorf("%d targets are remembered after all are up, want 0", n)
	}
}

// However many other targets somebody has probed, one of the inventory is down once.
func TestListedAndUnlistedAreApart(t *testing.T) {
	tracker := NewTracker()
	shop := Probe{Name: "shop", Result: failing(prober.ReasonStatus)}
	tracker.Observe(shop)
	for i := range MaxUnlisted + 1 {
		tracker.Observe(Probe{Key: Key{byte(i), byte(i >> 8), byte(i >> 16)}, Result: failing(prober.ReasonStatus)})
	}
	if got := tracker.Observe(shop); got != None {
		t.Errorf("change is %d, want none", got)
	}
}

// That the exporter could not probe a target changes nothing but that: what it last found stays, and so does its last failure.
func TestUnable(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	tracker := NewTracker()
	failed := prober.Result{Start: now, Reason: prober.ReasonStatus, Err: errors.New("status 503, want 2xx")}
	lacking := prober.Result{Start: now.Add(time.Second), Reason: prober.ReasonLocalResource, Err: errors.New("too many open files")}
	for _, step := range []struct {
		result prober.Result
		state  State
		unable bool
	}{
		{lacking, StateUnknown, true},
		{failed, StateDown, false},
		{lacking, StateDown, true},
		{prober.Result{Start: now.Add(2 * time.Second)}, StateUp, false},
	} {
		tracker.Observe(Probe{Name: "a", Result: step.result})
		if c := tracker.Condition("a", time.Minute, now); c.State != step.state || c.Unable != step.unable {
			t.Errorf("after %v: %s, unable %t; want %s, %t", step.result.Err, c.State, c.Unable, step.state, step.unable)
		}
	}
	if r, ok := tracker.Failure("a"); !ok || r.Reason != prober.ReasonStatus {
		t.Errorf("the last failure is %q (%t), want that of the target", r.Reason, ok)
	}
	if _, ok := tracker.Failure("b"); ok {
		t.Error("there is a failure of a target that was never probed")
	}
}
