package harness

import (
	"cmp"
	"fmt"
	"time"
)

// A Timing says how fast a stack is. The zero Timing is that of the suite, in which 1 s stands for 15 s of the examples.
type Timing struct {
	// Scrape is the interval of the probes, Evaluation that of the rules.
	Scrape, Evaluation time.Duration
	// Self is how often Prometheus scrapes the exporter itself. 0: each second.
	Self time.Duration
	// For is how long a target or the exporter is down before its alert fires. 0: it fires at once.
	For time.Duration
	// GroupWait and GroupInterval apply to every route that waits. 0: as shipped.
	GroupWait, GroupInterval time.Duration
	// Resend is how often Prometheus sends an alert again, firing or ended. 0: its default, a minute.
	Resend time.Duration
}

// suite is the timing of tests. A group_wait of 1 s would be too long on that scale: an app that is repaired within it would
// cause no message.
var suite = Timing{
	Scrape: time.Second, Evaluation: time.Second, GroupWait: 100 * time.Millisecond, GroupInterval: time.Second,
}

func (t Timing) orSuite() Timing {
	if t == (Timing{}) {
		return suite
	}
	return t
}

func (t Timing) selfOr() time.Duration { return cmp.Or(t.Self, time.Second) }

// duration formats d for Prometheus and Alertmanager.
func duration(d time.Duration) string {
	return fmt.Sprintf("%dms", d.Milliseconds())
}
