package prober

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// newTLSConfig reads the certificates of a module once; every handshake works on a clone with its own server name and
// offers the protocols by ALPN.
func newTLSConfig(c *commonconfig.HTTPClientConfig, protocols ...string) (*tls.Config, error) {
	cfg, err := commonconfig.NewTLSConfig(&c.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("preparing TLS: %w", err)
	}
	cfg.ServerName = "" // who dials knows to whom the module's name applies
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
func handshake(ctx context.Context, t *trace, raw net.Conn, template *tls.Config, serverName string) (net.Conn, *TLSResult, error) {
	cfg := template.Clone()
	cfg.ServerName = serverName
	asked := watchClientCert(cfg)
	session := tls.Client(raw, cfg)

	from := t.now()
	err := session.HandshakeContext(ctx)
	t.phase(PhaseTLS, from)
	if err != nil {
		return raw, unverified(err, serverName, asked()), tlsFailure(ctx, err, serverName)
	}
	state := session.ConnectionState()
	res := established(&state, serverName, asked())
	t.event("TLS handshake completed", slog.String("version", tls.VersionName(res.Version)),
		slog.String("cipher", res.CipherSuiteName()), slog.String("protocol", res.Protocol))
	return session, res, nil
}

// The names of all cipher suites: tls.CipherSuiteName lists them for every name again.
var cipherSuites = sync.OnceValue(func() map[uint16]string {
	names := map[uint16]string{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		names[s.ID] = s.Name
	}
	return names
})

// CipherSuiteName is the name that RFCs give the suite; empty: the handshake did not complete.
func (t *TLSResult) CipherSuiteName() string { return cipherSuites()[t.CipherSuite] }

// established is what a complete handshake showed.
func established(state *tls.ConnectionState, serverName string, asked ClientCert) *TLSResult {
	return &TLSResult{
		Version:      state.Version,
		CipherSuite:  state.CipherSuite,
		Protocol:     state.NegotiatedProtocol,
		ServerName:   kept(serverName),
		ClientCert:   asked,
		Certificates: NewCertificates(state.PeerCertificates, state.VerifiedChains),
	}
}

// unverified is what a handshake showed that was not completed: certificates that were not accepted, or the wish for ours.
// It is nil if there is neither.
func unverified(err error, serverName string, asked ClientCert) *TLSResult {
	res := &TLSResult{ServerName: kept(serverName), ClientCert: asked}
	if verification, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		res.Certificates = NewCertificates(verification.UnverifiedCertificates, nil)
	}
	if res.Certificates == nil && asked == ClientCertNotAsked {
		return nil
	}
	return res
}

// watchClientCert has the next handshake with cfg note what becomes of a request for a client certificate. What it returns
// may be called at any time: a handshake that was given up may go on for a while by QUIC.
func watchClientCert(cfg *tls.Config) func() ClientCert {
	var asked atomic.Uint32
	get := cfg.GetClientCertificate
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if get == nil {
			asked.Store(uint32(ClientCertMissing))
			return &tls.Certificate{}, nil
		}
		asked.Store(uint32(ClientCertSent))
		return get(info)
	}
	return func() ClientCert { return ClientCert(asked.Load()) } //nolint:gosec // it was one before
}

func tlsFailure(ctx context.Context, err error, serverName string) *failure {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		plain     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return failf(ReasonTLSNotYetValid, PhaseTLS, "certificate of %q is valid from %s, and it is %s now",
			subject(invalid.Cert), date(invalid.Cert.NotBefore), date(time.Now()))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return failf(ReasonTLSExpired, PhaseTLS, "certificate of %q expired on %s",
			subject(invalid.Cert), date(invalid.Cert.NotAfter))
	case errors.As(err, &host):
		return failf(ReasonTLSHostname, PhaseTLS, "certificate is for %s, want %q", names(host.Certificate), serverName)
	case errors.As(err, &authority):
		return failf(ReasonTLSUntrusted, PhaseTLS, "certificate of %q is signed by unknown authority %q",
			subject(authority.Cert), issuer(authority.Cert))
	case isLocal(err):
		return failf(ReasonLocalResource, PhaseTLS, "TLS handshake: %w", err)
	case ctx.Err() != nil || isTimeout(err):
		return failf(ReasonConnectTimeout, PhaseTLS, "TLS handshake did not complete in time")
	case errors.As(err, &plain):
		return failf(ReasonTLSFailed, PhaseTLS, "TLS handshake: the target does not speak TLS")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return failf(ReasonConnectionClosed, PhaseTLS, "TLS handshake: the target closed the connection")
	default:
		return failf(ReasonTLSFailed, PhaseTLS, "TLS handshake: %w", err)
	}
}

// sessionFailure classifies an error of crypto/tls after the handshake; nil: it is another's.
func sessionFailure(err error) *failure {
	// Only the beginning is crypto/tls: further on an error may quote what the target sent.
	switch text := err.Error(); {
	case strings.HasPrefix(text, "remote error: tls: "):
		return failf(ReasonTLSFailed, PhaseTLS, "TLS: the target refused the session: %w", cause(err))
	case strings.HasPrefix(text, "local error: tls: "), strings.HasPrefix(text, "tls: "):
		return failf(ReasonTLSFailed, PhaseTLS, "TLS: what the target sent is not of the session: %w", cause(err))
	default:
		return nil
	}
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func subject(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return printable.Cut(c.Subject.String(), printable.MaxLog)
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return printable.Cut(c.Issuer.String(), printable.MaxLog)
}

// maxNames is how many names of a certificate an error lists.
const maxNames = 5

// names lists what a certificate is good for. There may be tens of thousands, so those that are only counted cost nothing.
func names(c *x509.Certificate) string {
	var listed []string
	for _, name := range c.DNSNames[:min(len(c.DNSNames), maxNames)] {
		listed = append(listed, quote(name)) // the target may have put anything there
	}
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), maxNames-len(listed))] {
		listed = append(listed, ip.String())
	}
	text := strings.Join(listed, ", ")
	switch left := len(c.DNSNames) + len(c.IPAddresses) - len(listed); {
	case len(listed) == 0:
		return "no host name"
	case left > 0:
		return text + fmt.Sprintf(" and %d more", left)
	default:
		return text
	}
}
