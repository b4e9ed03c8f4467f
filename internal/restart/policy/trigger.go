package policy

import (
	"cmp"
	"slices"
	"time"
)

// A Trigger is what asks for a restart.
type Trigger string

// The triggers. Where several ask, the first of them counts.
const (
	TriggerAlert     Trigger = "alert"      // an alert that was told as firing, and not as resolved since
	TriggerRequest   Trigger = "request"    // an operator or a script
	TriggerOwnChecks Trigger = "own_checks" // the service's own checks; see Policy.WithoutAlertAfter
)

// Triggers lists every Trigger.
func Triggers() []Trigger { return []Trigger{TriggerAlert, TriggerRequest, TriggerOwnChecks} }

// Demanded reports whether anything asks for a restart.
func (s *State) Demanded() bool { return len(s.Demands) > 0 || s.OwnDemand }

// Trigger is what asks for a restart now, or what asked for the attempt under way. Empty: nothing does.
func (s *State) Trigger() Trigger {
	switch {
	case s.InFlight():
		return s.Intent.Asker()
	case slices.ContainsFunc(s.Demands, func(d Demand) bool { return !isRequest(d) }):
		return TriggerAlert
	case len(s.Demands) > 0:
		return TriggerRequest
	case s.OwnDemand:
		return TriggerOwnChecks
	default:
		return ""
	}
}

// Asker is what asked for the attempt. Empty: there is none.
func (i *Intent) Asker() Trigger {
	if i.At.IsZero() {
		return ""
	}
	return cmp.Or(i.Trigger, TriggerAlert)
}

// intended is the Trigger as an Intent has it.
func (s *State) intended() Trigger {
	if t := s.Trigger(); t != TriggerAlert {
		return t
	}
	return ""
}

// own judges whether the service's own checks ask for a restart. They do from the probe on that finds the service down for
// WithoutAlertAfter, until a probe finds anything else. Only time between two probes of one row counts: what breaks the row, such
// as a gap, a jump of the clock or the end of the exporter, makes the time begin anew.
func (p *Policy) own(s State) State {
	switch {
	case p.WithoutAlertAfter <= 0, s.Failures == 0:
		s.DownSince = time.Time{}
	case s.DownSince.IsZero():
		s.DownSince = s.LastProbe
	}
	asks := !s.DownSince.IsZero() && s.LastProbe.Sub(s.DownSince) >= p.WithoutAlertAfter
	if s.OwnDemand && !asks && len(s.Demands) == 0 { // there is nothing to decide any more
		s.Hold = ""
	}
	s.OwnDemand = asks
	return s
}

// OwnChecksAt is when the service's own checks began to ask for a restart, or will if they go on failing. Zero: they do not.
func (p *Policy) OwnChecksAt(s *State) time.Time {
	if s.DownSince.IsZero() {
		return time.Time{}
	}
	return s.DownSince.Add(p.WithoutAlertAfter)
}
