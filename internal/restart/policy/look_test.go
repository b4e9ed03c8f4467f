package policy

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The last look decides: what it finds is evidence like any other.
func TestLastLook(t *testing.T) {
	for _, tt := range []struct {
		name  string
		found Evidence
		want  bool
		hold  Guard
	}{
		{"still down", refused, true, ""},
		{"down in another way", status(500), true, ""},
		{"healthy", healthy, false, ""},
		{"not found", status(404), false, GuardFailureClass},
		{"nothing, for want of our own", Evidence{Reason: prober.ReasonLocalResource}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			r.event(Event{Probed: &refused})
			d := r.inspect()
			if !d.Look || d.Restart || r.state.InFlight() {
				t.Fatalf("the decision is %+v, want a last look", d)
			}
			if d := r.event(Event{Looked: &tt.found}); d.Restart != tt.want || d.Hold != tt.hold || r.state.InFlight() != tt.want {
				t.Errorf("the decision is %+v, want a restart: %t", d, tt.want)
			}
		})
	}
}

// What has changed since the back-end answered is no longer decided on.
func TestLastLookTooLate(t *testing.T) {
	for name, change := range map[string]func(r *run){
		"resolved":       func(r *run) { r.event(Event{Told: &Alert{Key: "1", Resolved: true}}) },
		"redefined":      func(r *run) { r.event(Event{Redefined: &Definition{Checks: "other"}}) },
		"paused":         func(r *run) { r.event(Event{Paused: &Pause{Until: r.now.Add(time.Hour), Who: "jo"}}) },
		"clock jumped":   func(r *run) { r.wait(time.Hour); r.event(Event{Tried: &Executed{}, Jump: time.Hour}) },
		"healthy before": func(r *run) { r.event(Event{Probed: &healthy}) },
		"too long ago":   func(r *run) { r.wait(time.Hour / 2) },
	} {
		t.Run(name, func(t *testing.T) {
			r := ready(t)
			r.policy.ConfirmProbes = 2
			r.event(Event{Probed: &refused})
			r.inspect()
			change(r)
			if d := r.event(Event{Looked: &refused}); d.Restart {
				t.Error("restarted")
			}
		})
	}
}
