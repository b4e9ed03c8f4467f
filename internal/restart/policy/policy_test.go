package policy

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var start = time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)

func testPolicy() Policy {
	return Policy{
		Mode: ModeEnforce, OutagePercent: 50, WarmUp: 2 * time.Minute, ArmProbes: 5, ArmTime: time.Minute,
		ConfirmProbes: 3, ConfirmInterval: time.Second, ConfirmAge: 10 * time.Second, ProbeGap: 2 * time.Minute,
		SuspectTime: time.Hour, StartGrace: 2 * time.Minute, InspectInterval: 15 * time.Second,
		Cooldown: 5 * time.Minute, CooldownMax: time.Hour, BudgetHour: 3, BudgetDay: 6,
		Concurrency: 1, ConcurrencyGroup: 1, FleetBudget: 5, FleetWindow: 15 * time.Minute,
		VerifyProbes: 3, VerifyTimeout: 2 * time.Minute, MaxUnverified: 2, UnlockTime: 30 * time.Minute,
	}
}

// A run drives a policy through an incident on a clock of its own.
type run struct {
	t         *testing.T
	policy    Policy
	state     State
	now       time.Time
	world     World
	unit      Preflight     // what the back-end says
	takes     time.Duration // that long
	network   Network       // what the sentinels show
	table     []guardRow
	decisions []Decision
}

func newRun(t *testing.T, p Policy) *run {
	return &run{t: t, policy: p, now: start, world: World{Uptime: time.Hour}, network: Network{Detail: "a sentinel answers"}, table: guards}
}

// event checks besides that what is persisted and recorded is all that the policy needs.
func (r *run) event(ev Event) Decision {
	r.t.Helper()
	ev.World = r.world
	var before State
	check := len(r.decisions) < 50 || len(r.decisions)%50 == 0 // it takes long
	if check {
		before = viaJSON(r.t, r.state)
	}
	next, d := r.policy.next(r.table, r.state, ev, r.now)
	if check {
		r.replay(before, ev, next, d)
	}
	r.state = next
	r.decisions = append(r.decisions, d)
	return d
}

func (r *run) replay(before State, ev Event, next State, d Decision) {
	r.t.Helper()
	if diff := cmp.Diff(before, r.state); diff != "" {
		r.t.Errorf("Next changed the state that it was given:\n%s", diff)
	}
	if diff := cmp.Diff(next, viaJSON(r.t, next)); diff != "" {
		r.t.Errorf("encoding and decoding changed the state:\n%s", diff)
	}
	policy := viaJSON(r.t, r.policy)
	again, replayed := policy.next(r.table, before, viaJSON(r.t, ev), viaJSON(r.t, r.now))
	if diff := cmp.Diff(next, again); diff != "" {
		r.t.Errorf("the replay has another state:\n%s", diff)
	}
	if diff := cmp.Diff(viaJSON(r.t, d), viaJSON(r.t, replayed)); diff != "" {
		r.t.Errorf("the replay has another decision:\n%s", diff)
	}
}

// viaJSON is v as it comes back from a file.
func viaJSON[T any](t *testing.T, v T) T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *run) alert()               { r.event(Event{Told: &Alert{Key: "1"}}) }
func (r *run) wait(d time.Duration) { r.now = r.now.Add(d) }

func (r *run) executed(e Executed) {
	r.t.Helper()
	e.Attempt = r.state.Intent.ID
	r.event(Event{Executed: &e})
}

// inspect has the back-end answer.
func (r *run) inspect() Decision {
	f := r.unit
	f.Attempt = strconv.Itoa(len(r.decisions))
	return r.event(Event{Preflighted: &f})
}

// probe has the back-end answer if it is asked.
func (r *run) probe(e Evidence) Decision {
	d := r.event(Event{Probed: &e})
	if d.Inspect {
		r.wait(r.takes)
		d = r.inspect()
	}
	for d.AskNetwork || d.Look {
		if d.AskNetwork {
			d = r.event(Event{Network: &r.network})
			continue
		}
		d = r.event(Event{Looked: &e})
	}
	return d
}

