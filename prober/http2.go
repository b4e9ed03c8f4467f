package prober

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// newHTTP2 speaks HTTP/2 (RFC 9113) on connections that the dialer made before.
func newHTTP2() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialTLSContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return linkOf(ctx).Conn, nil },
		Protocols:              &protocols,
		DisableKeepAlives:      true,
		DisableCompression:     true, // the module's compression decides
		MaxResponseHeaderBytes: maxResponseHeader,
		// net/http remembers a closed connection, some 17 kB, for 5 s or for this time if it is shorter. A connection
		// that waits for the scheduler this long before it is reserved is lost; see exchange.RoundTrip.
		IdleConnTimeout: 200 * time.Millisecond,
	}
}

// linkKey is the context key under which the transport finds the connection to use.
type linkKey struct{}

func linkOf(ctx context.Context) *link {
	l, _ := ctx.Value(linkKey{}).(*link)
	return l
}

// An http2Conn sends one request.
type http2Conn struct {
	*http.ClientConn
	link  *link
	trace *trace
	lost  bool // it was closed before it could be reserved: by us as idle, or by the target
}

// newHTTP2Conn makes a connection to the host of u from a link on which HTTP/2 was negotiated.
func newHTTP2Conn(ctx context.Context, t *http.Transport, l *link, tr *trace, u *url.URL) (*http2Conn, error) {
	host, port := hostPort(u)
	l.wire.readsOn = true // net/http fails by the first write that fails, whatever the target has said
	conn, err := t.NewClientConn(context.WithValue(ctx, linkKey{}, l), u.Scheme, net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &http2Conn{conn, l, tr, conn.Reserve() != nil}, nil
}

// RoundTrip sends req and returns the head of the response.
func (c *http2Conn) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.lost {
		return nil, c.unusable()
	}
	resp, err := c.ClientConn.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), c.trace.client())))
	if err != nil && err.Error() == errUnusable.Error() {
		return nil, c.unusable()
	}
	return resp, err
}

// unusable is why the connection cannot be used: what broke the TLS session, which net/http does not say, or else errUnusable.
func (c *http2Conn) unusable() error {
	_ = c.link.SetReadDeadline(time.Now()) // the session remembers what broke it: nothing is waited for
	if _, err := c.link.Read(make([]byte, 1)); err != nil && sessionFailure(err) != nil {
		return err
	}
	return errUnusable
}
