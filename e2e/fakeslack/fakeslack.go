// Package fakeslack is a Slack incoming webhook for tests. It refuses what Slack refuses, and also what Slack accepts but
// shows differently from what was meant: bad escaping, unknown fields, texts that are too long.
package fakeslack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// path is that of the one incoming webhook that exists, in the form of Slack's.
const path = "/services/T00000000/B00000000/notARealWebhook"

// maxBody bounds what is read of a request, in bytes.
const maxBody = 1 << 20

// A Server is a fake Slack. Close ends it.
type Server struct {
	http *http.Server
	addr string

	mu       sync.Mutex // protects the following
	messages []Message
	refused  []error
}

// Start starts a Server on a free port of 127.0.0.1.
func Start(ctx context.Context) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{addr: listener.Addr().String()}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(listener) }() // ends with Close
	return s, nil
}

// Close ends the server at once.
func (s *Server) Close() error { return s.http.Close() }

// URL is the address of the incoming webhook, which in real life is a secret.
func (s *Server) URL() string { return "http://" + s.addr + path }

// Messages returns the accepted messages in the order of their arrival.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Refused tells why requests were refused; nil if none was.
func (s *Server) Refused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.refused...)
}

// ServeHTTP answers as Slack does: "ok", or a status and a word.
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	m, refusal := receive(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal != nil {
		s.refused = append(s.refused, refusal)
		http.Error(w, refusal.word, refusal.status)
		return
	}
	m.At = at
	s.messages = append(s.messages, m)
	fmt.Fprint(w, "ok")
}

// A refusal is an answer other than "ok".
type refusal struct {
	status int
	word   string
	err    error
}

func (r *refusal) Error() string {
	return fmt.Sprintf("refused with %d %s: %v", r.status, r.word, r.err)
}

func (r *refusal) Unwrap() error { return r.err }

func receive(r *http.Request) (Message, *refusal) {
	if r.URL.Path != path {
		return Message{}, &refusal{http.StatusNotFound, "no_service", fmt.Errorf("there is no webhook %q", r.URL.Path)}
	}
	if r.Method != http.MethodPost {
		return Message{}, &refusal{http.StatusMethodNotAllowed, "method_not_allowed", fmt.Errorf("got %s, want POST", r.Method)}
	}
	invalid := func(err error) (Message, *refusal) {
		return Message{}, &refusal{http.StatusBadRequest, "invalid_payload", err}
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return invalid(fmt.Errorf("got content type %q, want application/json", r.Header.Get("Content-Type")))
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return invalid(err)
	}
	m, err := Parse(body)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return Message{}, refused
	case err != nil:
		return invalid(fmt.Errorf("%w in %s", err, body))
	}
	return m, nil
}
