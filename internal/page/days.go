package page

import (
	"html/template"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// dayHeight is the height of the bar of a day, in the units of its picture.
const dayHeight = 20

// days are a bar for each day of UTC, the oldest first. Each leads to the events of its day, if the target was probed then.
func days(c *catalogue, target string, all []status.Count, now time.Time) template.HTML {
	b := []byte(`<ol class="days">`)
	today := now.UTC().Truncate(24 * time.Hour)
	for i, n := range all {
		begin := today.AddDate(0, 0, i-len(all)+1)
		b = append(b, "<li>"...)
		if n.Total() > 0 {
			b = append(b, `<a href="`...)
			b = appendEscaped(b, to(c, above+"events", "target", target, "since", begin.Format(time.RFC3339), "until", begin.AddDate(0, 0, 1).Format(time.RFC3339)))
			b = append(b, `">`...)
			b = appendDayBar(b, n)
		}
		b = append(b, `<span class="vh">`...)
		b = appendEscaped(b, date(c, begin, now))
		b = append(b, ": "...)
		if n.Total() == 0 {
			b = append(append(b, none...), `</span>`...)
		} else {
			b = appendPercent(b, c, n)
			b = append(b, `</span></a>`...)
		}
		b = append(b, "</li>"...)
	}
	return template.HTML(append(b, "</ol>"...)) //nolint:gosec // it is escaped
}

// appendDayBar appends the picture of a day: a line where all was well, and a column as high as the share of probes that failed.
func appendDayBar(b []byte, n status.Count) []byte {
	class, height := "ok", dayHeight/3
	if n.Down > 0 {
		class = "no"
		height += (dayHeight - height) * n.Down / n.Total()
	}
	b = append(b, `<svg viewBox="0 0 20 `...)
	b = strconv.AppendInt(b, dayHeight, 10)
	b = append(b, `" aria-hidden="true"><path class="`...)
	b = append(b, class...)
	b = append(b, `" d="M2 `...)
	b = strconv.AppendInt(b, dayHeight, 10)
	b = append(b, "v-"...)
	b = strconv.AppendInt(b, int64(height), 10)
	b = append(b, "h16v"...)
	b = strconv.AppendInt(b, int64(height), 10)
	return append(b, `z"/></svg>`...)
}
