package policy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A guardTest makes one guard refuse: change is applied to a service that would be restarted at the next probe.
type guardTest struct {
	name   string
	change func(r *run)
	found  Evidence // by the last probe; zero: refused
	hold   Guard
	next   time.Duration // from the decision on; 0: not known
}

var guardTests = []guardTest{
	{"nothing", func(*run) {}, Evidence{}, "", 0},
	{"off", func(r *run) { r.policy.Mode = ModeOff }, Evidence{}, GuardMode, 0},
	{"no mode", func(r *run) { r.policy.Mode = "" }, Evidence{}, GuardMode, 0},
	{"unknown mode", func(r *run) { r.policy.Mode = "dry-run" }, Evidence{}, GuardMode, 0},
	{"another one leads", func(r *run) { r.world.Leader.Standby = "exporter-1 leads" }, Evidence{}, GuardLeader, 0},
	{"leads since a short time", func(r *run) { r.world.Leader = Leadership{Elected: true, For: 4 * time.Minute} }, Evidence{}, GuardLeader, time.Minute},
	{"leads", func(r *run) { r.world.Leader = Leadership{Elected: true, For: 5 * time.Minute} }, Evidence{}, "", 0},
	{"journal", func(r *run) { r.world.Journal = "no space left on device" }, Evidence{}, GuardJournal, 0},
	{"just started", func(r *run) { r.world.Uptime = 90 * time.Second }, Evidence{}, GuardWarmUp, 30 * time.Second},
	{"clock jumped", func(r *run) { r.state.JumpedAt = r.now.Add(-90 * time.Second) }, Evidence{}, GuardWarmUp, 30 * time.Second},
	{"unarmed", func(r *run) { r.state.Armed = false }, Evidence{}, GuardArmed, 0},
	{"not found", func(*run) {}, status(404), GuardFailureClass, 0},
	{"one of four", func(*run) {}, partly(1, 4), GuardOutage, 0},
	{"half of them", func(*run) {}, partly(2, 4), "", 0},
	{"one of four, enough", func(r *run) { r.policy.OutagePercent = 25 }, partly(1, 4), "", 0},
	{"one of a hundred, any", func(r *run) { r.policy.OutagePercent = 0 }, partly(1, 100), "", 0},
	{"one of a thousand, any", func(r *run) { r.policy.OutagePercent = 1 }, partly(1, 1000), "", 0},
	{"half of them, one by a wrong path", func(*run) {}, beyond(1, partly(2, 4)), GuardOutage, 0},
	{"more than half of them, one by a wrong path", func(*run) {}, beyond(1, partly(3, 4)), "", 0},
	{"the network is out", func(r *run) { r.network = Network{Out: true, Detail: "no sentinel answers"} }, quiet(refused), GuardNetwork, 0},
	{"the network is out, and has no part in it", func(r *run) { r.network.Out = true }, status(500), "", 0},
	{"the network is there", func(*run) {}, quiet(refused), "", 0},
	{"the network is out, and enough of the checks answer", func(r *run) { r.network.Out = true }, Evidence{Reason: prober.ReasonStatus, StatusCode: 500, Failing: 4, Checks: 4, Silent: 2}, "", 0},
	{"the network is out, and too few of the checks answer", func(r *run) { r.network = Network{Out: true, Detail: "no sentinel answers"} }, Evidence{Reason: prober.ReasonStatus, StatusCode: 500, Failing: 4, Checks: 4, Silent: 3}, GuardNetwork, 0},
	{"the network is out, and one that answers is not repaired", func(r *run) { r.network.Out = true }, Evidence{Reason: prober.ReasonStatus, StatusCode: 404, Failing: 2, Checks: 2, Silent: 1, Beyond: 1}, GuardFailureClass, 0},
	{"not confirmed", func(r *run) { r.state.Failures = 1 }, Evidence{}, GuardConfirmed, 0},
	{"close together", func(r *run) { r.state.Failures = 2; r.state.LastFailure = r.now.Add(-time.Second / 2) }, Evidence{}, GuardConfirmed, 0},
	{"the back-end takes long", func(r *run) { r.takes = 11 * time.Second }, Evidence{}, GuardFresh, 0},
	{"the back-end takes as long as it may", func(r *run) { r.takes = 10 * time.Second }, Evidence{}, "", 0},
	{"dependency", func(r *run) { r.world.Down = []string{"db"} }, Evidence{}, GuardDependency, 0},
	{"maintenance", func(r *run) { r.world.Maintenance = Window{Name: "night", Until: r.now.Add(time.Hour)} }, Evidence{}, GuardMaintenance, time.Hour},
	{"paused", func(r *run) { r.state.Pause = Pause{Until: r.now.Add(time.Hour), Who: "jo", Reason: "deploy"} }, Evidence{}, GuardPaused, time.Hour},
	{"pause is over", func(r *run) { r.state.Pause = Pause{Until: r.now, Who: "jo", Reason: "deploy"} }, Evidence{}, "", 0},
	{"stopped", func(r *run) { r.unit.Unfit = Stopped }, Evidence{}, GuardPreflight, 0},
	{"just deployed", func(r *run) { r.unit.StartedAt = r.now.Add(-time.Minute) }, Evidence{}, GuardStartGrace, time.Minute},
	{"deployed long ago", func(r *run) { r.unit.StartedAt = r.now.Add(-2 * time.Minute) }, Evidence{}, "", 0},
	{"cool-down", func(r *run) { r.attempted(4 * time.Minute) }, Evidence{}, GuardCooldown, time.Minute},
	{"cool-down is over", func(r *run) { r.attempted(5 * time.Minute) }, Evidence{}, "", 0},
	{"doubled cool-down", func(r *run) { r.attempted(9 * time.Minute); r.state.Unverified = 1 }, Evidence{}, GuardCooldown, time.Minute},
	{"longest cool-down", func(r *run) { r.attempted(59 * time.Minute); r.state.Unverified = 90 }, Evidence{}, GuardCooldown, time.Minute},
	{"budget of the hour", func(r *run) { r.attempted(50*time.Minute, 40*time.Minute, 30*time.Minute) }, Evidence{}, GuardBudget, 10 * time.Minute},
	{
		"budget of the day",
		func(r *run) {
			r.attempted(23*time.Hour, 20*time.Hour, 15*time.Hour, 10*time.Hour, 5*time.Hour, 2*time.Hour)
		},
		Evidence{},
		GuardBudget, time.Hour,
	},
	{"attempts of yesterday", func(r *run) { r.attempted(slices.Repeat([]time.Duration{25 * time.Hour}, 6)...) }, Evidence{}, "", 0},
	{"locked out", func(r *run) { r.state.LockedOut = true }, Evidence{}, GuardLockedOut, 0},
	{"another one", func(r *run) { r.world.InFlight = 1 }, Evidence{}, GuardConcurrency, 0},
	{"another one, allowed", func(r *run) { r.world.InFlight = 1; r.policy.Concurrency = 2 }, Evidence{}, "", 0},
	{"one of the group", func(r *run) { r.world.InFlight, r.world.InGroup = 1, 1; r.policy.Concurrency = 2 }, Evidence{}, GuardConcurrency, 0},
	{
		"fleet rate",
		func(r *run) { r.world.FleetAttempts, r.world.FleetOldest = 5, r.now.Add(-14*time.Minute) },
		Evidence{},
		GuardFleetRate, time.Minute,
	},
	{"brake", func(r *run) { r.world.Brake = Brake{On: true, Scope: ScopeFleet} }, Evidence{}, GuardBrake, 0},
}

