package prober

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// certificateFailure says why a certificate is not accepted. It returns nil if err is about something else.
func certificateFailure(err error, serverName string) *failure {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidFailure(invalid, presentedIn(err))
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return hostnameFailure(host, serverName)
	}
	if authority, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return authorityFailure(authority, presentedIn(err))
	}
	return nil
}

// presentedIn are the certificates that the target presented.
func presentedIn(err error) []*x509.Certificate {
	if verification, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return verification.UnverifiedCertificates
	}
	return nil
}

// invalidCauses are the causes if a certificate, or one above it, must not be used like this.
var invalidCauses = map[x509.InvalidReason]Cause{
	x509.NotAuthorizedToSign:           CauseNoAuthority,
	x509.TooManyIntermediates:          CauseTooManyAuthorities,
	x509.IncompatibleUsage:             CauseKeyUsage,
	x509.CANotAuthorizedForExtKeyUsage: CauseKeyUsage,
	x509.CANotAuthorizedForThisName:    CauseNameConstraints,
	x509.NameConstraintsWithoutSANs:    CauseNameConstraints,
	x509.UnconstrainedName:             CauseNameConstraints,
	x509.TooManyConstraints:            CauseNameConstraints,
}

// invalidFailure is about a certificate that must not be used like this, or has expired. It may be one above the
// target's own.
func invalidFailure(invalid x509.CertificateInvalidError, presented []*x509.Certificate) *failure {
	cert := invalid.Cert
	if cert == nil {
		return nil
	}
	above := len(presented) > 0 && !cert.Equal(presented[0])
	switch {
	case invalid.Reason == x509.Expired && time.Now().Before(cert.NotBefore):
		f := failf(ReasonTLSNotYetValid, PhaseTLS, "certificate of %q is valid from %s, and it is %s now", certName(cert), date(cert.NotBefore), date(time.Now()))
		if above {
			return f.because(CauseAuthorityNotYet)
		}
		return f
	case invalid.Reason == x509.Expired:
		f := failf(ReasonTLSExpired, PhaseTLS, "certificate of %q expired on %s", certName(cert), date(cert.NotAfter))
		if above {
			return f.because(CauseAuthorityExpired)
		}
		return f
	case invalid.Reason == x509.NoValidChains:
		return untrusted(cert, noChainCause(invalid.Detail))
	default:
		return untrusted(cert, invalidCauses[invalid.Reason])
	}
}

// noChainCause finds the cause in the detail of crypto/x509: chains were found, but none for this use.
func noChainCause(detail string) Cause {
	switch {
	case strings.Contains(detail, "incompatible key usage"):
		return CauseKeyUsage
	case strings.Contains(detail, "name constraint"), strings.Contains(detail, "constraint"):
		return CauseNameConstraints
	default:
		return CauseNone
	}
}

// hostnameFailure is about a certificate for other names.
func hostnameFailure(host x509.HostnameError, serverName string) *failure {
	c := host.Certificate
	if sans := len(c.DNSNames) + len(c.IPAddresses) + len(c.EmailAddresses) + len(c.URIs); sans == 0 && c.Subject.CommonName != "" {
		return failf(ReasonTLSHostname, PhaseTLS, "certificate of %q has no SAN, want one for %q: the Common Name is ignored", certName(c), serverName).because(CauseCommonName)
	}
	return failf(ReasonTLSHostname, PhaseTLS, "certificate is for %s, want %q", names(c), serverName)
}

// untrusted is about a certificate without a chain to an authority that is trusted here. The cause is in our own words,
// because those of crypto/x509 repeat names from the target.
func untrusted(c *x509.Certificate, why Cause) *failure {
	if why == CauseNone {
		return failf(ReasonTLSUntrusted, PhaseTLS, "certificate of %q is not accepted for this use", certName(c))
	}
	return failf(ReasonTLSUntrusted, PhaseTLS, "certificate of %q is not accepted: %s", certName(c), why.words()).because(why)
}

