package prober

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// An exchange is the conversation of one attempt: a request, its redirects and the last response. It is the
// RoundTripper of the attempt's http.Client, which knows the rules of redirects and cookies.
type exchange struct {
	prober *httpProber
	trace  *trace
	target *url.URL

	// home is true until a redirect leads away from the target. It never becomes true again: another host must not
	// steer requests that carry the target's credentials.
	home      bool
	redirects int    // received so far
	location  string // where the last one that was followed led, masked; empty if none was
	link      *link
	conn      requestConn
	excerpt   bool   // whether the beginning of a refusal's body is kept
	release   func() // gives back the memory for the body; nil if none was taken

	resolved *ResolveResult
	tls      *TLSResult
	result   *HTTPResult // of the last response; nil while there is none
}

// A requestConn speaks one version of HTTP on a link.
type requestConn interface {
	http.RoundTripper
	io.Closer
}

// run sends the request, follows redirects and judges the answer.
func (x *exchange) run(ctx context.Context, r Request) error {
	req, err := x.prober.request(ctx, r)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: x, CheckRedirect: x.checkRedirect}
	if x.prober.cfg.Client.FollowRedirects {
		if client.Jar, err = newJar(); err != nil {
			return err
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return err // a *url.Error around a failure; asFailure drops the URL
	}
	defer resp.Body.Close()

	verdict := x.prober.judgeHead(resp)
	from := time.Duration(x.trace.firstByte.Load())
	defer func() { // also if reading panics
		if x.release != nil {
			x.release()
		}
	}()
	body, size, err := x.readBody(ctx, resp)
	x.trace.phase(PhaseTransfer, from)
	x.result.BodyBytes = size
	x.trace.event("Read response body", slog.Int64("bytes", size))
	switch {
	case verdict != nil && x.result.MaybeProxy:
		return failf(verdict.reason, verdict.phase, "%w; the proxy %s may have answered itself", verdict.err, x.link.proxy.Host)
	case verdict != nil:
		return verdict
	case err != nil:
		return err
	}
	if err := x.prober.judgeCoding(resp.Header, body); err != nil {
		return err
	}
	return x.prober.judgeBody(ctx, body)
}

// RoundTrip makes a new connection and sends one request on it.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	x.close()
	x.result, x.tls = nil, nil
	x.trace.firstByte.Store(0)
	if err := checkTarget(req.URL, "http"); err != nil && x.redirects > 0 {
		return nil, failf(ReasonHeader, PhaseProcessing, "redirected to a URL that cannot be probed: %w", err)
	}
	x.home = x.home && sameOrigin(x.target, req.URL) && x.prober.hosts.Has(req.URL)
	if !x.home && req.Body != nil && req.Body != http.NoBody {
		return nil, failf(ReasonHeader, PhaseProcessing, "redirected to another host, which must not get the request body")
	}
	ctx := req.Context()
	req = req.Clone(ctx)
	req.URL.Host, req.Host = asciiAuthority(req.URL.Host), asciiAuthority(req.Host)
	req.Header.Del("Referer") // it would show the query for one host to another
	if err := x.addPrivate(ctx, req); err != nil {
		return nil, err
	}
	resp, err := x.ask(ctx, req)
	if why, ok := errors.AsType[*unprocessedError](err); ok && rewind(req) {
		x.trace.event("Asking again on a new connection", slog.Int("connections", 2), slog.String("why", why.how))
		x.close()
		x.tls = nil
		x.trace.firstByte.Store(0)
		resp, err = x.ask(ctx, req)
	}
	if err != nil {
		return nil, err
	}
	x.note(req, resp)
	return x.stopAtRedirect(resp)
}

// ask sends the request on a new connection.
func (x *exchange) ask(ctx context.Context, req *http.Request) (*http.Response, error) {
	if err := x.connect(ctx, req); err != nil {
		return nil, err
	}
	return x.send(ctx, req)
}

