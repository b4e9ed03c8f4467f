// Command floor is the least that a prober can do with Go's own HTTP client and gorilla/websocket. It is the yardstick of the
// benchmarks. For every scrape it makes one connection and one request, and answers with the metrics that the exporter has for the
// same probe, compressed if the scraper accepts that. It has no configuration, no deadlines, no failure reasons, no history and no
// log, and it does not handle targets that misbehave.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	ca := flag.String("ca", "", "file with the certificate authorities to trust")
	flag.Parse()
	if err := serve(*listen, *ca); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func serve(listen, ca string) error {
	f, err := newFloor(ca)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /probe", f.probe)
	mux.HandleFunc("GET /metrics", ownMetrics)
	return (&http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: time.Minute}).ListenAndServe()
}

// A floor has the clients, which are made once: one for each version of HTTP, and one for WebSockets.
type floor struct {
	http1, http2 *http.Client
	webSocket    *websocket.Dialer
	compressors  sync.Pool
	buffers      sync.Pool
}

func newFloor(ca string) (*floor, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}
	cfg := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &floor{
		http1:       client(cfg, false),
		http2:       client(cfg, true),
		webSocket:   &websocket.Dialer{TLSClientConfig: cfg},
		compressors: sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }},
		buffers:     sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}, nil
}

// client returns a client that makes a new connection for every request.
func client(cfg *tls.Config, http2 bool) *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(http2)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:    cfg.Clone(),
		Protocols:          &protocols,
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
}

func (f *floor) probe(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	target, module := query.Get("target"), query.Get("module")
	m := &measured{}
	var err error
	switch {
	case strings.HasPrefix(target, "ws"):
		err = m.webSocket(f.webSocket, target)
	case strings.HasSuffix(module, "_h2"):
		err = m.http(f.http2, target)
	default:
		err = m.http(f.http1, target)
	}
	m.success = err == nil

	text, _ := f.buffers.Get().(*bytes.Buffer)
	defer f.buffers.Put(text)
	text.Reset()
	m.write(text)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_, _ = w.Write(text.Bytes())
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, _ := f.compressors.Get().(*gzip.Writer)
	defer f.compressors.Put(z)
	z.Reset(w)
	_, _ = z.Write(text.Bytes())
	_ = z.Close()
}

// ownMetrics writes the metrics that the benchmarks read from every exporter, under the names of client_golang.
func ownMetrics(w http.ResponseWriter, _ *http.Request) {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	fmt.Fprintf(w, "go_memstats_alloc_bytes_total %d\ngo_memstats_mallocs_total %d\ngo_memstats_heap_alloc_bytes %d\ngo_goroutines %d\n",
		s.TotalAlloc, s.Mallocs, s.HeapAlloc, runtime.NumGoroutine())
}
