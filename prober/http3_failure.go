package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// What a QUIC error says about the target is in its code. The text that the target sends along is never used.

// transportReasons has the codes of RFC 9000 section 20.1 by which a target ends a connection without blaming us. Any
// other code, and any code that we sent ourselves, is about a violation of the protocol.
var transportReasons = map[quic.TransportErrorCode]Reason{
	quic.NoError:                   ReasonConnectionClosed,
	quic.InternalError:             ReasonConnectionClosed,
	quic.ConnectionRefused:         ReasonConnectRefused,
	quic.ApplicationErrorErrorCode: ReasonConnectionClosed,
	quic.NoViablePathError:         ReasonConnectionClosed,
}

// http3Violations are the codes of RFC 9114 section 8.1 and RFC 9204 section 6 for a violation of the protocol,
// whichever side noticed it, or for the wish for another protocol. All other codes, unknown ones included, only end a
// stream or connection.
var http3Violations = map[http3.ErrCode]bool{
	http3.ErrCodeGeneralProtocolError:     true,
	http3.ErrCodeStreamCreationError:      true,
	http3.ErrCodeClosedCriticalStream:     true,
	http3.ErrCodeFrameUnexpected:          true,
	http3.ErrCodeFrameError:               true,
	http3.ErrCodeIDError:                  true,
	http3.ErrCodeSettingsError:            true,
	http3.ErrCodeMissingSettings:          true,
	http3.ErrCodeMessageError:             true,
	http3.ErrCodeVersionFallback:          true,
	http3.ErrCodeDatagramError:            true,
	http3.ErrCodeQPACKDecompressionFailed: true,
	0x201:                                 true, // QPACK_ENCODER_STREAM_ERROR
	0x202:                                 true, // QPACK_DECODER_STREAM_ERROR
}

// quicReason is the reason in an error of a QUIC connection. ReasonNone means that it names none, or that the
// connection ended on this side.
func quicReason(err error) Reason {
	if _, ok := errors.AsType[*quic.VersionNegotiationError](err); ok {
		return ReasonHTTPVersion
	}
	if _, ok := errors.AsType[*quic.StatelessResetError](err); ok || errors.Is(err, syscall.ECONNREFUSED) {
		return ReasonConnectionClosed // the target has forgotten the connection, or has stopped
	}
	if e, ok := errors.AsType[*http3.Error](err); ok {
		return http3Reason(e.ErrorCode, e.Remote)
	}
	if e, ok := errors.AsType[*quic.ApplicationError](err); ok {
		return http3Reason(http3.ErrCode(e.ErrorCode), e.Remote)
	}
	if e, ok := errors.AsType[*quic.TransportError](err); ok {
		return transportReason(e)
	}
	return ReasonNone
}

func http3Reason(code http3.ErrCode, remote bool) Reason {
	switch {
	case http3Violations[code]:
		return ReasonHTTPVersion
	case remote, code == http3.ErrCodeNoError: // the latter is our answer to a GOAWAY
		return ReasonConnectionClosed
	default:
		return ReasonNone
	}
}

func transportReason(e *quic.TransportError) Reason {
	switch {
	case e.ErrorCode.IsCryptoError() && alert(e) == alertNoProtocol:
		return ReasonHTTPVersion
	case e.ErrorCode.IsCryptoError():
		return ReasonTLSFailed
	case !e.Remote && e.ErrorCode == quic.InternalError:
		return ReasonNone
	case e.Remote && transportReasons[e.ErrorCode] != ReasonNone:
		return transportReasons[e.ErrorCode]
	default:
		return ReasonHTTPVersion
	}
}

// alertNoProtocol is the TLS alert of a server that speaks none of the offered protocols (RFC 7301 section 3.2).
const alertNoProtocol = 120

// alert is the TLS alert in a crypto error (RFC 9001 section 4.8).
func alert(e *quic.TransportError) tls.AlertError { return tls.AlertError(e.ErrorCode) } //nolint:gosec // the lower byte it is

// A quicTarget is what a QUIC handshake was tried with.
type quicTarget struct {
	address, serverName string
	watch               *watch // of the handshake
	answered            bool   // whether anything at all came back
}

