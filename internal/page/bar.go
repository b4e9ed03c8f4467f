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
	empty, before, begun := len(b), 0, 0
	for i := 0; i <= len(minutes); i++ {
		h := 0
		if i < len(minutes) {
			h = height(minutes[i])
		}
		if h == before {
			continue
		}
		if before > 0 {
			if len(b) == empty {
				b = append(b, `<path class="`...)
				b = append(b, class...)
				b = append(b, `" d="`...)
			}
			b = appendColumn(b, begun, i-begun, before)
		}
		before, begun = h, i
	}
	if len(b) > empty {
		b = append(b, `"/>`...)
	}
	return b
}

// appendColumn appends a rectangle that stands on the line below.
func appendColumn(b []byte, at, width, height int) []byte {
	b = strconv.AppendInt(append(b, 'M'), int64(at), 10)
	b = strconv.AppendInt(append(b, ' '), barHeight, 10)
	b = strconv.AppendInt(append(b, "v-"...), int64(height), 10)
	b = strconv.AppendInt(append(b, 'h'), int64(width), 10)
	b = strconv.AppendInt(append(b, 'v'), int64(height), 10)
	return append(b, 'z')
}
