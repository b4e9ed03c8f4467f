package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// How many bytes a target may send before they are read, on one stream and on the whole connection. They bound the
// memory of a probe.
const (
	maxStreamWindow     = 1 << 20
	maxConnectionWindow = maxStreamWindow + maxStreamWindow/2
)

// quicPatience is how long a probe without a deadline waits for a sign of life. Other probes wait until their deadline.
const quicPatience = 30 * time.Second

// quicKeepAlive is how long a connection is idle before a packet keeps it open: a slow answer is not a lost one.
const quicKeepAlive = 10 * time.Second

// closeGrace is how long after the deadline the target may still be told that the connection ends.
const closeGrace = 100 * time.Millisecond

// A quicLink is an established QUIC connection (RFC 9000) and the socket that only it uses.
type quicLink struct {
	*quic.Conn
	transport *quic.Transport
}

// close tells the target, and waits for everything that uses the socket.
func (q *quicLink) close() {
	_ = q.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	_ = q.transport.Close()
}

// dialHTTP3 is dial for HTTP/3: it connects to the host of req's URL by QUIC. It cannot go through a proxy.
func (d *dialer) dialHTTP3(ctx context.Context, t *trace, req *http.Request, serverName string) (*link, error) {
	l := &link{}
	if req.URL.Scheme != "https" {
		return nil, failf(ReasonHTTPVersion, PhasePrepare, "HTTP/3 needs https, and the URL has the scheme %s", req.URL.Scheme)
	}
	host, port := hostPort(req.URL)
	var err error
	if l.addr, err = d.resolver.resolve(ctx, t, host); err != nil {
		return l, err
	}
	if err := d.permit(config.Destination{Host: host, Addr: l.addr}, port); err != nil {
		return l, err
	}
	address := net.JoinHostPort(l.addr.String(), port)

	from := t.now()
	conn, err := netDialer.DialContext(ctx, "udp", address) // sends nothing yet
	if err != nil {
		t.phase(PhaseConnect, from)
		return l, failf(connectReason(err), PhaseConnect, "connecting to %s: %w", address, bare(err))
	}
	socket := &datagrams{Conn: conn}
	cfg := d.tls.Clone()
	cfg.ServerName, cfg.NextProtos = serverName, []string{http3.NextProtoH3}
	to := quicTarget{address: address, serverName: serverName, watch: watchHandshake(cfg)}
	transport := &quic.Transport{Conn: socket}
	session, err := transport.Dial(ctx, conn.RemoteAddr(), cfg, quicConfig(ctx))
	if err != nil {
		_ = transport.Close()
		conn.Close()
		to.answered = socket.heard.Load()
		f := quicDialFailure(ctx, err, to)
		t.phase(f.phase, from)
		l.tls = to.watch.unfinished(err, serverName)
		return l, f
	}
	t.phase(PhaseTLS, from)
	l.quic = &quicLink{Conn: session, transport: transport}
	l.Conn, l.wire = conn, &wire{Conn: conn}
	// Closing sends a last packet, and must not wait for a socket that takes none.
	l.stop = context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now().Add(closeGrace)) })
	l.tls = quicSession(t, session, to)
	return l, nil
}

// quicSession notes an accepted handshake.
func quicSession(t *trace, session *quic.Conn, to quicTarget) *TLSResult {
	state := session.ConnectionState()
	res := to.watch.finished(&state.TLS, to.serverName)
	t.event("QUIC handshake completed", slog.String("addr", to.address), slog.String("quic_version", state.Version.String()),
		slog.String("version", tls.VersionName(res.Version)), slog.String("cipher", res.CipherSuiteName()), slog.String("protocol", res.Protocol))
	return res
}

// quicConfig lets only the context decide how long a probe waits.
func quicConfig(ctx context.Context) *quic.Config {
	patience := quicPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline) + time.Second
	}
	return &quic.Config{
		HandshakeIdleTimeout:       patience,
		MaxIdleTimeout:             patience,
		KeepAlivePeriod:            quicKeepAlive,
		MaxStreamReceiveWindow:     maxStreamWindow,
		MaxConnectionReceiveWindow: maxConnectionWindow,
		MaxIncomingStreams:         -1, // RFC 9114 section 6.1: a server opens none
		DisablePathMTUDiscovery:    true,
	}
}

// datagrams is a connected UDP socket in the form that quic-go wants. On a connected socket the system reports that
// nothing listens. It hides that it is a net.UDPConn, for which quic-go would take buffers of 7 MiB a probe, complain
// on standard error where the system has less, and keep memory for batched reads after the connection has ended.
type datagrams struct {
	net.Conn
	heard atomic.Bool // whether anything came from the other end
}

// ReadFrom implements net.PacketConn.
func (d *datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, err := d.Read(b)
		if err == nil {
			d.heard.Store(true)
		}
		// EMSGSIZE is about an earlier packet, which was lost. The system sends smaller ones from now on.
		if !errors.Is(err, syscall.EMSGSIZE) {
			return n, d.RemoteAddr(), err
		}
	}
}

// WriteTo implements net.PacketConn.
func (d *datagrams) WriteTo(b []byte, _ net.Addr) (int, error) { return d.Write(b) }

// SetReadBuffer asks the system to keep as much as a target may send at once.
func (d *datagrams) SetReadBuffer(n int) error {
	if c, ok := d.Conn.(*net.UDPConn); ok {
		_ = c.SetReadBuffer(min(n, maxConnectionWindow))
	}
	return nil
}

// SetWriteBuffer leaves the system's default, which holds any request.
func (d *datagrams) SetWriteBuffer(int) error { return nil }
