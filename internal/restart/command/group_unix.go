//go:build unix

package command

import (
	"os/exec"
	"sync/atomic"
	"syscall"
)

// ownGroup gives the program the rights of the user and a process group of its own. The whole group is told to stop at the
// deadline; stopped is true once it was told.
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

// killGroup ends what is left of the group. It is not an error if nothing is left.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