// authorityFailure is about a certificate whose authority is not known, or is known but not accepted.
func authorityFailure(err x509.UnknownAuthorityError, presented []*x509.Certificate) *failure {
	c := err.Cert
	if c == nil {
		return failf(ReasonTLSUntrusted, PhaseTLS, "certificate is signed by an unknown authority")
	}
	candidate, name := candidateCause(err)
	switch candidate { //nolint:exhaustive // the others have no reason of their own
	case CauseNone:
	case CauseAuthorityExpired:
		return failf(ReasonTLSExpired, PhaseTLS, "certificate of %q, the authority of %q, has expired", name, certName(c)).because(candidate)
	case CauseAuthorityNotYet:
		return failf(ReasonTLSNotYetValid, PhaseTLS, "certificate of %q, the authority of %q, is not valid yet, and it is %s now", name, certName(c), date(time.Now())).because(candidate)
	default:
		return failf(ReasonTLSUntrusted, PhaseTLS, "certificate of %q is signed by unknown authority %q: %s", certName(c), issuer(c), candidate.words()).because(candidate)
	}
	f := failf(ReasonTLSUntrusted, PhaseTLS, "certificate of %q is signed by unknown authority %q", certName(c), issuer(c))
	switch selfIssued := bytes.Equal(c.RawIssuer, c.RawSubject); {
	case selfIssued:
		return f.because(CauseSelfSigned)
	case len(presented) == 1 && len(c.IssuingCertificateURL) > 0: // as public authorities do, and few private ones
		return f.because(CauseMissingIntermediate)
	default:
		return f
	}
}

// candidateHint is how crypto/x509 begins to say what is wrong with an authority of the right name. It gives that only
// as text.
const candidateHint = "x509: certificate signed by unknown authority (possibly because of "

// candidateCauses are the causes by the beginning of the text that follows.
var candidateCauses = []struct {
	begins string
	cause  Cause
}{
	{"x509: cannot verify signature: insecure algorithm", CauseWeakSignature},
	{"crypto/rsa: verification error", CauseOtherKey},
	{"x509: ECDSA verification failure", CauseOtherKey},
	{"x509: Ed25519 verification failure", CauseOtherKey},
	{"x509: signature algorithm specifies", CauseOtherKey},
	{"x509: invalid signature: parent certificate cannot sign", CauseNoAuthority},
	{"x509: certificate is not authorized to sign", CauseNoAuthority},
	{"x509: too many intermediates", CauseTooManyAuthorities},
	{"x509: certificate specifies an incompatible key usage", CauseKeyUsage},
	{"x509: a root or intermediate certificate is not authorized for an extended key usage", CauseKeyUsage},
	{"x509: a root or intermediate certificate is not authorized to sign for this name", CauseNameConstraints},
	{"x509: issuer has name constraints", CauseNameConstraints},
}

// candidateCause is why an authority of the right name was not accepted, and its name. It is CauseNone if there is no
// such authority.
func candidateCause(err x509.UnknownAuthorityError) (why Cause, name string) {
	rest, ok := strings.CutPrefix(err.Error(), candidateHint)
	quoted, bad := strconv.QuotedPrefix(rest)
	if !ok || bad != nil {
		return CauseNone, ""
	}
	text, _ := strconv.Unquote(quoted)
	if last, ok := strings.CutPrefix(rest[len(quoted):], " while trying to verify candidate authority certificate "); ok {
		if quoted, bad := strconv.QuotedPrefix(last); bad == nil {
			name, _ = strconv.Unquote(quoted)
			name = printable.Cut(name, printable.MaxLog)
		}
	}
	if validity, ok := strings.CutPrefix(text, "x509: certificate has expired or is not yet valid: "); ok {
		if strings.Contains(validity, " is before ") {
			return CauseAuthorityNotYet, name
		}
		return CauseAuthorityExpired, name
	}
	for _, c := range candidateCauses {
		if strings.HasPrefix(text, c.begins) {
			return c.cause, name
		}
	}
	return CauseNone, name
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func issuer(c *x509.Certificate) string {
	return printable.Cut(c.Issuer.String(), printable.MaxLog)
}

// maxNames is how many names of a certificate an error lists.
const maxNames = 5

// names lists the names that a certificate is for. There may be tens of thousands, so names that are only counted cost
// nothing.
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
