package prober

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// How many host names of a certificate are kept, and how many bytes of them: a target may present tens of thousands.
const (
	maxHostNames     = 250
	maxHostNameBytes = 8 << 10
)

// Certificates are what is kept of the certificates that a target presented: what is shown, and no certificate.
type Certificates struct {
	// Leaf is the target's own.
	Leaf Certificate
	// First is the validity of the presented certificate that expires first.
	First Validity
	// LastChainExpiry is when the chain expires that lasts longest. Without a verified chain it is that of First.
	LastChainExpiry time.Time
	// Verified reports whether a chain leads to a trusted authority. It is false where nothing was verified, too.
	Verified bool
}

// A Certificate is a certificate in texts that print, each of bounded length.
type Certificate struct {
	Subject, Issuer string
	// HostNames are separated by commas. What is left out is counted at the end.
	HostNames string
	// Serial and Fingerprint, which is SHA-256, are hexadecimal.
	Serial, Fingerprint string
	Validity
}

// Validity is the time in which a certificate is valid.
type Validity struct{ NotBefore, NotAfter time.Time }

// NewCertificates is what is kept of the presented certificates, leaf first, and of the chains that were verified. It is
// nil where none was presented.
func NewCertificates(presented []*x509.Certificate, verified [][]*x509.Certificate) *Certificates {
	if len(presented) == 0 {
		return nil
	}
	leaf := presented[0]
	fingerprint := sha256.Sum256(leaf.Raw)
	c := &Certificates{
		Leaf: Certificate{
			Subject:     printable.Text(leaf.Subject.String(), printable.MaxURL),
			Issuer:      printable.Text(leaf.Issuer.String(), printable.MaxURL),
			HostNames:   hostNames(leaf.DNSNames),
			Fingerprint: hex.EncodeToString(fingerprint[:]),
			Validity:    Validity{leaf.NotBefore, leaf.NotAfter},
		},
		First:    firstToExpire(presented),
		Verified: len(verified) > 0,
	}
	if leaf.SerialNumber != nil {
		c.Leaf.Serial = printable.Cut(hex.EncodeToString(leaf.SerialNumber.Bytes()), printable.MaxLog)
	}
	c.LastChainExpiry = c.First.NotAfter
	for i, chain := range verified {
		if expiry := firstToExpire(chain).NotAfter; i == 0 || expiry.After(c.LastChainExpiry) {
			c.LastChainExpiry = expiry
		}
	}
	return c
}

// firstToExpire is the validity of the certificate that expires first.
func firstToExpire(certs []*x509.Certificate) Validity {
	first := slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return Validity{first.NotBefore, first.NotAfter}
}

// hostNames joins the names, as many of them as are kept.
func hostNames(names []string) string {
	bytes, n := 0, 0
	for n < min(len(names), maxHostNames) && bytes+len(names[n]) <= maxHostNameBytes {
		bytes += len(names[n]) + len(",")
		n++
	}
	text := printable.Clean(strings.Join(names[:n], ","))
	if left := len(names) - n; left > 0 {
		return strings.TrimPrefix(fmt.Sprintf("%s,[…%d names…]", text, left), ",")
	}
	return text
}
