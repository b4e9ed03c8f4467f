package policy

import "time"

// An Event is something that happened to a service: exactly one of the fields up to Unlocked is set. Encoding an Event
// as JSON and decoding it gives the same Event, so that recorded events can be fed through a policy again.
type Event struct {
	// Told is what was told of an alert about the service.
	Told *Alert `json:"told,omitempty"`
	// Alerted is true in what earlier versions recorded, when any alert about the service fired.
	Alerted bool `json:"alerted,omitempty"`
	// Probed is what a round of the service's own checks found.
	Probed *Evidence `json:"probed,omitempty"`
	// Preflighted is the back-end's answer to a Decision with Inspect.
	Preflighted *Preflight `json:"preflighted,omitempty"`
	// Network is what the sentinels showed that a Decision with AskNetwork asked for.
	Network *Network `json:"network,omitempty"`
	// Looked is what a round of checks found that a Decision with Look asked for.
	Looked *Evidence `json:"looked,omitempty"`
	// Executed is the back-end's answer to a Decision with Restart.
	Executed *Executed `json:"executed,omitempty"`
	// Tried is the back-end's answer to a Decision with WouldRestart, of a DryRunner. It is recorded and changes nothing.
	Tried *Executed `json:"tried,omitempty"`
	// Started says that the exporter began to watch the service, with the state of an earlier time or none.
	Started *Definition `json:"started,omitempty"`
	// Redefined says that the configuration of the service changed.
	Redefined *Definition `json:"redefined,omitempty"`
	// Paused, Resumed and Unlocked are the orders of an operator.
	Paused   *Pause    `json:"paused,omitempty"`
	Resumed  *Operator `json:"resumed,omitempty"`
	Unlocked *Operator `json:"unlocked,omitempty"`
	// Requested is the order of an operator or a script to restart the service if all guards agree.
	Requested *Operator `json:"requested,omitempty"`
	// Released is the order of an operator to release the brake of a scope to which the service belongs. The fleet does that;
	// to the service it changes nothing.
	Released *Operator `json:"released,omitempty"`

	// Jump is how far the wall clock went since the last event beyond the time that passed; negative: back.
	Jump time.Duration `json:"jump,omitempty"`
	// World is what the guards need to know that is not about the service itself.
	World World `json:"world,omitzero"`
}

// Executed is the outcome of the back-end's work, which proves nothing yet.
type Executed struct {
	// Attempt is the ID of the attempt; the outcome of another one is ignored.
	Attempt string `json:"attempt,omitempty"`
	// Error says why the back-end failed. Empty: it says that it restarted the service.
	Error string `json:"error,omitempty"`
	// Refused is true when the error means that nothing was done to the service.
	Refused bool `json:"refused,omitempty"`
}

// A Definition identifies the checks of a service. Empty: they are not known now.
type Definition struct {
	Checks string `json:"checks,omitempty"`
}

// An Operator is who gave an order, and why.
type Operator struct {
	Who    string `json:"who,omitempty"`
	Reason string `json:"reason,omitempty"`
	// SaidBy is who the operator says to be, where Who has proved to be another.
	SaidBy string `json:"said_by,omitempty"`
}

// By says who gave the order.
func (o *Operator) By() string { return by(o.Who, o.SaidBy) }

func by(who, saidBy string) string {
	if saidBy == "" {
		return who
	}
	return who + " (as said: " + saidBy + ")"
}

// A World is what surrounds a service at the time of an event. The controller fills it in, and it is recorded with the
// event: the policy looks at nothing else. The zero World is one in which the exporter has just started.
type World struct {
	// Leader is whether this exporter may act.
	Leader Leadership `json:"leader,omitzero"`
	// Uptime is for how long the exporter has been running.
	Uptime time.Duration `json:"uptime,omitempty"`
	// Journal says why states cannot be persisted. Empty: they can.
	Journal string `json:"journal,omitempty"`
	// Down are the services that this one depends on and that are not known to be healthy since it failed.
	Down []string `json:"down,omitempty"`
	// Maintenance is the maintenance window that is open; zero: none.
	Maintenance Window `json:"maintenance,omitzero"`
	// InFlight counts the other services that are being restarted or verified, InGroup those of them in the same group.
	InFlight int `json:"in_flight,omitempty"`
	InGroup  int `json:"in_group,omitempty"`
	// FleetAttempts counts the attempts of all services within the policy's FleetWindow. The oldest of them was at
	// FleetOldest.
	FleetAttempts int       `json:"fleet_attempts,omitempty"`
	FleetOldest   time.Time `json:"fleet_oldest,omitzero"`
	// Brake is the mass brake as far as it concerns the service.
	Brake Brake `json:"brake,omitzero"`
}

