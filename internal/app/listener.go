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

// descriptorShare is the share of the process's file descriptors that they may take, one over this: probes need the others.
const descriptorShare = 2

// sourceShare is the share of all that one source may have, one over this.
const sourceShare = 2

// reserveShare is the share of all that is for sources with at most fewConnections, one over this: a health check and
// the sender of alerts need one.
const reserveShare = 8

// fewConnections is how many a source may have out of the reserve.
const fewConnections = 4

// sourceBits is how much of an IPv6 address is one source, in bits: whoever has one address has all of such a network.
const sourceBits = 64

// answerTime is how long an answer may take from its first byte to its last: one who does not read it holds memory.
const answerTime = time.Minute

// A connections bounds the connections of all listeners. When there is no room for a new one, the connection whose next
// request is awaited for longest makes room; it may have been idle, or be slow in sending. A connection with a request
// that is being handled is never closed for another.
type connections struct {
	whole     int // how many may be open
	perSource int // and from one source
	reserved  int // and are for sources with few

	open      prometheus.Gauge
	refused   *prometheus.CounterVec
	displaced prometheus.Counter

	mu       sync.Mutex // protects the following, and the fields of each conn that say so
	conns    map[*conn]struct{}
	bySource map[netip.Prefix]int
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
		whole = min(whole, max(files/descriptorShare, 2*fewConnections))
	}
	return &connections{
		whole: whole, perSource: whole / sourceShare, reserved: whole / reserveShare,
		open: m.connections, refused: m.connectionsRefused, displaced: m.connectionsDisplaced,
		conns: map[*conn]struct{}{}, bySource: map[netip.Prefix]int{},
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
	from := source(c.RemoteAddr())
	a.mu.Lock()
	reason, crowded := a.full(from)
	var displaced *conn
	if reason != "" {
		if displaced = a.longestWaiting(crowded); displaced == nil {
			a.mu.Unlock()
			a.refused.WithLabelValues(reason).Inc()
			return nil
		}
		a.remove(displaced)
		a.displaced.Inc()
	}
	admitted := &conn{Conn: c, all: a, from: from, since: time.Now()}
	a.conns[admitted] = struct{}{}
	a.bySource[from]++
	a.open.Set(float64(len(a.conns)))
	a.mu.Unlock()
	if displaced != nil {
		displaced.Conn.Close()
	}
	return admitted
}

// full says which bound keeps a connection out, and whose connections it counts. An empty reason: none does.
func (a *connections) full(from netip.Prefix) (reason string, crowded func(*conn) bool) {
	have := a.bySource[from]
	whole := a.whole
	if have >= fewConnections {
		whole -= a.reserved
	}
	switch {
	case have >= a.perSource:
		return refusedSource, func(c *conn) bool { return c.from == from }
	case len(a.conns) >= whole:
		return refusedWhole, func(*conn) bool { return true }
	default:
		return "", nil
	}
}

// longestWaiting is the connection whose request is awaited for longest, or nil if all have one that is being handled.
func (a *connections) longestWaiting(crowded func(*conn) bool) *conn {
	var longest *conn
	for c := range a.conns {
		if c.handling == 0 && crowded(c) && (longest == nil || c.since.Before(longest.since)) {
			longest = c
		}
	}
	return longest
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
	a.open.Set(float64(len(a.conns)))
}

// source is whom the connections from an address count for.
func source(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{} // all of them are one
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = sourceBits
	}
	p, err := ip.Prefix(bits)
	if err != nil { // there is no address
		return netip.Prefix{}
	}
	return p
}

// A conn is a connection within the bounds.
type conn struct {
	net.Conn
	all  *connections
	from netip.Prefix

	handling int       // how many of its requests are being handled; protected by all.mu
	since    time.Time // when the last of them ended; protected by all.mu

	timed atomic.Bool // the answer under way has its deadline
	http2 atomic.Bool // several answers are under way at a time, and net/http bounds them
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
		_ = c.Conn.SetWriteDeadline(time.Now().Add(answerTime)) // it fails where writing does
	}
	return c.Conn.Write(p)
}

// SetWriteDeadline implements net.Conn. A handler that sets one knows better.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.timed.Store(true)
	return c.Conn.SetWriteDeadline(t)
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
