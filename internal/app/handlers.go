package app

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/page"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The handlers look up what they need at each request: a reload swaps the snapshot and the targets.

// probe serves /probe.
func (a *App) probe() *collector.Handler {
	return &collector.Handler{
		Module:  func(name string) (collector.Module, bool) { return a.current.Load().module(name) },
		Modules: func() []string { return a.current.Load().moduleNames() },
		Foreign: func(name string) string { return a.current.Load().Config.Foreign()[name] },
		Target:  func(name string) (collector.Target, bool) { return a.current.Load().targets.named(name) },
		Permit:  func(asked collector.Target) (collector.Target, error) { return a.current.Load().targets.permit(asked) },
		Offset:  a.opts.TimeoutOffset,
		Begin:   a.probes.begin,
		Hint:    hint.For,
		ByURL:   a.limits.byURL,
		Reject:  a.metrics.reject,
	}
}

// probeAll serves /probe/all.
func (a *App) probeAll() *collector.AllHandler {
	return &collector.AllHandler{
		Targets: func(query url.Values) ([]collector.Target, error) { return a.current.Load().targets.selected(query) },
		Max:     a.opts.ProbeAllMax,
		AtOnce:  scraped(maxFiles()),
		Offset:  a.opts.TimeoutOffset,
		Begin:   a.probes.begin,
		Reject:  a.metrics.reject,
	}
}

// apiTargets serves the targets with what is known of them.
func (a *App) apiTargets() *api.Targets {
	return &api.Targets{
		Board: a.board(), Hint: a.hint, Managed: a.managed.Target, Edits: a.managed.Edits, Writable: a.managed.Writable,
		Told: a.told, Silences: a.silencesFor,
	}
}

// board is where what is known of targets is shown from.
func (a *App) board() *board.Source {
	return &board.Source{Inventory: a.currentInventory, Status: a.status, Restarting: a.restarting}
}

// hint says what to do about a probe of a module that failed.
func (a *App) hint(module string, r *prober.Result) string {
	m, _ := a.current.Load().module(module)
	return hint.For(r, &m.Config)
}

func (a *App) currentInventory() *inventory.Inventory { return a.current.Load().targets.inventory }

// discovery serves /sd, and keeps when somebody asked.
func (a *App) discovery() http.Handler {
	d := &inventory.Discovery{
		Inventory: a.currentInventory,
		Missing:   a.inventory.Missing,
		Prefix:    a.prefix,
		Offset:    a.opts.TimeoutOffset,
	}
	if a.opts.ExternalURL != "" {
		if u, err := url.Parse(a.opts.ExternalURL); err == nil { // it was checked by New
			d.External = u
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.discovered.now()
		d.ServeHTTP(w, r)
	})
}

// health is what the page says of the exporter itself.
func (a *App) health() page.Health {
	return page.Health{
		Started: a.made, Discovered: a.discovered.at(), Scraped: a.probes.scraped.at(),
		Unknown: a.managed.Broken(), Broken: a.whyBroken(), Unsynced: a.unsynced(), Braked: a.restarts.Braked(),
	}
}

// newPages serves what people look at. All viewers together take no more than their share of the connections.
func (a *App) newPages() *page.Pages {
	p := &page.Pages{
		Board:     a.board(),
		Title:     func() string { return a.current.Load().Config.Status.TitleOr() },
		History:   a.history,
		Hint:      func(e *history.Entry) string { return a.current.Load().hint(e) },
		HintOf:    a.hint,
		Report:    func(w io.Writer, e *history.Entry) { a.current.Load().report(w, e) },
		Health:    a.health,
		Config:    func() ([]byte, error) { return a.current.Load().Config.YAML() },
		Profiling: a.opts.EnablePprof,

		Links:    func() config.StatusLinks { return a.current.Load().Config.Status.Links },
		Services: func(target string) []string { return a.current.Load().checking(target) },
		Standing: a.standing,

		ConfigFile: a.opts.ConfigFile, Address: a.address, Editing: a.pageEditing(), Channels: a.pageChannels(),
	}
	p.Live = page.NewLive(p, page.LiveOptions{
		Viewers: min(a.opts.PageViewers, max(a.limits.connections.whole/viewerShare, 1)),
		Watched: func(n int) { a.metrics.pageViewers.Set(float64(n)) }, Refused: a.metrics.pageViewersRefused.Inc,
		Rendered: a.metrics.pageRenders.Inc, Sent: func(event string) { a.metrics.pageEvents.WithLabelValues(event).Inc() },
	})
	return p
}

// checking are the names of the services that have a target as a check.
func (s *Snapshot) checking(target string) (names []string) {
	if s.Config.Restart == nil {
		return nil
	}
	for i := range s.Config.Restart.Services {
		service := &s.Config.Restart.Services[i]
		if checks(service, target) {
			names = append(names, service.Name)
		}
	}
	return names
}

// checks reports whether a check of a service names a target.
func checks(s *config.Service, target string) bool {
	return slices.ContainsFunc(s.Checks, func(c config.ServiceCheck) bool { return c.Target == target })
}

// standing is what is between a service and its restart, for whoever may ask about restarts.
func (a *App) standing(r *http.Request, service string) *page.Standing {
	id := access.From(r.Context())
	if !id.Listed || a.current.Load().judgeOrder(id, access.Read, service) != nil {
		return nil
	}
	e, err := a.restarts.Service(service)
	if err != nil {
		return nil
	}
	return &page.Standing{Demanded: e.Demanded, Guard: string(e.Hold), Next: e.Next}
}

// address is where whoever sent a request reaches the exporter. It ends with a slash.
func (a *App) address(r *http.Request) string {
	if a.opts.ExternalURL != "" {
		return strings.TrimSuffix(a.opts.ExternalURL, "/") + "/"
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + a.prefix + "/"
}
