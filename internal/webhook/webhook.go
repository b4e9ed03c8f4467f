// Package webhook receives what Alertmanager sends and passes on what may be a reason to restart something.
package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/loglimit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// MaxBody is how large a delivery may be, in bytes.
const MaxBody = 16 << 20

// maxDecoding is how many deliveries are read at a time, which bounds the memory that they take.
const maxDecoding = 4

// A Receiver takes the alerts of a delivery, several at a time, and returns at once. Handle reports whether the labels
// select something that can be restarted. An error means that what the alert changes could not be persisted: the delivery
// has to come again.
type Receiver interface {
	Handle(labels map[string]string, a policy.Alert) (selected bool, err error)
}

// readTime is how long a delivery may take to arrive.
const readTime = 10 * time.Second

// Options are what a Handler needs.
type Options struct {
	Receiver   Receiver
	Door       access.Door // who may send
	Refused    func()      // counts a delivery that is refused
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// A Handler serves POST /webhook/alertmanager. It answers 200 when it has passed on every alert, which says nothing about
// what will be done: Alertmanager gives up on a receiver that thinks for long and asks another one.
type Handler struct {
	receiver Receiver
	door     access.Door
	refused  func()
	log      *slog.Logger  // a request causes its lines: at most one a second for each message
	decoding chan struct{} // holds one element for every delivery that is being read
	requests *prometheus.CounterVec
	alerts   *prometheus.CounterVec
	// truncated counts alerts of which nothing came.
	truncated prometheus.Counter
}

// New makes a Handler and registers its metrics.
func New(o Options) *Handler {
	h := &Handler{
		receiver: o.Receiver, door: o.Door, refused: o.Refused,
		log: slog.New(loglimit.New(o.Log.Handler())), decoding: make(chan struct{}, maxDecoding),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "healthcheck_restart_webhook_requests_total",
			Help: "How many deliveries came, by the status code of the answer.",
		}, []string{"code"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "healthcheck_restart_webhook_alerts_total",
			Help: "How many alerts came, by their status and by whether they select a service.",
		}, []string{"status", "outcome"}),
		truncated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "healthcheck_restart_webhook_truncated_alerts_total",
			Help: "How many alerts were left out of deliveries, because the receiver of Alertmanager has max_alerts.",
		}),
	}
	o.Registerer.MustRegister(h.requests, h.alerts, h.truncated)
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

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Before anything is answered: net/http reads what is left of a refused body. Not every connection can do this.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime))
	auth, code, err := h.door()
	if err != nil {
		http.Error(w, err.Error(), code)
		return
	}
	code, err = h.serve(w, r, auth)
	h.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	if err != nil {
		h.log.Warn("Refused delivery", "addr", r.RemoteAddr, "status_code", code, "err", err)
		http.Error(w, err.Error(), code)
		h.refused()
		return
	}
	fmt.Fprintln(w, "OK")
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, auth access.Authenticator) (code int, err error) {
	if code, err := auth.Admit(w, r, h.log); err != nil {
		return code, err
	}
	select {
	case h.decoding <- struct{}{}:
		defer func() { <-h.decoding }()
	case <-r.Context().Done():
		return http.StatusServiceUnavailable, errors.New("too many deliveries at once")
	}
	delivered, err := decode(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the delivery is larger than %d bytes", MaxBody)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusServiceUnavailable, errors.New("the delivery did not arrive in time")
	case err != nil:
		return http.StatusBadRequest, err
	}
	h.truncated.Add(float64(delivered.truncated))
	if err := h.handle(delivered.alerts); err != nil {
		return http.StatusServiceUnavailable, errors.New("the delivery could not be persisted, see the log")
	}
	return http.StatusOK, nil
}

// maxHandling is how many alerts of a delivery are passed on at a time: what they change is persisted together, and a mass
// failure is acknowledged before Alertmanager gives up.
const maxHandling = 64

// handle passes on every alert, also those beside one that failed. One of the errors is enough to tell.
func (h *Handler) handle(alerts []alert) error {
	var handling errgroup.Group
	handling.SetLimit(maxHandling)
	for i := range alerts {
		handling.Go(func() error { return h.pass(&alerts[i]) })
	}
	return handling.Wait()
}

func (h *Handler) pass(a *alert) error {
	selected, err := h.receiver.Handle(a.Labels, policy.Alert{
		Resolved: a.Status != statusFiring, StartsAt: time.Time(a.StartsAt), EndsAt: time.Time(a.EndsAt),
	})
	outcome := outcomeUnmapped
	if selected {
		outcome = outcomeMapped
	}
	h.alerts.WithLabelValues(a.Status, outcome).Inc()
	return err
}
