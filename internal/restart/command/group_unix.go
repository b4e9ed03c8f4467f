//go:build unix

package command

import (
	"os/exec"
	"sync/atomic"
	"syscall"
)

// ownGroup gives the program a process group of its own, all of which is told to stop at the deadline, and the rights of
// the user; stopped is true once it was told.
func ownGroup(cmd *exec.Cmd, user *User) (stopped *atomic.Bool) {
	stopped = new(atomic.Bool)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if user != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID}
	}
	cmd.Cancel = func() error {
		stopped.Store(true)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	return stopped
}

// killGroup ends what is left of the group; that there is nothing left is no error.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
