package page

import (
	"html/template"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
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

// quietPeriods are the periods that people have set.
func quietPeriods(c *catalogue, q *inventory.Quiet) (all []quietPeriod) {
	for _, of := range []struct {
		key    string
		period *calendar.Period
	}{{"detail.muted_until", q.Mute}, {"detail.maintenance_until", q.Maintenance}} {
		p := of.period
		if p == nil {
			continue
		}
		key := of.key
		if p.UntilHealthy {
			key += "_healthy"
		}
		n := quietPeriod{Until: clock(p.End)}
		n.Before, n.After = c.around(key)
		if who := author(p); who != "" {
			n.Who = c.say("detail.set_by", printable.Text(who, printable.MaxError))
		}
		all = append(all, n)
	}
	return all
}
