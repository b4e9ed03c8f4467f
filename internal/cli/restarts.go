package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// RestartsOptions are the arguments of the restarts commands that ask a running exporter.
type RestartsOptions struct {
	Exporter
	Service  string
	Scope    string        // of a brake
	Duration time.Duration // of a pause
	Who      string        // empty: the name of the basic authentication, or else the user of the operating system
	Reason   string
	Format   string // "text" or "json"
}

// order is the JSON of an order.
type order struct {
	Duration string `json:"duration,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Who      string `json:"who,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// ListRestarts lists the services of a running exporter on out. It returns the exit status, as do the others.
func ListRestarts(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	var all policy.Explanations
	status := o.ask(ctx, out, errOut, func(c *connection) question {
		return question{url: c.at("api/v1/restarts"), answer: &all}
	})
	if status == ExitSuccess && o.Format != formatJSON {
		writeServices(out, all.Services, time.Local)
	}
	return status
}

// ExplainRestart says on out what every guard of a service says, and what follows.
func ExplainRestart(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	var e policy.Explanation
	status := o.ask(ctx, out, errOut, func(c *connection) question {
		return question{url: o.at(c, "explain"), answer: &e}
	})
	if status == ExitSuccess && o.Format != formatJSON {
		writeExplanation(out, &e, time.Local)
	}
	return status
}

// PauseRestarts keeps a service from being restarted for a while.
func PauseRestarts(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	if o.Duration <= 0 || o.Duration > policy.MaxPause {
		fmt.Fprintf(errOut, "--duration is %s, want more than 0 and at most %s\n", o.Duration, policy.MaxPause)
		return ExitUsage
	}
	return o.give(ctx, out, errOut, "pause", func(e *policy.Explanation) string {
		text := fmt.Sprintf("Paused %s until %s.", e.Service, clock(e.Pause.Until, e.Time, time.Local))
		if e.Phase == policy.PhaseExecuting || e.Phase == policy.PhaseVerifying {
			text += " A restart is under way; that goes on."
		}
		return text
	})
}

// ResumeRestarts ends a pause.
func ResumeRestarts(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	return o.give(ctx, out, errOut, "resume", func(e *policy.Explanation) string {
		return e.Service + " is not paused."
	})
}

// UnlockRestarts ends a lock-out.
func UnlockRestarts(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	return o.give(ctx, out, errOut, "unlock", func(e *policy.Explanation) string {
		return e.Service + " is not locked out."
	})
}

// RequestRestart demands a restart of a service as an alert does, and says what holds it.
func RequestRestart(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	return o.give(ctx, out, errOut, "request", func(e *policy.Explanation) string {
		return "Requested for " + e.Service + ": " + verdict(e, time.Local)
	})
}

// ReleaseBrake takes the mass brake of a scope off.
func ReleaseBrake(ctx context.Context, out, errOut io.Writer, o RestartsOptions) int {
	var answer policy.Release
	status := o.ask(ctx, out, errOut, func(c *connection) question {
		return question{url: c.at("api/v1/restarts-brake/release"), order: o.ordered(c), answer: &answer}
	})
	switch {
	case status != ExitSuccess || o.Format == formatJSON:
	case answer.Released:
		say(out, "The brake of %s is released for what fails now.", answer.Scope)
	default:
		say(out, "The brake of %s is not on.", answer.Scope)
	}
	return status
}

// ordered is the order that o says.
func (o *RestartsOptions) ordered(c *connection) order {
	ordered := order{Who: o.Who, Reason: o.Reason, Scope: o.Scope}
	if o.Duration > 0 {
		ordered.Duration = o.Duration.String()
	}
	if ordered.Who == "" && !c.named {
		ordered.Who = systemUser()
	}
	return ordered
}

// give gives an order; what holds then is said by done.
func (o *RestartsOptions) give(ctx context.Context, out, errOut io.Writer, verb string, done func(*policy.Explanation) string) int {
	var answer policy.Ordered
	status := o.ask(ctx, out, errOut, func(c *connection) question {
		return question{url: o.at(c, verb), order: o.ordered(c), answer: &answer}
	})
	if status != ExitSuccess || o.Format == formatJSON {
		return status
	}
	say(out, "%s", done(&answer.Explanation))
	if answer.Warning != "" {
		say(errOut, "warning: %s", answer.Warning)
	}
	return ExitSuccess
}

// at is where the service is asked for.
func (o *RestartsOptions) at(c *connection, verb string) *url.URL {
	return c.at("api/v1/restarts", url.PathEscape(o.Service), verb)
}

func (o *RestartsOptions) ask(ctx context.Context, out, errOut io.Writer, about func(*connection) question) int {
	c, err := o.connect("restarts")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer c.close()
	q := about(c)
	q.format = o.Format
	return c.show(ctx, out, errOut, q)
}
