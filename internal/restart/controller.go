// Package restart carries out what the policy decides about failing services, and verifies that it helped.
//
// The Controller feeds the policy of each service with the service's own probes and with alerts, does what it decides, and
// tells. Alerts only draw attention to a service; the evidence is always the controller's own probes.
package restart

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestLabel marks alerts that try out the way of an alert and must not restart anything.
const TestLabel = "healthcheck_test"

// A Controller keeps watch over the configured services, each in a goroutine of its own.
type Controller struct {
	log      *slog.Logger
	metrics  *metrics
	journal  Journal
	fleet    *fleet
	started  time.Time
	deciding sync.Mutex               // held while a service decides to restart, so that no two do at a time
	election atomic.Pointer[election] // nil: this exporter is the only one
	releases bucket                   // of brakes
	applied  chan Configuration       // holds the latest one that Run has not taken over yet

	mu    sync.RWMutex     // protects the following
	units map[string]*unit // by name
	names map[string]*unit // by the name of a target that is a check
	index map[string]*unit // by every URL that an alert may use for a check
	match []matcher        // those that are selected by other labels, in the order of the configuration
}

// A matcher selects a service by labels.
type matcher struct {
	labels map[string]string
	unit   *unit
}

func (m *matcher) selects(labels map[string]string) bool {
	for name, value := range m.labels {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// A Configuration is what is to be watched, and the numbers that do not belong to one service.
type Configuration struct {
	Services []Service
	Brake    policy.BrakeLimits
	// Elector says whether this exporter is the one that acts. nil: it is the only one.
	Elector Elector
}

// NewController makes a controller without services. Without a journal the states end with the exporter.
func NewController(j Journal, r prometheus.Registerer, log *slog.Logger) *Controller {
	if j == nil {
		j = &memory{states: map[string]policy.State{}}
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

// Ready tells whether Run has taken over a configuration. Until then no alert reaches a service.
func (c *Controller) Ready() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.units != nil
}

// Run watches until ctx is done, and returns when the last attempt has ended and the leadership is given up.
func (c *Controller) Run(ctx context.Context) {
	k := &keeper{Controller: c, watched: map[string]watched{}, leaving: map[string]watched{}}
	defer func() {
		k.running.Wait()
		k.election.Load().end()
	}()
	for {
		select {
		case cfg := <-c.applied:
			k.reconcile(ctx, cfg)
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
	unit  *unit
	start func() // starts its goroutine
	stop  context.CancelFunc
	done  chan struct{} // closed at its end
}

func (k *keeper) reconcile(ctx context.Context, cfg Configuration) {
	k.fleet.limit(cfg.Brake)
	k.elect(ctx, cfg.Elector)
	before := k.watched
	k.watched = map[string]watched{}
	units, names, index := map[string]*unit{}, map[string]*unit{}, map[string]*unit{}
	masked := map[string][]*unit{} // by the URL as Prometheus discovers it
	var match []matcher
	var starting []watched // when all are known: none must act before the attempts of the others are known
	for _, s := range cfg.Services {
		w, ok := before[s.Name]
		if ok {
			w.unit.define(s)
		} else {
			w = k.know(ctx, s)
			starting = append(starting, w)
		}
		k.watched[s.Name], units[s.Name] = w, w.unit
		if len(s.Match) > 0 {
			match = append(match, matcher{s.Match, w.unit})
			continue
		}
		for _, check := range s.Checks {
			index[key(check.Target)] = w.unit
			masked[key(check.Name)] = append(masked[key(check.Name)], w.unit)
			if check.Inventory != "" {
				names[check.Inventory] = w.unit
			}
		}
	}
	for name, units := range masked {
		if index[name] == nil && len(units) == 1 { // two services may look the same without their secrets
			index[name] = units[0]
		}
	}
	delete(index, "")
	k.mu.Lock()
	k.units, k.names, k.index, k.match = units, names, index, match // from here on no alert reaches what is no longer configured
	k.mu.Unlock()
	for _, w := range starting {
		w.start()
	}
	for name, w := range before {
		if _, ok := k.watched[name]; !ok {
			k.leaving[name] = w
			w.stop()
		}
	}
}

// know makes a unit. One of the same name that is leaving finishes its attempt first: there are never two at a time.
func (k *keeper) know(ctx context.Context, s Service) watched {
	unitCtx, stop := context.WithCancel(ctx)
	w := watched{unit: newUnit(k.Controller, s), stop: stop, done: make(chan struct{})}
	last, leaving := k.leaving[s.Name]
	delete(k.leaving, s.Name)
	if !leaving {
		w.unit.begin()
	}
	w.start = func() {
		k.running.Go(func() {
			defer close(w.done)
			if leaving {
				<-last.done
				w.unit.begin()
			}
			w.unit.run(unitCtx)
			if ctx.Err() == nil { // it alone was stopped
				k.fleet.leave(s.Name)
				k.metrics.forget(s.Name)
				k.metrics.brake(k.fleet.brakes(time.Now()))
			}
		})
	}
	return w
}

// begin makes the unit known and gives it the state that it had.
func (u *unit) begin() {
	u.mu.Lock()
	u.join()
	u.metrics.show(&u.service, &u.state, time.Now())
	u.mu.Unlock()
	u.load()
}

// define hands a new definition to the unit; one that it has not looked at yet is replaced.
func (u *unit) define(s Service) {
	select {
	case <-u.definitions:
	default:
	}
	u.definitions <- s
}

// Handle passes an alert on to the services that its labels select and returns at once: those whose Match it has, or else
// the one of which the label target names a check, or else instance. It tells whether there is one. No label
// goes any further. An error says that what the alert changed could not be persisted: it has to be sent again.
func (c *Controller) Handle(labels map[string]string, a policy.Alert) (selected bool, err error) {
	a.Key = policy.AlertKey(labels)
	for _, u := range c.find(labels) {
		selected = true
		switch test := labels[TestLabel] == "true"; {
		case test && a.Resolved:
		case test:
			u.noteTest()
		default:
			_, failed := u.apply(policy.Event{Told: &a})
			err = errors.Join(err, failed)
			u.wake()
		}
	}
	return selected, err
}

// testLogEvery is how often a test alert is logged.
const testLogEvery = time.Second

// noteTest notes that a test alert came.
func (u *unit) noteTest() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.testLogged.IsZero() || now.Sub(u.testLogged) >= testLogEvery {
		u.testLogged = now
		u.log.Info("Received test alert")
	}
	u.tested = now
}

// wake makes the next round of checks come soon.
func (u *unit) wake() {
	select {
	case u.woken <- struct{}{}:
	default: // it is about to
	}
}

func (c *Controller) find(labels map[string]string) []*unit {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var found []*unit
	for _, m := range c.match {
		if m.selects(labels) {
			found = append(found, m.unit)
		}
	}
	if len(found) > 0 {
		return found
	}
	if u := c.names[labels["target"]]; u != nil {
		return []*unit{u}
	}
	for _, name := range []string{labels["target"], labels["instance"]} {
		if u := c.index[key(name)]; u != nil {
			return []*unit{u}
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
