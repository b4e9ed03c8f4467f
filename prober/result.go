package prober

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// A Prober probes targets in one configured way. It is safe for concurrent use.
type Prober interface {
	// Probe probes the target once, attempts and redirects included, and returns no later than the
	// deadline of ctx. It leaves nothing behind: no goroutine, no connection. It logs nothing.
	Probe(ctx context.Context, r Request) Result
}

// A Request names what to probe; the module behind the Prober says how.
type Request struct {
	// URL is absolute: see ParseTarget. Probe does not change it.
	URL *url.URL
	// Hostname is sent as the Host header and used as the TLS server name. Empty: the URL's host.
	Hostname string
	// Excerpt has the Result keep how the body of a refusal begins: for the person who runs the command line alone.
	Excerpt bool
}

// A Result is what one probe found. It is a value: the collector, the history, the command line and the
// log line all read the same one. What was not measured is zero or nil. Every text in it prints and is of bounded length,
// whatever the target sent (see also Message), and nothing in it holds on to more than is seen.
type Result struct {
	// Start is when the probe began; phases and events count from the start of their attempt.
	Start time.Time
	// Duration is how long all attempts and the pauses between them took.
	Duration time.Duration
	// Timeout is the time that the probe was given.
	Timeout time.Duration
	// Attempts is how many times the target was tried, at least 1. Everything below is of the last attempt.
	Attempts int
	// Phases are the measured phases in the order they ended, over all redirects.
	Phases []Phase
	// Events are what happened, in order, at most the first maxEvents and one that counts the others. They hold no secret.
	Events []Event
	// Reason and FailedPhase say why and where the probe failed; both are empty on success.
	Reason      Reason
	FailedPhase PhaseName
	// Err is nil if and only if the probe succeeded. Its text says what was got and what was wanted.
	Err error
	// Cause is what is known beyond the Reason; CauseNone: nothing is.
	Cause Cause

	// Redirects is how many redirects were received.
	Redirects int
	// Away is true when a redirect had led to another host before the probe ended: a failure is then that host's.
	Away bool

	Resolve   *ResolveResult   // nil: no address was found
	TLS       *TLSResult       // nil: no certificate was seen or asked for; of the last connection
	HTTP      *HTTPResult      // nil: no HTTP response, or not an HTTP probe
	WebSocket *WebSocketResult // nil: no answer to the upgrade, or not a WebSocket probe
}

// Success tells whether the target is healthy.
func (r *Result) Success() bool { return r.Err == nil }

// PhaseName names a part of a probe.
type PhaseName string

// The phases of a probe, in the order of the wire: first those of every probe, then those of an HTTP probe, then those
// of a WebSocket probe. PhasePrepare and PhaseCheck are not measured: the one names failures before anything is sent (a
// credential file, a token), the other failures of the verdict on a complete answer.
const (
	PhasePrepare PhaseName = "prepare"
	PhaseResolve PhaseName = "resolve"
	PhaseConnect PhaseName = "connect"
	PhaseTLS     PhaseName = "tls"

	PhaseProcessing PhaseName = "processing"
	PhaseTransfer   PhaseName = "transfer"
	PhaseCheck      PhaseName = "check"

	PhaseUpgrade  PhaseName = "upgrade"
	PhaseMessages PhaseName = "messages"
	PhasePing     PhaseName = "ping"
	PhaseClose    PhaseName = "close"
)

// PhaseNames lists every PhaseName, in the order of the wire.
func PhaseNames() []PhaseName {
	return []PhaseName{
		PhasePrepare, PhaseResolve, PhaseConnect, PhaseTLS, PhaseProcessing, PhaseTransfer, PhaseCheck,
		PhaseUpgrade, PhaseMessages, PhasePing, PhaseClose,
	}
}

// A Phase is one measured part of an attempt.
type Phase struct {
	Name PhaseName
	// Start is relative to the start of the attempt.
	Start, Duration time.Duration
}

// An Event is something that happened during an attempt. It is formatted only when somebody reads it.
type Event struct {
	// At is relative to the start of the attempt.
	At      time.Duration
	Message string
	Attrs   []slog.Attr
}

// A ResolveResult is the outcome of the first address look-up of a probe; the first resolve phase says how long it took.
type ResolveResult struct {
	Addr netip.Addr
}

