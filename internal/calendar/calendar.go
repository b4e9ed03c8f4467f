// Package calendar knows which maintenance window is open, and until when.
package calendar

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Farthest is how far ahead the end of an open window is looked for.
const Farthest = 7 * 24 * time.Hour

// A Calendar is all the windows that concern one thing, such as a service. The zero value has none.
type Calendar []Windows

// Windows are those that belong together.
type Windows struct {
	// Name says whose they are, such as "of all targets".
	Name      string
	Intervals config.TimeIntervals
}

// A Window is one that is open. The zero value: none is.
type Window struct {
	// Name is that of the first Windows that are open.
	Name string
	// Until is when no window of the calendar is open any more. Zero: not within Farthest.
	Until time.Time
}

// At returns the window that is open at a time.
func (c Calendar) At(now time.Time) Window {
	now = now.Round(0) // a calendar knows the wall clock alone
	name, _ := c.open(now)
	if name == "" {
		return Window{}
	}
	return Window{Name: name, Until: c.end(now)}
}

// open returns the first window that is open, and a time until which it is sure to be. An empty name: none is open.
func (c Calendar) open(t time.Time) (name string, until time.Time) {
	for _, w := range c {
		for i := range w.Intervals {
			if w.Intervals[i].Contains(t) {
				return w.Name, w.Intervals[i].Lasts(t)
			}
		}
	}
	return "", time.Time{}
}

// end follows the windows from each to one that is open at its end.
func (c Calendar) end(now time.Time) time.Time {
	farthest := now.Truncate(time.Minute).Add(Farthest)
	for t := now; t.Before(farthest); {
		name, until := c.open(t)
		if name == "" {
			return t.UTC()
		}
		t = until
	}
	return time.Time{}
}
