package app

import (
	"cmp"
	"time"
)

// makingRoom is the connection that is closed for a new one, or nil if it would be unfair to any.
func (a *connections) makingRoom(fresh *conn, reason string) *conn {
	now := time.Now()
	var first *conn
	for c := range a.conns {
		if reason == refusedSource && c.from != fresh.from {
			continue
		}
		least := 0
		if _, waits := c.waits(now); !waits {
			least = 2 // its side has no fewer than the other's then
		}
		if a.excess(c, fresh) >= least && (first == nil || a.compare(c, first, now) < 0) {
			first = c
		}
	}
	return first
}

// excess is how many connections the side of c has more than that of fresh: their networks, or within one their sources.
func (a *connections) excess(c, fresh *conn) int {
	if c.network == fresh.network {
		return a.bySource[c.from] - a.bySource[fresh.from]
	}
	return a.byNetwork[c.network] - a.byNetwork[fresh.network]
}

// compare is below 0 if b makes room before c does.
func (a *connections) compare(b, c *conn, now time.Time) int {
	bSince, bWaits := b.waits(now)
	cSince, cWaits := c.waits(now)
	switch {
	case bWaits && !cWaits:
		return -1
	case cWaits && !bWaits:
		return 1
	}
	age := bSince.Compare(cSince) // who has waited longest
	if !bWaits {
		age = -age // the least work is lost
	}
	return cmp.Or(
		cmp.Compare(a.byNetwork[c.network], a.byNetwork[b.network]),
		cmp.Compare(a.bySource[c.from], a.bySource[b.from]),
		age,
	)
}
