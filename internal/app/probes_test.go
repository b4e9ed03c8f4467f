package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// watcher is a probes with its log.
func watcher(t *testing.T) (*probes, *recorder) {
	t.Helper()
	log := &recorder{}
	return &probes{metrics: newMetrics(prometheus.NewRegistry()), history: history.New(5), status: status.NewTracker(), observed: func(string, bool, time.Time) {}, log: slog.New(log)}, log
}

// outcome is a finished probe.
func outcome(t *testing.T, module, target string, down bool) collector.Probe {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := collector.Probe{Module: module, Request: prober.Request{URL: u}, Result: prober.Result{Duration: time.Second, Attempts: 1}}
	if down {
		p.Result.Reason, p.Result.Err = prober.ReasonConnectRefused, errors.New("connection refused")
	}
	return p
}

func TestLogOfChanges(t *testing.T) {
	const targets, times = 100, 10
	p, log := watcher(t)
	all := func(down bool) {
		for range times {
			for i := range targets {
				probe := outcome(t, "http_2xx", fmt.Sprintf("http://app-%d.example/", i), down)
				probe.Target = fmt.Sprintf("app-%d", i)
				p.end(probe, false)
			}
		}
	}
	expect := func(when string, down, up int) {
		t.Helper()
		if n := log.count("Target is down"); n != down {
			t.Errorf("%s: %d lines that a target is down, want %d", when, n, down)
		}
		if n := log.count("Target is up again"); n != up {
			t.Errorf("%s: %d lines that a target is up, want %d", when, n, up)
		}
	}
	all(false)
	expect("healthy from the start", 0, 0)
	all(true)
	expect("down", targets, 0)
	all(false)
	expect("up", targets, targets)
	all(true)
	expect("down again", 2*targets, targets)
	if n, want := log.count("Probed target"), 4*targets*times-3*targets; n != want {
		t.Errorf("%d lines of other probes, want %d", n, want)
	}
	for _, r := range log.all() {
		if level := map[bool]slog.Level{true: slog.LevelDebug, false: slog.LevelInfo}[r.Message == "Probed target"]; r.Level != level {
			t.Fatalf("%q is logged at %s, want %s", r.Message, r.Level, level)
		}
	}
}

// TestTargetsAreApart: the same URL by another module, and another query, are other targets.
func TestTargetsAreApart(t *testing.T) {
	p, log := watcher(t)
	for _, target := range []string{"http://app.example/?a=1", "http://app.example/?a=2"} {
		for _, module := range []string{"one", "two"} {
			p.end(outcome(t, module, target, true), false)
		}
	}
	if n := log.count("Target is down"); n != 4 {
		t.Errorf("%d lines, want 4", n)
	}
	p.end(outcome(t, "one", "http://app.example/?a=1", false), false)
	if n := log.count("Target is up again"); n != 1 {
		t.Errorf("%d lines that a target is up, want 1", n)
	}
	if got, want := log.attr("Target is up again", "target"), "http://app.example/?a=***"; got != want {
		t.Errorf("target is %q, want %q", got, want)
	}
}

func TestAbandoned(t *testing.T) {
	p, log := watcher(t)
	end := p.begin()
	if got := testutil.ToFloat64(p.metrics.inFlight); got != 1 {
		t.Errorf("%g probes in flight, want 1", got)
	}
	probe := outcome(t, "http_2xx", "http://app.example/", true)
	probe.Abandoned = true
	end(probe)
	if got := testutil.ToFloat64(p.metrics.inFlight); got != 0 {
		t.Errorf("%g probes in flight, want 0", got)
	}
	for result, want := range map[string]float64{resultAbandoned: 1, resultFailure: 0, resultSuccess: 0} {
		if got := testutil.ToFloat64(p.metrics.probes.WithLabelValues("http_2xx", result)); got != want {
			t.Errorf("%g probes with the result %s, want %g", got, result, want)
		}
	}
	if n := testutil.CollectAndCount(p.metrics.duration); n != 0 {
		t.Errorf("%d histograms of durations, want none", n)
	}
	if n := len(log.all()); n != 0 {
		t.Errorf("%d lines of log, want none", n)
	}
	if n := len(p.history.List()); n != 0 {
		t.Errorf("%d probes in the history, want none", n)
	}
	// What it would have changed is told by the next one.
	probe.Abandoned = false
	p.end(probe, false)
	if n := log.count("Target is down"); n != 1 {
		t.Errorf("%d lines that the target is down, want 1", n)
	}
}

// TestAbandonedByItsClient goes all the way: a client that hangs up during a probe.
func TestAbandonedByItsClient(t *testing.T) {
	target := probetest.Silent(t)
	log := &recorder{}
	a := started(t, options(log))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		until(t, "the probe", func() bool { return target.Accepted() == 1 })
		cancel()
	}()
	if _, _, err := ask(ctx, "http://"+a.Addr().String()+"/probe?target="+target.URL); !errors.Is(err, context.Canceled) {
		t.Fatalf("the request ended with %v, want it cancelled", err)
	}
	abandoned := a.metrics.probes.WithLabelValues("http_2xx", resultAbandoned)
	until(t, "the probe's end", func() bool { return testutil.ToFloat64(abandoned) == 1 })
	if got := testutil.ToFloat64(a.metrics.probes.WithLabelValues("http_2xx", resultFailure)); got != 0 {
		t.Errorf("%g failures, want 0", got)
	}
	if n := log.count("Target is down"); n != 0 {
		t.Errorf("%d lines that the target is down, want none", n)
	}
	if n := len(a.history.List()); n != 0 {
		t.Errorf("%d probes in the history, want none", n)
	}
}

// TestProbeLine looks at the line of one failed probe.
func TestProbeLine(t *testing.T) {
	p, log := watcher(t)
	probe := outcome(t, "http_2xx", "http://user:secret@app.example/health?key=secret", true)
	probe.Result.HTTP = &prober.HTTPResult{StatusCode: http.StatusBadGateway}
	p.end(probe, false)
	for key, want := range map[string]string{
		"target": "http://app.example/health?key=***", "module": "http_2xx", "status_code": "502",
		"reason": "connect_refused", "err": "connection refused", "duration_seconds": "1",
	} {
		if got := log.attr("Target is down", key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if e, ok := p.history.Get(1); !ok || e.Target != "http://app.example/health?key=***" || e.Module != "http_2xx" {
		t.Errorf("the history has %+v, want the probe with its target masked", e)
	}
}
