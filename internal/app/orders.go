package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/webhook"
)

// door lets in who may send alerts, as long as the configuration has something to restart.
func (a *App) door() (auth access.Authenticator, status int, err error) {
	return a.doorOf(a.current.Load())
}

// doorOf is door by one configuration, for those who judge by more of it: a load may come in between.
func (a *App) doorOf(c *current) (auth access.Authenticator, status int, err error) {
	r := c.Config.Restart
	switch {
	case !a.ready.Load():
		return auth, http.StatusServiceUnavailable, errors.New("the exporter is stopping") // Alertmanager tries again
	case r == nil:
		return auth, http.StatusNotFound, errors.New("the configuration has no restart section: nothing can be restarted")
	case r.Receiver == config.Receiver{}:
		return auth, http.StatusForbidden, errors.New("no restart.receiver is configured: nobody may send alerts, and only users of access.users may ask about restarts or give orders")
	default:
		return access.OfReceiver(&r.Receiver), http.StatusOK, nil
	}
}

// intake is the door for alerts. It opens once the services are known: what is acknowledged before would reach nobody, and
// come again in hours.
func (a *App) intake() (auth access.Authenticator, status int, err error) {
	if auth, status, err = a.door(); err == nil && !a.restarts.Ready() {
		return auth, http.StatusServiceUnavailable, errors.New("the exporter is starting")
	}
	return auth, status, err
}

// newOperators lets operators ask and order the controller.
func (a *App) newOperators() *api.Operators {
	return api.NewOperators(orders{a.restarts}, a.admitOperator, func() { a.metrics.refuse(refusedOperator) }, a.limits.log)
}

// newWebhook takes the alerts for the controller.
func (a *App) newWebhook(r prometheus.Registerer) *webhook.Handler {
	return webhook.New(webhook.Options{
		Receiver: a.restarts, Door: a.intake, Refused: func() { a.metrics.refuse(refusedDelivery) },
		Registerer: r, Log: a.log.With("component", "webhook"),
	})
}

// orders are the Controller as the API wants it.
type orders struct{ *restart.Controller }

// Services implements api.Restarts.
func (o orders) Services() any {
	all := policy.Explanations{Services: o.Controller.Services()}
	for i := range all.Services {
		all.Services[i].Guards = nil
	}
	return all
}

// Service implements api.Restarts.
func (o orders) Service(name string) (any, error) {
	e, err := o.Controller.Service(name)
	e.Guards = nil
	return e, problem(err)
}

// Explain implements api.Restarts.
func (o orders) Explain(ctx context.Context, name string) (any, error) {
	e, err := o.Controller.Explain(ctx, name)
	return e, problem(err)
}

// Pause implements api.Restarts.
func (o orders) Pause(name string, until time.Time, by api.Operator) (any, error) {
	return o.ordered(name, o.Controller.Pause(name, policy.Pause{Until: until, Who: by.Who, Reason: by.Reason, SaidBy: by.SaidBy}))
}

// Resume implements api.Restarts.
func (o orders) Resume(name string, by api.Operator) (any, error) {
	return o.ordered(name, o.Controller.Resume(name, policy.Operator(by)))
}

// Unlock implements api.Restarts.
func (o orders) Unlock(name string, by api.Operator) (any, error) {
	return o.ordered(name, o.Controller.Unlock(name, policy.Operator(by)))
}

// Request implements api.Restarts. The answer has the guards, too: they say what holds the restart.
func (o orders) Request(name string, by api.Operator) (any, error) {
	return o.judged(name, o.Controller.Request(name, policy.Operator(by)))
}

// ReleaseBrake implements api.Restarts.
func (o orders) ReleaseBrake(scope string, by api.Operator) (any, error) {
	released, err := o.Controller.ReleaseBrake(scope, policy.Operator(by))
	return policy.Release{Scope: scope, Released: released}, problem(err)
}

// ordered is the answer to an order: the service as it is then.
func (o orders) ordered(name string, err error) (any, error) {
	answer, err := o.judged(name, err)
	answer.Guards = nil
	return answer, err
}

// judged is the answer to an order, with what every guard says. An order that holds and could not be persisted is carried
// out: the answer says so, and that it may not last.
func (o orders) judged(name string, err error) (policy.Ordered, error) {
	var warning string
	if errors.Is(err, restart.ErrNotPersisted) {
		warning, err = err.Error(), nil
	}
	if err != nil {
		return policy.Ordered{}, problem(err)
	}
	e, err := o.Controller.Service(name)
	return policy.Ordered{Explanation: e, Warning: warning}, problem(err)
}

// problem gives an error of the Controller its status. The others may be gone later: the state cannot be loaded, the service
// is being taken away, there is no time.
func problem(err error) error {
	switch {
	case errors.Is(err, restart.ErrUnknownService):
		return &api.StatusError{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, restart.ErrInvalid):
		return &api.StatusError{Status: http.StatusBadRequest, Err: err}
	case errors.Is(err, restart.ErrTooMany):
		return &api.StatusError{Status: http.StatusTooManyRequests, RetryAfter: restart.RetryAfter, Err: err}
	default:
		return err
	}
}

// restarting returns the phases of restarts that are under way, by the names of the targets that the services check.
func (a *App) restarting() map[string]string {
	return phasesOfTargets(a.restarts.InFlight(), a.current.Load().Restarts.Services)
}

func phasesOfTargets(phases map[string]policy.Phase, services []restart.Service) map[string]string {
	all := map[string]string{}
	if len(phases) == 0 {
		return all
	}
	for i := range services {
		for _, c := range services[i].Checks {
			if p, ok := phases[services[i].Name]; ok && c.Inventory != "" {
				all[c.Inventory] = string(p)
			}
		}
	}
	return all
}
