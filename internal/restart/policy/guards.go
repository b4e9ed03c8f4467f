package policy

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Guard is a condition that must hold before a service is restarted.
type Guard string

// The guards, in the order in which they are asked. Their names are the reasons of a hold.
const (
	GuardMode         Guard = "mode"
	GuardLeader       Guard = "leader"
	GuardJournal      Guard = "journal"
	GuardWarmUp       Guard = "warm_up"
	GuardArmed        Guard = "unarmed"
	GuardFailureClass Guard = "failure_class"
	GuardOutage       Guard = "partial_outage"
	GuardConfirmed    Guard = "unconfirmed"
	GuardFresh        Guard = "stale"
	GuardDependency   Guard = "dependency"
	GuardMaintenance  Guard = "maintenance"
	GuardPaused       Guard = "paused"
	GuardPreflight    Guard = "preflight"
	GuardStartGrace   Guard = "start_grace"
	GuardCooldown     Guard = "cooldown"
	GuardBudget       Guard = "budget"
	GuardLockedOut    Guard = "locked_out"
	GuardConcurrency  Guard = "concurrency"
	GuardFleetRate    Guard = "fleet_rate"
	GuardBrake        Guard = "brake"
	GuardNetwork      Guard = "network"
)

// A GuardResult is what one guard said, with the value that it saw and the limit that it compares with.
type GuardResult struct {
	Guard Guard  `json:"guard"`
	OK    bool   `json:"ok"`
	Value string `json:"value"`
	Limit string `json:"limit"`
	// Next is when a guard that refused would next allow, if nothing else changes; zero: not known.
	Next time.Time `json:"next,omitzero"`
}

// guardRow is a guard and how it is asked.
type guardRow struct {
	guard Guard
	ask   func(q *question) GuardResult
}

// guards are asked in this order; the first that refuses holds.
var guards = []guardRow{
	{GuardMode, askMode},
	{GuardLeader, askLeader},
	{GuardJournal, askJournal},
	{GuardWarmUp, askWarmUp},
	{GuardArmed, askArmed},
	{GuardFailureClass, askFailureClass},
	{GuardOutage, askOutage},
	{GuardConfirmed, askConfirmed},
	{GuardFresh, askFresh},
	{GuardDependency, askDependency},
	{GuardMaintenance, askMaintenance},
	{GuardPaused, askPaused},
	{GuardPreflight, askPreflight},
	{GuardStartGrace, askStartGrace},
	{GuardCooldown, askCooldown},
	{GuardBudget, askBudget},
	{GuardLockedOut, askLockedOut},
	{GuardConcurrency, askConcurrency},
	{GuardFleetRate, askFleetRate},
	{GuardBrake, askBrake},
	{GuardNetwork, askNetwork},
}

// Guards lists every Guard in the order in which they are asked.
func Guards() []Guard {
	var all []Guard
	for _, g := range guards {
		all = append(all, g.guard)
	}
	return all
}

// ask asks the guards up to the first that refuses.
func (q *question) ask() Decision {
	d := Decision{Guards: make([]GuardResult, 0, len(q.table))}
	for _, g := range q.table {
		r := g.ask(q)
		r.Guard = g.guard
		d.Guards = append(d.Guards, r)
		if !r.OK {
			d.Hold = g.guard
			break
		}
	}
	return d
}

func askMode(q *question) GuardResult {
	m := q.policy.Mode
	return GuardResult{OK: m == ModeObserve || m == ModeEnforce, Value: string(cmp.Or(m, ModeOff)), Limit: "observe or enforce"}
}

// askLeader allows the only exporter, and the one that holds the lease. It is not known here what the previous holder has done, so
// a new one waits as long as after an attempt.
func askLeader(q *question) GuardResult {
	l, limit := &q.world.Leader, "leads for at least "+q.policy.Cooldown.String()
	switch {
	case l.Standby != "":
		return GuardResult{Value: l.Standby, Limit: limit}
	case !l.Elected:
		return GuardResult{OK: true, Value: "the only exporter", Limit: limit}
	default:
		return q.wait("leads for "+round(l.For), limit, q.policy.Cooldown-l.For)
	}
}

func askJournal(q *question) GuardResult {
	return GuardResult{OK: q.world.Journal == "", Value: cmp.Or(q.world.Journal, "writable"), Limit: "writable"}
}

func askWarmUp(q *question) GuardResult {
	up, what := q.world.Uptime, "up for "
	if jumped := q.now.Sub(q.state.JumpedAt); !q.state.JumpedAt.IsZero() && jumped < up {
		up, what = jumped, "clock jumped before "
	}
	return q.wait(what+round(up), "at least "+q.policy.WarmUp.String(), q.policy.WarmUp-up)
}