// quicDialFailure classifies why there is no QUIC connection. QUIC connects and does TLS at once: a failure before the
// target has said anything is in PhaseConnect, any other in PhaseTLS.
func quicDialFailure(ctx context.Context, err error, to quicTarget) *failure {
	var refused *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refused), isLocal(err) && to.answered:
		return tlsFailure(ctx, err, to.serverName)
	case ctx.Err() != nil || isTimeout(err):
		if to.answered {
			return failf(ReasonConnectTimeout, PhaseTLS, "QUIC handshake did not complete in time")
		}
		return failf(ReasonConnectTimeout, PhaseConnect, "connecting to %s by QUIC: no answer in time", to.address)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), isLocal(err):
		return failf(connectReason(err), PhaseConnect, "connecting to %s by QUIC: %w", to.address, bare(err))
	}
	switch quicReason(err) { //nolint:exhaustive // it returns no others
	case ReasonConnectRefused:
		return failf(ReasonConnectRefused, PhaseConnect, "connecting to %s by QUIC: the target refused the connection", to.address)
	case ReasonConnectionClosed:
		return failf(ReasonConnectionClosed, PhaseTLS, "QUIC handshake: the target closed the connection")
	case ReasonHTTPVersion:
		return failf(ReasonHTTPVersion, PhaseTLS, "QUIC handshake: %s", violation(err))
	case ReasonTLSFailed:
		why := tlsError(err)
		return to.watch.blame(failf(ReasonTLSFailed, PhaseTLS, "QUIC handshake: %w", why).because(alertCause(why)))
	default:
		return failf(ReasonInternal, PhaseTLS, "QUIC handshake: %w", bare(err))
	}
}

// violation says how the target breaks HTTP/3.
func violation(err error) string {
	if _, ok := errors.AsType[*quic.VersionNegotiationError](err); ok {
		return "the target speaks other versions of QUIC"
	}
	transport, ok := errors.AsType[*quic.TransportError](err)
	switch {
	case ok && transport.ErrorCode.IsCryptoError():
		return "the target does not speak HTTP/3 (no ALPN h3)"
	case ok:
		return "it is not proper QUIC: " + transport.ErrorCode.String()
	}
	h3, ok := errors.AsType[*http3.Error](err)
	switch {
	case ok && h3.ErrorCode == http3.ErrCodeVersionFallback:
		return "the target wants HTTP/1.1: set enable_http3: false"
	case ok:
		return "it is not proper HTTP/3: " + h3.ErrorCode.String()
	default:
		return "it is not proper HTTP/3"
	}
}

// tlsError is what is wrong with a TLS handshake, in our own words.
func tlsError(err error) error {
	e, ok := errors.AsType[*quic.TransportError](err)
	if !ok {
		return err
	}
	if own, ok := errors.AsType[tls.AlertError](err); ok && !e.Remote {
		return own
	}
	return fmt.Errorf("remote error: %w", alert(e)) // as crypto/tls says it over TCP
}

// http3Failure is exchangeFailure for HTTP/3, for errors other than timeouts.
func (x *exchange) http3Failure(err error) *failure {
	text := err.Error()
	switch reason := quicReason(err); {
	case reason == ReasonTLSFailed:
		return failf(ReasonTLSFailed, PhaseTLS, "TLS: the target refused the session: %w", tlsError(err)).because(alertCause(tlsError(err)))
	case reason == ReasonHTTPVersion:
		return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: %s", violation(err))
	case strings.Contains(text, "HEADERS frame too large"), strings.Contains(text, "headers too large"):
		return failf(ReasonTooLarge, PhaseProcessing, "reading the response headers: more than %d bytes", maxResponseHeader)
	case http3Unprocessed(err):
		return unprocessed(PhaseProcessing, "waiting for a response", "the target took no request (GOAWAY, or H3_REQUEST_REJECTED)")
	case x.ended(err), reason == ReasonConnectRefused:
		return x.closedFailure(PhaseProcessing, "waiting for a response", err)
	case isLocal(err):
		return failf(ReasonLocalResource, PhaseProcessing, "sending the request: %w", bare(err))
	case x.trace.firstByte.Load() != 0, strings.HasPrefix(text, "http3:"): // what cannot be sent was found before
		return failf(ReasonHTTPVersion, PhaseProcessing, "reading the response: %s", violation(err))
	default:
		return failf(ReasonInternal, PhaseProcessing, "sending the request: %w", bare(err))
	}
}

// http3Unprocessed reports whether err says that the target did not process the request, or never got it (RFC 9114
// sections 4.1.1 and 5.2).
func http3Unprocessed(err error) bool {
	e, ok := errors.AsType[*http3.Error](err)
	return ok && e.Remote && e.ErrorCode == http3.ErrCodeRequestRejected || strings.Contains(err.Error(), "connection in graceful shutdown")
}

// endedHTTP3 reports whether err says that the other end has ended the stream or the connection.
func endedHTTP3(err error) bool {
	return quicReason(err) == ReasonConnectionClosed || strings.Contains(err.Error(), "connection in graceful shutdown")
}
