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
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/page"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/webhook"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Options are what the command line decides.
type Options struct {
	// ConfigFile is the path of the configuration. Empty: the embedded default configuration.
	ConfigFile string
	// IgnoreForeignModules leaves out modules of probers that only blackbox_exporter has.
	IgnoreForeignModules bool
	// AutoReload is how often the configuration and the files it names are looked at for changes. 0: never.
	AutoReload time.Duration
	// TimeoutOffset is subtracted from the scrape timeout; see collector.Timeout.
	TimeoutOffset time.Duration
	// ProbeAllMax is how many targets one scrape of /probe/all may have. 0: 1000.
	ProbeAllMax int
	// HistoryLimit is how many results, and how many failures besides, are kept for /probes and /logs.
	HistoryLimit int
	// StoragePath is the directory of what is kept of targets and restarts; it is used only if the configuration has any. Empty:
	// that is forgotten at the end.
	StoragePath string
	// PageViewers is how many browsers may be told at a time what changes on the page. 0: none.
	PageViewers int
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
	lifecycle

	opts    Options
	made    time.Time
	prefix  string // "" or "/prefix"
	log     *slog.Logger
	metrics *metrics
	history *history.History
	probes  *probes
	status  *status.Tracker
	gate    *gate // through which probes pass
	pages   *page.Pages

	memory     *status.Memory
	selfProber *status.SelfProber

	inventory *inventory.Keeper
	managed   *managed.Registry
	probeNow  *probeNow

	channels      *channels.Editor
	channelTests  *channels.Tests
	silences      *channels.Silences
	alertmanagers alertmanagers

	journal   *journal.Journal // nil: nothing is kept
	restarts  *restart.Controller
	webhook   *webhook.Handler
	operators *api.Operators

	limits    *limits
	passwords *access.Passwords // nil: there are none
	stays     stays

	current atomic.Pointer[current] // never nil after New
	ready   atomic.Bool

	discovered moment // when somebody asked for /sd

	broken atomic.Pointer[error] // see whyBroken

	loadEvery time.Duration // see the constant; a test has no time

	// The following are protected by the mutex of the lifecycle.
	next   *load       // the load that has not begun yet; nil: nobody asks for one
	loaded time.Time   // when the last load began
	seen   fingerprint // the files as they were then
	warned []string    // what it warned of
	// users who can never log in, as the last load said
	stranded []string

	servers servers

	public        net.Listener // nil: nothing is public
	publicAddress string       // as it was configured then
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
	if o.PageViewers < 0 {
		return nil, fmt.Errorf("most viewers of the page is %d, want 0 or more", o.PageViewers)
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
		made:    time.Now(),
		prefix:  prefix,
		log:     o.Logger,
		metrics: newMetrics(prometheus.NewRegistry()),
		history: history.New(o.HistoryLimit),
		status:  status.NewTracker(),
		gate:    newGate(),
		servers: servers{failed: make(chan error, 1)},

		lifecycle: newLifecycle(), loadEvery: loadEvery,
	}
	a.limits, a.passwords = newLimits(o.Logger, a.metrics), passwords(*o.Web.WebConfigFile)
	a.managed = a.newManaged()
	a.newChannels()
	a.inventory = inventory.NewKeeper(inventory.Options{
		Mask: prober.MaskURL, Offset: o.TimeoutOffset, Supplier: a.managed, Overlays: a.managed, Log: o.Logger,
	}, a.metrics.registry)
	a.restarts = restart.NewController(a.keepRestarts(), a.metrics.registry, o.Logger.With("component", "restart"))
	a.operators = a.newOperators()
	a.webhook = a.newWebhook(a.metrics.registry)
	a.probes = &probes{metrics: a.metrics, history: a.history, status: a.status, observed: a.managed.Observe, log: o.ProbeLogger}
	a.probeNow = newProbeNow(func(name string) (collector.Target, bool) { return a.current.Load().targets.named(name) }, a.probes.beginOwn, a.gate)
	a.pages = a.newPages()
	a.metrics.registry.MustRegister(staleCollector{a.stale})
	a.memory, a.selfProber = a.newMemory(), a.newSelfProber()
	a.onStop("the journal", a.closeJournal)
	a.onStop("what people edit", a.closeManaged)
	a.onStop("the channels", a.closeChannels)
	if err := a.apply(); err != nil {
		return nil, errors.Join(err, a.unwind(context.Background()))
	}
	a.memory.Load()
	a.forgetGone(a.currentInventory()) // those that were taken out while the exporter did not run
	return a, nil
}

