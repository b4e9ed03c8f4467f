package collector

// A Quiet is why nobody wants to be told of a target. It is in the scrape that says how the target is, so that nothing can slip
// between what somebody has said and the next scrape of anything else. The zero Quiet: people are told.
type Quiet struct{ Muted, Maintenance bool }

// quiet is why nobody wants to be told of the target now.
func (t *Target) quiet() Quiet {
	if t.Quiet == nil {
		return Quiet{}
	}
	return t.Quiet()
}

// or is for one reason or the other. A probe was made in maintenance if that was under way when it began or when it ended: what
// is taken down during a probe fails it, and so does what comes up during the next one.
func (q Quiet) or(other Quiet) Quiet {
	return Quiet{Muted: q.Muted || other.Muted, Maintenance: q.Maintenance || other.Maintenance}
}
