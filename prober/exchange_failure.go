package prober

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
)

// exchangeFailure classifies an error on an established connection. That the target is to blame has to be
// seen on the connection: what nothing is known of must not look like a crash, which a restart would repair.
func (x *exchange) exchangeFailure(ctx context.Context, err error) *failure {
	text, session := x.words(err), x.sessionFailure(err)
	switch {
	case ctx.Err() != nil || isTimeout(err):
		return x.timeoutFailure()
	case x.link.quic != nil:
		return x.http3Failure(err)
	case session != nil:
		return session
	case errors.Is(err, errLongHead), strings.Contains(text, "response header list larger"):
		return failf(ReasonTooLarge, PhaseProcessing, "reading the response headers: more than %d bytes", maxResponseHeader)
	case isLocal(err):
		return failf(ReasonLocalResource, PhaseProcessing, "sending the request: %w", cause(err))
	case strings.Contains(text, "HTTP_1_1_REQUIRED"):
		return failf(ReasonHTTPVersion, PhaseProcessing, "the target wants HTTP/1.1: set enable_http2: false")
	case errors.Is(err, errInterim), strings.Contains(text, errInterim.Error()): // net/http does not always wrap it
		return failf(ReasonHTTPVersion, PhaseProcessing, "waiting for a response: more than %d interim ones", max1xx)
	case isNotHTTP(err):
		return x.improper(err)
	case x.ended(err):
		return x.closedFailure(PhaseProcessing, "waiting for a response")
	case x.trace.firstByte.Load() != 0,
		strings.Contains(text, "connection error:"), strings.Contains(text, "could not be established"): // none of HTTP/2
		return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: it is not proper HTTP")
	default:
		return failf(ReasonInternal, PhaseProcessing, "sending the request: %w", cause(err))
	}
}

// answerCause says why there is no answer. An error of the parser quotes the answer.
func answerCause(err error) string {
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection"
	case network:
		return cause(err).Error()
	default:
		return "it is not proper HTTP"
	}
}

func (x *exchange) timeoutFailure() *failure {
	if x.trace.firstByte.Load() == 0 {
		return failf(ReasonRequestTimeout, PhaseProcessing, "waiting for a response: no byte in time")
	}
	return failf(ReasonTransferTimeout, PhaseTransfer, "reading the response headers: not complete in time")
}

// closedFailure says who closed the connection: between us and the target there may be a proxy.
func (x *exchange) closedFailure(phase PhaseName, doing string) *failure {
	if x.link.proxy != nil {
		return proxyFailure(x.link.proxy, "%s: it closed the connection", doing)
	}
	return failf(ReasonConnectionClosed, phase, "%s: the target closed the connection", doing)
}

// improper is the failure of an answer that does not begin as HTTP. A proxy for plain HTTP passes on no other.
func (x *exchange) improper(err error) *failure {
	if x.link.proxy != nil {
		return proxyFailure(x.link.proxy, "reading the response: %w", err)
	}
	return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: %w", err)
}

// ended tells whether the other end has ended the connection or, by HTTP/2, the stream (RFC 9113 sections 6.4 and 6.8).
func (x *exchange) ended(err error) bool {
	gone := &x.link.wire.ended
	if _, ok := x.conn.(*http1Conn); ok {
		gone = &x.link.wire.readEnded // what was read is judged, even if there was nobody any more to read the request
	}
	text := x.words(err)
	return gone.Load() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(text, "stream error") || strings.Contains(text, "GOAWAY") ||
		strings.Contains(text, "client conn not usable") || endedHTTP3(err)
}

// words is the text of an error, which often is all that there is to tell it by. By HTTP/1.1 it is not needed, and may
// quote the target.
func (x *exchange) words(err error) string {
	if _, ok := x.conn.(*http1Conn); ok {
		return ""
	}
	return err.Error()
}

// sessionFailure classifies an error of crypto/tls; nil: it is another's. The session may be one with a proxy.
func (x *exchange) sessionFailure(err error) *failure {
	f := sessionFailure(err)
	if f != nil && x.link.proxy != nil {
		return proxyFailure(x.link.proxy, "%w", cause(err))
	}
	return f
}
