//go:build !darwin && !freebsd && !linux && !netbsd && !openbsd && !windows

package alertconf

import "os"

// openLocked opens a file, or makes it. Here nothing keeps a second process away.
func openLocked(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