// probes makes n rounds, every after the other.
func (r *run) probes(n int, every time.Duration, e Evidence) (last Decision) {
	for range n {
		last = r.probe(e)
		r.wait(every)
	}
	return last
}

// arm makes the service one that has been healthy for long.
func (r *run) arm() *run {
	r.probes(10, 15*time.Second, healthy)
	if !r.state.Armed {
		r.t.Fatal("10 healthy rounds did not arm the service")
	}
	return r
}

func (r *run) restarts() int {
	n := 0
	for _, d := range r.decisions {
		if d.Restart {
			n++
		}
	}
	return n
}

var (
	healthy = Evidence{Healthy: true}
	refused = Evidence{Reason: prober.ReasonConnectRefused}
)

func status(code int) Evidence { return Evidence{Reason: prober.ReasonStatus, StatusCode: code} }

// One restart, verified, is what an incident comes to.
func TestIncident(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.probes(5, 15*time.Second, refused)
	if r.restarts() != 0 || r.state.Phase() != PhaseIdle {
		t.Fatalf("without an alert the service is %s after %d restarts, want idle and none", r.state.Phase(), r.restarts())
	}
	r.alert()
	if r.state.Phase() != PhaseSuspect {
		t.Fatalf("after the alert the service is %s, want suspect", r.state.Phase())
	}
	if d := r.probe(refused); !d.Restart || r.state.Phase() != PhaseExecuting {
		t.Fatalf("the next failed probe decided %+v in state %s, want a restart", d, r.state.Phase())
	}
	r.alert()
	r.probes(5, time.Second, refused)
	r.executed(Executed{})
	if r.state.Phase() != PhaseVerifying {
		t.Fatalf("after the restart the service is %s, want verifying", r.state.Phase())
	}
	r.probes(2, time.Second, refused)
	if d := r.probes(3, time.Second, healthy); d.Outcome != OutcomeRecovered || r.state.Phase() != PhaseCooldown {
		t.Fatalf("3 healthy probes ended with %q in state %s, want recovered and in its cool-down", d.Outcome, r.state.Phase())
	}
	if r.restarts() != 1 {
		t.Errorf("there were %d restarts, want 1", r.restarts())
	}
	// A stale alert after the recovery does nothing, and is forgotten.
	r.alert()
	r.probes(3, time.Second, healthy)
	if r.restarts() != 1 || r.state.Phase() != PhaseCooldown {
		t.Errorf("a stale alert led to %d restarts and state %s", r.restarts(), r.state.Phase())
	}
}

// The zero Policy allows nothing, whatever happens.
func TestZeroPolicy(t *testing.T) {
	r := newRun(t, Policy{})
	r.probes(100, time.Minute, healthy)
	r.alert()
	r.probes(100, time.Minute, refused)
	if r.restarts() != 0 || r.state.Armed {
		t.Errorf("the zero policy restarted %d times, armed %t", r.restarts(), r.state.Armed)
	}
}

// A health path that answered 404 from the first day is never acted on, however often the alert fires.
func TestNeverGreen(t *testing.T) {
	r := newRun(t, testPolicy())
	r.policy.RestartOn = []int{404}
	for range 1000 {
		r.alert()
		r.probes(3, time.Second, status(404))
	}
	if r.restarts() != 0 || r.state.Phase() != PhaseUnarmed {
		t.Errorf("restarted %d times in state %s, want never, unarmed", r.restarts(), r.state.Phase())
	}
}