// partly is a service of which only some checks fail.
func partly(failing, checks int) Evidence {
	e := refused
	e.Failing, e.Checks = failing, checks
	return e
}

// beyond is evidence of which so many failures are none that a restart repairs.
func beyond(n int, e Evidence) Evidence {
	e.Beyond = n
	return e
}

// attempted makes attempts so long ago.
func (r *run) attempted(ago ...time.Duration) {
	for _, d := range ago {
		r.state.Attempts = append(r.state.Attempts, r.now.Add(-d))
	}
}

// ready is a service that the next failed probe restarts.
func ready(t *testing.T) *run {
	t.Helper()
	r := newRun(t, testPolicy()).arm()
	r.probes(3, time.Second, refused)
	r.alert()
	return r
}

// decide makes the last probe.
func (g *guardTest) decide(r *run) Decision {
	g.change(r)
	if g.found == (Evidence{}) {
		return r.probe(refused)
	}
	return r.probe(g.found)
}

// Every guard refuses when its own condition is not met and all others are, and says when it would next allow.
func TestGuards(t *testing.T) {
	tested := map[Guard]bool{}
	for _, tt := range guardTests {
		tested[tt.hold] = true
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			d := tt.decide(r)
			if d.Hold != tt.hold || d.Restart != (tt.hold == "") {
				t.Errorf("decision is %+v, want hold %q", d, tt.hold)
			}
			last := d.Guards[len(d.Guards)-1]
			if last.OK != (tt.hold == "") || last.Value == "" || last.Limit == "" {
				t.Errorf("the last guard says %+v", last)
			}
			next := time.Duration(0)
			if !last.Next.IsZero() {
				next = last.Next.Sub(r.now)
			}
			if next != tt.next {
				t.Errorf("it would allow in %s, want %s", next, tt.next)
			}
			// The explanation says the same, and goes on. A fresh probe is made before anything is done.
			all, hold, _ := r.policy.Explain(r.state, r.world, r.now)
			if tt.hold != "" && tt.hold != GuardFresh && (hold != tt.hold || len(all) != len(Guards())) {
				t.Errorf("the explanation holds by %q and has %d guards, want %q and %d", hold, len(all), tt.hold, len(Guards()))
			}
		})
	}
	for _, g := range Guards() {
		if !tested[g] {
			t.Errorf("the guard %s has no test", g)
		}
	}
}

