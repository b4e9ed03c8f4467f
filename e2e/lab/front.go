package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// What may stand before the services.
const (
	frontFrozen = "frozen" // a forwarder, which can freeze
	frontTLS    = "tls"    // the end of TLS, whose certificate can expire
)

// A front stands before services, and breaks for all of them.
type front struct {
	broken      atomic.Bool
	good, worse tls.Certificate // of TLS; empty for a forwarder of bytes
	listeners   []net.Listener
	open        sync.WaitGroup
}

// before lets the front stand before an address, and returns its own.
func (f *front) before(ctx context.Context, address string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	f.listeners = append(f.listeners, l)
	from := l
	if f.good.Leaf != nil {
		from = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.certificate})
	}
	f.open.Go(func() {
		for {
			c, err := from.Accept()
			if err != nil {
				return
			}
			f.open.Go(func() { f.forward(ctx, c, address) })
		}
	})
	return l.Addr().String(), nil
}

func (f *front) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if f.broken.Load() {
		return &f.worse, nil
	}
	return &f.good, nil
}

// forward copies both ways. A frozen one takes what comes, and says nothing until its end goes away.
func (f *front) forward(ctx context.Context, c net.Conn, address string) {
	defer c.Close()
	const patience = time.Minute
	_ = c.SetDeadline(time.Now().Add(patience)) // a connection of TCP can do this
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if f.good.Leaf == nil && f.broken.Load() {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	to, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, c)
		to.Close()
	}()
	_, _ = io.Copy(c, to)
}

func (f *front) close() {
	for _, l := range f.listeners {
		l.Close()
	}
	f.open.Wait()
}

// certify makes an authority and two certificates of it, one of which is expired, and writes the authority to a file.
func (f *front) certify(caFile string) (pool *x509.CertPool, err error) {
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	issue := func(serial int64, until time.Time, parent *x509.Certificate) (*x509.Certificate, error) {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("lab %d", serial)}, NotBefore: now.Add(-time.Hour), NotAfter: until,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: parent == nil, KeyUsage: x509.KeyUsageDigitalSignature,
		}
		if parent == nil {
			parent, c.KeyUsage = c, x509.KeyUsageCertSign
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
		if err != nil {
			return nil, err
		}
		return x509.ParseCertificate(der)
	}
	ca, err := issue(1, now.Add(time.Hour), nil)
	if err != nil {
		return nil, err
	}
	good, err1 := issue(2, now.Add(time.Hour), ca)
	worse, err2 := issue(3, now.Add(-time.Minute), ca)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	f.good = tls.Certificate{Certificate: [][]byte{good.Raw}, PrivateKey: key, Leaf: good}
	f.worse = tls.Certificate{Certificate: [][]byte{worse.Raw}, PrivateKey: key, Leaf: worse}
	pool = x509.NewCertPool()
	pool.AddCert(ca)
	return pool, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), 0o600)
}

// A db is the database that services need.
type db struct {
	down   atomic.Bool
	server http.Server
}

// serve lets the database answer at the address that it returns.
func (d *db) serve(ctx context.Context) (address string, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	d.server = http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if d.down.Load() {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "ok\n") // an error: nobody listens any more
	})}
	go func() { _ = d.server.Serve(l) }() // it ends by close
	return l.Addr().String(), nil
}
