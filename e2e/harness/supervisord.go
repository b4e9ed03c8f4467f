package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The user and password of a Supervisord.
const (
	SupervisordUser     = "healthcheck"
	SupervisordPassword = "not-a-real-password" //nolint:gosec // as it says
)

// supervisordConfig has a socket that only its owner can use, who also needs the password.
const supervisordConfig = `[unix_http_server]
file=%[1]s/s.sock
chmod=0700
username=%[2]s
password=%[3]s
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%[1]s/s.pid
childlogdir=%[1]s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%[1]s/s.sock
username=%[2]s
password=%[3]s
`

// A Supervisord is a separate supervisord with its own programs.
type Supervisord struct {
	// Socket is the path of its XML-RPC interface.
	Socket string

	dir     string
	process *process
}

// StartSupervisord starts a supervisord whose files are in dir, which must be a short path, with these sections for its programs.
// Call Stop unless there is an error. It needs root to make a namespace, so that no program outlives it.
func StartSupervisord(ctx context.Context, dir, programs string) (*Supervisord, error) {
	s := &Supervisord{dir: dir, Socket: filepath.Join(dir, "s.sock")}
	config := fmt.Sprintf(supervisordConfig, dir, SupervisordUser, SupervisordPassword) + programs
	if err := write(filepath.Join(dir, "s.conf"), config); err != nil {
		return nil, err
	}
	var err error
	s.process, err = start(ctx, dir, "supervisord", "unshare", "--pid", "--fork", "--kill-child", "supervisord", "-c", filepath.Join(dir, "s.conf"))
	if err != nil {
		return nil, err
	}
	err = s.process.up(ctx, func(ctx context.Context) error {
		_, err := s.Ctl(ctx, "pid")
		return err
	})
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends supervisord and all its programs.
func (s *Supervisord) Stop() { s.process.Kill() }

// Ctl runs supervisorctl, as a person does.
func (s *Supervisord) Ctl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "supervisorctl", append([]string{"-c", filepath.Join(s.dir, "s.conf")}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	out, err := cmd.CombinedOutput()
	// The exit status is 3 if the output has a process that does not run.
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 3 && args[0] == "status" {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("running %q: %w: %s", cmd.Args, err, out)
	}
	return string(out), err
}
