package status

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A row counts what a list of all probes would. The clock goes forward, jumps, and is set back.
func TestRow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var newest int64
		n := 1 + random.IntN(10)
		r := row[uint16]{make([]cell[uint16], n), &newest, minute}
		type probe struct {
			span int64
			up   bool
		}
		var all []probe
		last := int64(0)
		now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
		for step := range 100 {
			switch random.IntN(10) {
			case 0:
				now = now.Add(time.Duration(random.IntN(3*n)) * minute)
			case 1:
				now = now.Add(-time.Duration(random.IntN(3*n)) * minute)
			default:
				now = now.Add(time.Duration(random.IntN(40)) * time.Second)
			}
			p := probe{now.Unix() / 60, random.IntN(2) == 0}
			if p.span <= last-int64(n) { // set back by more than the row is long
				all, last = nil, p.span
			}
			all, last = append(all, p), max(last, p.span)
			r.add(now, p.up)

			ask := now.Add(time.Duration(random.IntN(2*n)-n) * minute)
			var want Count
			for _, p := range all {
				if end := ask.Unix() / 60; p.span > end || p.span <= end-int64(n) || p.span <= last-int64(n) {
					continue
				} else if p.up {
					want.Up++
				} else {
					want.Down++
				}
			}
			if got := r.sum(n, ask); got != want {
				t.Fatalf("step %d: the sum is %+v, want %+v", step, got, want)
			}
			var total Count
			for _, c := range r.last(n, ask) {
				total.Up, total.Down = total.Up+c.Up, total.Down+c.Down
			}
			if total != want {
				t.Fatalf("step %d: the cells have %+v, want %+v", step, total, want)
			}
		}
	}
}

func TestSaturated(t *testing.T) {
	if got := saturated(uint16(math.MaxUint16)); got != math.MaxUint16 {
		t.Errorf("after the most comes %d", got)
	}
	if got := saturated(uint32(math.MaxUint16)); got != math.MaxUint16+1 {
		t.Errorf("after 65535 of 32 bits comes %d", got)
	}
}

// Before 1970, as where a machine has lost its clock, spans go on.
func TestSpan(t *testing.T) {
	for seconds, want := range map[int64]int64{-61: -2, -60: -1, -1: -1, 0: 0, 59: 0, 60: 1} {
		if got := span(time.Unix(seconds, 0), minute); got != want {
			t.Errorf("%d s is in span %d, want %d", seconds, got, want)
		}
	}
}

// The words are in one byte.
func TestWords(t *testing.T) {
	for name, w := range map[string]*words{"reasons": reasons, "phases": phases} {
		if n := len(w.all); n > math.MaxUint8 {
			t.Errorf("%d %s do not fit into a byte", n, name)
		}
		for i, word := range w.all {
			if got := w.of(word); int(got) != i {
				t.Errorf("%q is number %d, want %d", word, got, i)
			}
		}
	}
	if got := reasons.of("what a later version says"); got != 0 {
		t.Errorf("an unknown word is number %d, want 0", got)
	}
}