// A service that a restart does not help is tried twice and then left alone, until it has been healthy for long.
func TestLockOut(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	for range 6 * 60 {
		r.alert()
		if d := r.probe(refused); d.Restart {
			r.executed(Executed{})
		}
		r.wait(10 * time.Second)
	}
	if r.restarts() != 2 || r.state.Phase() != PhaseLockedOut {
		t.Fatalf("restarted %d times in state %s, want twice and locked out", r.restarts(), r.state.Phase())
	}
	r.probes(4*29, 15*time.Second, healthy)
	if r.state.Phase() != PhaseLockedOut {
		t.Fatal("unlocked before 30 healthy minutes")
	}
	r.probes(5, 15*time.Second, healthy)
	if r.state.Phase() != PhaseIdle || r.state.Unverified != 0 {
		t.Errorf("after 30 healthy minutes the state is %s with %d unverified", r.state.Phase(), r.state.Unverified)
	}
}

// A back-end that fails is an attempt like any other.
func TestExecFailed(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.alert()
	r.probes(3, time.Second, refused)
	r.executed(Executed{Error: "it did not work"})
	if d := r.decisions[len(r.decisions)-1]; d.Outcome != OutcomeExecFailed || r.state.Unverified != 1 || len(r.state.Attempts) != 1 {
		t.Errorf("ended with %q, %d unverified, %d attempts", d.Outcome, r.state.Unverified, len(r.state.Attempts))
	}
	if d := r.probes(10, time.Second, refused); d.Hold != GuardCooldown {
		t.Errorf("afterwards the hold is %q, want the cool-down", d.Hold)
	}
}

// In observe mode every episode has one decision.
func TestObserve(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.policy.Mode = ModeObserve
	r.alert()
	r.probes(10, time.Second, refused)
	would := 0
	for _, d := range r.decisions {
		if d.WouldRestart {
			would++
		}
	}
	if would != 1 || r.restarts() != 0 || len(r.state.Attempts) != 0 {
		t.Errorf("decided %d times, restarted %d times, noted %d attempts; want 1, 0, 0", would, r.restarts(), len(r.state.Attempts))
	}
}

// An alert that is not repeated is forgotten.
func TestSuspectTime(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.alert()
	r.probes(5, time.Second, status(404)) // held
	r.wait(time.Hour)
	r.probe(status(404))
	if d := r.probes(5, time.Second, refused); d.Restart || r.state.Phase() != PhaseIdle {
		t.Errorf("an old alert led to %+v in state %s", d, r.state.Phase())
	}
}

func TestFailureClass(t *testing.T) {
	p := testPolicy()
	p.RestartOn = []int{404}
	repaired := map[prober.Reason]bool{
		prober.ReasonConnectRefused: true, prober.ReasonConnectTimeout: true, prober.ReasonRequestTimeout: true,
		prober.ReasonTransferTimeout: true, prober.ReasonConnectionClosed: true, prober.ReasonWSPongTimeout: true,
	}
	for _, info := range prober.Reasons() {
		if got := p.Repairable(Evidence{Reason: info.Reason}); got != repaired[info.Reason] {
			t.Errorf("%s is repairable: %t, want %t", info.Reason, got, repaired[info.Reason])
		}
	}
	for code, want := range map[int]bool{301: false, 401: false, 404: true, 429: false, 500: true, 501: false, 502: true, 503: true, 504: true} {
		if got := p.Repairable(status(code)); got != want {
			t.Errorf("status %d is repairable: %t, want %t", code, got, want)
		}
	}
	for code, want := range map[int]bool{1000: false, 1001: false, 1006: true, 1008: false, 1011: true, 1012: false, 4401: false} {
		if got := p.Repairable(Evidence{Reason: prober.ReasonWSClosed, CloseCode: code}); got != want {
			t.Errorf("close code %d is repairable: %t, want %t", code, got, want)
		}
	}
	for code, want := range map[int]bool{101: false, 200: false, 302: false, 404: true, 426: false, 502: true, 503: true} {
		if got := p.Repairable(Evidence{Reason: prober.ReasonWSHandshake, StatusCode: code}); got != want {
			t.Errorf("status %d to the upgrade is repairable: %t, want %t", code, got, want)
		}
	}
	if !p.Repairable(Evidence{Reason: prober.ReasonWSMessage, TimedOut: true}) {
		t.Error("a message that does not come is not repairable")
	}
	if p.Repairable(Evidence{Reason: prober.ReasonConnectRefused, Away: true}) {
		t.Error("the failure of another host is repairable")
	}
	p.RestartOnReasons, p.NeverRestartOnReasons = []prober.Reason{"tls_failed", "request_timeout"}, []prober.Reason{"request_timeout"}
	p.NeverRestartOn = []int{404, 504}
	for want, e := range map[bool][]Evidence{
		true:  {{Reason: prober.ReasonTLSFailed}, status(500), refused},
		false: {{Reason: prober.ReasonRequestTimeout}, {Reason: prober.ReasonTLSExpired}, status(404), status(504), {Reason: prober.ReasonTLSFailed, Away: true}},
	} {
		for _, e := range e {
			if got := p.Repairable(e); got != want {
				t.Errorf("%s is repairable: %t, want %t", e.words(), got, want)
			}
		}
	}
	busy := Evidence{Reason: prober.ReasonStatus, StatusCode: 503, RetryAfter: true}
	if p.Repairable(busy) {
		t.Error("503 with Retry-After is repairable, want that it holds")
	}
}

