package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os/user"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// restartsOptions are the arguments of the restarts commands that ask a running exporter.
type restartsOptions struct {
	Exporter exporterOptions
	Service  string
	Scope    string        // of a brake
	Duration time.Duration // of a pause
	Who      string        // empty: the user of the basic authentication, or else of the operating system
	Reason   string
	Format   string // "text" or "json"
}

// addRestarts adds the group of commands by which operators control restarts.
func addRestarts(p *program) {
	group := p.Command("restarts", "Show what a running exporter may restart, and hold it back. Needs the credentials of the restart receiver.")
	add := func(name, help string, do func(context.Context, io.Writer, io.Writer, restartsOptions) int) restartsCommand {
		c := restartsCommand{CmdClause: group.Command(name, help), options: new(restartsOptions)}
		exporterFlags(c.CmdClause, &c.options.Exporter, &c.options.Format)
		p.does(c.CmdClause, func(ctx context.Context, out, errOut io.Writer) int { return do(ctx, out, errOut, *c.options) })
		return c
	}
	add("list", "List the services and what holds them back. Exit status: 0 success, 1 the exporter did not answer, 2 usage.", listRestarts)

	explain := add("explain", "Show what every guard of a service says, and when it would be restarted. Exit status: 0 the exporter answered, whether the service is held back or not, "+
		"1 it did not answer, or it has no such service, 2 usage.", explainRestart)
	explain.service()

	pause := add("pause", "Keep a service from being restarted for a while. Exit status: 0 it is paused, 1 the exporter refused or did not answer, 2 usage.", pauseRestarts)
	pause.service()
	pause.who()
	pause.Flag("duration", "How long, at most 24h.").Required().DurationVar(&pause.options.Duration)
	pause.reason("Why; others see it.").Required()

	resume := add("resume", "End the pause of a service. Exit status: 0 it is not paused, 1 the exporter refused or did not answer, 2 usage.", resumeRestarts)
	resume.service()
	resume.who()
	resume.reason("Why; others see it.")

	unlock := add("unlock", "End the lock-out of a service whose restarts did not help. Exit status: 0 it is not locked out, 1 the exporter refused or did not answer, 2 usage.", unlockRestarts)
	unlock.service()
	unlock.who()
	unlock.reason("What has changed; others see it.").Required()

	request := add("request", "Ask for a restart of a service, as an alert does. It happens once the checks confirm the failure and every guard agrees. "+
		"Exit status: 0 accepted, whether something holds it back or not, 1 the exporter refused or did not answer, 2 usage.", requestRestart)
	request.service()
	request.who()
	request.reason("Why; others see it.")

	release := add("release-brake", "Release the mass brake for what fails now. Exit status: 0 it is not on, 1 the exporter refused or did not answer, 2 usage.", releaseBrake)
	release.Arg("scope", "fleet, or group/NAME. Default: fleet.").StringVar(&release.options.Scope)
	release.who()
	release.reason("What has changed; others see it.").Required()

	addReplay(p, group)
}

// A restartsCommand is a command of the group that asks a running exporter.
type restartsCommand struct {
	*kingpin.CmdClause
	options *restartsOptions
}

func (c restartsCommand) service() {
	c.Arg("service", "Name of the service.").Required().StringVar(&c.options.Service)
}

func (c restartsCommand) who() {
	c.Flag("who", "Who gives the order. Default: the user of the basic authentication, or else of the operating system.").Envar("USER").StringVar(&c.options.Who)
}

func (c restartsCommand) reason(help string) *kingpin.FlagClause {
	f := c.Flag("reason", help)
	f.StringVar(&c.options.Reason)
	return f
}

// order is the JSON of an order.
type order struct {
	Duration string `json:"duration,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Who      string `json:"who,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// pauseRestarts keeps a service from being restarted for a while. It returns the exit status, like the other orders.
func pauseRestarts(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	if o.Duration <= 0 || o.Duration > policy.MaxPause {
		fmt.Fprintf(errOut, "--duration is %s, want more than 0 and at most %s\n", o.Duration, policy.MaxPause)
		return ExitUsage
	}
	return o.give(ctx, out, errOut, "pause", func(e *policy.Explanation) string {
		text := fmt.Sprintf("Paused %s until %s.", e.Service, clock(e.Pause.Until, e.Time, time.Local))
		if e.Phase == policy.PhaseExecuting || e.Phase == policy.PhaseVerifying {
			text += " A restart is under way and goes on."
		}
		return text
	})
}

// resumeRestarts ends a pause.
func resumeRestarts(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	return o.give(ctx, out, errOut, "resume", func(e *policy.Explanation) string {
		return e.Service + " is not paused."
	})
}

// unlockRestarts ends a lock-out.
func unlockRestarts(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	return o.give(ctx, out, errOut, "unlock", func(e *policy.Explanation) string {
		return e.Service + " is not locked out."
	})
}

// requestRestart demands a restart of a service, as an alert does, and says what holds it back.
func requestRestart(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	return o.give(ctx, out, errOut, "request", func(e *policy.Explanation) string {
		return "Requested for " + e.Service + ": " + verdict(e, time.Local)
	})
}

// releaseBrake releases the mass brake of a scope.
func releaseBrake(ctx context.Context, out, errOut io.Writer, o restartsOptions) int {
	var answer policy.Release
	status := o.ask(ctx, out, errOut, func(s *remote.Server) request {
		return request{path: "api/v1/restarts-brake/release", order: o.ordered(s), answer: &answer}
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

// ordered returns the order for these options.
func (o *restartsOptions) ordered(s *remote.Server) order {
	ordered := order{Who: o.Who, Reason: o.Reason, Scope: o.Scope}
	if o.Duration > 0 {
		ordered.Duration = o.Duration.String()
	}
	if ordered.Who == "" && !s.HasLogin() {
		ordered.Who = systemUser()
	}
	return ordered
}

// systemUser returns the user of this process. Empty: the operating system does not know a name.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// give gives an order. The text of done says what the order has changed.
func (o *restartsOptions) give(ctx context.Context, out, errOut io.Writer, verb string, done func(*policy.Explanation) string) int {
	var answer policy.Ordered
	status := o.ask(ctx, out, errOut, func(s *remote.Server) request {
		return request{path: o.path(verb), order: o.ordered(s), answer: &answer}
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

// path is the path of an endpoint of the service.
func (o *restartsOptions) path(verb string) string {
	return "api/v1/restarts/" + url.PathEscape(o.Service) + "/" + verb
}

func (o *restartsOptions) ask(ctx context.Context, out, errOut io.Writer, about func(*remote.Server) request) int {
	s, err := o.Exporter.connect("restarts")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	r := about(s)
	r.format = o.Format
	return r.send(ctx, s, out, errOut)
}
