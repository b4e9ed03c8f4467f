package collector

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// Bounds on the scrapes of /probe/all that run at the same time in this process. Each has up to maxAtOnce connections
// and goroutines.
const (
	// ScrapesAtOnce is how many may run for all clients together.
	ScrapesAtOnce = 4
	// How many may run for one client, so that it cannot keep out all others.
	scrapesFromOne = 2
	// How many may wait. Each holds a connection.
	scrapesWaiting = 8
)

// scraping are the scrapes of all handlers.
var scraping scrapes

// scrapes are the scrapes that run, and those that wait.
type scrapes struct {
	mu      sync.Mutex // protects the following
	from    []netip.Prefix
	waiting []*scrape // in the order in which they came
}

// A scrape waits for its turn.
type scrape struct {
	from  netip.Prefix
	begin chan struct{} // closed when it may begin
}

// client is who a request comes from: an address or, for IPv6, the network that one client has. Clients that cannot be
// told apart count as one.
func client(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := at.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits) // how many it has
	return network
}

// enter waits until a scrape may begin. It returns false if ctx is done first, or too many wait already. If it returns
// true, leave must be called once.
func (s *scrapes) enter(ctx context.Context, from netip.Prefix) bool {
	mine := &scrape{from: from, begin: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, mine)
	s.admit()
	if i := slices.Index(s.waiting, mine); i >= scrapesWaiting {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.mu.Unlock()
		return false
	}
	s.mu.Unlock()
	select {
	case <-mine.begin:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, mine)
	if i < 0 {
		return true // it was let in at the same moment, and will find that it is too late
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return false
}

func (s *scrapes) leave(from netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.from, from)
	s.from = slices.Delete(s.from, i, i+1)
	s.admit()
}

// admit lets in the scrapes that may begin. The caller holds mu.
func (s *scrapes) admit() {
	s.waiting = slices.DeleteFunc(s.waiting, func(w *scrape) bool {
		own := 0
		for _, other := range s.from {
			if other == w.from {
				own++
			}
		}
		if len(s.from) >= ScrapesAtOnce || own >= scrapesFromOne {
			return false
		}
		s.from = append(s.from, w.from)
		close(w.begin)
		return true
	})
}
