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

// maxPresented is how many of the presented certificates are kept by name. A chain in use has up to five.
const maxPresented = 10

// Certificates describe the certificates that a target presented. They hold only what is shown, not the certificates
// themselves.
type Certificates struct {
	// Leaf is the target's own certificate.
	Leaf Certificate
	// Presented are the first maxPresented certificates, in the order in which they came.
	Presented []Presented
	// Left is how many more there were.
	Left int
	// First is the presented certificate that expires first, whether a chain needs it or not.
	First Presented
	// ChainFirst is the certificate that expires first of the chain that lasts longest. Without a verified chain it is First.
	ChainFirst Presented
	// Verified reports whether a chain leads to a trusted authority. It is also false where nothing was verified.
	Verified bool
}

// A Certificate describes a certificate in printable texts of bounded length.
type Certificate struct {
	Subject, Issuer string
	// HostNames are separated by commas. Names that are left out are counted at the end.
	HostNames string
	// Serial and Fingerprint, which is SHA-256, are hexadecimal.
	Serial, Fingerprint string
	Validity
}

// Presented is one certificate of a chain.
type Presented struct {
	// Name is its subject or, if that is empty, the first name that it is for.
	Name string
	Validity
}

// Validity is the time in which a certificate is valid.
type Validity struct{ NotBefore, NotAfter time.Time }

// NewCertificates describes the presented certificates, leaf first, and the chains that were verified. It returns nil
// if none was presented.
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
		Left:     max(0, len(presented)-maxPresented),
		First:    firstToExpire(presented),
		Verified: len(verified) > 0,
	}
	if leaf.SerialNumber != nil {
		c.Leaf.Serial = printable.Cut(hex.EncodeToString(leaf.SerialNumber.Bytes()), printable.MaxLog)
	}
	for _, cert := range presented[:min(len(presented), maxPresented)] {
		c.Presented = append(c.Presented, newPresented(cert))
	}
	c.ChainFirst = c.First
	for i, chain := range verified {
		if first := firstToExpire(chain); i == 0 || first.NotAfter.After(c.ChainFirst.NotAfter) {
			c.ChainFirst = first
		}
	}
	return c
}

func newPresented(c *x509.Certificate) Presented {
	return Presented{Name: printable.Clean(certName(c)), Validity: Validity{c.NotBefore, c.NotAfter}}
}

// firstToExpire is the certificate that expires first.
func firstToExpire(certs []*x509.Certificate) Presented {
	return newPresented(slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }))
}

// certName is how people know a certificate: by its subject or, if that is empty, by the first name that it is for. The
// text is cut, and may hold characters that do not print.
func certName(c *x509.Certificate) string {
	switch subject := c.Subject.String(); {
	case subject != "":
		return printable.Cut(subject, printable.MaxLog)
	case len(c.DNSNames) > 0:
		return printable.Cut(c.DNSNames[0], printable.MaxLog)
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	default:
		return "a certificate without a name"
	}
}

// hostNames joins as many of the names as are kept.
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
