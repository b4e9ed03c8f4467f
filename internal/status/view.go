package status

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Condition is how a target is at a time, as its last probe found it.
type Condition struct {
	State State
	// Stale says that the last probe was more than two intervals ago: the target may be otherwise by now.
	Stale bool
	// Flapping says that it goes up and down all the time.
	Flapping bool
	// Unable says that the exporter could not make the last probe. What is known is from the ones before.
	Unable bool

	// Since is when it was first seen in this state, LastProbe when the last probe began. Zero: there was none.
	Since, LastProbe time.Time
	Duration         time.Duration
	Reason           prober.Reason
	FailedPhase      prober.PhaseName
	StatusCode       int // 0: there was no answer
	// Error is what was got and what was wanted. Empty where it is up, and for a failure that the exporter remembers from before
	// it was started.
	Error string
	// Own says that the exporter made the last probe by itself, since nobody scraped.
	Own bool
}

// An Uptime is how often a target was found up: the counted probes of an hour, a day, a week and a month, up to the present minute,
// quarter of an hour, day and day.
type Uptime struct {
	Hour, Day, Week, Month Count
	// FirstSeen is when the first probe was counted. Zero: none was.
	FirstSeen time.Time
}

// condition is the Condition of a target that is probed at an interval.
func (t *track) condition(interval time.Duration, now time.Time) Condition {
	if !t.known {
		return Condition{State: StateUnknown, Unable: t.unable}
	}
	c := Condition{
		State: StateUp, Since: time.UnixMicro(t.since).UTC(), LastProbe: time.UnixMicro(t.last.at).UTC(),
		Duration: time.Duration(t.last.took) * time.Microsecond,
		Reason:   prober.Reason(reasons.word(t.last.reason)), FailedPhase: prober.PhaseName(phases.word(t.last.phase)),
		StatusCode: int(t.last.code), Error: t.err, Own: t.own, Flapping: t.flapping(now), Unable: t.unable,
	}
	if t.down {
		c.State = StateDown
	}
	c.Stale = Stale(c.LastProbe, interval, now)
	return c
}

func (t *track) uptime(now time.Time) Uptime {
	u := Uptime{
		Hour: t.minuteRow().sum(keptMinutes, now), Day: t.quarterRow().sum(keptQuarters, now),
		Week: t.dayRow().sum(7, now), Month: t.dayRow().sum(30, now),
	}
	if t.firstSeen != 0 {
		u.FirstSeen = time.Unix(t.firstSeen, 0).UTC()
	}
	return u
}

// A Glance is what a row of a table has room for: the counts of a day, and of each minute of the last hour, the oldest first.
type Glance struct {
	Day     Count
	Minutes [keptMinutes]Count
}

func (t *track) glance(now time.Time) (g Glance) {
	g.Day = t.quarterRow().sum(keptQuarters, now)
	t.minuteRow().fill(g.Minutes[:], now)
	return g
}

// A Sample is one of the last probes.
type Sample struct {
	At          time.Time
	Duration    time.Duration
	Reason      prober.Reason
	FailedPhase prober.PhaseName
	StatusCode  int
}

// A Turn is the moment at which a target was first seen up, or down.
type Turn struct {
	At          time.Time
	State       State
	Reason      prober.Reason
	StatusCode  int
	Maintenance bool // a window was open
}

// Details are what else is known of a target, the oldest first.
type Details struct {
	Recent  []Sample
	Changes []Turn
	// Minutes, Quarters and Days are the counts of the last hour, day and 90 days.
	Minutes, Quarters, Days []Count
	// Failure is the last probe that failed. nil: none is kept.
	Failure *prober.Result
}

func (t *track) details(now time.Time) Details {
	d := Details{
		Recent: make([]Sample, len(t.recent)), Changes: make([]Turn, len(t.changes)),
		Minutes: t.minuteRow().last(keptMinutes, now), Quarters: t.quarterRow().last(keptQuarters, now), Days: t.dayRow().last(keptDays, now),
	}
	for i, s := range t.recent {
		d.Recent[i] = Sample{
			At: time.UnixMicro(s.at).UTC(), Duration: time.Duration(s.took) * time.Microsecond, Reason: prober.Reason(reasons.word(s.reason)),
			FailedPhase: prober.PhaseName(phases.word(s.phase)), StatusCode: int(s.code),
		}
	}
	for i, c := range t.changes {
		d.Changes[i] = c.turn()
	}
	return d
}

func (c *change) turn() Turn {
	turn := Turn{At: time.UnixMicro(c.at).UTC(), State: StateUp, Reason: prober.Reason(reasons.word(c.reason)), StatusCode: int(c.code), Maintenance: c.planned}
	if c.down {
		turn.State = StateDown
	}
	return turn
}
