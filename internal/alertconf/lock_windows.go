package alertconf

import (
	"errors"
	"os"
	"syscall"
)

// sharingViolation is what Windows says of a file that another process has opened for itself alone (ERROR_SHARING_VIOLATION).
const sharingViolation = syscall.Errno(32)

// openLocked opens a file, or makes it, for one process alone. The error is errLocked if another one has it.
func openLocked(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		err = errLocked
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}