// A Leadership is whether this exporter may act. The zero Leadership is that of one that is the only one.
type Leadership struct {
	// Standby says why another exporter may act, or nobody. Empty: this one may.
	Standby string `json:"standby,omitempty"`
	// Elected is true when this exporter was chosen among several, For is for how long that has been so.
	Elected bool          `json:"elected,omitempty"`
	For     time.Duration `json:"for,omitempty"`
}

// A Window is an open maintenance window.
type Window struct {
	Name  string    `json:"name,omitempty"`
	Until time.Time `json:"until,omitzero"` // zero: not known
}

// A Brake is the mass brake of a scope, or of the one that is nearest to it.
type Brake struct {
	// On is true when nothing in the scope may be restarted.
	On bool `json:"on,omitempty"`
	// Scope is "fleet" or "group/NAME".
	Scope string `json:"scope,omitempty"`
	// Failing of Armed services fail; Limit of them brake. Holding of the failing keep it on: a restart may repair them, and
	// they are not locked out.
	Failing int `json:"failing,omitempty"`
	Armed   int `json:"armed,omitempty"`
	Limit   int `json:"limit,omitempty"`
	Holding int `json:"holding,omitempty"`
	// Release is what releases a brake that is on. Trial is why it does not let go of this one alone, or that it does.
	Release string `json:"release,omitempty"`
	Trial   string `json:"trial,omitempty"`
	// Unseen counts the services that were not probed since this one failed and could make it a mass failure.
	Unseen int `json:"unseen,omitempty"`
	// Next is when the brake may be off, as far as that is known; zero: it is not.
	Next time.Time `json:"next,omitzero"`
}

// An Outcome is how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeNone              Outcome = ""
	OutcomeRecovered         Outcome = "recovered"          // restarted, and healthy in time
	OutcomeNotRecovered      Outcome = "not_recovered"      // restarted, and not healthy in time, or not with all of it
	OutcomeExecFailed        Outcome = "exec_failed"        // the back-end failed; it may have done something or not
	OutcomeRefused           Outcome = "refused_by_backend" // refused, nothing was done
	OutcomeIdentityUnchanged Outcome = "identity_unchanged" // healthy, but nothing was restarted
	OutcomeUnknown           Outcome = "unknown"            // nobody watched, or nobody could tell
)

// Outcomes lists every Outcome but OutcomeNone.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomeRecovered, OutcomeNotRecovered, OutcomeExecFailed, OutcomeRefused, OutcomeIdentityUnchanged, OutcomeUnknown,
	}
}

// A Decision is what the policy makes of an event.
type Decision struct {
	// Inspect asks for a Preflighted event.
	Inspect bool `json:"inspect,omitempty"`
	// AskNetwork asks for a Network event: all other guards agree, and the failure may be the network's.
	AskNetwork bool `json:"ask_network,omitempty"`
	// Look asks for a Looked event: all guards agree, and one more round of checks comes before anything is done.
	Look bool `json:"look,omitempty"`
	// Restart is true if the service must be restarted now, once the new State with its Intent is persisted. WouldRestart is
	// true if only the mode prevents that.
	Restart      bool `json:"restart,omitempty"`
	WouldRestart bool `json:"would_restart,omitempty"`
	// Hold is the guard that refused; empty when there was nothing to decide or nothing refused.
	Hold Guard `json:"hold,omitempty"`
	// Guards are the guards that were asked, in order, up to the one that refused.
	Guards []GuardResult `json:"guards,omitempty"`
	// Outcome is set when an attempt has ended.
	Outcome Outcome `json:"outcome,omitempty"`
}
