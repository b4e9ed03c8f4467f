package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A Program says what to run.
type Program struct {
	// Argv is the program, by absolute path, and its arguments. There is no shell and nothing is substituted.
	Argv []string
	// Env is the whole environment, as NAME=value. The program does not get the exporter's own.
	Env []string
	// Dir is the working directory. Empty: /.
	Dir string
	// User is the user whose rights the program gets. nil: those of the exporter.
	User *User
	// Secrets are masked wherever they are in the output.
	Secrets []string
	// Stdout gets the program's standard output, which is then not part of the output that Run returns. nil: it is part of
	// that output.
	Stdout io.Writer
}

// A User is a user and its only group, by number.
type User struct{ UID, GID uint32 }

// killDelay is how long the program has to end by itself after SIGTERM.
const killDelay = 5 * time.Second

// Run runs the program once. It succeeds if the program exits with 0 before ctx ends. When ctx ends, the whole process group
// of the program is told to stop. What is left of the group is killed when the program has ended, or killDelay later. The
// output is at most the last 64 KiB of what the program wrote.
func (p *Program) Run(ctx context.Context) (output string, err error) {
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	cmd.Env, cmd.Dir = p.Env, p.Dir
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be the exporter's own
	}
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	stopped := ownGroup(cmd, p.User)
	cmd.WaitDelay = killDelay
	written, w, err := piped()
	if err != nil {
		return "", fmt.Errorf("running %q: %w", p.Argv[0], err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if p.Stdout != nil {
		cmd.Stdout = p.Stdout
	}
	err = cmd.Start()
	_ = w.Close()
	if err == nil {
		err = cmd.Wait()
	}
	if stopped.Load() {
		killGroup(cmd)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = fmt.Errorf("running %q: it did not end in time: %w", p.Argv[0], err)
	default:
		err = fmt.Errorf("running %q: %w", p.Argv[0], err)
	}
	return written.text(p.Secrets), err
}

// RunApart is like Run, but returns the two outputs apart, at most the last 64 KiB of each. It does not use Stdout.
func (p *Program) RunApart(ctx context.Context) (stdout, stderr string, err error) {
	written, w, err := piped()
	if err != nil {
		return "", "", fmt.Errorf("running %q: %w", p.Argv[0], err)
	}
	apart := *p
	apart.Stdout = w // a file, which the program gets directly
	stderr, err = apart.Run(ctx)
	_ = w.Close()
	return written.text(p.Secrets), stderr, err
}

// piped returns a pipe for a program's output. The pipe is read to its end, however late that is: the program may start a
// service that keeps the pipe as its own output, and writing to a pipe that nobody reads would kill it. The caller closes w.
func piped() (written *tail, w *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	written = &tail{ended: make(chan struct{})}
	go func() {
		defer close(written.ended)
		_, _ = io.Copy(written, r)
		_ = r.Close()
	}()
	return written, w, nil
}
