package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// maxAtOnce is how many targets are probed at the same time in one scrape. It bounds memory and file descriptors.
const maxAtOnce = 200

// An AllHandler serves GET /probe/all: every target in one scrape, each series with the labels of its target. A target
// that hangs takes nothing from the others, because each has the same share of the time.
type AllHandler struct {
	// Targets finds the targets that a query selects.
	Targets func(query url.Values) ([]Target, error)
	// Max is how many targets a scrape may have.
	Max int
	// AtOnce is how many of them are probed at the same time, at most maxAtOnce. 0: maxAtOnce.
	AtOnce int
	// Offset, Begin and Reject are as in [Handler].
	Offset time.Duration
	Begin  func() (end func(Probe))
	Reject func(Rejection)
}

// ServeHTTP implements http.Handler.
func (h *AllHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	targets, err := h.Targets(r.URL.Query())
	if err != nil {
		h.Reject(RejectedSelection)
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	if len(targets) > h.Max {
		h.Reject(RejectedSelection)
		http.Error(w, fmt.Sprintf("%d targets are too many for one scrape, want %d at most (--probe-all.max-targets); "+
			"select some by environment, name or shard, or let Prometheus discover them at /sd", len(targets), h.Max), http.StatusBadRequest)
		return
	}
	total := Timeout(r.Header.Get(ScrapeTimeoutHeader), 0, h.Offset, prober.DefaultTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), total)
	defer cancel()
	from := client(r.RemoteAddr)
	if !h.wait(ctx, w, from, total/2) {
		return
	}
	defer scraping.leave(from)
	registry := prometheus.NewRegistry()
	registry.MustRegister(h.probe(ctx, targets))
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// wait waits for its turn, but only as long as there is time left to probe. If that was too long it answers the
// request.
func (h *AllHandler) wait(ctx context.Context, w http.ResponseWriter, from netip.Prefix, longest time.Duration) bool {
	waiting, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if scraping.enter(waiting, from) {
		return true
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return false // the client no longer waits
	}
	h.Reject(RejectedBusy)
	w.Header().Set("Retry-After", "10")
	http.Error(w, fmt.Sprintf("other scrapes of /probe/all were first, for up to %s: %d are probed at once, %d of one client, and %d may wait",
		longest, ScrapesAtOnce, scrapesFromOne, scrapesWaiting), http.StatusServiceUnavailable)
	return false
}

// probe probes all targets within the deadline of ctx. It ends at once when the client goes away.
func (h *AllHandler) probe(ctx context.Context, targets []Target) prometheus.Collector {
	deadline, _ := ctx.Deadline()
	total := time.Until(deadline)
	atOnce := min(cmp.Or(h.AtOnce, maxAtOnce), maxAtOnce)
	rounds := (len(targets) + atOnce - 1) / atOnce
	all := make(results, len(targets))
	var probing sync.WaitGroup
	next := make(chan int)
	for range min(len(targets), atOnce) {
		probing.Go(func() {
			for i := range next {
				all[i] = h.one(ctx, targets[i], min(targets[i].Module.Config.TimeoutOr(total), total/time.Duration(rounds)))
			}
		})
	}
	for i := range targets {
		if errors.Is(ctx.Err(), context.Canceled) {
			break
		}
		next <- i
	}
	close(next)
	probing.Wait()
	return all
}

// one probes one target.
func (h *AllHandler) one(ctx context.Context, t Target, timeout time.Duration) prometheus.Collector {
	result, quiet := t.probe(ctx, timeout, h.Begin)
	return prometheus.WrapCollectorWith(t.Labels, &Collector{Module: t.Module.Config, Result: result, Quiet: quiet})
}

// results are the results of all targets. What it collects is unchecked, because the labels differ from target to
// target.
type results []prometheus.Collector

// Describe implements prometheus.Collector.
func (r results) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r results) Collect(ch chan<- prometheus.Metric) {
	for _, c := range r {
		if c != nil { // nil: the client went away first
			c.Collect(ch)
		}
	}
}