// Run serves until ctx is done, reloads whenever hup receives, and stops gracefully. It returns nil after a
// clean stop. However it ends, the App is stopped.
func (a *App) Run(ctx context.Context, hup <-chan os.Signal) error {
	err := a.Start() //nolint:contextcheck // what it starts ends with Stop
	if err == nil {
		a.log.Info("Serving", "path", a.configName())
		err = a.loop(ctx, hup)
	}
	return errors.Join(err, a.Stop()) //nolint:contextcheck // it takes a bounded time, which begins when ctx is done
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
		case err := <-a.servers.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// Start opens the listeners and serves in the background. After an error nothing that it opened is left open; an App that
// is not needed any more has to be stopped all the same. After Stop it returns ErrStopped, the second time ErrStarted.
func (a *App) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.stage {
	case stageStarted:
		return ErrStarted
	case stageStopped:
		return ErrStopped
	case stageBuilt:
	}
	if a.delegatesListening() {
		if err := a.listenPublic(); err != nil {
			return err
		}
		a.begin()
		a.servePublic()
		a.servers.serve(a.server(), func(s *http.Server) error { return web.ListenAndServe(s, a.opts.Web, a.log) })
		return nil
	}
	if err := a.servers.listen(*a.opts.Web.WebListenAddresses); err != nil {
		return err
	}
	a.onStop("the listeners", func(context.Context) error { a.servers.closeListeners(); return nil })
	if err := a.listenPublic(); err != nil {
		a.servers.closeListeners()
		a.servers.listeners = nil
		return err
	}
	a.begin() // before the first answer, which may be that of /-/ready
	a.servePublic()
	for _, l := range a.servers.listeners {
		a.servers.serve(a.server(), func(s *http.Server) error {
			return web.Serve(a.limits.connections.listen(l), s, a.opts.Web, a.limits.log)
		})
	}
	return nil
}

// begin is what Start does when nothing can fail any more. What ends is in the opposite order: no longer ready, no viewer, no new
// attempt, no probe by the exporter itself, nobody looks after Alertmanagers, probes in flight finish, servers close, and with them
// a change of a channel under way ends, what is known is kept, tests of channels end their alerts, an attempt under way may end,
// which has as much time as the probes. Viewers go first: their requests end only with them, and servers wait for all
// requests; besides, their browsers may find another exporter behind the same address meanwhile.
func (a *App) begin() {
	a.stage = stageStarted
	endWatch := a.watch()
	a.background("what is known of targets", a.memory.Run)
	a.onStop("the servers", a.servers.shutdown)
	a.onStop("the probes", a.drainProbes)
	a.background("the inventory", a.inventory.Run)
	a.background("the Alertmanagers", a.channels.Run)
	a.background("the own probes", a.selfProber.Run)
	a.onStop("the watch", endWatch)
	a.onStop("the viewers", a.pages.Live.Close)
	a.onStop("the readiness", func(context.Context) error { a.ready.Store(false); return nil })
	a.ready.Store(true)
}

// background runs something until the end.
func (a *App) background(name string, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	a.onStop(name, func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

// delegatesListening reports whether only the toolkit can open the sockets: those of systemd and of a hypervisor.
func (a *App) delegatesListening() bool {
	w := a.opts.Web
	return w.WebSystemdSocket != nil && *w.WebSystemdSocket ||
		strings.Contains(strings.Join(*w.WebListenAddresses, " "), "vsock://")
}

// Stop ends the exporter in order; see begin. Probes that last longer than the drain timeout are cut off. It may be called
// more than once, at the same time as anything else, and without Start. Each call returns when all has ended.
func (a *App) Stop() error {
	if !a.end() {
		<-a.stopped
		return a.err
	}
	a.log.Info("Stopping, probes in flight may finish")
	ctx, cancel := context.WithTimeout(context.Background(), a.opts.DrainTimeout)
	defer cancel()
	a.err = a.unwind(ctx)
	close(a.stopped)
	return a.err
}

func (a *App) drainProbes(ctx context.Context) error {
	if !a.gate.close(ctx) {
		a.log.Warn("Probes still in flight are cut off")
	}
	return nil
}

// Addr is the address of the first listener. It is nil before Start, and where the sockets come from elsewhere
// (systemd, vsock).
func (a *App) Addr() net.Addr {
	if len(a.servers.listeners) == 0 {
		return nil
	}
	return a.servers.listeners[0].Addr()
}
