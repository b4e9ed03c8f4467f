package restart

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestLabel marks alerts that try out the way of an alert and must not restart anything.
const TestLabel = "healthcheck_test"

// A Controller keeps watch over the configured services, each in a goroutine of its own.
type Controller struct {
	log     *slog.Logger
	metrics *metrics
	applied chan []Service // holds the latest configuration that Run has not taken over yet

	mu    sync.RWMutex     // protects the following
	index map[string]*unit // by every name that an alert may use
}

// NewController makes a controller without services.
func NewController(r prometheus.Registerer, log *slog.Logger) *Controller {
	return &Controller{log: log, metrics: newMetrics(r), applied: make(chan []Service, 1)}
}

// Apply makes services the ones to watch, now or as soon as Run is called. Those that were watched before keep their
// state; a changed definition is taken over when no attempt is under way.
func (c *Controller) Apply(services []Service) {
	select {
	case <-c.applied: // nobody has seen it
	default:
	}
	c.applied <- services
}

// Run watches until ctx is done, and returns when the last attempt has ended.
func (c *Controller) Run(ctx context.Context) {
	k := &keeper{Controller: c, watched: map[string]watched{}, leaving: map[string]watched{}}
	defer k.running.Wait()
	for {
		select {
		case services := <-c.applied:
			k.reconcile(ctx, services)
		case <-ctx.Done():
			return
		}
	}
}

// A keeper starts and stops units for Run.
type keeper struct {
	*Controller
	running sync.WaitGroup
	watched map[string]watched // by name
	leaving map[string]watched // no longer configured, and perhaps not at its end yet
}

// watched is a unit that runs.
type watched struct {
	unit *unit
	stop context.CancelFunc
	done chan struct{} // closed at its end
}

func (k *keeper) reconcile(ctx context.Context, services []Service) {
	before := k.watched
	k.watched = map[string]watched{}
	index := map[string]*unit{}
	for _, s := range services {
		w, ok := before[s.Name]
		if ok {
			w.unit.define(s)
		} else {
			w = k.watch(ctx, s)
		}
		k.watched[s.Name] = w
		for _, check := range s.Checks {
			index[key(check.Target)] = w.unit
		}
	}
	k.mu.Lock()
	k.index = index // from here on no alert reaches what is no longer configured
	k.mu.Unlock()
	for name, w := range before {
		if _, ok := k.watched[name]; !ok {
			k.leaving[name] = w
			w.stop()
		}
	}
}

// watch starts a unit. One of the same name that is leaving finishes its attempt first: there are never two at a time.
func (k *keeper) watch(ctx context.Context, s Service) watched {
	unitCtx, stop := context.WithCancel(ctx)
	w := watched{unit: newUnit(s, k.log, k.metrics), stop: stop, done: make(chan struct{})}
	last, leaving := k.leaving[s.Name]
	delete(k.leaving, s.Name)
	k.running.Go(func() {
		defer close(w.done)
		if leaving {
			<-last.done
		}
		w.unit.run(unitCtx)
		if ctx.Err() == nil { // it alone was stopped
			k.metrics.forget(s.Name)
		}
	})
	return w
}

// define hands a new definition to the unit; one that it has not looked at yet is replaced.
func (u *unit) define(s Service) {
	select {
	case <-u.definitions:
	default:
	}
	u.definitions <- s
}

// Handle passes an alert on to the service that its labels select and returns at once: by the label target if
// that names a check, else by instance. It tells whether there is such a service. No label goes any further.
func (c *Controller) Handle(labels map[string]string, firing bool) bool {
	u := c.find(labels)
	if u == nil {
		return false
	}
	switch {
	case !firing: // the service's own probes see whether it is well
	case labels[TestLabel] == "true":
		c.log.Info("Received test alert", "service", u.name)
	default:
		select {
		case u.alerts <- struct{}{}:
		default: // one is waiting already
		}
	}
	return true
}

func (c *Controller) find(labels map[string]string) *unit {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, name := range []string{labels["target"], labels["instance"]} {
		if u := c.index[key(name)]; u != nil {
			return u
		}
	}
	return nil
}

// key is the one way to write a target.
func key(target string) string {
	if target == "" {
		return ""
	}
	u, err := prober.ParseTarget(target, "http")
	if err != nil {
		u, err = prober.ParseTarget(target, "websocket")
	}
	if err != nil {
		return target
	}
	u.Host = strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}
