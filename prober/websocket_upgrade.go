package prober

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
	"golang.org/x/net/http/httpguts"
)

// minReadBuffer is the smallest buffer in bytes that the library accepts, rounded up. The headConn below it has its
// own.
const minReadBuffer = 128

// messageBuffers are buffers for writing messages that no probe is using. The library fills the pool.
var messageBuffers sync.Pool

// dial connects to the target, by TLS for wss.
func (c *conversation) dial(ctx context.Context, target *url.URL, h http.Header) error {
	u := *target
	u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1) // as proxies and NO_PROXY know them
	name := serverName(c.prober.cfg.Client.TLSConfig.ServerName, h.Get("Host"), &u)
	l, err := c.prober.dialer.dial(ctx, c.trace, &http.Request{URL: &u}, name)
	if l != nil {
		c.tls = l.tls
		if l.addr.IsValid() {
			c.resolved = &ResolveResult{Addr: l.addr}
		}
	}
	if err != nil {
		return err
	}
	c.link = l
	return nil
}

// upgrade does the opening handshake (RFC 6455 section 4.1).
func (c *conversation) upgrade(ctx context.Context, target *url.URL, h http.Header) error {
	u := *target
	u.User = nil // the header has it
	u.Host = asciiAuthority(u.Host)
	head := newHeadConn(c.link.Conn, c.trace, c.wantsBody)
	head.complete = c.prober.cfg.PermessageDeflate
	c.head = head
	connected := func(context.Context, string, string) (net.Conn, error) { return head, nil }
	dialer := websocket.Dialer{
		NetDialContext:    connected,
		NetDialTLSContext: connected,
		Subprotocols:      c.prober.cfg.Subprotocols,
		EnableCompression: c.prober.cfg.PermessageDeflate,
		ReadBufferSize:    minReadBuffer,
		WriteBufferPool:   &messageBuffers,
	}
	c.trace.event("Sending upgrade", slog.String("url", MaskURL(target)))
	from := c.trace.now()
	conn, resp, err := dialer.DialContext(ctx, u.String(), h) //nolint:bodyclose // there is none: it was read, or never came
	c.trace.phase(PhaseUpgrade, from)
	if resp != nil {
		c.result = &WebSocketResult{StatusCode: resp.StatusCode, RetryAfter: resp.Header.Get("Retry-After") != ""}
		c.result.Authentication = authentication(resp.Header, "WWW-Authenticate", h.Get("Authorization") != "" || c.prober.credentials.hasHeaders())
		begins := refusedBody(resp, err)
		c.result.WantsTLS = c.maybeTLS(resp.StatusCode) && wantsTLS(begins)
		if c.excerpt {
			c.result.Excerpt = string(begins[:min(len(begins), maxRefusedBody)])
		}
		c.trace.event("Received answer to the upgrade", slog.Int("status_code", resp.StatusCode))
	}
	if err != nil {
		return c.upgradeFailure(ctx, head, resp, err)
	}
	head.over, head.head = true, -1
	c.conn = conn
	if err := c.judgeUpgrade(resp.Header, h); err != nil {
		return err
	}
	c.result.Upgraded = true
	if i := slices.Index(c.prober.cfg.Subprotocols, conn.Subprotocol()); i >= 0 {
		c.result.Subprotocol = c.prober.cfg.Subprotocols[i] // not one from a header, where some services want a token
	}
	c.result.Compressed = len(list(resp.Header, "Sec-WebSocket-Extensions")) > 0
	return nil
}

// wantsBody is how much of the body of an answer with this status is read, in bytes.
func (c *conversation) wantsBody(status string) int {
	if code, err := strconv.Atoi(status); c.excerpt || err == nil && c.maybeTLS(code) {
		return maxRefusal
	}
	return 0
}

// maybeTLS reports whether an answer with this status may come from a port that speaks only TLS.
func (c *conversation) maybeTLS(status int) bool {
	return c.link.tls == nil && status == http.StatusBadRequest
}

// judgeUpgrade checks what the WebSocket library leaves to its user: only what was offered may be negotiated.
func (c *conversation) judgeUpgrade(answer, sent http.Header) error {
	if f := judgeExtensions(answer, c.prober.cfg.PermessageDeflate); f != nil {
		return f
	}
	offered := c.prober.cfg.Subprotocols
	got := c.conn.Subprotocol()
	switch asked := append(list(sent, "Sec-WebSocket-Protocol"), offered...); {
	case got == "" && len(offered) > 0:
		return failf(ReasonWSSubprotocol, PhaseUpgrade, "the target selected no subprotocol, want one of %q", offered)
	case got != "" && !slices.Contains(asked, got):
		return failf(ReasonWSSubprotocol, PhaseUpgrade, "the target selected a subprotocol that was not offered") // it may echo a token
	}
	return nil
}

