package restart

import "context"

// A Backend restarts one unit of whatever supervises a service. It is bound to the unit when it is built.
type Backend interface {
	// Kind names the sort of back-end, such as "command".
	Kind() string
	// Inspect looks at the unit without touching it. An error means that nothing is known.
	Inspect(ctx context.Context) (Status, error)
	// Restart makes exactly one mutation and does not repeat it. That it returns nil proves nothing: the
	// controller's own probes judge.
	Restart(ctx context.Context, a Attempt) error
}

// A Status is what a back-end knows of its unit.
type Status struct {
	// Identity changes with every start of the unit. Empty: this back-end cannot tell one start from another.
	Identity string
}

// An Attempt is one restart.
type Attempt struct {
	// ID is unique, also across instances of the exporter.
	ID string
	// Before is what Inspect said before the decision.
	Before Status
}
