package restart

import (
	"context"
	"log/slog"
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
	var running sync.WaitGroup
	defer running.Wait()
	watched := map[string]watched{}
	for {
		select {
		case services := <-c.applied:
			watched = c.reconcile(ctx, &running, watched, services)
		case <-ctx.Done():
			return
		}
	}
}

// watched is a unit that runs.
type watched struct {
	unit *unit
	stop context.CancelFunc
}

func (c *Controller) reconcile(ctx context.Context, running *sync.WaitGroup, before map[string]watched, services []Service) map[string]watched {
	after, index := map[string]watched{}, map[string]*unit{}
	for _, s := range services {
		w, ok := before[s.Name]
		if ok {
			w.unit.define(s)
		} else {
			w.unit = newUnit(s, c.log, c.metrics)
			var unitCtx context.Context
			unitCtx, w.stop = context.WithCancel(ctx)
			running.Go(func() { w.unit.run(unitCtx) })
		}
		after[s.Name] = w
		for _, check := range s.Checks {
			index[key(check.Target)] = w.unit
		}
	}
	for name, w := range before {
		if _, ok := after[name]; !ok {
			w.stop()
			c.metrics.forget(name)
		}
	}
	c.mu.Lock()
	c.index = index
	c.mu.Unlock()
	return after
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
	u, err := prober.ParseTarget(target)
	if err != nil {
		return target
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}
