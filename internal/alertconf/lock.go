package alertconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockFile is held by the exporter that writes to a Place. It stays when that ends.
const lockFile = ".healthcheck_exporter.lock"

var errLocked = errors.New("locked by another process")

// A LockedError says that another exporter writes to a directory.
type LockedError struct{ Dir string }

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another healthcheck_exporter writes to %q: each needs an alertmanager.dir of its own, or only one of them may have the section", e.Dir)
}

// Lock keeps every other exporter away from a Place, and removes what one that was killed has left there. The error is a
// LockedError if another one is there. Close the lock at the end.
func (p *Place) Lock() (*Lock, error) {
	f, err := openLocked(filepath.Join(p.Dir, lockFile))
	switch {
	case errors.Is(err, errLocked):
		return nil, &LockedError{p.Dir}
	case err != nil:
		return nil, err
	}
	if err := p.tidy(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// A Lock is held until it is closed, or the process ends.
type Lock struct{ file *os.File }

// Close gives it up.
func (l *Lock) Close() error { return l.file.Close() }
