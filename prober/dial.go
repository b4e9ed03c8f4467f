package prober

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	commonconfig "github.com/prometheus/common/config"
	"golang.org/x/net/proxy"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// maxConnectAnswer bounds in bytes what a proxy may answer to CONNECT.
const maxConnectAnswer = 64 << 10

// A dialer makes the connections of a module: it resolves the host, connects directly or through a proxy, and does the
// TLS handshake, all within the context.
type dialer struct {
	resolver    resolver
	rules       config.TargetRules
	tls         *tls.Config
	proxyTLS    *tls.Config                           // for a proxy that is https
	proxy       func(*http.Request) (*url.URL, error) // nil: no proxy
	header      http.Header                           // sent along with CONNECT
	skipResolve bool                                  // the proxy resolves
	tunnelAll   bool                                  // a proxy gets CONNECT even for what is not TLS
}

func newDialer(client *commonconfig.HTTPClientConfig, r resolver, rules config.TargetRules, protocols ...string) (*dialer, error) {
	tlsConfig, err := newTLSConfig(client, protocols...)
	if err != nil {
		return nil, err
	}
	return &dialer{
		resolver: r,
		rules:    rules,
		tls:      tlsConfig,
		proxyTLS: tlsConfig,
		proxy:    client.Proxy(),
		header:   client.GetProxyConnectHeader(),
	}, nil
}

// withoutCertificate is the dialer for a host that must not see the client's certificate.
func (d *dialer) withoutCertificate() *dialer {
	c := *d
	c.tls = d.tls.Clone()
	c.tls.Certificates, c.tls.GetClientCertificate = nil, nil
	return &c
}

// A link is an established connection to a target.
type link struct {
	net.Conn            // what the protocol speaks on: the TCP connection or the TLS session on top
	proxy    *url.URL   // where requests are to be sent in absolute form; nil: straight or tunnelled
	addr     netip.Addr // the target's address; invalid where a proxy resolved it
	tls      *TLSResult // nil: not TLS
	quic     *quicLink  // nil: TCP
	wire     *wire      // the TCP connection
	stop     func() bool
}

// A wire is a TCP connection that remembers whether the other end has closed it, because net/http says so in many ways.
type wire struct {
	net.Conn
	ended     atomic.Bool
	readEnded atomic.Bool // there is nothing more to read; after a failed write there may be
	heard     atomic.Bool // something came
	cut       atomic.Bool // we closed it ourselves during a read, because the time was up

	// readsOn hides from writes that the other end is gone. What it sent before is still to be read, and may say why; after
	// that, reading tells of the end. It is set before the wire is used by several goroutines.
	readsOn bool
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 && !w.heard.Load() {
		w.heard.Store(true)
	}
	w.note(err)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		w.readEnded.Store(true)
	}
	if errors.Is(err, net.ErrClosed) {
		w.cut.Store(true)
	}
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if w.note(err) && w.readsOn {
		return len(b), nil
	}
	return n, err
}

// note reports whether the other end has closed the connection.
func (w *wire) note(err error) bool {
	gone := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if gone {
		w.ended.Store(true)
	}
	return gone
}

// close closes the connection. It lasts no longer than the context of the dial.
func (l *link) close() {
	l.Close()
	l.stop()
}

// dial connects to the host of req's URL; serverName is what TLS asks for and verifies. Together with an error it
// returns a link with what was found out by then, such as the address or the certificate that was refused.
func (d *dialer) dial(ctx context.Context, t *trace, req *http.Request, serverName string) (*link, error) {
	l := &link{}
	via, err := d.proxyFor(req)
	if err != nil {
		return nil, err
	}
	host, port := hostPort(req.URL)
	if via == nil || !d.skipResolve && via.Scheme != "socks5h" {
		if l.addr, err = d.resolver.resolve(ctx, t, host); err != nil {
			return l, err
		}
	}
	tunnel := d.tunnelAll || req.URL.Scheme == "https"
	inTheClear := via != nil && !isSOCKS(via) && !tunnel // the proxy gets requests that name the host
	if err := d.permit(config.Destination{Host: host, Addr: l.addr, ByName: inTheClear}, port); err != nil {
		return l, err
	}
	if l.addr.IsValid() {
		host = l.addr.String()
	}
	address := net.JoinHostPort(host, port)

	from := t.now()
	l.Conn, err = d.connect(ctx, via, address, tunnel)
	t.phase(PhaseConnect, from)
	if err != nil {
		return l, err
	}
	t.event("Connected", slog.String("addr", address), slog.Bool("proxy", via != nil))
	l.wire = &wire{Conn: l.Conn}
	l.Conn = l.wire
	// Everything on the connection ends with the context, closing included.
	raw := l.Conn
	l.stop = context.AfterFunc(ctx, func() { raw.Close() })

	if req.URL.Scheme == "https" {
		l.Conn, l.tls, err = handshake(ctx, t, l.wire, d.tls, serverName)
		if err != nil {
			raw.Close()
			l.stop()
			return l, err
		}
	} else if inTheClear {
		l.proxy = via
	}
	return l, nil
}

// serverName is the name for TLS: the configured one, else that of the Host header, else that of the URL.
func serverName(configured, host string, u *url.URL) string {
	switch {
	case configured != "":
		return configured
	case host != "":
		return asciiHost((&url.URL{Host: host}).Hostname())
	default:
		return asciiHost(u.Hostname())
	}
}

