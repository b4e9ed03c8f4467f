package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"
)

// WebhookPath is the path at which the exporter takes the webhooks of Alertmanager.
const WebhookPath = "/webhook/alertmanager"

// heartbeatPath is the path at which the tap itself takes heartbeats.
const heartbeatPath = "/heartbeat"

// A Tap sits between Alertmanager and the webhook of the exporter, and records what passes.
type Tap struct {
	http  *http.Server
	url   string
	proxy *httputil.ReverseProxy

	mu         sync.Mutex // protects the following
	held       bool
	deliveries []Delivery
	heartbeats int
}

// A Delivery is one request of Alertmanager.
type Delivery struct {
	At     time.Time // of the request
	Body   []byte
	Status int // of the answer; 503 while the tap holds
}

// startTap starts a tap in front of the exporter at that address.
func startTap(ctx context.Context, exporter string) (*Tap, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &Tap{url: "http://" + listener.Addr().String()}
	t.proxy = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: exporter})
	}}
	t.http = &http.Server{Handler: t, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = t.http.Serve(listener) }() // ends with Close
	return t, nil
}

// Close ends the tap at once.
func (t *Tap) Close() error { return t.http.Close() }

// Hold keeps requests from the exporter until it is called with false. Alertmanager gets an answer that makes it try again.
func (t *Tap) Hold(hold bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = hold
}

// ServeHTTP implements http.Handler.
func (t *Tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := Delivery{At: time.Now()}
	var err error
	if d.Body, err = io.ReadAll(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.URL.Path == heartbeatPath {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.heartbeats++
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(d.Body))
	answer := &status{ResponseWriter: w, code: http.StatusOK}
	if t.holds() {
		http.Error(answer, "held by the suite", http.StatusServiceUnavailable)
	} else {
		t.proxy.ServeHTTP(answer, r)
	}
	d.Status = answer.code
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliveries = append(t.deliveries, d)
}

func (t *Tap) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held
}

// status records the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Heartbeats is the number of heartbeats from Alertmanager.
func (t *Tap) Heartbeats() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heartbeats
}

// Firing returns the deliveries with a firing alert for the target, oldest first.
func (t *Tap) Firing(target string) []Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.deliveries), func(d Delivery) bool { return !d.firing(target) })
}

func (d *Delivery) firing(target string) bool {
	var payload struct {
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	if json.Unmarshal(d.Body, &payload) != nil {
		return false
	}
	for _, a := range payload.Alerts {
		if a.Status == "firing" && a.Labels["instance"] == target {
			return true
		}
	}
	return false
}

// WithLabel returns the body of the delivery with a label added to each of its alerts.
func (d *Delivery) WithLabel(name, value string) ([]byte, error) {
	var payload map[string]any
	if err := json.Unmarshal(d.Body, &payload); err != nil {
		return nil, err
	}
	alerts, _ := payload["alerts"].([]any)
	for i := range alerts {
		alert, _ := alerts[i].(map[string]any)
		labels, ok := alert["labels"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("alert %d has no labels: %s", i, d.Body)
		}
		labels[name] = value
	}
	return json.Marshal(payload)
}
