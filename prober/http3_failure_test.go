package prober

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// What no test server can be made to say is told apart by the same table.
func TestQUICReason(t *testing.T) {
	remote := func(code quic.TransportErrorCode) error { return &quic.TransportError{Remote: true, ErrorCode: code} }
	local := func(code quic.TransportErrorCode) error { return &quic.TransportError{ErrorCode: code} }
	for _, tt := range []struct {
		err  error
		want Reason
	}{
		{remote(quic.NoError), ReasonConnectionClosed},
		{remote(quic.InternalError), ReasonConnectionClosed},
		{remote(quic.ApplicationErrorErrorCode), ReasonConnectionClosed},
		{remote(quic.ConnectionRefused), ReasonConnectRefused},
		{remote(quic.ProtocolViolation), ReasonHTTPVersion},
		{remote(0x100 + 40), ReasonTLSFailed},
		{remote(0x100 + 120), ReasonHTTPVersion},
		{local(0x100 + 120), ReasonHTTPVersion},
		{local(quic.FlowControlError), ReasonHTTPVersion},
		{local(quic.TransportParameterError), ReasonHTTPVersion},
		{local(quic.InternalError), ReasonNone},
		{&quic.StatelessResetError{}, ReasonConnectionClosed},
		{&quic.VersionNegotiationError{}, ReasonHTTPVersion},
		{&quic.ApplicationError{Remote: true, ErrorCode: 0}, ReasonConnectionClosed},
		{&quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(http3.ErrCodeFrameError)}, ReasonHTTPVersion},
		{&http3.Error{Remote: true, ErrorCode: http3.ErrCodeInternalError}, ReasonConnectionClosed},
		{&http3.Error{Remote: true, ErrorCode: http3.ErrCodeVersionFallback}, ReasonHTTPVersion},
		{&http3.Error{ErrorCode: http3.ErrCodeMissingSettings}, ReasonHTTPVersion},
		{&http3.Error{ErrorCode: http3.ErrCodeNoError}, ReasonConnectionClosed},
		{&http3.Error{ErrorCode: http3.ErrCodeRequestCanceled}, ReasonNone},
		{os.NewSyscallError("read", syscall.ECONNREFUSED), ReasonConnectionClosed},
		{context.DeadlineExceeded, ReasonNone},
	} {
		if got := quicReason(fmt.Errorf("wrapped: %w", tt.err)); got != tt.want {
			t.Errorf("%v: reason is %q, want %q", tt.err, got, tt.want)
		}
	}
	for _, err := range []error{&quic.IdleTimeoutError{}, &quic.HandshakeTimeoutError{}} {
		if !isTimeout(err) || quicReason(err) != ReasonNone {
			t.Errorf("%v is not a timeout alone", err)
		}
	}
	for _, tt := range []struct {
		err    error
		reason Reason
		phase  PhaseName
	}{
		{os.NewSyscallError("sendmsg", syscall.EPERM), ReasonLocalResource, PhaseConnect},
		{os.NewSyscallError("sendmsg", syscall.ENETUNREACH), ReasonConnectUnreach, PhaseConnect},
		{&quic.HandshakeTimeoutError{}, ReasonConnectTimeout, PhaseConnect},
		{local(quic.InternalError), ReasonInternal, PhaseTLS},
	} {
		if f := quicDialFailure(t.Context(), tt.err, quicTarget{}); f.reason != tt.reason || f.phase != tt.phase {
			t.Errorf("%v: %s in phase %s, want %s in %s", tt.err, f.reason, f.phase, tt.reason, tt.phase)
		}
	}
}

// A socket that looked like a net.UDPConn would get buffers of 7 MiB, and a complaint on standard error if it did not.
func TestQUICSocket(t *testing.T) {
	if _, ok := any(&datagrams{}).(quic.OOBCapablePacketConn); ok {
		t.Error("quic-go takes the socket for a net.UDPConn")
	}
}