// list are the elements of a header that is a list (RFC 9110 section 5.6.1).
func list(h http.Header, name string) []string {
	var all []string
	for _, line := range h.Values(name) {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.TrimSpace(element); element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// upgradeFailure classifies an error of the opening handshake. The answer is nil if its head did not arrive.
func (c *conversation) upgradeFailure(ctx context.Context, head *headConn, answer *http.Response, err error) *failure {
	session := sessionFailure(err)
	if answer == nil {
		c.trace.cause = cmp.Or(c.trace.cause, complaintCause(err))
	}
	switch {
	case answer != nil:
		return c.refusal(answer, err)
	case ctx.Err() != nil || head.late || isTimeout(err):
		if c.trace.firstByte.Load() == 0 {
			return failf(ReasonRequestTimeout, PhaseUpgrade, "waiting for an answer to the upgrade: no byte in time")
		}
		return failf(ReasonTransferTimeout, PhaseUpgrade, "reading the answer to the upgrade: not complete in time")
	case errors.Is(err, errLongHead):
		return failf(ReasonTooLarge, PhaseUpgrade, "reading the answer to the upgrade: more than %d bytes", maxResponseHeader)
	case errors.Is(err, errInterim):
		return failf(ReasonHTTPVersion, PhaseUpgrade, "waiting for an answer to the upgrade: more than %d interim ones", max1xx)
	case session != nil:
		return session
	case isLocal(err):
		return failf(ReasonLocalResource, PhaseUpgrade, "sending the upgrade: %w", bare(err))
	case isNotHTTP(err), strings.Contains(err.Error(), "malformed") && !c.link.wire.readEnded.Load(): // otherwise it may have been cut short
		return failf(ReasonHTTPVersion, PhaseUpgrade, "reading the answer to the upgrade: %s", properHTTP(c.trace.cause))
	case c.link.wire.ended.Load(), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failf(ReasonConnectionClosed, PhaseUpgrade, "waiting for an answer to the upgrade: the target closed the connection")
	case c.trace.firstByte.Load() != 0:
		return failf(ReasonHTTPVersion, PhaseUpgrade, "reading the answer to the upgrade: %s", properHTTP(c.trace.cause))
	default:
		return failf(ReasonInternal, PhaseUpgrade, "upgrading: %w", bare(err))
	}
}

// refusal says what is wrong with an answer that does not upgrade.
func (c *conversation) refusal(answer *http.Response, err error) *failure {
	code := answer.StatusCode
	if code == http.StatusUnauthorized {
		c.prober.credentials.rejected()
	}
	switch location, bad := answer.Location(); {
	case code == http.StatusSwitchingProtocols && !errors.Is(err, websocket.ErrBadHandshake):
		if f := judgeExtensions(answer.Header, c.prober.cfg.PermessageDeflate); f != nil {
			return f
		}
		return failf(ReasonWSHandshake, PhaseUpgrade, "status 101 with extensions that a probe cannot use")
	case code == http.StatusSwitchingProtocols && !strings.EqualFold(answer.Header.Get("Upgrade"), "websocket"):
		return failf(ReasonWSHandshake, PhaseUpgrade, "status 101 without the header Upgrade: websocket")
	case code == http.StatusSwitchingProtocols:
		return failf(ReasonWSHandshake, PhaseUpgrade, "status 101 without Connection: Upgrade, or with a wrong Sec-WebSocket-Accept").because(acceptCause(answer))
	case isRedirect(code) && bad == nil:
		return failf(ReasonWSHandshake, PhaseUpgrade, "status %d redirects to %s, want 101: a handshake is not redirected", code, quote(MaskURL(location)))
	default:
		return failf(ReasonWSHandshake, PhaseUpgrade, "status %d, want 101", code)
	}
}

// acceptCause finds a wrong Sec-WebSocket-Accept where nothing else can be what is wrong.
func acceptCause(answer *http.Response) Cause {
	if httpguts.HeaderValuesContainsToken(answer.Header.Values("Connection"), "Upgrade") {
		return CauseWebSocketAccept
	}
	return CauseNone
}

// refusedBody is the beginning of the body of a refusal, as far as the library has read it.
func refusedBody(answer *http.Response, err error) []byte {
	if err == nil || answer.StatusCode == http.StatusSwitchingProtocols || answer.Header.Get("Content-Encoding") != "" {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	return b
}
