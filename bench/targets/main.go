// Command targets serves the targets of the benchmarks on free ports of 127.0.0.1, until its standard input ends: HTTP, HTTPS with
// and without HTTP/2, WebSockets with and without TLS, and targets that misbehave. At first it writes their URLs as JSON, by the
// name of the target.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	dir := flag.String("dir", ".", "directory for ca.pem and for bundle.pem, which has 145 certificates including that of ca.pem")
	delay := flag.Duration("delay", time.Second, "how long a slow target takes to answer")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler)) //nolint:forbidigo // net/http writes of handshakes that were given up
	if err := run(*dir, *delay); err != nil {
		fmt.Fprintln(os.Stderr, "targets:", err)
		os.Exit(1)
	}
}

func run(dir string, delay time.Duration) error {
	cert, err := certificates(dir)
	if err != nil {
		return err
	}
	urls, err := serveAll(cert, delay)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(urls); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// serveAll starts every target and returns their URLs by name.
func serveAll(cert tls.Certificate, delay time.Duration) (map[string]string, error) {
	h1 := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	h2 := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
			healthy(w, r)
		case <-r.Context().Done():
		}
	})
	urls := map[string]string{}
	for _, t := range []struct {
		name, scheme string
		tls          *tls.Config
		handler      http.HandlerFunc
	}{
		{"http", "http", nil, healthy},
		{"https_h1", "https", h1, healthy},
		{"https_h2", "https", h2, healthy},
		{"ws", "ws", nil, echo},
		{"wss", "wss", h1, echo},
		{"slow", "http", nil, slow},
		{"slow_https", "https", h1, slow},
		{"unavailable", "http", nil, unavailable},
		{"endless", "http", nil, endless},
		{"cut", "http", nil, cut},
		{"ws_silent", "ws", nil, silent},
	} {
		address, err := serve(t.handler, t.tls)
		if err != nil {
			return nil, err
		}
		urls[t.name] = t.scheme + "://" + address + "/health"
	}
	address, err := hang()
	urls["hanging"] = "http://" + address + "/health"
	return urls, err
}

// serve starts an HTTP server, with TLS unless cfg is nil.
func serve(h http.Handler, cfg *tls.Config) (address string, err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, TLSConfig: cfg, ReadHeaderTimeout: time.Minute}
	go func() {
		if cfg == nil {
			err = server.Serve(listener)
		} else {
			err = server.ServeTLS(listener, "", "")
		}
		fmt.Fprintln(os.Stderr, "targets:", err) // should not happen
	}()
	return listener.Addr().String(), nil
}

// hang starts a server that accepts connections and sends nothing.
func hang() (address string, err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				fmt.Fprintln(os.Stderr, "targets:", err)
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn) // until the other end closes it
				conn.Close()
			}()
		}
	}()
	return listener.Addr().String(), nil
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "starting", http.StatusServiceUnavailable)
}

// endless sends a body that does not end.
func endless(w http.ResponseWriter, _ *http.Request) {
	for chunk := make([]byte, 32<<10); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// cut ends the connection in the middle of the body.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "not a thousand bytes")
	panic(http.ErrAbortHandler)
}

var upgrader = websocket.Upgrader{WriteBufferSize: 1 << 10, ReadBufferSize: 1 << 10}

// echo sends every message back.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // the probe has gone
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// silent reads and never answers, not even a close.
func silent(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, conn.NetConn())
	_ = conn.Close() // the probe has gone
}