// A service that lives for some seconds after each restart is not forgotten, although nobody asks again: Prometheus never
// saw it up. The budget ends it.
func TestCrashLoop(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.probes(3, time.Second, refused)
	r.alert()
	for end := r.now.Add(50 * time.Minute); r.now.Before(end); {
		if d := r.probe(refused); d.Restart {
			r.wait(time.Second)
			r.executed(Executed{})
			r.probes(5, time.Second, healthy)
		}
		r.wait(time.Second)
	}
	if n := r.restarts(); n != 3 {
		t.Errorf("restarted %d times, want the 3 of the budget", n)
	}
	// Well for long enough, it is forgotten.
	r.probes(10, 15*time.Second, healthy)
	r.wait(24 * time.Hour)
	if d := r.probes(10, time.Second, refused); d.Restart || r.restarts() != 3 {
		t.Error("restarted without an alert")
	}
}

// An attempt that did not help is forgotten when the service has been healthy for long.
func TestUnverifiedIsForgotten(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.state.Unverified = 1
	r.probes(4*31, 15*time.Second, healthy)
	if r.state.Unverified != 0 {
		t.Errorf("after half an hour of health %d attempts are unverified, want none", r.state.Unverified)
	}
}

// The outcome of an attempt that nobody waits for changes nothing.
func TestOutcomeOfAnother(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.alert()
	for r.restarts() == 0 {
		r.probe(refused)
		r.wait(time.Second)
	}
	before := r.state
	for _, e := range []Executed{{Attempt: "another"}, {Attempt: "another", Error: "exit status 1"}, {Attempt: "another", Error: "no", Refused: true}} {
		if d := r.event(Event{Executed: &e}); d.Outcome != OutcomeNone || r.state.Intent != before.Intent || !r.state.VerifyUntil.IsZero() {
			t.Errorf("%+v ended the attempt with %q", e, d.Outcome)
		}
	}
}

// What the back-end said of its unit is forgotten with the definition that it belonged to, also where the checks are the same.
func TestRedefinedUnit(t *testing.T) {
	r := ready(t)
	r.unit.Unfit = Stopped
	if d := r.probe(refused); d.Hold != GuardPreflight {
		t.Fatalf("held by %q, want the back-end's answer", d.Hold)
	}
	r.event(Event{Redefined: &Definition{Checks: r.state.Definition}})
	r.unit = Preflight{}
	r.wait(time.Second)
	if d := r.probe(refused); !d.Restart {
		t.Errorf("the decision is %+v, want that the new unit is looked at", d)
	}
}

