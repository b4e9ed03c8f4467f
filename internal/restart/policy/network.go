package policy

import "time"

// A Network is what the sentinels showed of the exporter's own network.
type Network struct {
	// Out is true when none of them answered.
	Out bool `json:"out,omitempty"`
	// Detail says which one answered, or what came of each, for people.
	Detail string `json:"detail,omitempty"`
	// At is when that became known; Next sets it.
	At time.Time `json:"at,omitzero"`
}

// doubtful reports whether a failure counts only when a sentinel answers: without the checks that had no answer, what is left of
// it would be no reason for a restart.
func (p *Policy) doubtful(e Evidence) bool {
	if e.Silent == 0 {
		return false
	}
	failing, checks := e.extent()
	left := failing - e.Beyond - e.Silent
	return left <= 0 || p.OutagePercent > 1 && left*100 < checks*p.OutagePercent
}

// asked reports whether the sentinels were asked since the back-end was.
func (s *State) asked() bool { return !s.Network.At.IsZero() && !s.Network.At.Before(s.Preflight.At) }

// heard takes what the sentinels showed. While no sentinel answers, a failure that the network may explain does not count. When one
// answers again, the confirmation begins anew.
func (q question) heard(n Network) (State, Decision) {
	s := *q.state
	if s.InFlight() || s.FailingSince.IsZero() {
		return s, Decision{} // what was asked about is over
	}
	if s.Network.Out && !n.Out {
		s.Failures, s.LastFailure = 0, time.Time{}
		s = q.policy.own(s)
	}
	n.At = q.now
	s.Network = n
	if !s.Demanded() || s.Preflight.At.IsZero() { // the answer of the back-end was forgotten meanwhile
		return s, Decision{}
	}
	fresh := s
	fresh.LastProbe = q.now // one more is made before anything is done
	q.state = &fresh
	d := q.ask()
	if d.Hold != "" {
		s.Hold = d.Hold
	}
	d.Look = d.Hold == ""
	return s, d
}

// askNetwork allows unless no sentinel has answered. They are asked when all else allows.
func askNetwork(q *question) GuardResult {
	n, age := &q.state.Network, q.now.Sub(q.state.Network.At)
	r := GuardResult{OK: true, Limit: "a sentinel answers"}
	switch {
	case !q.policy.doubtful(q.state.Last):
		r.Value = "not in question"
		return r
	case n.At.IsZero():
		r.Value = "to be asked"
		return r
	default:
		r.OK, r.Value = !n.Out, n.Detail
	}
	if age >= time.Second {
		r.Value += " (asked " + round(age) + " ago)"
	}
	return r
}
