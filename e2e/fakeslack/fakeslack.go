// Package fakeslack is a Slack for tests: incoming webhooks, and the method of its API that posts a message. It refuses what
// Slack refuses, and also what Slack accepts but shows differently from what was meant: bad escaping, unknown fields,
// texts that are too long.
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
	"strings"
	"sync"
	"time"
)

// The paths of incoming webhooks begin and end in this way, in the form of Slack's. Between is the channel that the
// webhook belongs to.
const (
	webhookStart = "/services/T00000000/B"
	webhookEnd   = "/notARealWebhook"
)

// postMessage is the path of the API's method.
const postMessage = "/api/chat.postMessage"

// BotToken is the token of the app that may use the API.
const BotToken = "xoxb-not-a-real-token"

// maxBody bounds what is read of a request, in bytes.
const maxBody = 1 << 20

// A Server is a fake Slack. Close ends it.
type Server struct {
	http *http.Server
	addr string

	mu       sync.Mutex // protects the following
	out      bool
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

// URL is the address of the incoming webhook of a channel, which in real life is a secret. The channel has no #.
func (s *Server) URL(channel string) string {
	return "http://" + s.addr + webhookStart + channel + webhookEnd
}

// APIURL is where an app posts to any channel, with BotToken.
func (s *Server) APIURL() string { return "http://" + s.addr + postMessage }

// Messages returns the accepted messages in the order of their arrival.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Out begins an outage, in which every request is answered with 503, or ends it.
func (s *Server) Out(out bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = out
}

// Refused tells why requests were refused; nil if none was.
func (s *Server) Refused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.refused...)
}

// ServeHTTP answers as Slack does: a webhook with "ok", or a status and a word; the API always with 200 and JSON.
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
// https://api.slack.com/methods/chat.postMessage
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	m, refusal := receive(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out {
		http.Error(w, "service_unavailable", http.StatusServiceUnavailable)
		return
	}
	api := r.URL.Path == postMessage
	if api {
		w.Header().Set("Content-Type", "application/json")
	}
	switch {
	case refusal != nil && api:
		s.refused = append(s.refused, refusal)
		fmt.Fprintf(w, `{"ok": false, "error": %q}`, refusal.word)
	case refusal != nil:
		s.refused = append(s.refused, refusal)
		http.Error(w, refusal.word, refusal.status)
	default:
		m.At = at
		s.messages = append(s.messages, m)
		if api {
			fmt.Fprintf(w, `{"ok": true, "channel": %q, "ts": "%d.000001"}`, m.Channel, at.Unix())
			return
		}
		fmt.Fprint(w, "ok")
	}
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

// receive reads a message. Its channel is that of the webhook, whatever it says itself.
func receive(r *http.Request) (Message, *refusal) {
	if r.URL.Path == postMessage {
		return receiveAPI(r)
	}
	channel, ok := strings.CutPrefix(r.URL.Path, webhookStart)
	if ok {
		channel, ok = strings.CutSuffix(channel, webhookEnd)
	}
	if !ok || channel == "" || strings.Contains(channel, "/") {
		return Message{}, &refusal{http.StatusNotFound, "no_service", fmt.Errorf("there is no webhook %q", r.URL.Path)}
	}
	m, refusal := read(r)
	m.Channel = "#" + channel
	return m, refusal
}

// receiveAPI reads a message to a channel that it names.
func receiveAPI(r *http.Request) (Message, *refusal) {
	if r.Header.Get("Authorization") != "Bearer "+BotToken {
		return Message{}, &refusal{http.StatusOK, "invalid_auth", errors.New("the token is missing or wrong")}
	}
	m, refused := read(r)
	if refused == nil && !strings.HasPrefix(m.Channel, "#") && !strings.HasPrefix(m.Channel, "C") {
		refused = &refusal{http.StatusOK, "channel_not_found", fmt.Errorf("there is no channel %q", m.Channel)}
	}
	return m, refused
}

func read(r *http.Request) (Message, *refusal) {
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
