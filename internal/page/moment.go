package page

import (
	"html/template"
	"strings"
	"time"
)

// clock is a time of UTC, to the second. The script makes it one of the reader.
func clock(at time.Time) template.HTML {
	if at.IsZero() {
		return none
	}
	at = at.UTC()
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `">` + at.Format(time.DateTime) + `</time>`) //nolint:gosec // there is nothing from outside in it
}

// ago is how long ago a time was.
func ago(c *catalogue, at, now time.Time) template.HTML {
	return template.HTML(appendAge(nil, c, at, "ago", now)) //nolint:gosec // it is escaped
}

// date is a day of UTC, with its year if that is not the present one.
func date(c *catalogue, at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Year() != now.Year() {
		return at.Format(c.say("date.year"))
	}
	return at.Format(c.say("date.day"))
}

// The units of a span of time, from large to small.
var units = []struct {
	length time.Duration
	key    string
}{
	{24 * time.Hour, "age.days"}, {time.Hour, "age.hours"}, {time.Minute, "age.minutes"}, {time.Second, "age.seconds"},
}

// lasted is a span of time in its two largest units, such as "2 m 10 s".
func lasted(c *catalogue, d time.Duration) string {
	d = max(d, 0)
	var parts []string
	for i, u := range units {
		n := d / u.length
		if n == 0 && (len(parts) > 0 || i < len(units)-1) {
			if len(parts) > 0 {
				break
			}
			continue
		}
		before, after := c.around(u.key)
		parts = append(parts, before+string(appendCount(nil, int(n)))+after)
		if d -= n * u.length; len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}

// spent is how long a probe took.
func spent(d time.Duration) string { return string(appendDuration(nil, d)) }
