package policy

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Explanations are what the controller thinks of all services, sorted by name.
type Explanations struct {
	Services []Explanation `json:"services"`
}

// An Explanation is what the controller thinks of a service.
type Explanation struct {
	// Time is when that was.
	Time        time.Time `json:"time"`
	Service     string    `json:"service"`
	Group       string    `json:"group,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Backend     string    `json:"backend"`
	Targets     []string  `json:"targets"` // without secrets
	Mode        Mode      `json:"mode"`
	Phase       Phase     `json:"phase"`
	// Healthy is what the last probe found, Reason why it failed, if so. LastProbe is when it was; zero: not yet.
	Healthy   bool          `json:"healthy"`
	Reason    prober.Reason `json:"reason,omitempty"`
	LastProbe time.Time     `json:"last_probe,omitzero"`
	// Hint is what a person can do about the failure. Empty: nothing is known, or the service is healthy.
	Hint string `json:"hint,omitempty"`
	// Demanded is true while a restart is asked for, by Alerts that were told as firing and not as resolved since, by a Request, or by
	// the service's own checks.
	Demanded bool `json:"demanded"`
	Alerts   int  `json:"alerts"`
	// Trigger is the first of those that ask, or what asked for the attempt under way. Empty: nothing does.
	Trigger Trigger `json:"trigger,omitempty"`
	// OwnChecksAt is when the service's own checks began to ask for a restart, or will if they go on failing. Zero: they do not fail
	// as a restart repairs it, or never ask.
	OwnChecksAt time.Time `json:"own_checks_at,omitzero"`
	// AlertedAt is when the last firing alert was noted; zero: none was. ResolvedAt is when the last of them was told to be
	// resolved; zero: not yet, or it was not told again for so long that it no longer counts.
	AlertedAt  time.Time `json:"alerted_at,omitzero"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	// Request is who asked for a restart by hand or by script, and why; RequestedAt is when that was last noted. Zero: nobody did.
	Request     Operator  `json:"request,omitzero"`
	RequestedAt time.Time `json:"requested_at,omitzero"`
	// TestedAt is when the last alert came that tries out the way; zero: none did since the exporter was started.
	TestedAt time.Time `json:"tested_at,omitzero"`
	// Hold is the first guard that refuses. Empty: all agree. While the service is healthy it is the one that would refuse if the
	// service failed; those that judge the failure itself are left out.
	Hold Guard `json:"hold,omitempty"`
	// Next is when they would all allow a restart, if nothing else changes; zero: not known, or now.
	Next       time.Time `json:"next,omitzero"`
	Unverified int       `json:"unverified"`
	LockedAt   time.Time `json:"locked_at,omitzero"`
	// Refused counts the latest attempts in a row that the back-end refused.
	Refused       int       `json:"refused"`
	Budget        Budget    `json:"budget_left"`
	LastAttempt   time.Time `json:"last_attempt,omitzero"`
	CooldownUntil time.Time `json:"cooldown_until,omitzero"`
	// VerifyUntil is when the verification under way gives up.
	VerifyUntil time.Time `json:"verify_until,omitzero"`
	Pause       Pause     `json:"pause,omitzero"`
	// Guards are all of them, in order.
	Guards []GuardResult `json:"guards,omitempty"`
	// State is what it is all about. It is for nobody but us: Definition and identities are not for people.
	State State `json:"-"`
}

// Ordered is the answer to an order: what the controller thinks of the service since.
type Ordered struct {
	Explanation
	// Warning says that the order may not last. Empty: it is persisted.
	Warning string `json:"warning,omitempty"`
}

// A Budget is how many attempts are left within an hour and a day.
type Budget struct {
	Hour int `json:"hour"`
	Day  int `json:"day"`
}

// Explain asks all guards, also those after the first that refuses. Next is when they would all allow, if nothing else
// changes; it is zero when that is not known, or when they do. Of a healthy service hold and next are what they would be if
// it failed and were confirmed to.
func (p Policy) Explain(s State, w World, now time.Time) (results []GuardResult, hold Guard, next time.Time) {
	s = s.at(Wall(now), 0)
	q := question{policy: &p, state: &s, world: &w, now: Wall(now), table: guards}
	known := true
	for _, g := range guards {
		r := g.ask(&q)
		r.Guard = g.guard
		r.OK = r.OK || g.guard == GuardFresh && !s.LastProbe.IsZero() // one is made before anything is done
		results = append(results, r)
		if r.OK || s.Last.Healthy && g.guard.JudgesFailure() {
			continue
		}
		if hold == "" {
			hold = g.guard
		}
		known = known && !r.Next.IsZero()
		if r.Next.After(next) {
			next = r.Next
		}
	}
	if !known {
		next = time.Time{}
	}
	return results, hold, next
}

// JudgesFailure reports whether the guard asks how the service fails. It says nothing about a healthy one.
func (g Guard) JudgesFailure() bool {
	return g == GuardFailureClass || g == GuardOutage || g == GuardNetwork || g == GuardConfirmed || g == GuardFresh
}

// A Release is the answer to a release of the brake. Released is false when it was off already.
type Release struct {
	Scope    string `json:"scope"`
	Released bool   `json:"released"`
}
