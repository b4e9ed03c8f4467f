package harness

import (
	"fmt"
	"time"
)

// A Timing says how fast a stack is. The zero Timing is the one of the suite: what takes 15 s in the examples takes 1 s.
type Timing struct {
	// Scrape is the interval of the probes, Evaluation that of the rules.
	Scrape, Evaluation time.Duration
	// For is how long a target or the exporter is down before people are told; 0: they are told at once.
	For time.Duration
	// GroupWait and GroupInterval are those of every route that waits. 0: as shipped.
	GroupWait, GroupInterval time.Duration
	// Resend is how often Prometheus sends an alert again, firing or ended. 0: its default, a minute.
	Resend time.Duration
}

// suite is the timing of tests. A group_wait of 1 s would be too long by that measure: nobody would
// be told of an app that is repaired within it.
var suite = Timing{
	Scrape: time.Second, Evaluation: time.Second, GroupWait: 100 * time.Millisecond, GroupInterval: time.Second,
}

func (t Timing) orSuite() Timing {
	if t == (Timing{}) {
		return suite
	}
	return t
}

// duration is d as Prometheus and Alertmanager read it.
func duration(d time.Duration) string {
	return fmt.Sprintf("%dms", d.Milliseconds())
}
