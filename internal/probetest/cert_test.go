package probetest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

func TestIssue(t *testing.T) {
	ca := NewCA(t)
	sub := ca.Intermediate(t, time.Now().Add(time.Hour)).Intermediate(t, time.Now().Add(time.Hour))
	now := time.Now()
	for _, tc := range []struct {
		name string
		ca   *CA
		cert Cert
		host string
		want func(error) bool
	}{
		{"default name", ca, Cert{}, "localhost", noError},
		{"default address", ca, Cert{}, "127.0.0.1", noError},
		{"name", ca, Cert{DNSNames: []string{"*.a.example"}}, "b.a.example", noError},
		{"address", ca, Cert{IPs: []net.IP{net.IPv4(192, 0, 2, 1)}}, "192.0.2.1", noError},
		{"below intermediates", sub, Cert{}, "localhost", noError},
		{"other name", ca, Cert{DNSNames: []string{"a.example"}}, "localhost", isA[x509.HostnameError]},
		{"expired", ca, Cert{NotAfter: now.Add(-time.Hour)}, "localhost", isA[x509.CertificateInvalidError]},
		{"not yet valid", ca, Cert{NotBefore: now.Add(time.Hour)}, "localhost", isA[x509.CertificateInvalidError]},
		{"self-signed", ca, Cert{SelfSigned: true}, "localhost", isA[x509.UnknownAuthorityError]},
		{"other root", NewCA(t), Cert{}, "localhost", isA[x509.UnknownAuthorityError]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cert := tc.ca.Issue(t, tc.cert)
			chain := x509.NewCertPool()
			for _, der := range cert.Certificate[1:] {
				c, err := x509.ParseCertificate(der)
				if err != nil {
					t.Fatal(err)
				}
				chain.AddCert(c)
			}
			_, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: tc.host, Roots: ca.Pool(), Intermediates: chain})
			if !tc.want(err) {
				t.Errorf("verifying: %v", err)
			}
		})
	}
}

func noError(err error) bool { return err == nil }

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestFiles(t *testing.T) {
	ca := NewCA(t)
	for name, want := range map[string]int{ca.File(): 1, BundleFile(t, 145, ca): 146, BundleFile(t, 2): 2} {
		rest, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
			if c, err := x509.ParseCertificate(block.Bytes); err != nil || !c.IsCA {
				t.Errorf("%s: certificate %d: %v, want one of a CA", name, got, err)
			}
			got++
		}
		if got != want {
			t.Errorf("%s has %d certificates, want %d", name, got, want)
		}
	}
	want := ca.Intermediate(t, time.Now().Add(time.Hour)).Issue(t, Cert{})
	certFile, keyFile := CertFiles(t, want)
	got, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Leaf.Equal(want.Leaf) || len(got.Certificate) != 2 {
		t.Errorf("files have %d certificates, want the one that was written and its issuer", len(got.Certificate))
	}
}

func TestServeTLSWithClientCertificates(t *testing.T) {
	ca := NewCA(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, Cert{})}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}
	s := ServeTLS(t, cfg, http.NotFoundHandler())
	with := newClient(t, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue(t, Cert{})}})
	if status, _, err := get(t, with, s.URL, time.Minute); status != 404 || err != nil {
		t.Errorf("with a certificate: status %d, %v, want 404", status, err)
	}
	if _, _, err := get(t, newClient(t, &tls.Config{RootCAs: ca.Pool()}), s.URL, time.Minute); err == nil {
		t.Error("without a certificate: no error, want one")
	}
}
