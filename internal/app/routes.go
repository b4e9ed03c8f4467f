package app

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"net/url"
	"path"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A route is what is served at a path.
type route struct {
	pattern string // as http.ServeMux has it
	reach   reach
	need    need
	handler http.Handler
}

// routes serves everything, as the table of routes says. Unknown paths are 404.
func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range a.table() {
		mux.Handle(r.pattern, a.within(r.reach, a.admit(r.need, r.handler)))
	}
	forms := http.NewCrossOriginProtection()
	if origin := a.origin(); origin != "" {
		_ = forms.AddTrustedOrigin(origin) // it is one
	}
	forms.SetDenyHandler(http.HandlerFunc(a.refuseSite))
	return safely(a.bodiless(forms.Handler(a.belowPrefix(mux))))
}

// table is the one place that says what is served where.
func (a *App) table() []route {
	pages, events := a.pages, &api.Events{Status: a.status}
	targets := a.apiTargets()
	routes := []route{
		{"GET /{$}", linked, reading, http.HandlerFunc(pages.List)},
		{"GET /live", sameSite, following, http.HandlerFunc(pages.Watch)},
		{"GET /targets/{name}", linked, reading, http.HandlerFunc(pages.Detail)},
		{"GET /targets/{name}/edit", linked, editing, http.HandlerFunc(pages.Edit)},
		{"GET /add", linked, editing, http.HandlerFunc(pages.Add)},
		{"POST /targets", sameSite, editing, http.HandlerFunc(pages.Create)},
		{"POST /targets/{name}", sameSite, editing, http.HandlerFunc(pages.Change)},
		{"POST /targets/{name}/delete", sameSite, editing, http.HandlerFunc(pages.Delete)},
		{"POST /targets/{name}/mute", sameSite, operating, pages.Begin(managed.Mute)},
		{"POST /targets/{name}/unmute", sameSite, operating, pages.End(managed.Mute)},
		{"POST /targets/{name}/maintenance", sameSite, operating, pages.Begin(managed.Maintenance)},
		{"POST /targets/{name}/end-maintenance", sameSite, operating, pages.End(managed.Maintenance)},
		{"POST /targets/{name}/probe", sameSite, operating, http.HandlerFunc(pages.Probe)},
		{"GET /events", linked, reading, http.HandlerFunc(pages.Events)},
		{"GET /badge/{file}", embedded, reading, http.HandlerFunc(pages.Badge)},
		{"GET /probes", linked, reading, pages.Probes()},
		{"GET /assets/{version}/{file}", sameSite, reading, http.HandlerFunc(pages.Asset)},
		{"GET /probe", sameSite, reading, a.gate.guard(a.probe())},
		{"GET /probe/all", sameSite, reading, a.gate.guard(a.probeAll())},
		{"GET /sd", sameSite, reading, a.discovery()},
		{"GET /api/v1/targets", linked, reading, http.HandlerFunc(targets.List)},
		{"GET /api/v1/targets/{name}", linked, reading, http.HandlerFunc(targets.Show)},
		{"GET /api/v1/summary", linked, reading, http.HandlerFunc(targets.Summary)},
		{"GET /api/v1/events", linked, reading, http.HandlerFunc(events.List)},
		{"GET /metrics", linked, reading, promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{Registry: a.metrics.registry, EnableOpenMetrics: true})},
		{"POST /webhook/alertmanager", sameSite, delivering, a.webhook},
		{"GET /api/v1/restarts", sameSite, asking, a.operators.List()},
		{"GET /api/v1/restarts/{service}", sameSite, asking, a.operators.Show()},
		{"GET /api/v1/restarts/{service}/explain", sameSite, asking, a.operators.Explain()},
		{"POST /api/v1/restarts/{service}/pause", sameSite, ordering, a.operators.Pause()},
		{"POST /api/v1/restarts/{service}/resume", sameSite, ordering, a.operators.Resume()},
		{"POST /api/v1/restarts/{service}/unlock", sameSite, ordering, a.operators.Unlock()},
		{"POST /api/v1/restarts/{service}/request", sameSite, ordering, a.operators.Request()},
		{"POST /api/v1/restarts-brake/release", sameSite, ordering, a.operators.ReleaseBrake()},
		{"GET /config", linked, reading, http.HandlerFunc(pages.ShowConfig)},
		{"GET /logs", linked, reading, http.HandlerFunc(pages.ShowLog)},
		{"GET /-/healthy", linked, nothing, http.HandlerFunc(healthy)},
		{"GET /-/ready", linked, nothing, http.HandlerFunc(a.readiness)},
		{"POST /-/reload", sameSite, maintaining, http.HandlerFunc(a.reloadNow)},
		{"PUT /-/reload", sameSite, maintaining, http.HandlerFunc(a.reloadNow)},
	}
	routes = append(routes, a.editRoutes()...)
	routes = append(routes, a.channelRoutes()...)
	routes = append(routes, a.channelPages()...)
	if a.opts.EnablePprof {
		routes = append(routes,
			route{"GET /debug/pprof/", sameSite, maintaining, http.HandlerFunc(pprof.Index)},
			route{"GET /debug/pprof/cmdline", sameSite, maintaining, http.HandlerFunc(pprof.Cmdline)},
			route{"GET /debug/pprof/profile", sameSite, maintaining, profiled(pprof.Profile)},
			route{"GET /debug/pprof/symbol", sameSite, maintaining, http.HandlerFunc(pprof.Symbol)},
			route{"GET /debug/pprof/trace", sameSite, maintaining, profiled(pprof.Trace)},
		)
	}
	return routes
}

// origin is that of the external URL: the pages that a browser sees as ours even where a proxy changes the Host. Empty: it is not known.
func (a *App) origin() string {
	u, err := url.Parse(a.opts.ExternalURL)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port) // as browsers have it
		}
	}
	return u.Scheme + "://" + host
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
