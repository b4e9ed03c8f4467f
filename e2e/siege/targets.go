package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// targets are the servers that the exporter probes and asks, good and bad ones.
type targets struct {
	plain, tls string // URLs
	servers    []*http.Server
	restart    func() error
	hostile    atomic.Bool // whether the list of targets is hostile
}

// The sizes of hostile answers.
const (
	longLocation = 1_000_000   // bytes, almost the limit of the headers of an answer
	longArray    = 10<<20 - 64 // bytes, almost the limit of the body that a probe reads
	manyNames    = 20_000      // of a certificate, as many as fit into a handshake
	manyTargets  = 2_000       // of a list
	manyLabels   = 2_000       // of each of them
)

func serveTargets(ctx context.Context) (*targets, error) {
	t := &targets{}
	mux := http.NewServeMux()
	answer := func(pattern, text string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }) // fails if the client has gone
	}
	location := strings.Repeat("a", longLocation)
	mux.HandleFunc("/redirect/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/redirect/"+location) // forever: the exporter has a limit
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/hang/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	answer("/ok/", "ok\n")
	answer("/array", "[1"+strings.Repeat(",1", longArray/2)+"]")
	answer("/text", `{"t": "`+strings.Repeat("x", longArray-100)+`"}`)
	list := hostileList()
	mux.HandleFunc("/sd", func(w http.ResponseWriter, _ *http.Request) {
		if t.hostile.Load() {
			_, _ = io.WriteString(w, list) // fails if the client has gone
		} else {
			_, _ = io.WriteString(w, "[]")
		}
	})
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, _ *http.Request) {
		if err := t.restart(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	// Each connection gets another certificate, because crypto/tls keeps equal ones in memory only once.
	another := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return hostileCertificate() }
	var err error
	if t.plain, err = t.serve(ctx, mux, nil); err == nil {
		t.tls, err = t.serve(ctx, mux, &tls.Config{GetCertificate: another, MinVersion: tls.VersionTLS12})
	}
	return t, err
}

// serve starts a server and returns its URL.
func (t *targets) serve(ctx context.Context, h http.Handler, config *tls.Config) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	url := "http://" + listener.Addr().String()
	if config != nil {
		listener, url = tls.NewListener(listener, config), "https://"+listener.Addr().String()
	}
	s := &http.Server{Handler: h, MaxHeaderBytes: 4 << 20, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	t.servers = append(t.servers, s)
	go func() { _ = s.Serve(listener) }() // ends with close
	return url, nil
}

func (t *targets) close() {
	for _, s := range t.servers {
		_ = s.Close() // nothing is lost
	}
}

// hostileList returns a document for http_sd and file_sd. It has 50 kB and stands for four million labels.
func hostileList() string {
	var b strings.Builder
	b.WriteString(`[{"targets": [`)
	for i := range manyTargets {
		fmt.Fprintf(&b, `%s"h%d"`, comma(i), i)
	}
	b.WriteString(`], "labels": {`)
	for i := range manyLabels {
		fmt.Fprintf(&b, `%s"l%d": "v"`, comma(i), i)
	}
	b.WriteString("}}]")
	return b.String()
}

// hostileAliases returns YAML in which 20,000 targets share 2,000 labels by an alias.
func hostileAliases() string {
	const many = 20_000
	var b strings.Builder
	b.WriteString("- {targets: [a], labels: &l {")
	for i := range manyLabels {
		fmt.Fprintf(&b, "%sl%d: v", comma(i), i)
	}
	b.WriteString("}}\n")
	for i := range many {
		fmt.Fprintf(&b, "- {targets: [h%d], labels: *l}\n", i)
	}
	return b.String()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

// hostileCertificate returns a certificate with as many names as fit into a handshake.
func hostileCertificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "siege"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	for i := range manyNames {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("n%05d.ex", i))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
