// Package app is the running exporter: it builds everything from the configuration, serves HTTP, reloads and
// stops. Nothing here decides how a target is probed or what a metric is called.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/webhook"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Options are what the command line decides.
type Options struct {
	// ConfigFile is the path of the configuration. Empty: the embedded default configuration.
	ConfigFile string
	// AutoReload is how often the configuration and the files it names are looked at for changes. 0: never.
	AutoReload time.Duration
	// TimeoutOffset is subtracted from the scrape timeout; see collector.Timeout.
	TimeoutOffset time.Duration
	// ProbeAllMax is how many targets one scrape of /probe/all may have. 0: 1000.
	ProbeAllMax int
	// HistoryLimit is how many results, and how many failures besides, are kept for the landing page and /logs.
	HistoryLimit int
	// StoragePath is the directory of what is kept of restarts; it is used only if the configuration has any. Empty: it
	// is forgotten at the end.
	StoragePath string
	// Web are the listen addresses and the path of the TLS and authentication file.
	Web *web.FlagConfig
	// ExternalURL is where people reach the exporter, for example behind a proxy. Empty: by its address.
	ExternalURL string
	// RoutePrefix is the path below which everything is served. Empty: the path of ExternalURL.
	RoutePrefix string
	// EnablePprof serves the Go profiles below /debug/pprof/.
	EnablePprof bool
	// DrainTimeout is how long Stop waits for probes in flight. 0: 25 s, less than the 30 s that Kubernetes gives.
	DrainTimeout time.Duration

	Logger *slog.Logger
	// ProbeLogger gets a line for every change of a target's state and, at debug, one for every probe.
	ProbeLogger *slog.Logger
}

// An App is one exporter. Make it with New; then either Run it, or Start and Stop it.
type App struct {
	opts    Options
	prefix  string // "" or "/prefix"
	log     *slog.Logger
	metrics *metrics
	history *history.History
	probes  *probes

	inventory *inventory.Keeper
	unkeep    func() // stops it; nil: not started

	journal  *journal.Journal // nil: nothing is kept
	restarts *restart.Controller
	webhook  *webhook.Handler
	unwatch  func(deadline time.Time) // nil: not started

	limits     *limits
	explaining chan struct{} // holds one element for every explanation that is being made

	snapshot atomic.Pointer[Snapshot] // never nil after New
	targets  atomic.Pointer[targets]  // never nil after New
	ready    atomic.Bool

	reload sync.Mutex  // held while a new snapshot is built; protects the following
	seen   fingerprint // the files as they were at the last load
	broken error       // why the last load failed; nil: it did not

	servers   []*http.Server
	listeners []net.Listener
	serving   sync.WaitGroup
	failed    chan error // the first error of a server
	stop      func() error
}

// New loads the configuration and builds everything that can fail, but opens no socket.
func New(o Options) (*App, error) {
	if o.TimeoutOffset < 0 {
		return nil, fmt.Errorf("timeout offset is %s, want 0 or more", o.TimeoutOffset)
	}
	if o.HistoryLimit < 0 {
		return nil, fmt.Errorf("history limit is %d, want 0 or more", o.HistoryLimit)
	}
	if o.ProbeAllMax < 0 {
		return nil, fmt.Errorf("most targets of /probe/all is %d, want 1 or more", o.ProbeAllMax)
	}
	if o.ProbeAllMax == 0 {
		o.ProbeAllMax = 1000
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 25 * time.Second
	}
	prefix, err := routePrefix(o.ExternalURL, o.RoutePrefix)
	if err != nil {
		return nil, err
	}
	if err := web.Validate(*o.Web.WebConfigFile); err != nil {
		return nil, fmt.Errorf("reading the web configuration: %w", err)
	}
	a := &App{
		opts:    o,
		prefix:  prefix,
		log:     o.Logger,
		metrics: newMetrics(prometheus.NewRegistry()),
		history: history.New(o.HistoryLimit),
		failed:  make(chan error, 1),

		explaining: make(chan struct{}, maxExplaining),
	}
	a.limits = newLimits(o.Logger, a.metrics)
	a.inventory = inventory.NewKeeper(inventory.Options{
		Mask: prober.MaskURL, Offset: o.TimeoutOffset, Changed: a.inventoryChanged, Log: o.Logger,
	}, a.metrics.registry)
	a.restarts = restart.NewController(a.keepRestarts(), a.metrics.registry, o.Logger.With("component", "restart"))
	a.webhook = webhook.New(a.restarts, a.metrics.registry, o.Logger.With("component", "webhook"))
	a.stop = sync.OnceValue(a.shutdown)
	a.probes = newProbes(a.metrics, a.history, o.ProbeLogger)
	if err := a.apply(); err != nil {
		return nil, errors.Join(err, a.closeJournal())
	}
	return a, nil
}

