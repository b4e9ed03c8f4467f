package page

import (
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// What a row is made of, by append: a list of thousands of rows takes html/template hundreds of milliseconds.

// none stands for what is not known.
const none = "–"

// escapes are what html/template makes of characters in a text or a quoted attribute.
var escapes = strings.NewReplacer("\x00", "\ufffd", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// appendEscaped appends a text as html/template would.
func appendEscaped(b []byte, s string) []byte {
	if strings.ContainsAny(s, "\x00\"&'+<>") {
		s = escapes.Replace(s)
	}
	return append(b, s...)
}

// appendText appends a text from outside: cut, cleaned and escaped.
func appendText(b []byte, s string, limit int) []byte {
	return appendEscaped(b, printable.Text(s, limit))
}

// appendAge appends how long ago a time was. Form "ago" says that it is in the past; the script keeps that up to date.
func appendAge(b []byte, c *catalogue, at time.Time, form string, now time.Time) []byte {
	if at.IsZero() {
		return append(b, none...)
	}
	b = append(b, `<time data-age="`...)
	b = append(b, form...)
	b = append(b, `" datetime="`...)
	b = at.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `">`...)
	n, key := ageOf(now.Sub(at))
	if form == "ago" {
		key += "_ago"
	}
	before, after := c.around(key)
	b = appendEscaped(b, before)
	b = strconv.AppendInt(b, n, 10)
	b = appendEscaped(b, after)
	return append(b, `</time>`...)
}

// appendClock appends a time of the day, in UTC. The script makes it that of the reader.
func appendClock(b []byte, at time.Time) []byte {
	b = append(b, `<time data-clock datetime="`...)
	b = at.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `">`...)
	b = at.UTC().AppendFormat(b, time.TimeOnly)
	return append(b, `</time>`...)
}

// ages are the texts of appendAge, for the script: a number stands for %d.
func (c *catalogue) ages() string {
	var all []string
	for _, form := range []string{"", "_ago"} {
		for _, unit := range []string{"age.seconds", "age.minutes", "age.hours", "age.days"} {
			before, after := c.around(unit + form)
			all = append(all, before+"%d"+after)
		}
	}
	return strings.Join(all, "|")
}

// ageOf is a time in its largest unit of which there is more than one, rounded down. One in the future is 0.
func ageOf(d time.Duration) (n int64, key string) {
	switch d = max(d, 0); {
	case d < time.Minute:
		return int64(d / time.Second), "age.seconds"
	case d < time.Hour:
		return int64(d / time.Minute), "age.minutes"
	case d < 48*time.Hour:
		return int64(d / time.Hour), "age.hours"
	default:
		return int64(d / (24 * time.Hour)), "age.days"
	}
}

// appendDuration appends how long a probe took.
func appendDuration(b []byte, d time.Duration) []byte {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d < 10*time.Millisecond:
		return append(strconv.AppendFloat(b, ms, 'f', 1, 64), " ms"...)
	case d < time.Second:
		return append(strconv.AppendFloat(b, ms, 'f', 0, 64), " ms"...)
	default:
		return append(strconv.AppendFloat(b, ms/1000, 'f', 1, 64), " s"...)
	}
}

// appendPercent appends the part of probes that found a target up, rounded down: 100 % means all of them.
func appendPercent(b []byte, c *catalogue, n status.Count) []byte {
	before, after := c.around("list.percent")
	b = appendEscaped(b, before)
	switch hundredths := int64(n.Up) * 10_000 / int64(n.Total()); {
	case n.Down == 0:
		b = append(b, "100"...)
	case hundredths >= 9900:
		b = strconv.AppendInt(b, hundredths/100, 10)
		b = append(b, '.', byte('0'+hundredths/10%10), byte('0'+hundredths%10))
	default:
		b = strconv.AppendInt(b, hundredths/100, 10)
		b = append(b, '.', byte('0'+hundredths/10%10))
	}
	return appendEscaped(b, after)
}

// appendCount appends a number with a comma after each thousand.
func appendCount(b []byte, n int) []byte {
	if n < 1000 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	b = appendCount(b, n/1000)
	rest := n % 1000
	return append(b, ',', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}
