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

// failure is the result of a probe that failed for a reason. An empty one is a success.
func failure(reason prober.Reason) prober.Result {
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
			p := Probe{OwnTimeout: own, Result: failure(tc.reason)}
			p.Result.Timeout = tc.had
			if got := conclusive(p); got != tc.want {
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
				p.Result = failure(s.reason)
				if got := tracker.Observe(p); got != s.want {
					t.Errorf("step %d, %q: change is %d, want %d", i, s.reason, got, s.want)
				}
			}
		})
	}
}

// Since is when a target was first seen as it is. Of a result only what is shown is kept: a body may be large.
func TestLast(t *testing.T) {
	tracker, begin := NewTracker(), time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	if _, known := tracker.Last("shop"); known {
		t.Error("a target that was never probed is known")
	}
	why := errors.New("status 503, want 2xx")
	down := prober.Result{Reason: prober.ReasonStatus, Err: why, Duration: time.Second}
	for i, tc := range []struct {
		result prober.Result
		since  int // the probe
	}{
		{prober.Result{Duration: time.Second, Events: []prober.Event{{Message: "Resolved"}}}, 0},
		{prober.Result{Duration: time.Second}, 0},
		{down, 2},
		{down, 2},
		{prober.Result{Duration: time.Second}, 4},
	} {
		at := begin.Add(time.Duration(i) * time.Minute)
		r := tc.result
		r.Start = at
		tracker.Observe(Probe{Name: "shop", Result: r})
		last, _ := tracker.Last("shop")
		want := fmt.Sprint(Last{
			Since: begin.Add(time.Duration(tc.since) * time.Minute), At: at,
			Result: prober.Result{Duration: time.Second, Reason: r.Reason, Err: r.Err},
		})
		if diff := cmp.Diff(want, fmt.Sprint(last)); diff != "" {
			t.Errorf("probe %d (-want +got):\n%s", i, diff)
		}
	}
	tracker.Forget(func(string) bool { return false })
	if _, known := tracker.Last("shop"); known {
		t.Error("a target that left the inventory is known")
	}
}

// Anybody may name any number of targets, however long.
func TestUnlistedAreBounded(t *testing.T) {
	tracker, long := NewTracker(), strings.Repeat("x", 10_000)
	before := probetest.HeapInUse(t)
	for i := range 3 * MaxUnlisted {
		p := Probe{Key: KeyOf("m", "", fmt.Sprintf("http://app.example/%d/%s", i, long)), Result: failure(prober.ReasonStatus)}
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
		if got := tracker.Observe(Probe{Key: known, Result: failure(prober.ReasonStatus)}); got != None {
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
	shop := Probe{Name: "shop", Result: failure(prober.ReasonStatus)}
	tracker.Observe(shop)
	for i := range MaxUnlisted + 1 {
		tracker.Observe(Probe{Key: Key{byte(i), byte(i >> 8), byte(i >> 16)}, Result: failure(prober.ReasonStatus)})
	}
	if got := tracker.Observe(shop); got != None {
		t.Errorf("change is %d, want none", got)
	}
}
