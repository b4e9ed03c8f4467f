package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// atOnce is how many targets are probed at the same time in one scrape. It bounds memory and file descriptors.
const atOnce = 200

// An AllHandler serves GET /probe/all: every target in one scrape, each series with the labels of its target. A target
// that hangs takes nothing from the others: each has the same share of the time.
type AllHandler struct {
	// Targets finds the targets that a query selects.
	Targets func(query url.Values) ([]Target, error)
	// Max is how many targets a scrape may have.
	Max int
	// Offset, Begin and Reject are those of Handler.
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
	registry := prometheus.NewRegistry()
	registry.MustRegister(h.probe(r, targets))
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// probe probes all targets within the deadline of the scrape.
func (h *AllHandler) probe(r *http.Request, targets []Target) prometheus.Collector {
	total := Timeout(r.Header.Get(ScrapeTimeoutHeader), 0, h.Offset, prober.DefaultTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), total)
	defer cancel()
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
		next <- i
	}
	close(next)
	probing.Wait()
	return all
}

// one probes one target.
func (h *AllHandler) one(ctx context.Context, t Target, timeout time.Duration) prometheus.Collector {
	probing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	end := h.Begin()
	result := t.Module.Prober.Probe(probing, t.Request)
	result.Timeout = timeout // exactly, and not what was left when the probe began
	end(Probe{
		Module: t.Module.Name, Target: t.Name, Request: t.Request, Result: result,
		Abandoned: errors.Is(ctx.Err(), context.Canceled),
	})
	return prometheus.WrapCollectorWith(t.Labels, &Collector{Module: t.Module.Config, Result: result})
}

// results are those of all targets. What it collects is unchecked, since the labels differ from target to target.
type results []prometheus.Collector

// Describe implements prometheus.Collector.
func (r results) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r results) Collect(ch chan<- prometheus.Metric) {
	for _, c := range r {
		c.Collect(ch)
	}
}
