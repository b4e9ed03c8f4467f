package once

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	commonconfig "github.com/prometheus/common/config"
)

// Whatever happens a request arrives once at most, and it is known whether it may have arrived.
func TestDo(t *testing.T) {
	var requests atomic.Int32
	hangsUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler)
	})
	plain := httptest.NewServer(hangsUp)
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(hangsUp) // its certificate is not trusted
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(hangsUp)
	gone.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		url  string
		sent bool
	}{
		{"the other end hangs up", t.Context(), plain.URL, true},
		{"the handshake fails", t.Context(), secure.URL, false},
		{"nobody is there", t.Context(), gone.URL, false},
		{"its time was over before", over, plain.URL, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests.Store(0)
			transport, err := RoundTripper(commonconfig.HTTPClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(tt.ctx, http.MethodPost, tt.url, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Idempotency-Key", "1") // which net/http takes for the permission to send it again
			resp, sent, err := Do(transport, req)
			if err == nil {
				resp.Body.Close()
			}
			if err == nil || sent != tt.sent {
				t.Errorf("error %v, sent %t, want an error and %t", err, sent, tt.sent)
			}
			if n := requests.Load(); n > 0 != tt.sent || n > 1 {
				t.Errorf("%d requests have arrived", n)
			}
			_, err = Send(tt.ctx, transport, Request{Method: http.MethodPost, URL: parse(t, tt.url), Body: "body"}, nil, nil)
			if err == nil || errors.Is(err, ErrNotSent) == tt.sent || NotDone(err) == tt.sent {
				t.Errorf("Send returns %v, want ErrNotSent: %t", err, !tt.sent)
			}
		})
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Host", r.Host)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	transport, err := RoundTripper(commonconfig.HTTPClientConfig{}, Socket(path))
	if err != nil {
		t.Fatal(err)
	}
	header, err := Send(t.Context(), transport, Request{Method: http.MethodGet, URL: parse(t, "http://anybody/")}, nil, nil)
	if err != nil || header.Get("Host") != "anybody" {
		t.Errorf("error %v, the host is %q, want the one of the URL", err, header.Get("Host"))
	}
}
