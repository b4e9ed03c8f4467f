package probetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A CA is a certificate authority that lives as long as its test.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// chain is the CA's own certificate and those between it and the root.
	chain [][]byte
	file  string
}

// NewCA returns a root that is valid for a day around now.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{key: newKey(t)}
	ca.cert = sign(t, caTemplate("probetest root"), nil, ca.key, ca.key)
	ca.file = writeFile(t, "ca.pem", ca.PEM())
	return ca
}

// Intermediate returns an authority below ca that expires at notAfter. What it issues is presented with its
// certificate.
func (ca *CA) Intermediate(t testing.TB, notAfter time.Time) *CA {
	t.Helper()
	return ca.Below(t, func(template *x509.Certificate) { template.NotAfter = notAfter })
}

// Below is [CA.Intermediate] with a certificate that change may alter before it is signed.
func (ca *CA) Below(t testing.TB, change func(*x509.Certificate)) *CA {
	t.Helper()
	sub := &CA{key: newKey(t)}
	template := caTemplate("probetest intermediate")
	change(template)
	sub.cert = sign(t, template, ca.cert, sub.key, ca.key)
	sub.chain = append([][]byte{sub.cert.Raw}, ca.chain...)
	sub.file = writeFile(t, "ca.pem", sub.PEM())
	return sub
}

// CrossSign returns other with a second certificate, signed by ca, which expires at notAfter. What other issues is
// presented with it, as a server does for clients that know only ca.
func (ca *CA) CrossSign(t testing.TB, other *CA, notAfter time.Time) *CA {
	t.Helper()
	template := caTemplate(other.cert.Subject.CommonName)
	template.NotBefore, template.NotAfter = notAfter.Add(-10*365*24*time.Hour), notAfter
	crossed := *other
	crossed.chain = [][]byte{sign(t, template, ca.cert, other.key, ca.key).Raw}
	return &crossed
}

// PEM returns the certificate of the CA.
func (ca *CA) PEM() []byte { return certPEM(ca.cert.Raw) }

// File returns the name of a file that holds PEM.
func (ca *CA) File() string { return ca.file }

// Pool returns a new pool that trusts only the CA.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Cert says what certificate to issue. The zero Cert is valid now, for localhost, 127.0.0.1 and ::1, and for
// servers and clients.
type Cert struct {
	CommonName string // empty: probetest
	// DNSNames and IPs are what it is valid for. If both are empty: localhost, 127.0.0.1 and ::1.
	DNSNames []string
	IPs      []net.IP
	// NotBefore and NotAfter bound its validity. Zero: a day ago and in a day.
	NotBefore, NotAfter time.Time
	// SelfSigned makes the certificate signed by its own key instead of the CA's.
	SelfSigned bool
	// Change may alter everything else before it is signed. It may be nil.
	Change func(*x509.Certificate)
}

// Issue returns a new certificate with its key and the intermediate certificates, if there are any. Its Leaf is set.
func (ca *CA) Issue(t testing.TB, c Cert) tls.Certificate {
	t.Helper()
	template := newTemplate(c.CommonName)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.IPAddresses = c.DNSNames, c.IPs
	if len(c.DNSNames) == 0 && len(c.IPs) == 0 {
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	if !c.NotBefore.IsZero() {
		template.NotBefore = c.NotBefore
	}
	if !c.NotAfter.IsZero() {
		template.NotAfter = c.NotAfter
	}
	if c.Change != nil {
		c.Change(template)
	}
	key := newKey(t)
	if c.SelfSigned {
		leaf := sign(t, template, nil, key, key)
		return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	}
	leaf := sign(t, template, ca.cert, key, ca.key)
	return tls.Certificate{Certificate: append([][]byte{leaf.Raw}, ca.chain...), PrivateKey: key, Leaf: leaf}
}

// CertFiles writes the certificate, with its chain, and its key to PEM files and returns their names.
func CertFiles(t testing.TB, cert tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatalf("probetest: encoding key: %v", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return writeFile(t, "cert.pem", certPEM(cert.Certificate...)), writeFile(t, "key.pem", key)
}

// BundleFile writes the certificates of n throw-away roots and of extra to a PEM file, and returns its name. With n =
// 145 it is as large as the file of an operating system.
func BundleFile(t testing.TB, n int, extra ...*CA) string {
	t.Helper()
	var der [][]byte
	for range n {
		key := newKey(t)
		der = append(der, sign(t, caTemplate("probetest "+rand.Text()), nil, key, key).Raw)
	}
	for _, ca := range extra {
		der = append(der, ca.cert.Raw)
	}
	return writeFile(t, "bundle.pem", certPEM(der...))
}

func newTemplate(commonName string) *x509.Certificate {
	if commonName == "" {
		commonName = "probetest"
	}
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true,
	}
}

func caTemplate(commonName string) *x509.Certificate {
	c := newTemplate(commonName)
	c.IsCA = true
	c.KeyUsage = x509.KeyUsageCertSign
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("probetest: generating key: %v", err)
	}
	return key
}

// sign returns the certificate of key, signed by parent with parentKey. If parent is nil the certificate signs itself.
func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatalf("probetest: signing certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("probetest: parsing certificate: %v", err)
	}
	return cert
}

func certPEM(der ...[]byte) []byte {
	var b bytes.Buffer
	for _, d := range der {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: d}) // A buffer never fails.
	}
	return b.Bytes()
}

// writeFile writes a file in a new directory of the test and returns its name.
func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatalf("probetest: %v", err)
	}
	return name
}