// Where it says when it would next allow, it does then and not before.
func TestGuardsNext(t *testing.T) {
	for _, tt := range guardTests {
		if tt.next == 0 || tt.hold == GuardMaintenance || tt.hold == GuardFleetRate || tt.hold == GuardLeader {
			continue // those of the world end when the world says so
		}
		t.Run(tt.name, func(t *testing.T) {
			r := ready(t)
			tt.decide(r)
			end := r.now.Add(tt.next)
			if tt.next > time.Minute { // most of the time nobody looks
				r.wait(tt.next - 20*time.Second)
				r.alert()
			}
			for r.restarts() == 0 && r.now.Before(end.Add(time.Minute)) {
				r.wait(time.Second)
				r.world.Uptime += time.Second
				r.probe(refused)
			}
			if r.restarts() != 1 || !r.now.Equal(end) {
				t.Errorf("restarted %d times at %s, want once at %s", r.restarts(), r.now, end)
			}
		})
	}
}

// A service that recovers while the back-end is asked is left alone.
func TestRecoversMeanwhile(t *testing.T) {
	r := ready(t)
	r.event(Event{Probed: &refused})
	r.event(Event{Probed: &healthy})
	if d := r.inspect(); d.Restart || len(d.Guards) != 0 {
		t.Errorf("decision is %+v, want none", d)
	}
}

// A back-end that found its unit unfit is not asked at every probe.
func TestUnfitIsAskedAgain(t *testing.T) {
	r := ready(t)
	r.unit.Unfit = "rolling"
	asked := 0
	for range 60 {
		if d := r.event(Event{Probed: &refused}); d.Inspect {
			asked++
			r.inspect()
		}
		r.wait(time.Second)
	}
	if asked != 4 {
		t.Errorf("asked %d times in a minute, want 4", asked)
	}
	r.unit.Unfit = ""
	r.probes(15, time.Second, refused)
	if r.restarts() != 1 {
		t.Errorf("restarted %d times after the unit was fit, want once", r.restarts())
	}
}

// The zero Policy refuses by every number that it has.
func TestZeroPolicyRefuses(t *testing.T) {
	results, _, _ := Policy{}.Explain(State{}, World{}, start)
	var refuse []Guard
	for _, r := range results {
		if !r.OK {
			refuse = append(refuse, r.Guard)
		}
	}
	want := []Guard{GuardMode, GuardArmed, GuardFailureClass, GuardConfirmed, GuardFresh, GuardBudget, GuardConcurrency, GuardFleetRate}
	if diff := cmp.Diff(want, refuse); diff != "" {
		t.Errorf("guards that refuse (-want +got):\n%s", diff)
	}
}

