// Package command restarts a service by running a command.
package command

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// Config says what to run.
type Config struct {
	// Argv is the program, by absolute path, and its arguments. There is no shell and nothing is substituted.
	Argv []string
	// Env is the whole environment, as NAME=value. The exporter's own does not reach the program.
	Env []string
	// Dir is the working directory. Empty: /.
	Dir string
}

// maxOutput is how much of the program's output is kept, in bytes.
const maxOutput = 2 << 10

// killDelay is how long the program has to end by itself after SIGTERM.
const killDelay = 5 * time.Second

// A Backend runs one command.
type Backend struct{ cfg Config }

// New makes a back-end of a checked configuration.
func New(cfg Config) *Backend { return &Backend{cfg: cfg} }

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "command" }

// Inspect implements restart.Backend: a command says nothing about the service, which is verified by probes alone.
func (*Backend) Inspect(context.Context) (restart.Status, error) { return restart.Status{}, nil }

// Restart runs the command once. It succeeds if the command exits with 0 within ctx; at its end the whole process group
// is told to stop, and a little later made to.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	cmd := exec.CommandContext(ctx, b.cfg.Argv[0], b.cfg.Argv[1:]...)
	cmd.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HEALTHCHECK_ATTEMPT_ID=" + a.ID}, b.cfg.Env...)
	cmd.Dir = b.cfg.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	var output capped
	cmd.Stdout, cmd.Stderr = &output, &output
	ownGroup(cmd)
	cmd.WaitDelay = killDelay
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		killGroup(cmd) // the program may have started others that ignored the request to stop
	}
	if err != nil {
		return fmt.Errorf("running %q: %w%s", b.cfg.Argv[0], err, output.text())
	}
	return nil
}

// capped keeps the first bytes that are written to it. The buffer is not embedded: its ReadFrom would keep all.
type capped struct{ kept bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), maxOutput-c.kept.Len())])
	return len(p), nil
}

func (c *capped) text() string {
	if s := strings.TrimSpace(c.kept.String()); s != "" {
		return fmt.Sprintf(": %q", s)
	}
	return ""
}
