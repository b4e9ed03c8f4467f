//go:build !unix

package command

import (
	"os/exec"
	"sync/atomic"
)

// ownGroup does nothing, because there are no process groups here: the program alone is killed at the deadline.
func ownGroup(*exec.Cmd, *User) (stopped *atomic.Bool) { return new(atomic.Bool) }

func killGroup(*exec.Cmd) {}
