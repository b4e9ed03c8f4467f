package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// bundled is the number of certificates in bundle.pem: as many as an operating system has.
const bundled = 145

// certificates makes a certificate for 127.0.0.1. It writes the authority that signed it to ca.pem, and with many others to
// bundle.pem.
func certificates(dir string) (tls.Certificate, error) {
	rootKey, root, err := authority("benchmark root")
	if err != nil {
		return tls.Certificate{}, err
	}
	var bundle bytes.Buffer
	for i := range bundled - 1 {
		_, other, err := authority(fmt.Sprintf("another root %d", i))
		if err != nil {
			return tls.Certificate{}, err
		}
		bundle.Write(encode(other))
	}
	bundle.Write(encode(root))
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "ca.pem"), encode(root), 0o600),
		os.WriteFile(filepath.Join(dir, "bundle.pem"), bundle.Bytes(), 0o600),
	)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := template("benchmark target")
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// authority makes a certificate that signs itself.
func authority(name string) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := template(name)
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return key, cert, err
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(48 * time.Hour),
		BasicConstraintsValid: true,
	}
}

func encode(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}
