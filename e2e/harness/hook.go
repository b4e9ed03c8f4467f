package harness

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Hook takes the webhooks of Alertmanager, for channels that are no Slack.
type Hook struct {
	// Address is where it listens, host and port.
	Address string

	http *http.Server

	mu    sync.Mutex // protects the following
	calls []Call
}

// A Call is one webhook.
type Call struct {
	At time.Time `json:"-"`
	// Path and Authorization are those of the request.
	Path          string `json:"-"`
	Authorization string `json:"-"`
	Alerts        []struct {
		Status string
		Labels map[string]string
	}
}

// StartHook starts a Hook. Close ends it.
func StartHook(ctx context.Context) (*Hook, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &Hook{Address: listener.Addr().String()}
	h.http = &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = h.http.Serve(listener) }() // ends with Close
	return h, nil
}

// Close ends it at once.
func (h *Hook) Close() error { return h.http.Close() }

// Calls are the webhooks in the order of their arrival.
func (h *Hook) Calls() []Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// ServeHTTP implements http.Handler.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := Call{At: time.Now(), Path: r.URL.Path, Authorization: r.Header.Get("Authorization")}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}