// While we lack something of our own nothing is known; the verification ends all the same, and what came of it is not known.
func TestVerifyingBlindly(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.alert()
	for r.restarts() == 0 {
		r.probe(refused)
		r.wait(time.Second)
	}
	r.executed(Executed{})
	lacking := Evidence{Reason: prober.ReasonLocalResource}
	if d := r.probes(120, time.Second, lacking); d.Outcome != OutcomeNone || !r.state.InFlight() {
		t.Errorf("within its time the verification ended with %q", d.Outcome)
	}
	r.wait(time.Second)
	if d := r.probe(lacking); d.Outcome != OutcomeUnknown || r.state.InFlight() || r.state.Unverified != 1 {
		t.Errorf("after its time the outcome is %q with %d unverified, want that it is unknown", d.Outcome, r.state.Unverified)
	}
}

// Only failures that a restart can repair confirm, and what we lack ourselves is no evidence of anything.
func TestWhatConfirms(t *testing.T) {
	busy := Evidence{Reason: prober.ReasonStatus, StatusCode: 503, RetryAfter: true}
	ours := Evidence{Reason: prober.ReasonLocalResource}
	r := newRun(t, testPolicy()).arm()
	r.alert()
	r.probes(60, time.Second, busy)
	if d := r.probe(refused); d.Hold != GuardConfirmed {
		t.Errorf("one refusal after a minute of overload decided %+v, want unconfirmed", d)
	}
	r = newRun(t, testPolicy()).arm()
	r.alert()
	before := r.state
	r.probes(10, time.Second, ours)
	before.Seen = r.state.Seen
	if diff := cmp.Diff(before, r.state); diff != "" {
		t.Errorf("what we lacked ourselves changed the state:\n%s", diff)
	}
}

// What the back-end sees of the unit decides whether a healthy service was restarted.
func TestVerifyRollout(t *testing.T) {
	look := func(identity string, starting bool) Preflight {
		return Preflight{Identity: identity, Starting: starting}
	}
	for _, tt := range []struct {
		name  string
		looks []Preflight // one after the other; the last one stays
		want  Outcome
		after int // seconds
	}{
		{"at once", []Preflight{look("2", false)}, OutcomeRecovered, 2},
		{"all of it, at last", []Preflight{look("2", true), look("2", true), look("2", false)}, OutcomeRecovered, 4},
		{"not seen for a while", []Preflight{look("2", true), look("", false), look("2", false)}, OutcomeRecovered, 4},
		{"never all of it", []Preflight{look("2", true)}, OutcomeNotRecovered, 121},
		{"set back", []Preflight{look("2", true), look("1", true), look("1", false)}, OutcomeIdentityUnchanged, 121},
		{"not seen again", []Preflight{look("2", true), look("", false)}, OutcomeNotRecovered, 121},
		{"never seen", []Preflight{look("", false)}, OutcomeUnknown, 121},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			r.unit = look("1", false)
			if d := r.probe(refused); !d.Restart {
				t.Fatalf("decision is %+v, want a restart", d)
			}
			r.executed(Executed{})
			looks := tt.looks
			for second := range 200 {
				d := r.event(Event{Probed: &healthy})
				if d.Inspect {
					r.unit = looks[0]
					looks = looks[min(1, len(looks)-1):]
					d = r.inspect()
				}
				if d.Outcome != OutcomeNone {
					if d.Outcome != tt.want || second != tt.after {
						t.Errorf("the outcome is %q after %d s, want %q after %d", d.Outcome, second, tt.want, tt.after)
					}
					return
				}
				r.wait(time.Second)
			}
			t.Error("the verification does not end")
		})
	}
}

// A crash in the middle of a rollout: the next exporter waits for its end.
func TestFoundRolling(t *testing.T) {
	r := ready(t)
	r.unit.Identity = "1"
	r.probe(refused)
	r.event(Event{Started: &Definition{}})
	r.unit = Preflight{Identity: "2", Starting: true}
	r.inspect()
	r.probes(5, time.Second, healthy)
	if !r.state.InFlight() {
		t.Fatal("it is over before all of it was restarted")
	}
	r.unit.Starting = false
	if d := r.probe(healthy); d.Outcome != OutcomeRecovered {
		t.Errorf("the outcome is %q, want that it recovered", d.Outcome)
	}
}