func askArmed(q *question) GuardResult {
	s, value := q.state, "armed"
	if !s.Armed {
		held := time.Duration(0)
		if s.Successes > 0 {
			held = s.LastProbe.Sub(s.HealthySince)
		}
		value = successes(s.Successes, held)
	}
	return GuardResult{OK: s.Armed, Value: value, Limit: successes(q.policy.ArmProbes, q.policy.ArmTime)}
}

func successes(n int, held time.Duration) string {
	return plural(n, "success", "successes") + " over " + round(held)
}

func askFailureClass(q *question) GuardResult {
	last := &q.state.Last
	return GuardResult{OK: q.policy.Repairable(*last), Value: last.words(), Limit: "one that a restart repairs"}
}

func askOutage(q *question) GuardResult {
	failing, checks := q.state.Last.extent()
	value := fmt.Sprintf("%d of %s", failing, plural(checks, "check fails", "checks fail"))
	if n := q.state.Last.Beyond; n > 0 {
		value += fmt.Sprintf(", %d of them as no restart repairs it", n)
	}
	return GuardResult{
		OK:    q.policy.outage(q.state.Last),
		Value: value,
		Limit: fmt.Sprintf("at least %d %%", q.policy.OutagePercent),
	}
}

// words are for people: with all that decides whether a restart repairs it.
func (e *Evidence) words() string {
	if *e == (Evidence{}) {
		return "no probe"
	}
	text := cmp.Or(string(e.Reason), "healthy")
	switch e.Reason { //nolint:exhaustive // the others have no code
	case prober.ReasonStatus, prober.ReasonWSHandshake:
		if e.StatusCode != 0 {
			text += " " + strconv.Itoa(e.StatusCode)
		}
		if e.RetryAfter {
			text += " (Retry-After)"
		}
	case prober.ReasonWSClosed:
		text += " " + strconv.Itoa(e.CloseCode)
	case prober.ReasonWSMessage:
		if e.TimedOut {
			text += " (none in time)"
		}
	}
	if e.Away {
		text += " (another host)"
	}
	return text
}

func askConfirmed(q *question) GuardResult {
	want, got := q.policy.ConfirmProbes, q.state.Failures
	return GuardResult{
		OK:    want > 0 && got >= want,
		Value: plural(got, "failure", "failures"),
		Limit: strconv.Itoa(want) + ", at least " + q.policy.ConfirmInterval.String() + " apart",
	}
}

func askFresh(q *question) GuardResult {
	age := q.now.Sub(q.state.LastProbe)
	if q.state.LastProbe.IsZero() {
		return GuardResult{Value: "no probe", Limit: "at most " + q.policy.ConfirmAge.String() + " old"}
	}
	return GuardResult{OK: age <= q.policy.ConfirmAge, Value: round(age) + " old", Limit: "at most " + q.policy.ConfirmAge.String() + " old"}
}

func askDependency(q *question) GuardResult {
	if len(q.world.Down) == 0 {
		return GuardResult{OK: true, Value: "none is down", Limit: "none is down"}
	}
	return GuardResult{Value: strings.Join(q.world.Down, ", ") + " down", Limit: "none is down"}
}

func askMaintenance(q *question) GuardResult {
	w := &q.world.Maintenance
	return GuardResult{OK: w.Name == "", Value: cmp.Or(w.Name, "no window"), Limit: "no window", Next: w.Until}
}

func askPaused(q *question) GuardResult {
	pause := &q.state.Pause
	if pause.Until.IsZero() { // a pause that is over has been removed
		return GuardResult{OK: true, Value: "not paused", Limit: "not paused"}
	}
	return GuardResult{Value: fmt.Sprintf("by %s: %s", pause.By(), pause.Reason), Limit: "not paused", Next: pause.Until}
}

// askPreflight allows while the back-end has not been asked: only its answer leads to a restart. An answer against it
// holds for some time, so that the back-end is not asked at every probe.
func askPreflight(q *question) GuardResult {
	f, age := &q.state.Preflight, q.now.Sub(q.state.Preflight.At)
	next := f.FitAt
	if !next.After(q.now) { // then the back-end has to be asked
		next = time.Time{}
	}
	switch {
	case f.At.IsZero(), f.Unfit == "", age >= q.policy.InspectInterval && age > 0:
		return GuardResult{OK: true, Value: "fit, or to be asked", Limit: "fit"}
	case age < time.Second:
		return GuardResult{Value: f.Unfit, Limit: "fit", Next: next}
	default: // the unit may be another by now
		return GuardResult{Value: f.Unfit + " (seen " + round(age) + " ago)", Limit: "fit", Next: next}
	}
}

