package probetest

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"testing"
)

// A ProxyServer is a running HTTP proxy.
type ProxyServer struct {
	*Server

	mu       sync.Mutex // protects the following
	requests []ProxyRequest
	status   int
}

// A ProxyRequest is what a client asked an HTTP proxy for.
type ProxyRequest struct {
	Method string
	// Target is the target of the request line: host and port for CONNECT, otherwise an absolute URL.
	Target string
	// Authorization is the header Proxy-Authorization.
	Authorization string
	// Header has all headers but Host.
	Header http.Header
}

// Proxy starts an HTTP proxy that serves CONNECT and requests in absolute form, whatever the credentials.
func Proxy(t testing.TB) *ProxyServer {
	t.Helper()
	p := &ProxyServer{}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {}, // The absolute URL of the request says where it goes.
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	p.Server = Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := p.record(r)
		switch {
		case status != 0:
			if status == http.StatusProxyAuthRequired {
				w.Header().Set("Proxy-Authenticate", `Basic realm="probetest"`)
			}
			w.WriteHeader(status)
		case r.Method == http.MethodConnect:
			connect(w, r)
		case !r.URL.IsAbs():
			http.Error(w, "not a request to a proxy", http.StatusBadRequest)
		default:
			forward.ServeHTTP(w, r)
		}
	}))
	return p
}

// Requests returns what the proxy was asked for so far.
func (p *ProxyServer) Requests() []ProxyRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Answer makes the proxy answer every request with this status itself, such as 407 or 502. 0 ends that.
func (p *ProxyServer) Answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *ProxyServer) record(r *http.Request) (status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, ProxyRequest{
		Method: r.Method, Target: r.RequestURI, Authorization: r.Header.Get("Proxy-Authorization"), Header: r.Header.Clone(),
	})
	return p.status
}

// connect serves a CONNECT request until one end hangs up.
func connect(w http.ResponseWriter, r *http.Request) {
	target, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = target.Close()
		return
	}
	defer func() { _ = client.Close() }()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = target.Close()
		return
	}
	tunnel(r.Context(), client, target, buffered)
}

// ProxyTunnel starts an HTTP proxy that answers CONNECT with exactly this head, and tunnels.
func ProxyTunnel(t testing.TB, head string) *Server {
	t.Helper()
	return serveTCP(t, "http", func(ctx context.Context, c net.Conn) {
		buffered := bufio.NewReader(c)
		r, err := http.ReadRequest(buffered)
		if err != nil {
			return
		}
		target, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, head) // If that fails, so does the tunnel.
		tunnel(ctx, c, target, buffered)
	})
}

// tunnel copies in both directions until an end hangs up or ctx ends. It closes both connections. What the client
// sends is read from fromClient.
func tunnel(ctx context.Context, client, target net.Conn, fromClient io.Reader) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		_, _ = io.Copy(target, fromClient)
	})
	wg.Go(func() {
		defer cancel()
		_, _ = io.Copy(client, target)
	})
	<-ctx.Done()
	_ = target.Close()
	_ = client.Close()
	wg.Wait()
}
