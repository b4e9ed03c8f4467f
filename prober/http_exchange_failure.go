package prober

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/quic-go/quic-go/http3"
)

// exchangeFailure classifies an error on an established connection. The target is blamed only for what was seen on the
// connection. An unknown error must not look like a crash, which leads to a restart.
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
		return failf(ReasonLocalResource, PhaseProcessing, "sending the request: %w", bare(err))
	case errors.Is(err, errInterim), strings.Contains(text, errInterim.Error()): // net/http does not always wrap it
		return failf(ReasonHTTPVersion, PhaseProcessing, "waiting for a response: more than %d interim ones", max1xx)
	case ended != nil:
		return ended
	case isNotHTTP(err):
		return x.improper(err)
	case x.ended(err) && !http2Violated(text):
		return x.closedFailure(PhaseProcessing, doing, err)
	case x.trace.firstByte.Load() != 0, strings.HasPrefix(text, "http2: "), http2Violated(text),
		strings.Contains(text, "could not be established"): // not proper HTTP/2
		return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: %s", properHTTP(x.trace.cause))
	default:
		return failf(ReasonInternal, PhaseProcessing, "sending the request: %w", bare(err))
	}
}

// noAnswer says why there is no answer. An error of the parser quotes the answer.
func noAnswer(err error) string {
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection"
	case network:
		return bare(err).Error()
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

// improper is the failure of an answer that does not begin as HTTP. A proxy for plain HTTP passes on only proper
// answers.
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
		gone = &x.link.wire.readEnded // what was read is judged even if the target no longer read the request
	}
	return gone.Load() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || endedHTTP3(err)
}

// http2End classifies the end of a stream or connection of HTTP/2. It returns nil for any other error.
func (x *exchange) http2End(phase PhaseName, doing string, err error) *failure {
	if _, ok := x.conn.(*http2Conn); !ok {
		return nil
	}
	return http2End(phase, doing, err)
}

// words is the text of an error, which is often all there is to recognise it by. With HTTP/1.1 it is not needed, and
// may quote the target.
func (x *exchange) words(err error) string {
	if _, ok := x.conn.(*http1Conn); ok {
		return ""
	}
	return err.Error()
}

// sessionFailure classifies an error of crypto/tls. It returns nil for any other error. The session may be one with a
// proxy.
func (x *exchange) sessionFailure(err error) *failure {
	f := sessionFailure(err)
	if f != nil && x.link.proxy != nil {
		return proxyFailure(x.link.proxy, "%w", bare(err))
	}
	return f
}
