package prober

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"time"
	"unsafe"
)

// A Prober probes targets in one configured way. It is safe for concurrent use.
type Prober interface {
	// Probe probes the target once, attempts and redirects included, and returns no later than the
	// deadline of ctx. It leaves nothing behind: no goroutine, no connection. It logs nothing.
	Probe(ctx context.Context, r Request) Result
}

// A Request names what to probe. The module behind the [Prober] says how.
type Request struct {
	// URL is absolute; see [ParseTarget]. Probe does not change it.
	URL *url.URL
	// Hostname is sent as the Host header and used as the TLS server name. Empty: the URL's host.
	Hostname string
	// Excerpt makes the Result keep the beginning of a refusal's body. It is only for the person who runs the command
	// line.
	Excerpt bool
}

// A Result is what one probe found. It is a value: the collector, the history, the command line and the log line all
// read the same one. What was not measured is zero or nil. Every text in it is printable and of bounded length,
// whatever the target sent (see also [Message]), and it keeps no more memory alive than can be seen.
type Result struct {
	// Start is when the probe began; phases and events count from the start of their attempt.
	Start time.Time
	// Duration is how long all attempts and the pauses between them took.
	Duration time.Duration
	// Timeout is the time that the probe was given.
	Timeout time.Duration
	// Attempts is how many times the target was tried, at least 1. Everything below is about the last attempt.
	Attempts int
	// Phases are the measured phases of all redirects, in the order they ended.
	Phases []Phase
	// Events are what happened, in order: at most the first maxEvents, and one that counts the others. They hold no
	// secrets.
	Events []Event
	// Reason and FailedPhase say why and where the probe failed; both are empty on success.
	Reason      Reason
	FailedPhase PhaseName
	// Err is nil if and only if the probe succeeded. Its text says what was got and what was wanted.
	Err error
	// Cause is what is known beyond the Reason; CauseNone if nothing is.
	Cause Cause

	// Redirects is how many redirects were received.
	Redirects int
	// Away is true if a redirect led to another host before the probe ended. A failure is then that host's.
	Away bool

	Resolve   *ResolveResult   // nil: no address was found
	TLS       *TLSResult       // nil: no certificate was seen or asked for; of the last connection
	HTTP      *HTTPResult      // nil: no HTTP response, or not an HTTP probe
	WebSocket *WebSocketResult // nil: no answer to the upgrade, or not a WebSocket probe
}

// Success reports whether the target is healthy.
func (r *Result) Success() bool { return r.Err == nil }

// PhaseName names a part of a probe.
type PhaseName string

// The phases of a probe, in the order of the wire: first those of every probe, then those of an HTTP probe, then those
// of a WebSocket probe. PhasePrepare and PhaseCheck are not measured. A failure is in PhasePrepare if nothing was sent
// yet (a credential file, a token), and in PhaseCheck if a complete answer was judged.
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

// An Event is something that happened during an attempt. It is formatted only when it is read.
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
	// TLS reports whether the last response came over TLS.
	TLS bool
	// WantsTLS reports whether the response to a request without TLS says that the port speaks only TLS.
	WantsTLS bool
	// RetryAfter reports whether the response has the header Retry-After.
	RetryAfter bool
	// Authentication is what the response asks of the client.
	Authentication Authentication
	// Charset is the character set of the body if it is a known one other than UTF-8.
	Charset string
	// Excerpt is the beginning of the body of a response whose status is not accepted. It is as it came, so quote it,
	// and may hold secrets. It is empty unless Request.Excerpt asked for it.
	Excerpt string
	// MaybeProxy reports whether the response may come from the proxy for plain HTTP itself, because it does not say
	// that it was passed on.
	MaybeProxy bool
	// LastModified is the zero time where the header is missing or not a date.
	LastModified time.Time
}

