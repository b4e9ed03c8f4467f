package page

import (
	"strconv"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// The bar of the last hour: a line where all is well, and a column where it was not. Its shape says it, not the colour alone.
const (
	barHeight = 12
	barLine   = 4 // the height of what was up
)

// appendBar appends the counts of each minute of the last hour as one path of what was up and one of what was not. Minutes that
// look the same share a rectangle, so that the bar of a healthy target has one.
func appendBar(b []byte, c *catalogue, minutes []status.Count) []byte {
	var total status.Count
	for _, m := range minutes {
		total.Up += m.Up
		total.Down += m.Down
	}
	if total.Total() == 0 {
		return append(b, none...)
	}
	b = append(b, `<svg viewBox="0 0 `...)
	b = strconv.AppendInt(b, int64(len(minutes)), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, barHeight, 10)
	b = append(b, `" preserveAspectRatio="none" aria-hidden="true">`...)
	b = appendPath(b, "ok", minutes, func(m status.Count) int {
		if m.Up > 0 && m.Down == 0 {
			return barLine
		}
		return 0
	})
	b = appendPath(b, "no", minutes, failedHeight)
	b = append(b, `</svg><span class="vh">`...)
	b = appendPercent(b, c, total)
	return append(b, `</span>`...)
}

// failedHeight is how high the column of a minute is: more than the line, and all of it where no probe found the target up.
func failedHeight(m status.Count) int {
	if m.Down == 0 {
		return 0
	}
	return barLine + (barHeight-barLine)*m.Down/m.Total()
}

// appendPath appends the path of what has a height.
func appendPath(b []byte, class string, minutes []status.Count, height func(status.Count) int) []byte {
	begun := false
	for i := 0; i < len(minutes); {
		h, n := height(minutes[i]), 1
		for i+n < len(minutes) && height(minutes[i+n]) == h {
			n++
		}
		if h > 0 {
			if !begun {
				b = append(b, `<path class="`...)
				b = append(b, class...)
				b = append(b, `" d="`...)
				begun = true
			}
			b = append(b, 'M')
			b = strconv.AppendInt(b, int64(i), 10)
			b = append(b, ' ')
			b = strconv.AppendInt(b, barHeight, 10)
			b = append(b, 'v', '-')
			b = strconv.AppendInt(b, int64(h), 10)
			b = append(b, 'h')
			b = strconv.AppendInt(b, int64(n), 10)
			b = append(b, 'v')
			b = strconv.AppendInt(b, int64(h), 10)
			b = append(b, 'z')
		}
		i += n
	}
	if begun {
		b = append(b, `"/>`...)
	}
	return b
}