// An HTTPResult is the last HTTP response of a probe.
type HTTPResult struct {
	// URL is that of the last request, without credentials and with its query values masked.
	URL    string
	Method string
	// Path is the path of the last request.
	Path       string
	StatusCode int
	// Proto is the protocol version, such as "HTTP/1.1".
	Proto string
	// ContentLength is the header's value in bytes, -1 where there is none.
	ContentLength int64
	// BodyBytes is how many bytes of body were read, after decompression.
	BodyBytes int64
	// TLS tells whether the last response came over TLS.
	TLS bool
	// WantsTLS reports whether the response says that the port speaks TLS alone, to a request without.
	WantsTLS bool
	// RetryAfter tells whether the response asked to come back later.
	RetryAfter bool
	// Authentication is what the response wants to know of who asks.
	Authentication Authentication
	// Charset is the character set of the body where that is a known one other than UTF-8.
	Charset string
	// Excerpt is how the body of a response begins whose status is not accepted, as it came, so quote it; empty where
	// Request.Excerpt did not ask for it. It may hold secrets.
	Excerpt string
	// MaybeProxy reports whether the response may be that of a proxy for plain HTTP, which does not say that it passed it on.
	MaybeProxy bool
	// LastModified is the zero time where the header is missing or not a date.
	LastModified time.Time
}

// A WebSocketResult is the answer to the upgrade, and the conversation that followed.
type WebSocketResult struct {
	// StatusCode is that of the answer to the upgrade; 101 is what it should be.
	StatusCode int
	// RetryAfter tells whether the answer asked to come back later.
	RetryAfter bool
	// Authentication is what the answer wants to know of who asks.
	Authentication Authentication
	// WantsTLS reports whether the answer says that the port speaks TLS alone, to an upgrade without.
	WantsTLS bool
	// Excerpt is how the body of a refusal begins; see HTTPResult.
	Excerpt string
	// Upgraded tells whether the handshake succeeded.
	Upgraded bool
	// Subprotocol is the one that was selected, one of those offered; empty: none.
	Subprotocol string
	// Compressed tells whether permessage-deflate was negotiated.
	Compressed bool
	// Messages are what was said, at most the first maxMessages.
	Messages []Message
	// Received is how many messages came.
	Received int
	// TimedOut tells that an expected message did not come in time, or not as a whole, and no other message instead of it,
	// or that the target did not take one.
	TimedOut bool
	// CloseCode is the code that the target closed with (RFC 6455 section 7.4): 1005 for a close without a code, 1006 for
	// the end of the connection without a close; 0: it did neither.
	CloseCode int
}

// A Message is one message, ping, pong or close of a conversation.
type Message struct {
	// At is relative to the start of the attempt.
	At   time.Duration
	Sent bool // by the probe, not by the target
	Type MessageType
	// Bytes is the length, decompressed.
	Bytes int
	// Excerpt is how it begins; of a text as it came, so quote it. It may hold secrets: it is for the person who runs the
	// command line alone.
	Excerpt string
}

// MessageType is what kind of frame a message consists of (RFC 6455 section 11.8).
type MessageType string

// The types of messages.
const (
	TextMessage   MessageType = "text"
	BinaryMessage MessageType = "binary"
	PingMessage   MessageType = "ping"
	PongMessage   MessageType = "pong"
	CloseMessage  MessageType = "close"
)

// ClientCert says what became of a target's request for a client certificate.
type ClientCert uint8

// What becomes of a request for a client certificate.
const (
	ClientCertNotAsked ClientCert = iota // there was no request
	ClientCertMissing                    // the module has none to send
	ClientCertSent
)

// A TLSResult is what the last TLS handshake showed, also when the certificate was not accepted.
type TLSResult struct {
	// Version and CipherSuite are 0 if the handshake did not complete.
	Version, CipherSuite uint16
	// Protocol is what was negotiated by ALPN (RFC 7301), such as "h2"; empty: nothing.
	Protocol string
	// ServerName is the name that was asked for and verified.
	ServerName string
	// ClientCert says what became of the target's request for a certificate of ours.
	ClientCert ClientCert
	// ClientCertExpiry is when the certificate that was sent expires; zero: none was sent.
	ClientCertExpiry time.Time
	// Certificates are those that the target presented, accepted or not; nil: it presented none.
	Certificates *Certificates
}
