package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
)

// outageTime is the longest outage, from the failure to the message that it is over.
const outageTime = 45 * time.Second

// The steps of an outage, in the usual order.
const (
	StepDown      = "Slack: down"
	StepWebhook   = "webhook"
	StepRestart   = "restart"
	StepVerified  = "verified"
	StepRecovered = "Slack: recovered"
)

// Steps are all steps of an outage.
func Steps() []string {
	return []string{StepDown, StepWebhook, StepRestart, StepVerified, StepRecovered}
}

// An Outage records how an app failed and was repaired.
type Outage struct {
	Began time.Time
	// After is the time from the failure to each step.
	After map[string]time.Duration
	// Down and Recovered are the messages to Slack.
	Down, Recovered fakeslack.Message
}

// Outage breaks the app and waits until Slack has the message that it has recovered. Unless seen is nil it is called at each step.
func (s *Stack) Outage(ctx context.Context, app *App, how string, seen func(step string, after time.Duration)) (*Outage, error) {
	messages, deliveries, restarts := len(s.Told()), len(s.Tap.Firing(app.Target)), len(app.Restarts())
	recovered := Labels{"service": app.Name, "outcome": "recovered"}
	before, err := s.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	o := &Outage{After: map[string]time.Duration{}}
	if o.Began, err = app.Break(ctx, how); err != nil {
		return nil, err
	}
	look := map[string]func(context.Context) (time.Time, error){
		StepWebhook: func(context.Context) (time.Time, error) {
			for _, d := range s.Tap.Firing(app.Target)[deliveries:] {
				return d.At, nil
			}
			return time.Time{}, nil
		},
		StepDown: func(context.Context) (time.Time, error) {
			o.Down = firstMessage(s.Told()[messages:], true)
			return o.Down.At, nil
		},
		StepRestart: func(context.Context) (time.Time, error) {
			for _, at := range app.Restarts()[restarts:] {
				return at, nil
			}
			return time.Time{}, nil
		},
		StepVerified: func(ctx context.Context) (time.Time, error) {
			now, err := s.Metrics(ctx)
			const name = "healthcheck_restart_attempts_total"
			if err != nil || now.Sum(name, recovered) <= before.Sum(name, recovered) {
				return time.Time{}, err
			}
			return time.Now(), nil
		},
		StepRecovered: func(context.Context) (time.Time, error) {
			o.Recovered = firstMessage(s.Told()[messages:], false)
			return o.Recovered.At, nil
		},
	}
	err = Until(ctx, outageTime, "the outage is over", func(ctx context.Context) (bool, error) {
		return o.look(ctx, look, seen)
	})
	if err != nil {
		err = fmt.Errorf("%w; seen so far: %v", err, o.After)
	}
	return o, err
}

// look looks once at every step that has not been seen yet. It reports whether all of them have been.
func (o *Outage) look(ctx context.Context, look map[string]func(context.Context) (time.Time, error), seen func(string, time.Duration)) (bool, error) {
	for _, step := range Steps() {
		if _, done := o.After[step]; done {
			continue
		}
		at, err := look[step](ctx)
		if err != nil {
			return false, err
		}
		if at.IsZero() {
			continue
		}
		o.After[step] = at.Sub(o.Began)
		if seen != nil {
			seen(step, o.After[step])
		}
	}
	return len(o.After) == len(look), nil
}

func firstMessage(messages []fakeslack.Message, firing bool) fakeslack.Message {
	for _, m := range messages {
		if m.Firing() == firing {
			return m
		}
	}
	return fakeslack.Message{}
}
