package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// newTLSConfig reads the certificates of a module once. Every handshake works on a clone with its own server name, and
// offers the protocols by ALPN.
func newTLSConfig(c *commonconfig.HTTPClientConfig, protocols ...string) (*tls.Config, error) {
	cfg, err := commonconfig.NewTLSConfig(&c.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("preparing TLS: %w", err)
	}
	cfg.ServerName = "" // the caller of dial knows to which host the module's name applies
	cfg.NextProtos = protocols
	if get := cfg.GetClientCertificate; get != nil {
		// The files are read for every handshake, so that a renewed certificate is used at once.
		cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := get(info)
			if err != nil {
				return nil, &localError{err}
			}
			return cert, nil
		}
	}
	return cfg, nil
}

// handshake makes raw a TLS session for serverName. The TLSResult is set as soon as the target has shown a
// certificate, accepted or not. On error raw is left to the caller.
func handshake(ctx context.Context, t *trace, raw *wire, template *tls.Config, serverName string) (net.Conn, *TLSResult, error) {
	cfg := template.Clone()
	cfg.ServerName = serverName
	w := watchHandshake(cfg)
	raw.heard.Store(false) // what a proxy said before
	session := tls.Client(raw, cfg)

	from := t.now()
	err := session.HandshakeContext(ctx)
	t.phase(PhaseTLS, from)
	if err != nil {
		f := tlsFailure(ctx, err, serverName)
		if f.reason == ReasonConnectTimeout && !raw.heard.Load() {
			f = failf(ReasonConnectTimeout, PhaseTLS, "TLS handshake did not complete in time: no byte came").because(CauseTLSSilent)
		}
		return raw, w.unfinished(err, serverName), w.blame(f)
	}
	state := session.ConnectionState()
	res := w.finished(&state, serverName)
	t.event("TLS handshake completed", slog.String("version", tls.VersionName(res.Version)),
		slog.String("cipher", res.CipherSuiteName()), slog.String("protocol", res.Protocol))
	return session, res, nil
}

// The names of all cipher suites, because tls.CipherSuiteName lists them anew for every name.
var cipherSuites = sync.OnceValue(func() map[uint16]string {
	names := map[uint16]string{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		names[s.ID] = s.Name
	}
	return names
})

// CipherSuiteName is the name of the suite in RFCs; empty if the handshake did not complete.
func (t *TLSResult) CipherSuiteName() string { return cipherSuites()[t.CipherSuite] }

// A watch notes what a handshake shows before it is complete. It may be read at any time, because a QUIC handshake that
// was given up may go on for a while.
type watch struct {
	asked        atomic.Uint32                // the ClientCert
	expires      atomic.Pointer[time.Time]    // when our certificate does; nil: none was sent
	certificates atomic.Pointer[Certificates] // that were accepted
}

// watchHandshake watches the next handshake with cfg.
func watchHandshake(cfg *tls.Config) *watch {
	w := &watch{}
	get := cfg.GetClientCertificate
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if get == nil {
			w.asked.Store(uint32(ClientCertMissing))
			return &tls.Certificate{}, nil
		}
		w.asked.Store(uint32(ClientCertSent))
		cert, err := get(info)
		if err == nil && cert.Leaf != nil {
			w.expires.Store(&cert.Leaf.NotAfter)
		}
		return cert, err
	}
	// With TLS 1.2 a target that wants a certificate refuses before the handshake is complete.
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		w.certificates.Store(NewCertificates(state.PeerCertificates, state.VerifiedChains))
		return nil
	}
	return w
}

// result is what the handshake showed so far.
func (w *watch) result(serverName string) *TLSResult {
	res := &TLSResult{
		ServerName: kept(serverName), ClientCert: ClientCert(w.asked.Load()), //nolint:gosec // it was one before
		Certificates: w.certificates.Load(),
	}
	if at := w.expires.Load(); at != nil {
		res.ClientCertExpiry = *at
	}
	return res
}

// finished is what a complete handshake showed.
func (w *watch) finished(state *tls.ConnectionState, serverName string) *TLSResult {
	res := w.result(serverName)
	res.Version, res.CipherSuite, res.Protocol = state.Version, state.CipherSuite, state.NegotiatedProtocol
	return res
}