// askStartGrace counts from the start of the unit, or from the last attempt where the back-end knows nothing of it and the
// cool-down is shorter.
func askStartGrace(q *question) GuardResult {
	f, limit := &q.state.Preflight, "at least "+q.policy.StartGrace.String()
	started, value := f.StartedAt, "up for "
	if n := len(q.state.Attempts); started.IsZero() && n > 0 && q.policy.StartGrace > q.policy.pause(q.state) {
		started, value = q.state.Attempts[n-1], "start is not known, restarted before "
	}
	if started.IsZero() {
		return GuardResult{OK: true, Value: "start is not known", Limit: limit}
	}
	age := q.now.Sub(started)
	return q.wait(value+round(age), limit, q.policy.StartGrace-age)
}

func askCooldown(q *question) GuardResult {
	pause := q.policy.pause(q.state)
	last := q.state.LastAttempt()
	if last.IsZero() {
		return GuardResult{OK: true, Value: "no attempt", Limit: pause.String()}
	}
	since := q.now.Sub(last)
	value := round(since) + " since the last attempt"
	if q.state.lastRefused() {
		value += ", which was refused"
	}
	return q.wait(value, pause.String(), pause-since)
}

func askBudget(q *question) GuardResult {
	hour, day := q.state.Spent(q.now)
	p := q.policy
	r := GuardResult{
		OK:    hour < p.BudgetHour && day < p.BudgetDay,
		Value: fmt.Sprintf("%d in an hour, %d in a day", hour, day),
		Limit: fmt.Sprintf("less than %d and %d", p.BudgetHour, p.BudgetDay),
	}
	if r.OK || p.BudgetHour < 1 || p.BudgetDay < 1 {
		return r
	}
	// The attempt that has to be forgotten so that one less than the budget is left.
	if hour >= p.BudgetHour {
		r.Next = q.state.Attempts[day-p.BudgetHour].Add(time.Hour)
	}
	if day >= p.BudgetDay {
		if next := q.state.Attempts[day-p.BudgetDay].Add(remembered); next.After(r.Next) {
			r.Next = next
		}
	}
	return r
}

// Spent counts the attempts within an hour and a day.
func (s *State) Spent(now time.Time) (hour, day int) {
	for _, t := range s.Attempts {
		if now.Sub(t) < time.Hour {
			hour++
		}
	}
	return hour, len(s.Attempts)
}

func askLockedOut(q *question) GuardResult {
	r := GuardResult{
		OK:    !q.state.LockedOut,
		Value: strconv.Itoa(q.state.Unverified) + " in a row did not help",
		Limit: "less than " + strconv.Itoa(q.policy.MaxUnverified),
	}
	if why := q.state.Reprieve; why != "" {
		r.Value += "; one more is allowed: " + string(why)
	}
	if !r.OK && !q.state.HealthySince.IsZero() {
		r.Next = q.state.HealthySince.Add(q.policy.UnlockTime)
	}
	return r
}

func askConcurrency(q *question) GuardResult {
	return GuardResult{
		OK:    q.world.InFlight < q.policy.Concurrency && q.world.InGroup < q.policy.ConcurrencyGroup,
		Value: fmt.Sprintf("%d under way, %d in the group", q.world.InFlight, q.world.InGroup),
		Limit: fmt.Sprintf("less than %d and %d", q.policy.Concurrency, q.policy.ConcurrencyGroup),
	}
}

func askFleetRate(q *question) GuardResult {
	w := q.world
	r := GuardResult{
		OK:    w.FleetAttempts < q.policy.FleetBudget,
		Value: plural(w.FleetAttempts, "attempt", "attempts") + " of all services",
		Limit: "less than " + strconv.Itoa(q.policy.FleetBudget) + " in " + q.policy.FleetWindow.String(),
	}
	if !r.OK && !w.FleetOldest.IsZero() {
		r.Next = w.FleetOldest.Add(q.policy.FleetWindow)
	}
	return r
}

func askBrake(q *question) GuardResult {
	b := &q.world.Brake
	r := GuardResult{OK: !b.On, Value: "no scope", Limit: "off"}
	if b.Scope != "" {
		r.Value = fmt.Sprintf("%s: %d of %d failing, %d not seen since", b.Scope, b.Failing, b.Armed, b.Unseen)
		r.Limit = "less than " + strconv.Itoa(b.Limit)
	}
	if b.Release != "" {
		r.Value = fmt.Sprintf("%s: %d of %d failing, %d in a way that a restart may repair; %s", b.Scope, b.Failing, b.Armed, b.Holding, b.Trial)
		r.Limit = b.Release + ", or no new failure for as long: then one at a time"
	}
	if b.On {
		r.Next = b.Next
	}
	return r
}

// wait allows when nothing is left to wait for.
func (q *question) wait(value, limit string, left time.Duration) GuardResult {
	r := GuardResult{OK: left <= 0, Value: value, Limit: limit}
	if !r.OK {
		r.Next = q.now.Add(left)
	}
	return r
}

// round is a duration for people.
func round(d time.Duration) string {
	if d.Abs() < time.Minute {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
