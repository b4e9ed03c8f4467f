package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// quiet is e where the network may explain it.
func quiet(e Evidence) Evidence {
	e.Failing, e.Checks, e.Silent = 1, 1, 1
	return e
}

// Every failure says whether the network may explain it.
func TestWays(t *testing.T) {
	silent := []prober.Reason{}
	for _, info := range prober.Reasons() {
		w, known := ways[info.Reason]
		if !known {
			t.Errorf("nobody says what %s proves", info.Reason)
		}
		if w.silent {
			silent = append(silent, info.Reason)
		}
	}
	want := []prober.Reason{
		prober.ReasonResolveNotFound, prober.ReasonResolveFailed, prober.ReasonConnectRefused, prober.ReasonConnectTimeout,
		prober.ReasonConnectUnreach, prober.ReasonProxy, prober.ReasonTLSFailed, prober.ReasonRequestTimeout,
		prober.ReasonTransferTimeout, prober.ReasonConnectionClosed, prober.ReasonWSPongTimeout,
	}
	for _, r := range want {
		if !ways[r].silent {
			t.Errorf("the network does not explain %s", r)
		}
	}
	if len(silent) != len(want) {
		t.Errorf("the network explains %q, want %q", silent, want)
	}
	for _, tt := range []struct {
		e    Evidence
		want bool
	}{
		{status(500), false},
		{status(502), false},
		{Evidence{Reason: prober.ReasonWSHandshake}, true},
		{Evidence{Reason: prober.ReasonWSHandshake, StatusCode: 500}, false},
		{Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101, TimedOut: true}, true},
		{Evidence{Reason: prober.ReasonWSMessage, StatusCode: 101}, false},
		{Evidence{Reason: prober.ReasonWSClosed, CloseCode: 1006}, true},
		{Evidence{Reason: prober.ReasonWSClosed, CloseCode: 1011}, false},
	} {
		if got := tt.e.way().silent; got != tt.want {
			t.Errorf("%s %d %d: the network explains it: %t, want %t", tt.e.Reason, tt.e.StatusCode, tt.e.CloseCode, got, tt.want)
		}
	}
}

// A network that is out for long holds under one name, is written down once, and is asked about each InspectInterval. When it is
// back the service has to be seen to fail from then on.
func TestNetworkOut(t *testing.T) {
	r := ready(t)
	r.network = Network{Out: true, Detail: "no sentinel answers: https://a.test: connect_timeout"}
	r.decisions = nil
	began, asked, held := r.now, 0, 0
	for r.now.Sub(began) < 10*time.Minute {
		before := r.state.Hold
		d := r.probe(quiet(refused))
		if d.Restart || r.state.Hold != GuardNetwork {
			t.Fatalf("after %s the decision is %+v, held by %q, want network", r.now.Sub(began), d, r.state.Hold)
		}
		if d.Hold != "" && d.Hold != before {
			held++
		}
		r.wait(time.Second)
	}
	for _, d := range r.decisions {
		if d.AskNetwork {
			asked++
		}
	}
	if held != 1 || asked != 40 {
		t.Errorf("in 10 min it was held anew %d times, want once, and asked about %d times, want each 15 s", held, asked)
	}
	results, hold, _ := r.policy.Explain(r.state, r.world, r.now)
	for _, g := range results {
		if g.Guard == GuardNetwork && (g.OK || !strings.HasPrefix(g.Value, r.network.Detail) || g.Limit != "a sentinel answers") {
			t.Errorf("explained as %+v", g)
		}
	}
	if hold != GuardNetwork {
		t.Errorf("explained as held by %q, want network", hold)
	}

	r.network, r.decisions = Network{Detail: "https://a.test answers"}, nil
	back, confirmed := r.now, 0
	for r.restarts() == 0 {
		if r.now.Sub(back) > 30*time.Second {
			t.Fatalf("not restarted, held by %q", r.state.Hold)
		}
		if d := r.probe(quiet(refused)); d.Hold == GuardConfirmed || d.Restart {
			confirmed++
		}
		r.wait(time.Second)
	}
	if confirmed != r.policy.ConfirmProbes+1 { // the first is the failure that was not known before
		t.Errorf("restarted after %d failures since the network is back, want %d", confirmed-1, r.policy.ConfirmProbes)
	}
}

// The service may be well, or fail in another way, by the time at which the sentinels have answered.
func TestNetworkAnswersLate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *run)
		out    bool
		want   Decision
	}{
		{"healthy", func(r *run) { r.event(Event{Probed: &healthy}) }, false, Decision{}},
		{"healthy, out", func(r *run) { r.event(Event{Probed: &healthy}) }, true, Decision{}},
		{"resolved", func(r *run) { r.event(Event{Told: &Alert{Key: "1", Resolved: true}}) }, false, Decision{}},
		{"redefined", func(r *run) { r.event(Event{Redefined: &Definition{Checks: "other"}}) }, false, Decision{}},
		{"the clock jumped", func(r *run) { r.wait(time.Hour); r.event(Event{Tried: &Executed{}, Jump: time.Hour}) }, false, Decision{}},
		{"slow", func(r *run) { r.wait(11 * time.Second) }, false, Decision{Look: true}},
		{"paused", func(r *run) { r.event(Event{Paused: &Pause{Until: r.now.Add(time.Hour), Who: "jo"}}) }, false, Decision{Hold: GuardPaused}},
		{"slow, out", func(r *run) { r.wait(11 * time.Second) }, true, Decision{Hold: GuardNetwork}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			e := quiet(refused)
			r.event(Event{Probed: &e})
			if d := r.inspect(); !d.AskNetwork || d.Look {
				t.Fatalf("the decision is %+v, want that the sentinels are asked", d)
			}
			tt.change(r)
			d := r.event(Event{Network: &Network{Out: tt.out}})
			d.Guards = nil
			if diff := cmp.Diff(tt.want, d); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// A service that answers with an error and then not at all is not restarted before the sentinels were asked.
func TestLastLookIsSilent(t *testing.T) {
	r := ready(t)
	e := status(500)
	r.event(Event{Probed: &e})
	if d := r.inspect(); !d.Look {
		t.Fatalf("the decision is %+v, want a last look: the service answers", d)
	}
	e = quiet(refused)
	if d := r.event(Event{Looked: &e}); d.Restart || !d.AskNetwork {
		t.Fatalf("the decision is %+v, want that the sentinels are asked", d)
	}
	if d := r.event(Event{Network: &Network{}}); d.Restart || !d.Look {
		t.Fatalf("the decision is %+v, want one more look: the network may be back since", d)
	}
	if d := r.event(Event{Looked: &e}); !d.Restart {
		t.Errorf("the decision is %+v, want a restart", d)
	}
}