// unfinished is what an incomplete handshake showed: certificates, accepted or not, or a request for ours. It is nil if
// there was neither.
func (w *watch) unfinished(err error, serverName string) *TLSResult {
	res := w.result(serverName)
	if verification, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		res.Certificates = NewCertificates(verification.UnverifiedCertificates, nil)
	}
	if res.Certificates == nil && res.ClientCert == ClientCertNotAsked {
		return nil
	}
	return res
}

// blame finds the client certificate behind a handshake that the target has ended without saying why.
func (w *watch) blame(f *failure) *failure {
	if f.reason != ReasonTLSFailed || f.cause != CauseNone && f.cause != CauseNoCommonCipher {
		return f
	}
	switch ClientCert(w.asked.Load()) { //nolint:gosec // it was one before
	case ClientCertMissing:
		return f.because(CauseClientCert)
	case ClientCertSent:
		return f.because(CauseClientCertDenied)
	case ClientCertNotAsked:
	}
	return f
}

// tlsFailure classifies an error of a handshake. The time of a local clock decides whether a certificate has expired.
func tlsFailure(ctx context.Context, err error, serverName string) *failure {
	plain, notTLS := errors.AsType[tls.RecordHeaderError](err)
	switch refused := certificateFailure(err, serverName); {
	case refused != nil:
		return refused
	case isLocal(err):
		return failf(ReasonLocalResource, PhaseTLS, "TLS handshake: %w", err)
	case ctx.Err() != nil || isTimeout(err):
		return failf(ReasonConnectTimeout, PhaseTLS, "TLS handshake did not complete in time")
	case notTLS && string(plain.RecordHeader[:]) == "HTTP/":
		return failf(ReasonTLSFailed, PhaseTLS, "TLS handshake: the target does not speak TLS: it answers with plain HTTP").because(CausePlainHTTP)
	case notTLS:
		return failf(ReasonTLSFailed, PhaseTLS, "TLS handshake: the target does not speak TLS").because(CauseNotTLS)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failf(ReasonConnectionClosed, PhaseTLS, "TLS handshake: the target closed the connection")
	default:
		return failf(ReasonTLSFailed, PhaseTLS, "TLS handshake: %w", err).because(alertCause(err))
	}
}

// alertCauses are the causes of the alerts of RFC 8446 section 6.2, in the words of crypto/tls. It puts in front whose
// alert it is.
var alertCauses = map[string]Cause{
	"tls: handshake failure":              CauseNoCommonCipher,
	"tls: insufficient security level":    CauseNoCommonCipher,
	"tls: protocol version not supported": CauseTLSVersion,
	"tls: unrecognized name":              CauseServerName,
	"tls: no application protocol":        CauseNoProtocol,
	"tls: certificate required":           CauseClientCert,
	"tls: bad certificate":                CauseClientCertDenied,
	"tls: unsupported certificate":        CauseClientCertDenied,
	"tls: revoked certificate":            CauseClientCertDenied,
	"tls: expired certificate":            CauseClientCertDenied,
	"tls: unknown certificate":            CauseClientCertDenied,
	"tls: unknown certificate authority":  CauseClientCertDenied,
	"tls: access denied":                  CauseClientCertDenied,
}

// alertCause is why the other end has ended a session, as far as its alert says so.
func alertCause(err error) Cause {
	text := err.Error()
	switch said, remote := strings.CutPrefix(text, "remote error: "); {
	case remote:
		return alertCauses[said]
	case strings.HasPrefix(text, "tls: server selected unsupported protocol version"), strings.HasPrefix(text, "tls: no supported versions"):
		return CauseTLSVersion
	default:
		return CauseNone
	}
}

// sessionFailure classifies an error of crypto/tls after the handshake. It returns nil for any other error.
func sessionFailure(err error) *failure {
	// Only the beginning is from crypto/tls. Further on, an error may quote what the target sent.
	switch text := err.Error(); {
	case strings.HasPrefix(text, "remote error: tls: "):
		return failf(ReasonTLSFailed, PhaseTLS, "TLS: the target refused the session: %w", bare(err)).because(alertCause(err))
	case strings.HasPrefix(text, "local error: tls: "), strings.HasPrefix(text, "tls: "):
		return failf(ReasonTLSFailed, PhaseTLS, "TLS: what the target sent does not belong to the session: %w", bare(err))
	default:
		return nil
	}
}
