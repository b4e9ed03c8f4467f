package page

import (
	"html/template"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxSaid is how much a row shows of who has set a period, and why, in bytes. The page of the target has more.
const maxSaid = 100

// appendPeriod says until when something is so that a person has set, who it was, and why. Key is that of the state; those of its ends
// begin with it.
func appendPeriod(b []byte, c *catalogue, key string, p *calendar.Period, now time.Time) []byte {
	key += "_until"
	if p.UntilHealthy {
		key += "_healthy"
	}
	before, after := c.around(key)
	b = appendEscaped(b, before)
	b = appendEnd(b, p.End, now)
	b = appendEscaped(b, after)
	if who := author(p); who != "" {
		b = append(b, " ("...)
		b = appendText(b, who, maxSaid)
		b = append(b, ')')
	}
	return b
}

// maxClock is how far ahead an end may be that is told without its day: "until 12:59" would be in the past for whoever reads it at
// 13:00.
const maxClock = 12 * time.Hour

// appendEnd appends when something ends: the time, and the day if that is not clear.
func appendEnd(b []byte, end, now time.Time) []byte {
	if end.Sub(now) < maxClock {
		return appendClock(b, end)
	}
	return append(b, clock(end)...)
}

// author is who has set a period, and why, as it was written.
func author(p *calendar.Period) string {
	if p.By != "" && p.Reason != "" {
		return p.By + ": " + p.Reason
	}
	return p.By + p.Reason
}

// A quietPeriod is one in which nobody is told of a target, as its own page has it.
type quietPeriod struct {
	Before, After string // of when it ends
	Until         template.HTML
	Who           string // and why; empty: that is not known
}

// quietPeriods are the periods of a target that people have set, also those that have not begun.
func (p *Pages) quietPeriods(c *catalogue, t *board.Target, now time.Time) (all []quietPeriod) {
	for _, of := range []struct {
		key    string
		kind   managed.Kind
		period *calendar.Period
	}{{"detail.muted", managed.Mute, t.Quiet.Mute}, {"detail.maintenance", managed.Maintenance, t.Quiet.Maintenance}} {
		period := of.period
		if period == nil && p.Editing != nil {
			period = p.Editing.Registry.Period(of.kind, t.Name, now)
		}
		if period != nil {
			all = append(all, quietPeriodOf(c, of.key, period, now))
		}
	}
	return all
}

func quietPeriodOf(c *catalogue, key string, p *calendar.Period, now time.Time) quietPeriod {
	n := quietPeriod{Until: clock(p.End)}
	switch {
	case now.Before(p.Start):
		key, n.Until = key+"_planned", clock(p.Start)+" – "+clock(p.End)
	case p.UntilHealthy:
		key += "_until_healthy"
	default:
		key += "_until"
	}
	n.Before, n.After = c.around(key)
	if who := author(p); who != "" {
		n.Who = c.say("detail.set_by", printable.Text(who, printable.MaxError))
	}
	return n
}
