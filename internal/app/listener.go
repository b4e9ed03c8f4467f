package app

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxConnections is how many may be open; fewer where the process may open few files.
const maxConnections = 4096

// sourceShare is the share of all that one source may have, one over this.
const sourceShare = 2

// leastConnections may be open in any case.
const leastConnections = 12

// How much of an address is one source, in bits: whoever has one IPv6 address has all of such a network.
const (
	sourceBits4 = 32
	sourceBits6 = 64
)

// How much of an address is one network, in bits: whoever has many addresses has neighbours.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// answerTime is how long an answer may take from its first byte to its last: one who does not read it holds memory.
const answerTime = time.Minute

// slowAnswer is after how long an answer that is still being written counts as one that nobody reads.
const slowAnswer = 10 * time.Second

// A connections bounds the connections of all listeners, and shares them out fairly: when there is no room for a new one,
// one of the network that has the most makes room, and in it one of the address that has the most. One that waits for its
// other end goes first. One with a request that is being handled goes only if its side has more even without it.
type connections struct {
	whole     int // how many may be open
	perSource int // and from one source

	open      prometheus.Gauge
	refused   *prometheus.CounterVec
	displaced prometheus.Counter

	mu        sync.Mutex // protects the following, and the fields of each conn that say so
	conns     map[*conn]struct{}
	bySource  map[netip.Prefix]int
	byNetwork map[netip.Prefix]int
}

// The reasons of a connection's refusal.
const (
	refusedSource = "source"
	refusedWhole  = "whole"
)

// newConnections bounds the connections of a process that may open so many files. 0: it is not known.
func newConnections(files int, m *metrics) *connections {
	whole := maxConnections
	if files > 0 {
		whole = min(whole, max(files/connectionShare, leastConnections))
	}
	return &connections{
		whole: whole, perSource: whole / sourceShare,
		open: m.connections, refused: m.connectionsRefused, displaced: m.connectionsDisplaced,
		conns: map[*conn]struct{}{}, bySource: map[netip.Prefix]int{}, byNetwork: map[netip.Prefix]int{},
	}
}

// publicShare is how many connections of the public there may be besides, one over this of all others.
const publicShare = 16

// forPublic bounds the connections of the public, so that they take none from those who scrape.
func (a *connections) forPublic() *connections {
	whole := max(a.whole/publicShare, leastConnections)
	return &connections{
		whole: whole, perSource: whole / sourceShare,
		open: a.open, refused: a.refused, displaced: a.displaced,
		conns: map[*conn]struct{}{}, bySource: map[netip.Prefix]int{}, byNetwork: map[netip.Prefix]int{},
	}
}

// listen is l within the bounds.
func (a *connections) listen(l net.Listener) net.Listener { return &listener{Listener: l, all: a} }

type listener struct {
	net.Listener
	all *connections
}

// Accept implements net.Listener. One that is refused is closed at once: were it left waiting, so would be all behind it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.all.admit(c); admitted != nil {
			return admitted, nil
		}
		c.Close()
	}
}

// admit is c within the bounds, or nil if there is no room for it.
func (a *connections) admit(c net.Conn) net.Conn {
	fresh := &conn{Conn: c, all: a, since: time.Now()}
	fresh.from, fresh.network = source(c.RemoteAddr())
	a.mu.Lock()
	reason := a.full(fresh)
	var displaced *conn
	if reason != "" {
		if displaced = a.makingRoom(fresh, reason); displaced == nil {
			a.mu.Unlock()
			a.refused.WithLabelValues(reason).Inc()
			return nil
		}
		a.remove(displaced)
		a.displaced.Inc()
	}
	a.conns[fresh] = struct{}{}
	a.bySource[fresh.from]++
	a.byNetwork[fresh.network]++
	a.open.Inc()
	a.mu.Unlock()
	if displaced != nil {
		displaced.Conn.Close()
	}
	return fresh
}

// full is the bound that keeps a connection out; empty if none does.
func (a *connections) full(fresh *conn) (reason string) {
	switch {
	case a.bySource[fresh.from] >= a.perSource:
		return refusedSource
	case len(a.conns) >= a.whole:
		return refusedWhole
	default:
		return ""
	}
}

func (a *connections) remove(c *conn) {
	if _, ok := a.conns[c]; !ok {
		return
	}
	delete(a.conns, c)
	a.bySource[c.from]--
	if a.bySource[c.from] == 0 {
		delete(a.bySource, c.from)
	}
	a.byNetwork[c.network]--
	if a.byNetwork[c.network] == 0 {
		delete(a.byNetwork, c.network)
	}
	a.open.Dec()
}

// source is whom the connections from an address count for, and the network that this is in.
func source(a net.Addr) (from, network netip.Prefix) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, netip.Prefix{} // all of them are one
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		from, _ = ip.Prefix(sourceBits6) // it has so many, as below
		network, _ = ip.Prefix(networkBits6)
		return from, network
	}
	from, _ = ip.Prefix(sourceBits4)
	network, _ = ip.Prefix(networkBits4)
	return from, network
}

// A conn is a connection within the bounds.
type conn struct {
	net.Conn
	all     *connections
	from    netip.Prefix
	network netip.Prefix

	handling int       // how many of its requests are being handled; protected by all.mu
	since    time.Time // when the last of them ended; protected by all.mu

	timed atomic.Bool  // the answer under way has its deadline
	began atomic.Int64 // when its first byte was written, in Unix nanoseconds; 0: not yet, or a handler set its deadline
	http2 atomic.Bool  // several answers are under way at a time, and net/http bounds them
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// Write implements net.Conn. The first one of an answer sets the deadline for all of it.
func (c *conn) Write(p []byte) (int, error) {
	if !c.http2.Load() && c.timed.CompareAndSwap(false, true) {
		now := time.Now()
		c.began.Store(now.UnixNano())
		_ = c.Conn.SetWriteDeadline(now.Add(answerTime)) // it fails where writing does
	}
	return c.Conn.Write(p)
}

// SetWriteDeadline implements net.Conn. A handler that sets one knows better.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.timed.Store(true)
	c.began.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

// waits reports whether the other end is awaited, and since when; or since when a request is being handled. The caller
// holds all.mu.
func (c *conn) waits(now time.Time) (since time.Time, waits bool) {
	began := time.Unix(0, c.began.Load())
	switch {
	case c.handling == 0:
		return c.since, true
	case c.began.Load() != 0 && now.Sub(began) >= slowAnswer:
		return began, true
	default:
		return c.since, false
	}
}

// bounded is the conn below c, or nil for one that some other listener has accepted.
func bounded(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	b, _ := c.(*conn)
	return b
}

// connState is the ConnState of a server.
func connState(c net.Conn, state http.ConnState) {
	b := bounded(c)
	if b == nil || state != http.StateActive && state != http.StateIdle {
		return
	}
	if t, ok := c.(*tls.Conn); ok && t.ConnectionState().NegotiatedProtocol == "h2" && b.http2.CompareAndSwap(false, true) {
		_ = b.Conn.SetWriteDeadline(time.Time{})
	}
	b.timed.Store(false)
	b.began.Store(0)
}

// connKey is that of a request's conn in its context.
type connKey struct{}

// connContext is the ConnContext of a server.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if b := bounded(c); b != nil {
		return context.WithValue(ctx, connKey{}, b)
	}
	return ctx
}

// handled keeps the connection of a request open while h handles it.
func handled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			c.handle(1)
			defer c.handle(-1)
		}
		h.ServeHTTP(w, r)
	})
}

func (c *conn) handle(n int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.handling += n
	c.since = time.Now()
}
