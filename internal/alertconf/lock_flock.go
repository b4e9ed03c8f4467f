//go:build darwin || freebsd || linux || netbsd || openbsd

package alertconf

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens a file, or makes it, for one process alone: the lock ends with the process, however that ends. The error is
// errLocked if another one has it.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
