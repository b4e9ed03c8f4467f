// Package webhook receives what Alertmanager sends and passes on what may be a reason to restart something.
package webhook

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MaxBody is how large a delivery may be, in bytes.
const MaxBody = 16 << 20

// A Receiver takes the alerts of a delivery, one after the other, and returns at once. Handle tells whether the labels
// select something that can be restarted.
type Receiver interface {
	Handle(labels map[string]string, firing bool) bool
}

// readTimeout is how long a delivery may take to arrive.
const readTimeout = 10 * time.Second

// A Handler serves POST /webhook/alertmanager. It answers 200 when it has passed on every alert, which says nothing about
// what will be done: Alertmanager gives up on a receiver that thinks for long and asks another one.
type Handler struct {
	receiver Receiver
	log      *slog.Logger
	requests *prometheus.CounterVec
	alerts   *prometheus.CounterVec
}

// New makes a Handler and registers its metrics.
func New(receiver Receiver, r prometheus.Registerer, log *slog.Logger) *Handler {
	h := &Handler{
		receiver: receiver, log: log,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "healthcheck_restart_webhook_requests_total",
			Help: "How many deliveries came, by the status code of the answer.",
		}, []string{"code"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "healthcheck_restart_webhook_alerts_total",
			Help: "How many alerts came, by their status and by whether they select a service.",
		}, []string{"status", "outcome"}),
	}
	r.MustRegister(h.requests, h.alerts)
	for _, code := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable} {
		h.requests.WithLabelValues(strconv.Itoa(code))
	}
	for _, status := range []string{statusFiring, statusResolved} {
		for _, outcome := range []string{outcomeMapped, outcomeUnmapped} {
			h.alerts.WithLabelValues(status, outcome)
		}
	}
	return h
}

// The statuses of an alert, and what came of it.
const (
	statusFiring    = "firing"
	statusResolved  = "resolved"
	outcomeMapped   = "mapped"
	outcomeUnmapped = "unmapped"
)

// Serve answers a delivery of somebody whom auth lets in.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, auth Authenticator) {
	code, err := h.serve(w, r, auth)
	h.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	if err != nil {
		h.log.Warn("Refused delivery", "addr", r.RemoteAddr, "status_code", code, "err", err)
		http.Error(w, err.Error(), code)
		return
	}
	fmt.Fprintln(w, "OK")
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, auth Authenticator) (code int, err error) {
	ok, err := auth.Authenticate(r)
	switch {
	case err != nil:
		return http.StatusServiceUnavailable, err // Alertmanager tries again
	case !ok:
		w.Header().Set("WWW-Authenticate", auth.Challenge())
		return http.StatusUnauthorized, errors.New("the credentials are missing or wrong")
	}
	// Not every connection can do this; then the body limit has to be enough.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
	body := http.MaxBytesReader(w, r.Body, MaxBody)
	err = decode(body, func(a alert) {
		outcome := outcomeUnmapped
		if h.receiver.Handle(a.Labels, a.Status == statusFiring) {
			outcome = outcomeMapped
		}
		h.alerts.WithLabelValues(a.Status, outcome).Inc()
	})
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the delivery is larger than %d bytes", MaxBody)
	}
	if err != nil {
		return http.StatusBadRequest, err
	}
	// Read to the end, so that the connection can be used again.
	_, _ = io.Copy(io.Discard, body)
	return http.StatusOK, nil
}
