package prober

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/quic-go/quic-go/http3"
)

// exchangeFailure classifies an error on an established connection. That the target is to blame has to be
// seen on the connection: what nothing is known of must not look like a crash, which a restart would repair.
func (x *exchange) exchangeFailure(ctx context.Context, err error) *failure {
	const doing = "waiting for a response"
	text, session, ended := x.words(err), x.sessionFailure(err), x.http2End(PhaseProcessing, doing, err)
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
	case errors.Is(err, errInterim), strings.Contains(text, errInterim.Error()): // net/http does not always wrap it
		return failf(ReasonHTTPVersion, PhaseProcessing, "waiting for a response: more than %d interim ones", max1xx)
	case ended != nil:
		return ended
	case isNotHTTP(err):
		return x.improper(err)
	case x.ended(err):
		return x.closedFailure(PhaseProcessing, doing, err)
	case x.trace.firstByte.Load() != 0,
		strings.Contains(text, "connection error:"), strings.Contains(text, "could not be established"): // none of HTTP/2
		return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: %s", properHTTP(x.trace.cause))
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
func (x *exchange) closedFailure(phase PhaseName, doing string, err error) *failure {
	if x.link.proxy != nil {
		return proxyFailure(x.link.proxy, "%s: it closed the connection, or the target behind it did", doing)
	}
	if e, ok := errors.AsType[*http3.Error](err); ok && e.Remote {
		f := failf(ReasonConnectionClosed, phase, "%s: the target closed the connection, or reset the stream (%s)", doing, e.ErrorCode)
		if e.ErrorCode == http3.ErrCodeExcessiveLoad {
			return f.because(CauseAskedTooOften)
		}
		return f
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

// ended reports whether the other end has ended the connection. For the stream of HTTP/2 see http2End.
func (x *exchange) ended(err error) bool {
	gone := &x.link.wire.ended
	if _, ok := x.conn.(*http1Conn); ok {
		gone = &x.link.wire.readEnded // what was read is judged, even if there was nobody any more to read the request
	}
	return gone.Load() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || endedHTTP3(err)
}

// http2End is what the end of a stream or connection of HTTP/2 means; nil: it is about something else.
func (x *exchange) http2End(phase PhaseName, doing string, err error) *failure {
	if _, ok := x.conn.(*http2Conn); !ok {
		return nil
	}
	return http2End(phase, doing, err)
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
