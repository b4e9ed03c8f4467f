//go:build unix

package command

import (
	"os/exec"
	"sync/atomic"
	"syscall"
)

// ownGroup gives the program a process group of its own, all of which is told to stop at the deadline; stopped is
// true once it was.
func ownGroup(cmd *exec.Cmd) (stopped *atomic.Bool) {
	stopped = new(atomic.Bool)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		stopped.Store(true)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	return stopped
}

// killGroup ends what is left of the group; that there is nothing left is no error.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