// Every failure class has words for people, with all that decides whether a restart repairs it.
func TestFailureClassValue(t *testing.T) {
	for want, e := range map[string]Evidence{
		"no probe":                       {},
		"healthy":                        {Healthy: true},
		"connect_refused":                refused,
		"status 404":                     status(404),
		"status 503 (Retry-After)":       {Reason: prober.ReasonStatus, StatusCode: 503, RetryAfter: true},
		"ws_handshake 502":               {Reason: prober.ReasonWSHandshake, StatusCode: 502},
		"ws_closed 1013":                 {Reason: prober.ReasonWSClosed, StatusCode: 101, CloseCode: 1013},
		"ws_message":                     {Reason: prober.ReasonWSMessage, StatusCode: 101},
		"ws_message (none in time)":      {Reason: prober.ReasonWSMessage, StatusCode: 101, TimedOut: true},
		"connect_refused (another host)": {Reason: prober.ReasonConnectRefused, Away: true},
	} {
		q := question{policy: &Policy{}, state: &State{Last: e}}
		if got := askFailureClass(&q).Value; got != want {
			t.Errorf("value is %q, want %q", got, want)
		}
	}
}

// One that is not armed says how far it has come.
func TestArmedValue(t *testing.T) {
	r := newRun(t, testPolicy())
	r.probes(4, 15*time.Second, healthy)
	for armed, want := range map[bool]string{false: "4 successes over 45s", true: "armed"} {
		r.state.Armed = armed
		q := question{policy: &r.policy, state: &r.state, now: r.now}
		if got := askArmed(&q); got.OK != armed || got.Value != want || got.Limit != "5 successes over 1m0s" {
			t.Errorf("armed %t: %+v, want %q", armed, got, want)
		}
	}
}

// Every guard stands in the documentation, in order; so do the outcomes and phases.
func TestSafetyIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../../docs/restart-safety.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var rows []Guard
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]* \\| [^|]* \\| [^|]* \\|$").FindAllStringSubmatch(text, -1) {
		rows = append(rows, Guard(m[1]))
	}
	if diff := cmp.Diff(Guards(), rows); diff != "" {
		t.Errorf("guards (-code +docs/restart-safety.md):\n%s", diff)
	}
	for _, o := range Outcomes() {
		if !strings.Contains(text, "| `"+string(o)+"` |") {
			t.Errorf("the outcome %s is not documented", o)
		}
	}
	for _, p := range Phases() {
		if !strings.Contains(text, string(p)) {
			t.Errorf("the phase %s is not documented", p)
		}
	}
}

// What holds the unit for a known time says until when; a time that is over says nothing.
func TestPreflightNext(t *testing.T) {
	p := testPolicy()
	for _, tt := range []struct {
		name        string
		fitAt, want time.Duration // from now; 0: not known
		seen        time.Duration
	}{
		{"just seen", time.Hour, time.Hour, 0},
		{"seen before", time.Minute, time.Minute, 10 * time.Second},
		{"over", -time.Second, 0, 10 * time.Second},
		{"not known", 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := State{Preflight: Preflight{At: start.Add(-tt.seen), Unfit: "limited: one more start"}}
			var want time.Time
			if tt.fitAt != 0 {
				s.Preflight.FitAt = start.Add(tt.fitAt)
			}
			if tt.want != 0 {
				want = start.Add(tt.want)
			}
			if got := askPreflight(&question{policy: &p, state: &s, now: start}); got.OK || !got.Next.Equal(want) {
				t.Errorf("got %+v, want that it allows at %s", got, want)
			}
		})
	}
}

// One of four pods that fails is left to the cluster, for as long as it may last; when the second one fails as well, the
// restart wants as many failures in a row as any other.
func TestPartialOutage(t *testing.T) {
	r := newRun(t, testPolicy()).arm()
	r.alert()
	d := r.probes(600, time.Second, partly(1, 4))
	if r.restarts() != 0 || d.Hold != GuardOutage || d.Guards[len(d.Guards)-1].Value != "1 of 4 checks fail" {
		t.Fatalf("restarted %d times, decision is %+v, want that it is held", r.restarts(), d)
	}
	r.probe(beyond(1, partly(2, 4)))
	if r.state.Hold != GuardOutage {
		t.Errorf("a wrong path besides is held by %q", r.state.Hold)
	}
	r.wait(time.Second)
	for n := 1; r.restarts() == 0 && n < 10; n++ {
		r.probe(partly(2, 4))
		if r.restarts() != 0 && n != 3 {
			t.Errorf("restarted at the failure %d in a row, want the third", n)
		}
		r.wait(time.Second)
	}
	if r.restarts() != 1 {
		t.Error("not restarted when half of it failed")
	}
}
