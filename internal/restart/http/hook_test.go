package hook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	hook "github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/http"
)

// A platform records every request and answers it.
type platform struct {
	*httptest.Server
	mu   sync.Mutex // protects the following
	got  []*http.Request
	body []string
}

func newPlatform(t *testing.T, answer http.HandlerFunc) *platform {
	t.Helper()
	p := &platform{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.got, p.body = append(p.got, r), append(p.body, string(b))
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// only returns the only request that the platform got.
func (p *platform) only(t *testing.T) (r *http.Request, body string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) != 1 {
		t.Fatalf("the platform got %d requests, want 1", len(p.got))
	}
	return p.got[0], p.body[0]
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func send(ctx context.Context, t *testing.T, c hook.Config) error {
	t.Helper()
	b, err := hook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Inspect(ctx)
	if err != nil || s != (restart.Status{}) {
		t.Errorf("inspecting: got %+v, %v, want nothing", s, err)
	}
	return b.Restart(ctx, restart.Attempt{ID: "attempt-1"})
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// refusal checks whether an error is a refusal, has a text, and no secret.
func refusal(t *testing.T, err error, refused bool, want string) {
	t.Helper()
	if err == nil || errors.Is(err, restart.ErrRefused) != refused || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q, a refusal: %t", err, want, refused)
	}
	if err != nil && strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want no secret", err)
	}
}

func TestRequest(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t)) // after the server has been closed
	p := newPlatform(t, status(http.StatusNoContent))
	err := send(t.Context(), t, hook.Config{
		URLFile:  file(t, p.URL+"/deploy/canary?key=a%20b\n"),
		Headers:  map[string]string{"content-type": "application/json", "Host": "platform.example.com"},
		BodyFile: file(t, `{"ref":"main"}`),
		Client: commonconfig.HTTPClientConfig{
			Authorization: &commonconfig.Authorization{Type: "Bearer", CredentialsFile: file(t, "s3cret\n")},
			HTTPHeaders: &commonconfig.Headers{Headers: map[string]commonconfig.Header{
				"X-Token": {Files: []string{file(t, "t0ken")}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, body := p.only(t)
	if got := r.Method + " " + r.Host + r.RequestURI + " " + body; got != `POST platform.example.com/deploy/canary?key=a%20b {"ref":"main"}` {
		t.Errorf("got %s", got)
	}
	for name, want := range map[string]string{
		"Idempotency-Key": "attempt-1", "Content-Type": "application/json", "Authorization": "Bearer s3cret", "X-Token": "t0ken",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("the header %s is %q, want %q", name, got, want)
		}
	}
	if got := r.UserAgent(); !strings.HasPrefix(got, "healthcheck_exporter/") {
		t.Errorf("the user agent is %q", got)
	}
	if r.ContentLength != int64(len(body)) {
		t.Errorf("the content length is %d, want %d", r.ContentLength, len(body))
	}
}

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses hook.Statuses
		code     int
		want     string // of the error; "" for none
	}{
		{"2xx by default", nil, 202, ""},
		{"not 2xx", nil, 401, "status 401, want 2xx"},
		{"listed", config.StatusRanges{{From: 404, To: 404}}, 404, ""},
		{"not listed", config.StatusRanges{{From: 201, To: 201}}, 200, "status 200, want 201"},
		{"empty list", config.StatusRanges(nil), 204, ""},
		{"redirect", nil, 302, "status 302, want 2xx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/canary")
				w.WriteHeader(tt.code)
				_, _ = io.WriteString(w, "canary")
			})
			err := send(t.Context(), t, hook.Config{Method: "GET", URL: p.URL + "/canary?canary", Statuses: tt.statuses})
			if tt.want == "" && err != nil {
				t.Error(err)
			}
			if tt.want != "" {
				refusal(t, err, false, "sending GET to "+p.URL+": "+tt.want)
			}
			p.only(t) // also no redirect was followed
		})
	}
}

