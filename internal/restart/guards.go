package restart

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// A Guard is a condition that must hold before a service is restarted.
type Guard string

// The guards, in the order in which they are asked. Their names are the reasons of a hold.
const (
	GuardMode         Guard = "mode"
	GuardLockedOut    Guard = "locked_out"
	GuardArmed        Guard = "unarmed"
	GuardFailureClass Guard = "failure_class"
	GuardConfirmed    Guard = "unconfirmed"
	GuardCooldown     Guard = "cooldown"
	GuardBudget       Guard = "budget"
)

// A GuardResult is what one guard said, with the value that it saw and the limit that it compares with.
type GuardResult struct {
	Guard        Guard
	OK           bool
	Value, Limit string
}

// guards are asked in this order; the first that refuses holds.
var guards = []struct {
	guard Guard
	ask   func(p *Policy, s *State, now time.Time) (ok bool, value, limit string)
}{
	{GuardMode, askMode},
	{GuardLockedOut, askLockedOut},
	{GuardArmed, askArmed},
	{GuardFailureClass, askFailureClass},
	{GuardConfirmed, askConfirmed},
	{GuardCooldown, askCooldown},
	{GuardBudget, askBudget},
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
func (p Policy) ask(s State, now time.Time) Decision {
	var d Decision
	for _, g := range guards {
		ok, value, limit := g.ask(&p, &s, now)
		d.Guards = append(d.Guards, GuardResult{Guard: g.guard, OK: ok, Value: value, Limit: limit})
		if !ok {
			d.Hold = g.guard
			break
		}
	}
	return d
}

func askMode(p *Policy, _ *State, _ time.Time) (ok bool, value, limit string) {
	return p.Mode == ModeObserve || p.Mode == ModeEnforce, string(cmp.Or(p.Mode, ModeOff)), "observe or enforce"
}

func askLockedOut(p *Policy, s *State, _ time.Time) (ok bool, value, limit string) {
	return !s.LockedOut, fmt.Sprintf("%d unverified", s.Unverified), fmt.Sprintf("less than %d", p.MaxUnverified)
}

func askArmed(p *Policy, s *State, _ time.Time) (ok bool, value, limit string) {
	return s.Armed, fmt.Sprintf("armed %t", s.Armed), fmt.Sprintf("%d successes over %s", p.ArmProbes, p.ArmTime)
}

func askFailureClass(p *Policy, s *State, _ time.Time) (ok bool, value, limit string) {
	value = string(s.Last.Reason)
	if s.Last.StatusCode != 0 {
		value += fmt.Sprintf(" %d", s.Last.StatusCode)
	}
	return p.repairable(s.Last), value, "one that a restart repairs"
}

func askConfirmed(p *Policy, s *State, _ time.Time) (ok bool, value, limit string) {
	return p.ConfirmProbes > 0 && s.Failures >= p.ConfirmProbes, fmt.Sprintf("%d failures", s.Failures), strconv.Itoa(p.ConfirmProbes)
}

func askCooldown(p *Policy, s *State, now time.Time) (ok bool, value, limit string) {
	pause := p.pause(s)
	if len(s.Attempts) == 0 {
		return true, "no attempt", pause.String()
	}
	since := now.Sub(s.Attempts[len(s.Attempts)-1])
	return since >= pause, since.String(), pause.String()
}

// pause is the cool-down that holds now: doubled for every attempt in a row that did not help.
func (p *Policy) pause(s *State) time.Duration {
	pause := p.Cooldown
	for range s.Unverified {
		pause = min(2*pause, p.CooldownMax)
	}
	return pause
}

func askBudget(p *Policy, s *State, now time.Time) (ok bool, value, limit string) {
	hour := 0
	for _, t := range s.Attempts {
		if now.Sub(t) < time.Hour {
			hour++
		}
	}
	day := len(s.Attempts)
	return hour < p.BudgetHour && day < p.BudgetDay,
		fmt.Sprintf("%d in an hour, %d in a day", hour, day),
		fmt.Sprintf("%d and %d", p.BudgetHour, p.BudgetDay)
}