// rewind prepares req to be sent again, and reports whether it can be.
func rewind(req *http.Request) bool {
	if req.Body == nil || req.Body == http.NoBody {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	var err error
	req.Body, err = req.GetBody()
	return err == nil
}

// addPrivate adds what only the target may see.
func (x *exchange) addPrivate(ctx context.Context, req *http.Request) error {
	if !x.home {
		if req.URL.User == nil {
			req.Header.Del("Authorization")
		}
		return nil
	}
	for name, value := range x.prober.cfg.Headers {
		switch {
		case config.PublicHeader(name):
		case http.CanonicalHeaderKey(name) == "Cookie" && req.Header.Get("Cookie") != "":
			req.Header.Set("Cookie", value+"; "+req.Header.Get("Cookie"))
		default:
			req.Header.Set(name, value)
		}
	}
	if u := x.target.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	if err := x.prober.credentials.add(ctx, req.Header); err != nil {
		return failf(ReasonLocalResource, PhasePrepare, "%w", err)
	}
	return nil
}

// connect makes the connection, and chooses the requestConn by its protocol.
func (x *exchange) connect(ctx context.Context, req *http.Request) error {
	first := x.redirects == 0
	d := x.prober.dialer
	if !x.prober.hosts.Has(req.URL) {
		d = d.withoutCertificate()
	}
	dial := d.dial
	if x.prober.http3 != nil {
		dial = d.dialHTTP3
	}
	l, err := dial(ctx, x.trace, req, x.serverName(req))
	if l != nil {
		x.tls = l.tls
		if first && l.addr.IsValid() {
			x.resolved = &ResolveResult{Addr: l.addr}
		}
	}
	if err != nil {
		return err
	}
	x.link = l
	switch {
	case l.quic != nil:
		x.conn = &http3Conn{ClientConn: x.prober.http3.NewClientConn(l.quic.Conn), link: l.quic, trace: x.trace}
	case l.tls != nil && l.tls.Protocol == "h2":
		conn, err := newHTTP2Conn(ctx, x.prober.http2, l, x.trace, req.URL)
		if err != nil {
			return x.exchangeFailure(ctx, err)
		}
		x.conn = conn
	default:
		x.conn = newHTTP1Conn(l, x.trace)
	}
	return nil
}

// serverName is the name for TLS: the module's for the target itself, else the one in the Host header.
func (x *exchange) serverName(req *http.Request) string {
	configured := ""
	if x.home {
		configured = x.prober.cfg.Client.TLSConfig.ServerName
	}
	return serverName(configured, req.Host, req.URL)
}

// send writes the request and reads the head of its response.
func (x *exchange) send(ctx context.Context, req *http.Request) (*http.Response, error) {
	x.trace.event("Sending request", slog.String("method", req.Method), slog.String("url", MaskURL(req.URL)))
	if err := sendable(req); err != nil {
		return nil, err
	}
	from := x.trace.now()
	resp, err := x.conn.RoundTrip(req)
	to := time.Duration(x.trace.firstByte.Load())
	if to == 0 {
		to = x.trace.now()
	}
	x.trace.span(PhaseProcessing, from, to)
	if err != nil {
		return nil, x.exchangeFailure(ctx, err)
	}
	if via := x.link.proxy; via != nil {
		if f := ownAnswer(via, resp); f != nil {
			return nil, f
		}
	}
	if resp.StatusCode == http.StatusUnauthorized {
		x.prober.credentials.rejected()
	}
	return resp, nil
}

// sendable finds what cannot be sent, before the target would wait for it.
func sendable(req *http.Request) error {
	unsendable := func(format string, args ...any) error {
		return failf(ReasonInternal, PhaseProcessing, "sending the request: "+format, args...)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if !validHost(host) {
		return unsendable("invalid Host header %q", host)
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return unsendable("invalid header name %q", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return unsendable("invalid value of header %q", name)
			}
		}
	}
	return nil
}

func (x *exchange) note(req *http.Request, resp *http.Response) {
	x.result = &HTTPResult{
		URL:            MaskURL(req.URL),
		Method:         req.Method,
		Path:           kept(req.URL.EscapedPath()),
		StatusCode:     resp.StatusCode,
		Proto:          kept(resp.Proto),
		ContentLength:  resp.ContentLength,
		TLS:            req.URL.Scheme == "https",
		RetryAfter:     resp.Header.Get("Retry-After") != "",
		Authentication: authentication(resp.Header, "WWW-Authenticate", req.Header.Get("Authorization") != "" || x.home && x.prober.credentials.hasHeaders()),
		Charset:        charset(resp.Header.Get("Content-Type")),
		MaybeProxy:     x.link.proxy != nil && !passedOn(resp.Header),
	}
	if modified, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		x.result.LastModified = modified
	}
	x.trace.event("Received response", slog.Int("status_code", resp.StatusCode), slog.String("proto", x.result.Proto))
}

// close ends the current connection; without one it does nothing.
func (x *exchange) close() {
	if x.conn != nil {
		_ = x.conn.Close()
	}
	if x.link != nil {
		x.link.close()
	}
	x.conn, x.link = nil, nil
}