// A platform that does nothing for now has refused. Any other unwanted answer is not a refusal.
func TestNotNow(t *testing.T) {
	for code, refused := range map[int]bool{409: true, 423: true, 429: true, 400: false, 401: false, 404: false, 408: false, 500: false, 503: false} {
		p := newPlatform(t, status(code))
		refusal(t, send(t.Context(), t, hook.Config{URL: p.URL}), refused, fmt.Sprintf("status %d, want 2xx", code))
		err := send(t.Context(), t, hook.Config{URL: p.URL, Statuses: config.StatusRanges{{From: code, To: code}}})
		if err != nil {
			t.Errorf("with %d wanted the error is %v", code, err)
		}
	}
}

// Without a TLS handshake nobody has read the request.
func TestUntrusted(t *testing.T) {
	s := httptest.NewTLSServer(status(http.StatusOK))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	refusal(t, send(t.Context(), t, hook.Config{URL: s.URL + "/canary"}), true, "sending POST to "+s.URL+": tls: ")
}

// Whatever the server does, it gets the request once. By default net/http would repeat one with an Idempotency-Key.
func TestOnce(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"closes": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		},
		"unavailable": status(http.StatusServiceUnavailable),
		"unauthorized": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var closing bool
			var mu sync.Mutex
			p := newPlatform(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if closing {
					answer(w, r)
				}
			})
			b, err := hook.New(hook.Config{URL: p.URL, Body: "x"})
			if err != nil {
				t.Fatal(err)
			}
			// The first request would leave a connection to reuse, if that were allowed.
			if err := b.Restart(t.Context(), restart.Attempt{ID: "1"}); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			closing = true
			mu.Unlock()
			refusal(t, b.Restart(t.Context(), restart.Attempt{ID: "2"}), false, "")
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.got) != 2 || p.got[0].RemoteAddr == p.got[1].RemoteAddr || p.got[0].Proto != "HTTP/1.1" {
				t.Errorf("got %d requests, want one for each attempt, each over HTTP/1.1 and its own connection", len(p.got))
			}
		})
	}
}

// A request to a server that hangs, before its answer or within it, ends with the context.
func TestDeadline(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t)) // after the server has been closed
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		ok     bool
	}{
		"no answer": {hang, false},
		"endless answer": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t, tt.answer)
			var err error
			for _, timeout := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 20 * time.Second} {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				err = send(ctx, t, hook.Config{URL: p.URL + "/canary"})
				cancel()
				if tt.ok == (err == nil) && !errors.Is(err, restart.ErrRefused) { // a busy machine may not get as far in less
					break
				}
			}
			if tt.ok && err != nil {
				t.Errorf("error is %v: the server has accepted the request", err)
			}
			if !tt.ok {
				refusal(t, err, false, "deadline exceeded")
			}
		})
	}
}

// A request that was never sent is a refusal.
func TestUnsent(t *testing.T) {
	nobody := "http://" + probetest.ClosedPort(t)
	for _, tt := range []struct {
		name string
		cfg  hook.Config
		want string
	}{
		{"refused", hook.Config{URL: nobody + "/canary?canary"}, "sending POST to " + nobody + ": dial tcp"},
		{"no URL", hook.Config{URLFile: file(t, "canary")}, "not an absolute http or https URL"},
		{"user in the URL", hook.Config{URL: "http://user:canary@127.0.0.1:1/"}, "without a user"},
		{"not a URL", hook.Config{URLFile: file(t, "http://127.0.0.1:1/%zzcanary")}, "not an absolute http or https URL"},
		{"no file of the URL", hook.Config{URLFile: "/nowhere/url"}, "open /nowhere/url"},
		{"no file of the body", hook.Config{URL: nobody, BodyFile: "/nowhere/body"}, "open /nowhere/body"},
		{"long body", hook.Config{URL: nobody, BodyFile: file(t, strings.Repeat("x", 1<<20+1))}, "more than 1048576 bytes"},
		{"bad method", hook.Config{URL: nobody + "/canary", Method: "a b"}, "cannot be made"},
	} {
		t.Run(tt.name, func(t *testing.T) { refusal(t, send(t.Context(), t, tt.cfg), true, tt.want) })
	}
}

// Errors from deep inside do not contain headers.
func TestBadHeader(t *testing.T) {
	p := newPlatform(t, status(http.StatusOK))
	err := send(t.Context(), t, hook.Config{URL: p.URL, Headers: map[string]string{"X-Token": "canary\n"}})
	refusal(t, err, true, "sending POST to")
}
