package engine_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // what net/http has
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// An engine of version 1.47.
func answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_ping":
		w.Header().Set("Api-Version", "1.47")
	case "/v1.47/thing":
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"Got": %q}`, r.Method+" "+r.URL.RawQuery+" "+string(body))
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"message": "client version 1.99 is too new.\nMaximum supported API version is 1.47"}`)
	}
}

// ask sends a request with a client, and wants an error with this text, or success if it is empty.
func ask(t *testing.T, cfg engine.Config, path, want string) {
	t.Helper()
	c, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Got string }
	err = c.Do(t.Context(), engine.Request{Method: http.MethodPost, Path: path, Query: map[string][]string{"a": {"b"}}, Body: 42}, &got)
	switch {
	case want == "" && (err != nil || got.Got != "POST a=b 42"):
		t.Errorf("got %q, %v", got.Got, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")):
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

func TestUnix(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	socket := filepath.Join(t.TempDir(), "docker.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(answer)}} //nolint:gosec // of a test
	s.Start()
	ask(t, engine.Config{Host: "unix://" + socket}, "/thing", "")
	ask(t, engine.Config{Host: "unix://" + socket}, "/other", "status 400 Bad Request: client version 1.99 is too new. Maximum")
	s.Close()
	ask(t, engine.Config{Host: "unix://" + socket}, "/thing", "nothing was sent: asking for the version: nothing was sent: dial unix")
}

func TestTCP(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	s := httptest.NewServer(http.HandlerFunc(answer))
	defer s.Close()
	ask(t, engine.Config{Host: "tcp://" + s.Listener.Addr().String()}, "/thing", "")
}

// With TLS, both the engine and we have to prove who we are.
func TestTLS(t *testing.T) {
	ca := probetest.NewCA(t)
	certFile, keyFile := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	s := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	s.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{})},
		ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	host := "tcp://" + s.Listener.Addr().String()
	ask(t, engine.Config{Host: host, TLSConfig: &commonconfig.TLSConfig{CAFile: ca.File(), CertFile: certFile, KeyFile: keyFile}}, "/thing", "")
	ask(t, engine.Config{Host: host, TLSConfig: &commonconfig.TLSConfig{CAFile: ca.File()}}, "/thing", "certificate")
	ask(t, engine.Config{Host: host, TLSConfig: &commonconfig.TLSConfig{CAFile: probetest.NewCA(t).File(), CertFile: certFile, KeyFile: keyFile}}, "/thing", "failed to verify certificate")
}

// Something else than an engine may answer.
func TestNoEngine(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no version":  {func(http.ResponseWriter, *http.Request) {}, `got "": it is not a Docker Engine`},
		"bad version": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.4/../x") }, `got "1.4/../x": it is no`},
		"page":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>canary", http.StatusForbidden) }, "status 403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(tt.answer)
			defer s.Close()
			ask(t, engine.Config{Host: "tcp://" + s.Listener.Addr().String()}, "/thing", tt.want)
		})
	}
}

// If there is no answer about the version, nothing else is sent.
func TestNotSent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer s.Close()
	c, err := engine.New(engine.Config{Host: "tcp://" + s.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), engine.Request{Method: http.MethodPost, Path: "/thing"}, nil); !errors.Is(err, once.ErrNotSent) {
		t.Errorf("error is %v, want that nothing was sent", err)
	}
}

func TestHost(t *testing.T) {
	for _, tt := range []struct {
		host string
		tls  *commonconfig.TLSConfig
	}{
		{"docker.sock", nil},
		{"unix://docker.sock", nil},
		{"unix:///docker.sock", &commonconfig.TLSConfig{}},
		{"tcp://127.0.0.1", nil},
		{"tcp://127.0.0.1:2375/path", nil},
		{"http://127.0.0.1:2375", nil},
		{"tcp://127.0.0.1:2376", &commonconfig.TLSConfig{CAFile: "/nowhere/ca"}},
		{":%", nil},
	} {
		if _, err := engine.New(engine.Config{Host: tt.host, TLSConfig: tt.tls}); err == nil {
			t.Errorf("%q: no error, want one", tt.host)
		}
	}
	if _, err := engine.New(engine.Config{}); err != nil {
		t.Errorf("the default: %v", err)
	}
}
