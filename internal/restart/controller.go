// Package restart carries out what the policy decides about failing services, and verifies that it helped.
//
// The Controller feeds the policy of each service with the service's own probes and with alerts, does what it decides, and
// tells. Alerts only draw attention to a service; the evidence is always the controller's own probes.
package restart

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// TestLabel marks alerts that try out the way of an alert and must not restart anything.
const TestLabel = "healthcheck_test"

// A Controller keeps watch over the configured services, each by a watcher in a goroutine of its own.
type Controller struct {
	log      *slog.Logger
	metrics  *metrics
	journal  Journal
	fleet    *fleet
	started  time.Time
	election atomic.Pointer[election] // nil: this exporter is the only one
	releases bucket                   // of brakes
	applied  chan Configuration       // holds the latest one that Run has not taken over yet

	mu       sync.RWMutex // protects the following
	selected *selection   // nil: Run has not taken over a configuration yet
}

// A Configuration says what to watch, and has the numbers that do not belong to one service.
type Configuration struct {
	Services []Service
	Brake    policy.BrakeLimits
	// Elector says whether this exporter is the one that acts. nil: it is the only one.
	Elector Elector
}

// NewController makes a controller without services. Without a journal the states end with the exporter.
func NewController(j Journal, r prometheus.Registerer, log *slog.Logger) *Controller {
	if j == nil {
		j = NewMemory()
	}
	c := &Controller{
		log: log, metrics: newMetrics(r), journal: j, fleet: newFleet(), started: time.Now(),
		applied: make(chan Configuration, 1),
	}
	r.MustRegister(c.leader())
	return c
}

// Apply makes a configuration the one to watch by, now or as soon as Run is called. Services that were watched before keep
// their state; a changed definition is taken over when no attempt is under way.
func (c *Controller) Apply(cfg Configuration) {
	select {
	case <-c.applied: // nobody has seen it
	default:
	}
	c.applied <- cfg
}

// Ready reports whether Run has taken over a configuration. Until then no alert reaches a service.
func (c *Controller) Ready() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.selected != nil
}

// InFlight returns the phases of the services whose restart is under way. It does not wait for a journal that is slow.
func (c *Controller) InFlight() map[string]policy.Phase {
	all := map[string]policy.Phase{}
	for name, w := range c.selection().services {
		if p := w.shown.Load(); p != nil && (*p == policy.PhaseExecuting || *p == policy.PhaseVerifying) {
			all[name] = *p
		}
	}
	return all
}

// Braked returns the scopes in which nothing is restarted, since too much fails at once, sorted.
func (c *Controller) Braked() []string {
	var all []string
	for scope, on := range c.fleet.brakes(time.Now()) {
		if on {
			all = append(all, scope)
		}
	}
	slices.Sort(all)
	return all
}

// Run watches until ctx is done, and returns when the last attempt has ended and the leadership is given up.
func (c *Controller) Run(ctx context.Context) {
	r := &reconciler{controller: c, watched: map[string]task{}, leaving: map[string]task{}}
	defer func() {
		r.running.Wait()
		c.election.Load().end()
	}()
	for {
		select {
		case cfg := <-c.applied:
			r.reconcile(ctx, cfg)
		case <-ctx.Done():
			return
		}
	}
}

// Handle passes an alert on to the services that its labels select and returns at once: those whose Match it has, or else
// the one whose check the label target names, or else the label instance. It reports whether there is one. No label
// goes any further. An error says that what the alert changed could not be persisted: it has to be sent again.
func (c *Controller) Handle(labels map[string]string, a policy.Alert) (selected bool, err error) {
	a.Key = policy.AlertKey(labels)
	for _, w := range c.find(labels) {
		selected = true
		switch test := labels[TestLabel] == "true"; {
		case test && a.Resolved:
		case test:
			w.noteTest()
		default:
			_, failed := w.feed(policy.Event{Told: &a})
			err = errors.Join(err, failed)
			w.wake()
		}
	}
	return selected, err
}