// A WebSocketResult is the answer to the upgrade, and the conversation that followed.
type WebSocketResult struct {
	// StatusCode is that of the answer to the upgrade; 101 is what it should be.
	StatusCode int
	// RetryAfter reports whether the answer has the header Retry-After.
	RetryAfter bool
	// Authentication is what the answer asks of the client.
	Authentication Authentication
	// WantsTLS reports whether the answer to an upgrade without TLS says that the port speaks only TLS.
	WantsTLS bool
	// Excerpt is the beginning of a refusal's body; see [HTTPResult].
	Excerpt string
	// Upgraded reports whether the upgrade succeeded.
	Upgraded bool
	// Subprotocol is the one of the offered subprotocols that was selected; empty if none was.
	Subprotocol string
	// Compressed reports whether permessage-deflate was negotiated.
	Compressed bool
	// Messages are what was said, at most the first maxMessages.
	Messages []Message
	// Received is how many messages came.
	Received int
	// TimedOut reports whether an expected message did not come in time as a whole, with no other message in its place,
	// or whether the target did not take a message.
	TimedOut bool
	// CloseCode is the code that the target closed with (RFC 6455 section 7.4): 1005 for a close without a code, 1006
	// for the end of the connection without a close, 0 if neither happened.
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
	// Excerpt is the beginning of the message. A text is as it came, so quote it. It may hold secrets and is only for
	// the person who runs the command line.
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

// ClientCert is the outcome of a target's request for a client certificate.
type ClientCert uint8

// The outcomes of a request for a client certificate.
const (
	ClientCertNotAsked ClientCert = iota // the target did not ask
	ClientCertMissing                    // the module has none to send
	ClientCertSent
)

// A TLSResult is what the last TLS handshake showed, even if the certificate was not accepted.
type TLSResult struct {
	// Version and CipherSuite are 0 if the handshake did not complete.
	Version, CipherSuite uint16
	// Protocol is what ALPN negotiated (RFC 7301), such as "h2"; empty if nothing was.
	Protocol string
	// ServerName is the name that was asked for and verified.
	ServerName string
	// ClientCert is the outcome of the target's request for a certificate of ours.
	ClientCert ClientCert
	// ClientCertExpiry is when the certificate that was sent expires; zero if none was sent.
	ClientCertExpiry time.Time
	// Certificates are what the target presented, accepted or not; nil if it presented none.
	Certificates *Certificates
}

// fail notes why the probe failed.
func (r *Result) fail(f *failure) {
	r.Reason, r.FailedPhase, r.Err, r.Cause = f.reason, f.phase, verdict(f.err), f.cause
}

// Size is roughly how many bytes of memory the Result takes.
func (r *Result) Size() int {
	const text = int(unsafe.Sizeof(""))
	n := int(unsafe.Sizeof(*r)) + cap(r.Phases)*int(unsafe.Sizeof(Phase{})) + cap(r.Events)*int(unsafe.Sizeof(Event{}))
	for i := range r.Events {
		n += len(r.Events[i].Message) + attrsSize(r.Events[i].Attrs)
	}
	if r.Err != nil {
		n += text + len(r.Err.Error())
	}
	if r.Resolve != nil {
		n += int(unsafe.Sizeof(*r.Resolve))
	}
	if h := r.HTTP; h != nil {
		n += int(unsafe.Sizeof(*h)) + len(h.URL) + len(h.Method) + len(h.Path) + len(h.Proto) + len(h.Excerpt)
	}
	if w := r.WebSocket; w != nil {
		n += int(unsafe.Sizeof(*w)) + len(w.Subprotocol) + len(w.Excerpt) + cap(w.Messages)*int(unsafe.Sizeof(Message{}))
		for i := range w.Messages {
			n += len(w.Messages[i].Excerpt)
		}
	}
	if t := r.TLS; t != nil {
		n += int(unsafe.Sizeof(*t)) + len(t.Protocol) + len(t.ServerName)
		if c := t.Certificates; c != nil {
			n += cap(c.Presented) * int(unsafe.Sizeof(Presented{}))
			for i := range c.Presented {
				n += len(c.Presented[i].Name)
			}
			n += len(c.First.Name) + len(c.ChainFirst.Name)
			n += int(unsafe.Sizeof(*c)) + len(c.Leaf.Subject) + len(c.Leaf.Issuer) + len(c.Leaf.HostNames) + len(c.Leaf.Serial) + len(c.Leaf.Fingerprint)
		}
	}
	return n
}

func attrsSize(attrs []slog.Attr) int {
	n := cap(attrs) * int(unsafe.Sizeof(slog.Attr{}))
	for _, a := range attrs {
		n += len(a.Key)
		if a.Value.Kind() == slog.KindString {
			n += len(a.Value.String())
		}
	}
	return n
}