// permit judges the address that is dialled next. What the name resolves to elsewhere, or later, does not matter.
func (d *dialer) permit(to config.Destination, port string) error {
	n, err := strconv.ParseUint(port, 10, 16)
	if err == nil {
		to.Port = uint16(n)
		err = d.rules.Check(to)
	}
	if err != nil {
		return failf(ReasonTargetForbidden, PhaseConnect, "%w", err)
	}
	return nil
}

func (d *dialer) proxyFor(req *http.Request) (*url.URL, error) {
	if d.proxy == nil {
		return nil, nil //nolint:nilnil // no proxy is a good answer
	}
	via, err := d.proxy(req)
	if err != nil {
		return nil, failf(ReasonProxy, PhaseConnect, "choosing a proxy: the proxy URL of the environment is not valid")
	}
	return via, nil
}

func isSOCKS(u *url.URL) bool { return u.Scheme == "socks5" || u.Scheme == "socks5h" }

// connect makes a TCP connection that ends at address or, through an HTTP proxy and without a tunnel, at the proxy.
func (d *dialer) connect(ctx context.Context, via *url.URL, address string, tunnel bool) (net.Conn, error) {
	switch {
	case via == nil:
		conn, err := netDialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, failf(connectReason(err), PhaseConnect, "connecting to %s: %w", address, bare(err))
		}
		return conn, nil
	case isSOCKS(via):
		return dialSOCKS(ctx, via, address)
	default:
		conn, err := d.dialProxy(ctx, via)
		if err != nil || !tunnel {
			return conn, err
		}
		if err := d.tunnel(ctx, conn, via, address); err != nil {
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

// netDialer connects to one address, without the keep-alive probes that a connection of seconds does not need.
var netDialer = &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}

func proxyFailure(via *url.URL, format string, args ...any) *failure {
	for _, a := range args {
		if err, ok := a.(error); ok && isLocal(err) {
			return failf(ReasonLocalResource, PhaseConnect, "connecting through the proxy %s: %w", via.Host, err)
		}
	}
	format = "connecting through the proxy %s: " + format
	return failf(ReasonProxy, PhaseConnect, format, append([]any{via.Host}, args...)...)
}

// dialProxy connects to an HTTP proxy, by TLS where its URL says https.
func (d *dialer) dialProxy(ctx context.Context, via *url.URL) (net.Conn, error) {
	host, port := hostPort(via)
	conn, err := netDialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, proxyFailure(via, "%w", bare(err))
	}
	if via.Scheme != "https" {
		return conn, nil
	}
	cfg := d.proxyTLS.Clone()
	cfg.ServerName, cfg.NextProtos = host, nil
	session := tls.Client(conn, cfg)
	if err := session.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, proxyFailure(via, "TLS handshake: %w", err)
	}
	return session, nil
}

// tunnel asks an HTTP proxy to connect to address (RFC 9110 section 9.3.6).
func (d *dialer) tunnel(ctx context.Context, conn net.Conn, via *url.URL, address string) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: d.header.Clone()}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	setProxyAuthorization(req.Header, via)
	if err := req.Write(conn); err != nil {
		return proxyFailure(via, "sending CONNECT: %w", bare(err))
	}
	// A 2xx has no body, whatever its headers say, and the body of a refusal is not needed. Closing it would wait for
	// it.
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxConnectAnswer)), req) //nolint:bodyclose // see above
	switch {
	case !stop(): // conn is closed, and that must not be the target's fault
		return proxyFailure(via, "no answer to CONNECT in time")
	case err != nil:
		return proxyFailure(via, "reading its answer to CONNECT: %s", noAnswer(err))
	case resp.StatusCode == http.StatusProxyAuthRequired:
		text, why := proxyAuthentication(resp.Header, via.User != nil)
		return proxyFailure(via, "it answered 407 to CONNECT, want 2xx: %s", text).because(why)
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusMethodNotAllowed:
		return proxyFailure(via, "it answered %d to CONNECT, want 2xx", resp.StatusCode).because(CauseProxyForbids)
	case resp.StatusCode/100 != 2:
		return proxyFailure(via, "it answered %d to CONNECT, want 2xx", resp.StatusCode)
	default:
		return nil
	}
}

// setProxyAuthorization sets the credentials for a proxy.
func setProxyAuthorization(h http.Header, via *url.URL) {
	if u := via.User; u != nil {
		password, _ := u.Password()
		h.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
}

// dialSOCKS asks a SOCKS5 proxy to connect to address (RFC 1928).
func dialSOCKS(ctx context.Context, via *url.URL, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if u := via.User; u != nil {
		password, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: password}
	}
	host, port := hostPort(via)
	socks, err := proxy.SOCKS5("tcp", net.JoinHostPort(host, port), auth, netDialer)
	if err != nil {
		return nil, proxyFailure(via, "%w", err)
	}
	contextDialer, ok := socks.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("dialling by SOCKS5: %T has no DialContext", socks)
	}
	conn, err := contextDialer.DialContext(ctx, "tcp", address)
	if err == nil {
		return conn, nil
	}
	if reply, ok := strings.CutPrefix(bare(err).Error(), "unknown error "); ok { // the library puts this in front of every refusal
		return nil, proxyFailure(via, "it answered: %s", reply)
	}
	return nil, proxyFailure(via, "%w", bare(err))
}
