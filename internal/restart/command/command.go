// Package command restarts a service by running a command.
package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
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
// is told to stop, and what is left of it is made to when the command has ended, or killDelay later.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	cmd := exec.CommandContext(ctx, b.cfg.Argv[0], b.cfg.Argv[1:]...)
	cmd.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HEALTHCHECK_ATTEMPT_ID=" + a.ID}, b.cfg.Env...)
	cmd.Dir = b.cfg.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	stopped := ownGroup(cmd)
	cmd.WaitDelay = killDelay
	output, err := start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if stopped.Load() {
		killGroup(cmd)
	}
	if err != nil {
		return fmt.Errorf("running %q: %w%s", b.cfg.Argv[0], err, output.text())
	}
	return nil
}

// start starts cmd with a pipe for its output that is read to its end, however late that is: the command may leave
// the service running with the pipe as its own output, and a pipe that nobody reads would kill it.
func start(cmd *exec.Cmd) (*capped, error) {
	output := &capped{ended: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		close(output.ended)
		return output, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	_ = w.Close()
	go func() {
		defer close(output.ended)
		_, _ = io.Copy(output, r)
		_ = r.Close()
	}()
	return output, err
}

// capped keeps the first bytes that are written to it.
type capped struct {
	mu    sync.Mutex // protects the following
	kept  bytes.Buffer
	ended chan struct{} // closed when nothing more will come
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Write(p[:min(len(p), maxOutput-c.kept.Len())])
	return len(p), nil
}

// outputDelay is how long the last words of a command that has ended may take to arrive.
const outputDelay = 200 * time.Millisecond

func (c *capped) text() string {
	select {
	case <-c.ended:
	case <-time.After(outputDelay):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := strings.TrimSpace(c.kept.String()); s != "" {
		return fmt.Sprintf(": %q", s)
	}
	return ""
}
