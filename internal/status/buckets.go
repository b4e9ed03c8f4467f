package status

import "time"

// The spans that probes are counted by. A day is one of UTC.
const (
	minute  = time.Minute
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

// A cell counts the probes of one span of time. It saturates.
type cell[N uint16 | uint32] struct{ up, down N }

// A row is the counts of the newest spans of one length. The cell of span i, counted since 1970, is cells[i % len(cells)].
type row[N uint16 | uint32] struct {
	cells  []cell[N]
	newest *int64 // the last span that has a cell
	length time.Duration
}

// span is the number of the span that a time lies in.
func span(t time.Time, length time.Duration) int64 {
	s, l := t.Unix(), int64(length/time.Second)
	if s < 0 {
		s -= l - 1 // rounds down, as for all other times
	}
	return s / l
}

// add counts a probe. A time before all that the row has begins it anew: the clock was set back by more than the row is long.
func (r row[N]) add(at time.Time, up bool) {
	s, n := span(at, r.length), int64(len(r.cells))
	switch {
	case s <= *r.newest-n || s >= *r.newest+n:
		clear(r.cells)
		*r.newest = s
	case s > *r.newest:
		for i := *r.newest + 1; i <= s; i++ {
			*r.cell(i) = cell[N]{}
		}
		*r.newest = s
	}
	c := r.cell(s)
	if up {
		c.up = saturated(c.up)
	} else {
		c.down = saturated(c.down)
	}
}

func (r row[N]) cell(span int64) *cell[N] {
	n := int64(len(r.cells))
	return &r.cells[(span%n+n)%n]
}

// at returns the counts of a span: none where the row does not reach.
func (r row[N]) at(span int64) Count {
	if span > *r.newest || span <= *r.newest-int64(len(r.cells)) {
		return Count{}
	}
	c := r.cell(span)
	return Count{Up: int(c.up), Down: int(c.down)}
}

// last returns the counts of the last n spans, the one that now lies in included, the oldest first.
func (r row[N]) last(n int, now time.Time) []Count {
	all := make([]Count, n)
	r.fill(all, now)
	return all
}

// fill is last for as many spans as all has.
func (r row[N]) fill(all []Count, now time.Time) {
	first := span(now, r.length) - int64(len(all)-1)
	for i := range all {
		all[i] = r.at(first + int64(i))
	}
}

// sum adds up the last n spans, the one that now lies in included. A list of targets asks for four sums of each, so it walks over
// the cells and does not look up one by one.
func (r row[N]) sum(n int, now time.Time) (total Count) {
	end, most := span(now, r.length), int64(len(r.cells))
	first, last := max(end-int64(n)+1, *r.newest-most+1), min(end, *r.newest)
	if first > last {
		return Count{}
	}
	i := (first%most + most) % most
	for range last - first + 1 {
		total.Up += int(r.cells[i].up)
		total.Down += int(r.cells[i].down)
		i++
		if i == most {
			i = 0
		}
	}
	return total
}

func saturated[N uint16 | uint32](n N) N {
	if n == ^N(0) {
		return n
	}
	return n + 1
}

// A Count is how many counted probes found a target up, and how many down.
type Count struct{ Up, Down int }

// Total is how many probes were counted.
func (c Count) Total() int { return c.Up + c.Down }
