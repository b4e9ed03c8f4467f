package prober_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The reason of a chain that is not trusted is told in words of our own, whatever the certificates say.
func TestUntrustedCauses(t *testing.T) {
	const evil = "evil\x1b[31m"
	ca, other := probetest.NewCA(t), probetest.NewCA(t)
	now := time.Now()
	expired := ca.Intermediate(t, now.Add(-time.Hour))
	future := ca.Below(t, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) })
	constrained := ca.Below(t, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"inside.test"}, true
	})
	clients := ca.Below(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	notCA := ca.Below(t, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	short := ca.Below(t, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }).Intermediate(t, now.Add(time.Hour))
	change := func(f func(*x509.Certificate)) probetest.Cert {
		return probetest.Cert{CommonName: evil, Change: f}
	}
	for _, tt := range []struct {
		name   string
		cert   tls.Certificate
		reason prober.Reason
		cause  prober.Cause
		text   string
	}{
		{"SHA-1", ca.Issue(t, change(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })), prober.ReasonTLSUntrusted, prober.CauseWeakSignature, "such as SHA-1"},
		{"another key of the same name", other.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSUntrusted, prober.CauseOtherKey, "has another key"},
		{"self-signed", ca.Issue(t, probetest.Cert{CommonName: evil, SelfSigned: true}), prober.ReasonTLSUntrusted, prober.CauseSelfSigned, "unknown authority"},
		{
			"without its intermediate", leafAlone(ca.Intermediate(t, now.Add(time.Hour)).Issue(t, change(func(c *x509.Certificate) {
				c.IssuingCertificateURL = []string{"http://authority.test/"}
			}))), prober.ReasonTLSUntrusted, prober.CauseMissingIntermediate, "unknown authority",
		},
		{"for clients alone", ca.Issue(t, change(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), prober.ReasonTLSUntrusted, prober.CauseKeyUsage, "key usage"},
		{"an authority for clients alone", clients.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSUntrusted, prober.CauseKeyUsage, "key usage"},
		{"name constraints", constrained.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSUntrusted, prober.CauseNameConstraints, "name constraints"},
		{"not an authority", notCA.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSUntrusted, prober.CauseNoAuthority, "may not sign"},
		{"path length", short.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSUntrusted, prober.CauseTooManyAuthorities, "longer than one of its authorities allows"},
		{"an expired authority", expired.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSExpired, prober.CauseAuthorityExpired, `certificate of "CN=probetest intermediate" expired on`},
		{"an authority of tomorrow", future.Issue(t, probetest.Cert{CommonName: evil}), prober.ReasonTLSNotYetValid, prober.CauseAuthorityNotYet, "is valid from"},
		{"a Common Name and no SAN", ca.Issue(t, probetest.Cert{Change: func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames, c.IPAddresses = "localhost", nil, nil
		}}), prober.ReasonTLSHostname, prober.CauseCommonName, `has no SAN, want one for "localhost"`},
		{"no subject, expired", ca.Issue(t, probetest.Cert{NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-time.Hour), Change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }}), prober.ReasonTLSExpired, prober.CauseNone, `certificate of "localhost" expired on`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.TLSServer(t, tt.cert, http.NotFoundHandler())
			p := newProber(t, "preferred_ip_protocol: ip4\ntls_config: {ca_file: "+ca.File()+"}")
			res := probe(t, p, target(t, "https://localhost:"+portOf(t, s.URL)), patient)
			wantFailure(t, res, tt.reason, prober.PhaseTLS, tt.text)
			if res.Cause != tt.cause {
				t.Errorf("cause is %q, want %q (%v)", res.Cause, tt.cause, res.Err)
			}
			if strings.Contains(res.Err.Error(), "\x1b") || strings.Contains(res.Err.Error(), "x509:") {
				t.Errorf("error is %q, want words of our own", res.Err)
			}
		})
	}
}

// leafAlone leaves out the intermediate certificates.
func leafAlone(c tls.Certificate) tls.Certificate {
	c.Certificate = c.Certificate[:1]
	return c
}

