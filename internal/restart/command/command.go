// Package command restarts a service by running a command.
package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// exitRefused is the exit status of a command that will not restart its service now (EX_TEMPFAIL of sysexits.h).
const exitRefused = 75

// maxOutput is how much of the command's output an error quotes, in bytes.
const maxOutput = 2 << 10

// A Backend runs one command.
type Backend struct{ program Program }

// New makes a back-end from a checked configuration. The program gets HEALTHCHECK_ATTEMPT_ID and a PATH besides its
// environment.
func New(p Program) *Backend { return &Backend{program: p} }

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "command" }

// Inspect implements restart.Backend: a command says nothing about the service, which is verified by probes alone.
func (*Backend) Inspect(context.Context) (restart.Status, error) { return restart.Status{}, nil }

// Restart runs the command once. It succeeds if the command exits with 0 within ctx; with 75 it is refused.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	p := b.program
	p.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HEALTHCHECK_ATTEMPT_ID=" + a.ID}, p.Env...)
	output, err := p.Run(ctx)
	if output != "" {
		output = fmt.Sprintf(": %q", lastOf(output, maxOutput))
	}
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == exitRefused && ctx.Err() == nil:
		return fmt.Errorf("%w: %w%s", restart.ErrRefused, err, output)
	default:
		return fmt.Errorf("%w%s", err, output)
	}
}
