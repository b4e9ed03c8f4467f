package restart

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A Backend restarts one unit of whatever supervises a service. It is bound to the unit when it is built.
type Backend interface {
	// Kind names the sort of back-end, such as "command".
	Kind() string
	// Inspect looks at the unit without touching it. An error means that nothing is known; it wraps ErrRefused where
	// Restart could not but refuse.
	Inspect(ctx context.Context) (Status, error)
	// Restart makes exactly one mutation and does not repeat it. That it returns nil proves nothing: the
	// controller's own probes judge. An error that wraps ErrRefused says that nothing was done to the unit; after any
	// other it may have been restarted or not.
	Restart(ctx context.Context, a Attempt) error
}

// A Finisher is a Backend whose Restart stops the unit by one call and starts it by another, so that an exporter that ends
// in between leaves it stopped.
type Finisher interface {
	Backend
	// Finish starts the unit if it can be seen that the attempt, which an earlier exporter did not live to end, has stopped
	// it, and that nobody has touched it since. Otherwise it does nothing. It reports whether it tried to start the unit.
	Finish(ctx context.Context, a Attempt) (tried bool, err error)
}

// A DryRunner is a Backend that can try a restart out.
type DryRunner interface {
	Backend
	// DryRun has the supervisor say whether it would do what Restart asks it for, and changes nothing. It is asked in
	// observe mode, about a restart that would have been made.
	DryRun(ctx context.Context, a Attempt) error
}

// ErrRefused is wrapped by the errors of a back-end that did not touch the unit, because it may not or must not now.
var ErrRefused = errors.New("refused by the back-end")

// A Status is what a back-end knows about its unit. The zero Status belongs to a back-end that knows nothing, so that nothing
// speaks for or against a restart.
type Status struct {
	// Identity changes with every start of the unit. Empty: this back-end cannot tell one start from another, and
	// whether a restart took place is judged by probes alone.
	Identity string
	// Running reports whether all of the unit runs, as it is meant to since its last start. Until then a restart has not
	// helped. It means something only together with an Identity.
	Running bool
	// Itself is true when the supervisor made the last start by itself, because the unit had ended: then another identity is
	// nobody's work.
	Itself bool
	// Unfit says why the unit must not be restarted now. Empty: nothing speaks against it.
	Unfit Unfit
	// Detail is what the back-end saw, for people: in the words of the supervisor, without secrets. It may be empty.
	Detail string
	// StartedAt is when the last part of the unit was started, whoever did it. Zero: not known.
	StartedAt time.Time
	// FitAt is when Unfit will no longer hold if nothing else changes. Zero: not known.
	FitAt time.Time
	// Takes is for how long the unit's own settings let a restart go on. An attempt gets as much time, if that is more
	// than the configuration gives it. Zero: not known.
	Takes time.Duration
}

// Unfit is why a unit must not be restarted now.
type Unfit string

// The reasons of a back-end.
const (
	UnfitMissing  Unfit = "missing"      // there is no such unit
	UnfitStopped  Unfit = policy.Stopped // somebody stopped it, or it has ended as it should: a restart would start it
	UnfitPaused   Unfit = "paused"       // somebody paused it, or its rollouts
	UnfitRolling  Unfit = "rolling"      // it is being started, stopped, reloaded or rolled out already
	UnfitLooping  Unfit = "looping"      // its supervisor keeps restarting it already
	UnfitLimited  Unfit = "limited"      // its supervisor may refuse one more start, and leave it stopped
	UnfitUnsuited Unfit = "unsuited"     // it is set up in such a way that it cannot be restarted like this
)

// Unfits lists every Unfit.
func Unfits() []Unfit {
	return []Unfit{UnfitMissing, UnfitStopped, UnfitPaused, UnfitRolling, UnfitLooping, UnfitLimited, UnfitUnsuited}
}

// An Attempt is one restart.
type Attempt struct {
	// ID is unique, also across instances of the exporter.
	ID string
	// At is when it was decided.
	At time.Time
	// Before is what Inspect said before the decision. A back-end refuses when the unit has got another identity since:
	// then somebody else has restarted it. Without an Identity nothing is compared.
	Before Status
}

// Admit refuses an attempt on a unit, such as `the app "web"`, if something speaks against it now, or if somebody else has
// changed the unit since the decision. In the error another identity reads as changed, such as "was restarted". A back-end
// asks with the latest Status, right before it acts.
func (a *Attempt) Admit(unit, changed string, latest Status) error {
	switch before := a.Before.Identity; {
	case latest.Unfit != "":
		return fmt.Errorf("%w: %s is %s: %s", ErrRefused, unit, latest.Unfit, latest.Detail)
	case before != "" && before != latest.Identity:
		return fmt.Errorf("%w: %s %s by somebody else since it was looked at", ErrRefused, unit, changed)
	default:
		return nil
	}
}