// Run serves until ctx is done, reloads whenever hup receives, and stops gracefully. It returns nil after a
// clean stop.
func (a *App) Run(ctx context.Context, hup <-chan os.Signal) error {
	if err := a.Start(); err != nil { //nolint:contextcheck // what it starts ends with Stop
		return err
	}
	a.log.Info("Serving", "path", a.configName())
	err := a.loop(ctx, hup)
	return errors.Join(err, a.Stop())
}

func (a *App) loop(ctx context.Context, hup <-chan os.Signal) error {
	var tick <-chan time.Time
	if a.opts.AutoReload > 0 && a.opts.ConfigFile != "" {
		ticker := time.NewTicker(a.opts.AutoReload)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		// Reload logs and counts its own errors; the old configuration goes on serving.
		select {
		case <-hup:
			_ = a.Reload() //nolint:contextcheck // it takes a bounded time
		case <-tick:
			a.reloadChanged() //nolint:contextcheck // likewise
		case err := <-a.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// Start opens the listeners and serves in the background. After an error nothing is left open. An App that was
// stopped cannot be started again.
func (a *App) Start() error {
	if a.delegatesListening() {
		a.begin()
		a.serve(func(s *http.Server) error { return web.ListenAndServe(s, a.opts.Web, a.log) })
		return nil
	}
	for _, address := range *a.opts.Web.WebListenAddresses {
		l, err := net.Listen("tcp", address) //nolint:noctx // It does not wait for anything.
		if err != nil {
			a.closeListeners()
			a.listeners = nil
			return fmt.Errorf("listening: %w", err)
		}
		a.listeners = append(a.listeners, l)
	}
	a.begin() // before the first answer, which may be that of /-/ready
	for _, l := range a.listeners {
		a.serve(func(s *http.Server) error {
			return web.Serve(a.limits.connections.listen(l), s, a.opts.Web, a.limits.log)
		})
	}
	return nil
}

// begin is what Start does when nothing can fail any more.
func (a *App) begin() {
	a.unwatch = a.watch()
	a.unkeep = a.keep()
	a.ready.Store(true)
}

// delegatesListening tells whether only the toolkit can open the sockets: those of systemd and of a hypervisor.
func (a *App) delegatesListening() bool {
	w := a.opts.Web
	return w.WebSystemdSocket != nil && *w.WebSystemdSocket ||
		strings.Contains(strings.Join(*w.WebListenAddresses, " "), "vsock://")
}

// Stop ends the exporter in order: no longer ready, probes in flight finish, servers close. Probes that last
// longer than the drain timeout are cut off. It may be called more than once, and without Start.
func (a *App) Stop() error { return a.stop() }

func (a *App) shutdown() error {
	a.ready.Store(false)
	a.log.Info("Stopping, probes in flight may finish")
	ctx, cancel := context.WithTimeout(context.Background(), a.opts.DrainTimeout)
	defer cancel()
	var watching sync.WaitGroup // beside the probes: both have the same time
	if a.unwatch != nil {
		deadline, _ := ctx.Deadline()
		watching.Go(func() { a.unwatch(deadline) })
	}
	if a.unkeep != nil {
		a.unkeep()
	}
	if !a.probes.drain(ctx) {
		a.log.Warn("Probes still in flight are cut off")
	}
	var errs []error
	for _, s := range a.servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
		}
	}
	a.closeListeners()
	a.serving.Wait()
	watching.Wait()
	errs = append(errs, a.closeJournal())
	return errors.Join(errs...)
}

// closeListeners closes those that no server has closed, for example because it never came to serving.
func (a *App) closeListeners() {
	for _, l := range a.listeners {
		_ = l.Close() // all but the first time an error
	}
}

// Addr is the address of the first listener. It is nil before Start, and where the sockets come from elsewhere
// (systemd, vsock).
func (a *App) Addr() net.Addr {
	if len(a.listeners) == 0 {
		return nil
	}
	return a.listeners[0].Addr()
}