// A target that refuses for want of a client certificate has shown its own, by either version of TLS.
func TestCertificatesOfAnUnfinishedHandshake(t *testing.T) {
	ca, stranger := probetest.NewCA(t), probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	expiry := time.Now().Add(7 * time.Hour).UTC().Truncate(time.Second)
	certFile, keyFile := probetest.CertFiles(t, stranger.Issue(t, probetest.Cert{NotAfter: expiry}))
	trust := "ca_file: " + ca.File()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := probetest.ServeTLS(t, &tls.Config{
				Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
			}, http.NotFoundHandler())
			res := probe(t, newProber(t, "tls_config: {"+trust+"}"), target(t, s.URL), patient)
			if res.Reason != prober.ReasonTLSFailed || res.Cause != prober.CauseClientCert {
				t.Errorf("the probe failed by %s, %q (%v), want %s, %s", res.Reason, res.Cause, res.Err, prober.ReasonTLSFailed, prober.CauseClientCert)
			}
			if res.TLS == nil || !isLeaf(res.TLS, cert) || !res.TLS.Certificates.Verified {
				t.Errorf("the result shows %+v, want the certificate that was verified", res.TLS)
			}
			res = probe(t, newProber(t, "tls_config: {"+trust+", cert_file: "+certFile+", key_file: "+keyFile+"}"), target(t, s.URL), patient)
			if res.Reason != prober.ReasonTLSFailed || res.Cause != prober.CauseClientCertDenied {
				t.Errorf("the probe failed by %s, %q (%v), want %s, %s", res.Reason, res.Cause, res.Err, prober.ReasonTLSFailed, prober.CauseClientCertDenied)
			}
			if res.TLS == nil || !res.TLS.ClientCertExpiry.Equal(expiry) {
				t.Errorf("the result shows %+v, want the expiry %s of our own certificate", res.TLS, expiry)
			}
		})
	}
}

// The chain tells which certificate ends first, and whether what clients verify does.
func TestChain(t *testing.T) {
	root, old := probetest.NewCA(t), probetest.NewCA(t)
	now := time.Now().UTC().Truncate(time.Second)
	for _, tt := range []struct {
		name              string
		cert              tls.Certificate
		presented         []string
		first, chainFirst string
		firstAt           time.Time
	}{
		{"the intermediate ends first", root.Intermediate(t, now.Add(time.Hour)).Issue(t, probetest.Cert{}), []string{"CN=probetest", "CN=probetest intermediate"}, "CN=probetest intermediate", "CN=probetest intermediate", now.Add(time.Hour)},
		{"an expired certificate is sent along", old.CrossSign(t, root, now.Add(-365*24*time.Hour)).Issue(t, probetest.Cert{NotAfter: now.Add(2 * time.Hour)}), []string{"CN=probetest", "CN=probetest root"}, "CN=probetest root", "CN=probetest", now.Add(-365 * 24 * time.Hour)},
		{"no subject", root.Issue(t, probetest.Cert{NotAfter: now.Add(time.Hour), Change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }}), []string{"localhost"}, "localhost", "localhost", now.Add(time.Hour)},
		{"no subject and an address", root.Issue(t, probetest.Cert{NotAfter: now.Add(time.Hour), IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }}), []string{"127.0.0.1"}, "127.0.0.1", "127.0.0.1", now.Add(time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.TLSServer(t, tt.cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			res := probe(t, newProber(t, "tls_config: {ca_file: "+root.File()+"}"), target(t, s.URL), patient)
			wantSuccess(t, res)
			c := res.TLS.Certificates
			var names []string
			for _, p := range c.Presented {
				names = append(names, p.Name)
			}
			if !slices.Equal(names, tt.presented) || c.First.Name != tt.first || c.ChainFirst.Name != tt.chainFirst || !c.First.NotAfter.Equal(tt.firstAt) {
				t.Errorf("presented %q, first %v, of the chain %v; want %q, %q at %s, %q", names, c.First, c.ChainFirst, tt.presented, tt.first, tt.firstAt, tt.chainFirst)
			}
		})
	}
}

// A target may present any number of certificates with names of any length; ten are kept, of 200 bytes each.
func TestChainIsBounded(t *testing.T) {
	ca := probetest.NewCA(t)
	long := strings.Repeat("n", 5000)
	one := ca.Issue(t, probetest.Cert{CommonName: long}).Leaf
	many := slices.Repeat([]*x509.Certificate{one}, 5000)
	c := prober.NewCertificates(many, nil)
	r := prober.Result{TLS: &prober.TLSResult{Certificates: c}}
	if n := len(c.Presented); n != 10 || c.Left != 4990 {
		t.Errorf("%d certificates are kept and %d left out, want 10 and 4990", n, c.Left)
	}
	if got, most := r.Size(), 8<<10; got > most {
		t.Errorf("the result takes %d bytes, want at most %d", got, most)
	}
}
