package policy

import "time"

// A Record is one decision, or one change of state, with everything that led to it: Policy.Next of State, Event and
// Time is Decision and After.
type Record struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Group   string    `json:"group,omitempty"`
	Backend string    `json:"backend,omitempty"`
	From    Phase     `json:"from"`
	To      Phase     `json:"to"`
	// Trigger is what asks for a restart, or asked for the attempt that this is about. Empty: nothing does.
	Trigger  Trigger  `json:"trigger,omitempty"`
	Decision Decision `json:"decision"`
	Event    Event    `json:"event"`
	Policy   Policy   `json:"policy"`
	State    State    `json:"state"`
	After    State    `json:"after"`
}

// Replay is what a policy, that of the record or another one, makes of what led to the record.
func (r *Record) Replay(p Policy) (State, Decision) {
	return p.Next(r.State, r.Event, r.Time)
}

// A Kind says what a Record is about. The records of each kind are kept apart, within a bound of their own. Who can cause many
// records of one kind, such as orders, can therefore not push out those of another.
type Kind string

// The kinds of records.
const (
	KindAttempt Kind = "attempt" // a restart, made or tried out, how it ended, and what it led to
	KindChange  Kind = "change"  // another phase, or another guard that holds
	KindOrder   Kind = "order"   // of an operator
)

// Kinds lists every Kind.
func Kinds() []Kind { return []Kind{KindAttempt, KindChange, KindOrder} }

// Kind is what the record is about. How many attempts there are is bounded by the budget.
func (r *Record) Kind() Kind {
	switch {
	case r.Event.IsOrder(), r.Event.Released != nil:
		return KindOrder
	case r.Decision.Restart, r.Decision.WouldRestart, r.Decision.Outcome != OutcomeNone, r.Event.Executed != nil, r.Event.Tried != nil,
		r.To == PhaseLockedOut && r.From != PhaseLockedOut:
		return KindAttempt
	default:
		return KindChange
	}
}

// IsOrder reports whether the event is an order of an operator.
func (e *Event) IsOrder() bool {
	return e.Paused != nil || e.Resumed != nil || e.Unlocked != nil || e.Requested != nil
}

// SameOrders reports whether two states are the same in what an operator's order changes.
func (s *State) SameOrders(o *State) bool {
	mine, _ := s.Request()
	theirs, _ := o.Request()
	return mine.Key == theirs.Key && mine.Request == theirs.Request && s.Pause == o.Pause && s.LockedOut == o.LockedOut && s.LockedAt.Equal(o.LockedAt) && s.Unverified == o.Unverified &&
		s.CooldownUntil.Equal(o.CooldownUntil)
}
