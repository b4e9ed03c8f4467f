package app

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"net/url"
	"path"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
)

// routes is the one place that says what is served where. Unknown paths are 404.
func (a *App) routes() http.Handler {
	probe := &collector.Handler{
		Module: a.module,
		Target: a.target,
		Permit: a.permit,
		Offset: a.opts.TimeoutOffset,
		Begin:  a.probes.begin,
		Reject: func(r collector.Rejection) { a.metrics.rejected.WithLabelValues(string(r)).Inc() },
	}
	all := &collector.AllHandler{Targets: a.selected, Max: a.opts.ProbeAllMax, Offset: probe.Offset, Begin: probe.Begin, Reject: probe.Reject}
	metrics := promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{Registry: a.metrics.registry, EnableOpenMetrics: true})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.landing)
	mux.Handle("GET /probe", a.unlessStopping(probe))
	mux.Handle("GET /probe/all", a.unlessStopping(all))
	mux.Handle("GET /sd", a.discovery())
	mux.HandleFunc("GET /api/v1/targets", a.listTargets)
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("POST /webhook/alertmanager", a.receive)
	mux.HandleFunc("GET /api/v1/restarts", a.operator(a.listRestarts))
	mux.HandleFunc("GET /api/v1/restarts/{service}", a.operator(a.showRestart))
	mux.HandleFunc("GET /api/v1/restarts/{service}/explain", a.operator(a.explainRestart))
	mux.HandleFunc("POST /api/v1/restarts/{service}/pause", a.operator(a.pauseRestarts))
	mux.HandleFunc("POST /api/v1/restarts/{service}/resume", a.operator(a.resumeRestarts))
	mux.HandleFunc("POST /api/v1/restarts/{service}/unlock", a.operator(a.unlockRestarts))
	mux.HandleFunc("GET /config", a.config)
	mux.HandleFunc("GET /logs", a.logs)
	mux.HandleFunc("GET /-/healthy", healthy)
	mux.HandleFunc("GET /-/ready", a.readiness)
	mux.HandleFunc("POST /-/reload", a.reloadNow)
	mux.HandleFunc("PUT /-/reload", a.reloadNow)
	if a.opts.EnablePprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", profiled(pprof.Profile))
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", profiled(pprof.Trace))
	}
	return a.bodiless(http.NewCrossOriginProtection().Handler(a.belowPrefix(mux)))
}

// belowPrefix serves h below the route prefix and sends the bare address there.
func (a *App) belowPrefix(h http.Handler) http.Handler {
	if a.prefix == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(a.prefix+"/", http.StripPrefix(a.prefix, h))
	mux.Handle("GET /{$}", http.RedirectHandler(a.prefix+"/", http.StatusFound))
	return mux
}

// unlessStopping refuses new probes while the last ones finish.
func (a *App) unlessStopping(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.probes.admit() {
			http.Error(w, "the exporter is stopping", http.StatusServiceUnavailable)
			return
		}
		defer a.probes.leave()
		h.ServeHTTP(w, r)
	})
}

// routePrefix is the cleaned path of the prefix, or else of the external URL: "" or "/path".
func routePrefix(externalURL, prefix string) (string, error) {
	if externalURL != "" {
		u, err := url.Parse(externalURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", fmt.Errorf("external URL is %q, want http://host/path or https://host/path", externalURL)
		}
		if prefix == "" {
			prefix = u.Path
		}
	}
	if strings.ContainsAny(prefix, "{}?#% ") {
		return "", fmt.Errorf("route prefix is %q, want a path", prefix)
	}
	if prefix = path.Clean("/" + prefix); prefix == "/" {
		return "", nil
	}
	return prefix, nil
}
