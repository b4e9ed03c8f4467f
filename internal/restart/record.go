package restart

// A Kind says what a Record is about. Records of each kind are kept for themselves, each within a bound of its own, so that
// whoever may cause many of one kind, such as orders, cannot push out those of another.
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
	case r.Event.ordered(), r.Event.Released != nil:
		return KindOrder
	case r.Decision.Restart, r.Decision.WouldRestart, r.Decision.Outcome != OutcomeNone, r.Event.Executed != nil, r.Event.Tried != nil,
		r.To == PhaseLockedOut && r.From != PhaseLockedOut:
		return KindAttempt
	default:
		return KindChange
	}
}

// ordered reports whether the event is an order of an operator.
func (e *Event) ordered() bool {
	return e.Paused != nil || e.Resumed != nil || e.Unlocked != nil || e.Requested != nil
}

// sameOrders reports whether two states are the same in what an operator's order changes.
func (s *State) sameOrders(o *State) bool {
	mine, _ := s.request()
	theirs, _ := o.request()
	return mine.Key == theirs.Key && mine.Request == theirs.Request && s.Pause == o.Pause && s.LockedOut == o.LockedOut && s.LockedAt.Equal(o.LockedAt) && s.Unverified == o.Unverified &&
		s.CooldownUntil.Equal(o.CooldownUntil)
}
